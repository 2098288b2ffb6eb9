"""How the training went."""

import math

import numpy as np

from vae_flows.reports.figure_style import QUIET, SERIES, new_figure, tidy

__all__ = ["overlaid_curves", "training_curves"]

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
    "nll": "NLL",
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
    large = tidy(figure.add_subplot(grid[:, :2]), title=f"{title}, nats per image", x="optimizer step", whole=True)
    _lines(large, history, main)
    large.legend(frameon=False, fontsize=9, labelcolor=QUIET)
    for place, name in enumerate(panels):
        cell = grid[place // 2, 2 + place % 2]
        _lines(tidy(figure.add_subplot(cell), title=_PANELS[name], x="optimizer step", whole=True), history, name)
    return figure


def overlaid_curves(histories):
    """A figure with the validation curves of several runs, one panel for each data set and quantity; None if there are none.

    Args:
        histories: {data set: {run: history as `read_history` gives it}}. The first quantity that training and validation
            have is shown: a bound that nothing trains may rise.
    """
    panels = {}
    for dataset, runs in histories.items():
        for run, history in runs.items():
            known = [series for series in _MAIN if "validation" in history.get(series, {})]
            if known:
                shown = max(known, key=lambda series: "train" in history[series])
                panels.setdefault((dataset, _MAIN[shown]), {})[run] = history[shown]["validation"]
    if not panels:
        return None
    columns = {title: _key_columns(lines) for title, lines in panels.items()}
    key = sum(math.ceil(len(lines) / columns[title]) for title, lines in panels.items())  # lines of text
    figure = new_figure(6.4, 3.6 * len(panels) + 0.18 * key)
    figure.set_layout_engine("constrained")
    for axes, (title, lines) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels.items(), strict=True):
        tidy(axes, title=f"{': '.join(title)}, nats per image", x="optimizer step", whole=True)
        for position, (run, line) in enumerate(lines.items()):
            style = {"linestyle": ("-", "--", ":", "-.")[position // len(SERIES) % 4], "linewidth": 1.6, "marker": "o"}
            axes.plot(*line, color=SERIES[position % len(SERIES)], markersize=2.5, label=run, **style)
        _fit_axes(axes, lines.values(), start=0.3)  # of its own: a short run beside long ones would be nowhere
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": columns[title]}
        axes.legend(frameon=False, fontsize=8, labelcolor=QUIET, **below)
    return figure


def _key_columns(names):
    """How many names fit side by side below a curve."""
    return min(3, len(names), max(1, 80 // (max(map(len, names)) + 6)))


def _lines(axes, history, name):
    for position, (part, (steps, values)) in enumerate(sorted(history[name].items())):
        colour = _COLOURS.get(part, SERIES[position % len(SERIES)])
        marker = "o" if len(steps) <= 40 else None
        axes.plot(steps, values, color=colour, linewidth=1.6, marker=marker, markersize=2.5, label=part)
    _fit_axes(axes, history[name].values(), start=0.1 if name in _FALLING else 0.0)


def _fit_axes(axes, lines, *, start):
    """The range of the values from the share `start` on; a constant is a level line over zero."""
    low, high = _limits(lines, start=start)
    margin = 0.05 * (high - low)
    if margin > 1e-6 * abs(high):
        axes.set_ylim(low - margin, high + margin)
    elif high > 0.0:
        axes.set_ylim(0.0, 1.25 * high)
    axes.ticklabel_format(axis="both", scilimits=(-3, 6), useOffset=False)


def _limits(lines, *, start):
    """The least and largest value from the share `start` of each line on: a plunge would flatten all that follows."""
    late = np.concatenate([values[steps >= start * steps[-1]] for steps, values in lines])
    late = late[np.isfinite(late)]
    return (late.min(), late.max()) if late.size else (0.0, 0.0)
