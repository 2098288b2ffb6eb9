"""Where the images lie in the latent space."""

import numpy as np

from vae_flows.image_data.grid import tile
from vae_flows.reports.figure_style import CATEGORIES, QUIET, SERIES, new_figure, tidy
from vae_flows.reports.images import in_colour, to_bytes

__all__ = ["latent_map", "principal_components"]

_LEGEND_LIMIT = 20


def principal_components(codes):
    """The two directions in which `codes` vary most.

    Args:
        codes: Array [N, D], D >= 2.

    Returns:
        (coordinates [N, 2], share of the total variance of each direction [2]).

    Example:
        >>> coordinates, shares = principal_components(np.array([[0.0, 0, 3], [0, 0, -3], [0, 1, 0], [0, -1, 0]]))
        >>> shares.round(2).tolist()
        [0.9, 0.1]
    """
    centred = codes - codes.mean(axis=0)
    _, scales, directions = np.linalg.svd(np.vstack([centred, np.zeros_like(centred[:1])]), full_matrices=False)
    variances = np.square(scales)  # at least two: the row of zeros makes them so for a single code
    return centred @ directions[:2].T, variances[:2] / max(variances.sum(), np.finfo(float).tiny)


def latent_map(codes, *, before=None, change="flow", labels=None, classes=None, decode=None, cells=20):
    """A figure of latent codes coloured by label; with two latent features, also of the images that the plane decodes to.

    Both axes have one scale. Single codes far from all others are left out.

    Args:
        codes: Array [N, D] of posterior samples, D >= 2; more than two features are shown by their principal components.
        before: The same samples before the posterior's flow or refinement, [N, D], shown first and on axes of their own;
            None leaves them out.
        change: What lies between the two: "flow" or "refinement".
        labels: Integers [N], or None.
        classes: Names of the labels, or None.
        decode: Function [M, D] -> images [M, H, W, C] in [0, 1]; used when D = 2.
        cells: Images per side of the decoded plane.
    """
    codes = np.asarray(codes, np.float64)
    if codes.ndim != 2 or codes.shape[1] < 2:
        raise ValueError(f"`codes` must be [N, D] with D at least 2. Received: shape {codes.shape}.")
    planar = codes.shape[1] == 2
    parts = [("Latent codes", codes)]
    if before is not None:
        parts = [(f"Before the {change}", np.asarray(before, np.float64)), (f"After the {change}", codes)]
    panels = len(parts) + (1 if planar and decode else 0)
    figure = new_figure(1.6 + 4.9 * panels, 5.0)
    figure.set_layout_engine("constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for position, (title, part) in enumerate(parts):
        if planar:
            name = "z" if part is codes else "z0"
            x, y = f"{name}[0]", f"{name}[1]"
        else:
            part, shares = principal_components(part)
            x, y = (f"component {i + 1} ({share:.0%} of variance)" for i, share in enumerate(shares))
        _scatter(tidy(axes[position], title=title, x=x, y=y), part, labels, classes, legend=position == len(parts) - 1)
    if planar and decode:
        _decoded_plane(tidy(axes[-1], title="Decoded plane", x="z[0]", y="z[1]"), codes, decode, cells)
    return figure


def _scatter(axes, codes, labels, classes, *, legend):
    size = float(np.clip(6000.0 / len(codes), 3.0, 18.0))
    style = {"s": size, "linewidths": 0.0, "alpha": 0.75}
    low, high = _extent(codes)
    half = 0.52 * max((high - low).max(), 1e-3)
    axes.set_xlim(*(0.5 * (low + high)[0] + [-half, half]))
    axes.set_ylim(*(0.5 * (low + high)[1] + [-half, half]))
    axes.set_box_aspect(1.0)
    names = [] if labels is None else np.unique(labels)
    if not 1 < len(names) <= _LEGEND_LIMIT:
        axes.scatter(*codes.T, color=SERIES[0], **style)
        return
    for position, name in enumerate(names):
        style |= {"color": CATEGORIES[position % len(CATEGORIES)], "label": classes[name] if classes else str(name)}
        axes.scatter(*codes[labels == name].T, **style)
    if not legend:
        return
    key = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8, labelcolor=QUIET)
    for handle in key.legend_handles:
        handle.set_sizes([28.0])
        handle.set_alpha(1.0)


def _extent(codes):
    """Lowest and highest coordinates shown: all, but for single codes that lie far out, where a flow may put them."""
    low, high = np.quantile(codes, [0.005, 0.995], axis=0)
    reach = 0.5 * (high - low)
    return np.maximum(codes.min(0), low - reach), np.minimum(codes.max(0), high + reach)


def _decoded_plane(axes, codes, decode, cells):
    """Decode the centres of a `cells` x `cells` grid over the middle 98 % of the codes; row 0 is the largest z[1]."""
    low, high = np.quantile(codes, [0.01, 0.99], axis=0)
    centres = (np.arange(cells) + 0.5) / cells
    across, up = low[0] + centres * (high - low)[0], low[1] + centres[::-1] * (high - low)[1]
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    mosaic = in_colour(tile(to_bytes(decode(grid.astype(np.float32))), columns=cells, gap=0))
    axes.grid(False)
    axes.imshow(mosaic, extent=(low[0], high[0], low[1], high[1]), interpolation="nearest", aspect="auto")
