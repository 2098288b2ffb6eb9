"""Whether an estimate can be believed, as figures."""

import numpy as np

from vae_flows.reports.figure_style import QUIET, SERIES, new_figure, tidy

__all__ = ["annealing_diagnostics", "bracket_curve"]


def annealing_diagnostics(annealed, reference):
    """A figure of an annealed estimate: acceptance and step size along the schedule, and agreement image by image.

    Args:
        annealed: `Estimate` by `HamiltonianAIS`.
        reference: `Estimate` of the same images by importance sampling.
    """
    figure = new_figure(11.0, 3.6)
    figure.set_layout_engine("constrained")
    left, middle, right = figure.subplots(1, 3)
    where = "stretch of the schedule, start to posterior"
    _along(tidy(left, title="Acceptance", x=where), annealed.acceptance)
    left.set_ylim(0.0, 1.02)
    _along(tidy(middle, title="Leapfrog step size", x=where), annealed.step_size)
    middle.set_ylim(bottom=0.0)
    title = f"HAIS - importance, mean {reference.mean - annealed.mean:+.2f}"
    _differences(tidy(right, title=title, x="NLL by importance sampling", y="nats"), annealed, reference)
    return figure


def bracket_curve(brackets, reference):
    """A figure of the mean lower and upper bound of NLL against the number of temperatures.

    Args:
        brackets: {temperatures: `Bracket`}.
        reference: `Estimate` of the same images by importance sampling, a line across.
    """
    temperatures = np.array(sorted(brackets))
    figure = new_figure(7.6, 4.2)
    figure.set_layout_engine("constrained")
    axes = tidy(figure.subplots(), title="Bracket of NLL, nats per image", x="temperatures")
    sides = {side: [getattr(brackets[t], side) for t in temperatures] for side in ("upper", "lower")}
    means = {side: np.array([-estimate.mean for estimate in estimates]) for side, estimates in sides.items()}
    for (side, estimates), colour in zip(sides.items(), SERIES, strict=False):
        errors = np.nan_to_num([estimate.monte_carlo_error for estimate in estimates], posinf=0.0)
        label = "lower bound, backward" if side == "upper" else "upper bound, forward (HAIS)"
        axes.errorbar(temperatures, means[side], errors, color=colour, marker="o", markersize=4, capsize=2, label=label)
    axes.fill_between(temperatures, means["lower"], means["upper"], color=SERIES[0], alpha=0.08, linewidth=0)
    error = np.nan_to_num(reference.monte_carlo_error, posinf=0.0)
    label = f"importance sampling, K = {reference.samples:,}"
    axes.axhspan(-reference.mean - error, -reference.mean + error, color=SERIES[2], alpha=0.15, linewidth=0)
    axes.axhline(-reference.mean, color=SERIES[2], linewidth=1.4, label=label)
    axes.set_xscale("log", base=2)
    axes.set_xticks(temperatures, [f"{t:,}" for t in temperatures], minor=False)
    axes.legend(frameon=False, fontsize=9, labelcolor=QUIET)
    return figure


def _along(axes, values):
    """Median and middle half over images of values [N, S], stretch by stretch."""
    stretches = np.arange(1, values.shape[1] + 1)
    low, median, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
    axes.fill_between(stretches, low, high, color=SERIES[0], alpha=0.15, linewidth=0, label="middle half of the images")
    axes.plot(stretches, median, color=SERIES[0], linewidth=1.6, marker="o", markersize=3, label="median image")
    axes.set_xticks(stretches)
    axes.legend(frameon=False, fontsize=7, labelcolor=QUIET)


def _differences(axes, annealed, reference):
    errors = np.nan_to_num(np.hypot(annealed.errors, reference.errors), posinf=0.0)
    differences = reference.values - annealed.values
    axes.errorbar(
        *(-reference.values, differences, errors),
        **{"fmt": "o", "markersize": 3, "elinewidth": 0.8, "alpha": 0.7, "color": SERIES[0]},
    )
    axes.axhline(0.0, color=QUIET, linewidth=0.8)
    axes.axhline(differences.mean(), color=SERIES[1], linewidth=1.4, label="mean")
    axes.legend(frameon=False, fontsize=7, labelcolor=QUIET)
