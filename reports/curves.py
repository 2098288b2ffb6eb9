"""How the training went."""

import numpy as np

from vae_flows.reports.figure_style import QUIET, SERIES, new_figure, tidy

__all__ = ["training_curves"]

_PANELS = {
    "neg_elbo": "negative ELBO, nats",
    "kl": "KL, nats",
    "neg_log_likelihood_given_z": "-log p(x|z), nats",
    "learning_rate": "learning rate",
    "kl_weight": "KL weight",
}
_MAIN = {
    "neg_elbo": "Negative ELBO",
    "neg_iwae": "Negative importance-weighted bound",
    "nll": "-log p(x)",
    "neg_log_extended": "-log p(x, w) of image and core",
    "reconstruction": "-log p(x|z) at the code",
}
_FALLING = (*_MAIN, "neg_log_likelihood_given_z")  # shown without their first plunge
_COLOURS = {"train": SERIES[0], "validation": SERIES[1]}


def training_curves(history, main="neg_elbo"):
    """A figure of what validation judges, large, and beside it the bound's terms, the learning rate and the KL weight.

    Args:
        history: {series: {writer: (steps [N], values [N])}}, as `read_history` gives it.
        main: Name of the series to show large.

    Raises:
        ValueError: if the history does not hold it.
    """
    if main not in history:
        raise ValueError(f"The training history must hold `{main}`. Received: {sorted(history) or 'an empty history'}.")
    panels = [name for name in _PANELS if name in history and name != main][:4]
    figure = new_figure(11.0 if panels else 5.6, 4.8)
    figure.set_layout_engine("constrained")
    grid = figure.add_gridspec(2, 4 if panels else 2)
    title = _MAIN.get(main, main)
    large = tidy(figure.add_subplot(grid[:, :2]), title=f"{title}, nats per image", x="optimizer step")
    _lines(large, history, main)
    large.legend(frameon=False, fontsize=9, labelcolor=QUIET)
    for place, name in enumerate(panels):
        cell = grid[place // 2, 2 + place % 2]
        _lines(tidy(figure.add_subplot(cell), title=_PANELS[name], x="optimizer step"), history, name)
    return figure


def _lines(axes, history, name):
    for position, (part, (steps, values)) in enumerate(sorted(history[name].items())):
        colour = _COLOURS.get(part, SERIES[position % len(SERIES)])
        marker = "o" if len(steps) <= 40 else None
        axes.plot(steps, values, color=colour, linewidth=1.6, marker=marker, markersize=2.5, label=part)
    low, high = _limits(history[name].values(), start=0.1 if name in _FALLING else 0.0)
    if high > low:
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.ticklabel_format(axis="both", scilimits=(-3, 6))


def _limits(lines, *, start):
    """The least and largest value from the share `start` of the training on: a plunge would flatten all that follows."""
    first = max(steps[-1] for steps, _ in lines) * start
    late = np.concatenate([values[steps >= first] for steps, values in lines])
    late = late[np.isfinite(late)]
    return (late.min(), late.max()) if late.size else (0.0, 0.0)
