"""The posterior of single images in a latent plane, beside the true one."""

import dataclasses

import numpy as np
import tensorflow as tf
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from vae_flows.estimators.placed_noise import PlacedNoise
from vae_flows.image_data.grid import tile
from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.reports.figure_style import QUIET, SERIES, new_figure, tidy
from vae_flows.reports.images import in_colour, to_bytes

__all__ = ["Plane", "posterior_contours", "posterior_planes", "spread_of_fits"]

_CELLS, _SEARCH_CELLS = 160, 48  # per side of the plane
_TOGETHER = 1024  # points of it evaluated together
_TOGETHER_RANKED = 16  # images
_RANKING = 64  # samples of q(z | x) that tell how well it fits
_SCOUTS = 512  # samples that show where the densities may lie
_FAR = 1e6  # a picture shows no further
_ZOOMS = 8  # attempts at finding the region
_FAINT = 1e-3  # densities below this share of their maximum are not worth showing
_SHARES = (0.99, 0.9, 0.7, 0.5, 0.3, 0.1)  # of the probability, inside each contour


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """Densities over a grid of the latent plane for one image.

    Args:
        x, y: Coordinates z[0] and z[1] of the grid, [M].
        densities: By name, densities on the grid [M, M], rows along y.
    """

    x: np.ndarray
    y: np.ndarray
    densities: dict[str, np.ndarray]

    @property
    def cell(self):
        """Area of a cell of the grid."""
        return (self.x[1] - self.x[0]) * (self.y[1] - self.y[0])

    def divergence(self, first, second):
        """KL(first || second) in nats of two of the densities, by the sum over the grid.

        Example:
            >>> import scipy.stats
            >>> x = np.linspace(-6.0, 6.0, 200)
            >>> normal = lambda loc: scipy.stats.multivariate_normal([loc, 0]).pdf(np.dstack(np.meshgrid(x, x)))
            >>> round(Plane(x, x, {"q": normal(0.0), "p": normal(1.0)}).divergence("q", "p"), 4)
            0.5
        """
        q, p = self.densities[first], self.densities[second]
        here = q > 0.0
        ratio = np.log(q[here]) - np.log(np.maximum(p[here], np.finfo(np.float64).tiny))
        return float(np.sum(q[here] * ratio) * self.cell)


def spread_of_fits(subject, images):
    """Numbers of three of the images: where q(z | x) fits p(z | x) best, in the middle, and worst; fewer of fewer images.

    KL(q || p) = log E_q[w] - E_q[log w],  w = p(x, z) / q(z | x),  estimated with few samples, for the order only
    """

    seed = key(subject.seed, Purpose.FITS)

    def divergence(x, first):
        noise = PlacedNoise.of(seed, images=tf.shape(x)[0], first=first, dtype=x.dtype).normal(
            count=_RANKING, features=2
        )
        log_weights = tf.cast(subject.model.infer(x).log_weight(noise), tf.float64)  # [samples, B]
        return tf.reduce_logsumexp(log_weights, 0) - tf.reduce_mean(log_weights, 0)

    order = np.argsort(
        subject.image_by_image(divergence, images, batch=_TOGETHER_RANKED, label="fits of the posterior")
    )
    return order[np.unique([0, len(order) // 2, len(order) - 1])]


def posterior_planes(model, images, *, seed):
    """For each image the `Plane` of p(z | x) and q(z | x), and that of the Gaussian before q's flow, None without a flow.

    Where q is refined, the first plane has the laws that lead to it, too.

    Args:
        model: `LatentModel` with `latent_features` 2.
        images: Prepared images [N, H, W, C].
        seed: int32 [2], of the samples that find the region worth showing.

    Returns:
        List of (`Plane` with "true" and "posterior", `Plane` with "base" or None).
    """
    return [_planes(model, images[i : i + 1], seed) for i in range(len(images))]


def _planes(model, image, seed):
    posterior, base = (model.infer(image, start=start) for start in ("posterior", "base"))
    u = PlacedNoise.of(seed, images=1, dtype=model.variable_dtype).normal(count=_SCOUTS, features=2)
    z, z0 = (start.latent(u).numpy()[:, 0] for start in (posterior, base))  # [samples, 2]
    path = {name: law.log_prob for name, law in list(model.path(image).items())[:-1]}  # the last is q
    both = _zoomed({"true": posterior.log_joint, "posterior": posterior.log_prob, **path}, z)
    true = both.densities["true"]
    true /= max(true.sum() * both.cell, np.finfo(np.float64).tiny)  # p(x, z) -> p(z | x)
    return both, None if path or np.allclose(z, z0) else _zoomed({"base": base.log_prob}, z0)


def _zoomed(log_densities, samples):
    """The `Plane` of the region where the densities are worth showing, found from one around the samples."""
    samples = np.clip(np.nan_to_num(samples), -_FAR, _FAR)
    low, high = samples.min(0), samples.max(0)
    box = np.stack([low, high]) + np.stack([low - high, high - low]) / 2 + [[-1e-3], [1e-3]]
    for _ in range(_ZOOMS):
        plane = _plane(log_densities, box, cells=_SEARCH_CELLS, dtype=samples.dtype)
        seen = np.logical_or.reduce([density > _FAINT * density.max() for density in plane.densities.values()])
        if not seen.any():
            break
        columns, rows = (np.flatnonzero(seen.any(axis))[[0, -1]] for axis in (0, 1))
        cells = np.stack([columns, rows], 1)  # first and last of each side that are worth showing
        cut = (cells == [0, 0]) | (cells == [_SEARCH_CELLS - 1, _SEARCH_CELLS - 1])
        if not cut.any() and np.all(np.diff(cells, axis=0) > _SEARCH_CELLS / 2):
            break
        margin = np.where(cut, _SEARCH_CELLS / 2, 2) * [[-1], [1]]
        box = box[0] + (cells + margin) * (box[1] - box[0]) / (_SEARCH_CELLS - 1)
    return _plane(log_densities, box, cells=_CELLS, dtype=samples.dtype)


def _plane(log_densities, box, *, cells, dtype):
    x, y = (np.linspace(*box[:, side], cells) for side in range(2))
    z = np.stack(np.meshgrid(x, y), -1).reshape(-1, 1, 2).astype(dtype)  # [cells * cells, 1, 2]
    parts = [tf.constant(z[i : i + _TOGETHER]) for i in range(0, len(z), _TOGETHER)]
    logs = {name: np.concatenate([log_density(part) for part in parts]) for name, log_density in log_densities.items()}
    for name, each in logs.items():  # far out a flow's inverse may overflow: nothing lies there
        logs[name] = np.where(np.isfinite(each), each, -np.inf).astype(np.float64)
    if "true" in logs and np.isfinite(logs["true"]).any():
        logs["true"] -= logs["true"].max()  # exp must not vanish; `_planes` gives it its integral
    return Plane(x, y, {name: np.exp(each).reshape(cells, cells) for name, each in logs.items()})


def posterior_contours(images, planes):
    """A figure with one row for each image: the image, q(z | x) over p(z | x), and what q comes from, if anything.

    Args:
        images: Pictures [N, H, W, C], uint8 or in [0, 1].
        planes: What `posterior_planes` gives for them.
    """
    laws = [*list(planes[0][0].densities)[2:], "posterior"]  # those that lead to q, and q
    columns = 1 + len(laws) + any(base is not None for _, base in planes)
    figure = new_figure(3.4 * columns - 1.4, 3.2 * len(planes) + 0.4)
    figure.set_layout_engine("constrained")
    ratios = [0.6, *(1.0 for _ in range(columns - 1))]
    grid = figure.subplots(len(planes), columns, squeeze=False, width_ratios=ratios)
    for row, image, (both, base) in zip(grid, images, planes, strict=True):
        row[0].imshow(in_colour(tile(to_bytes(image[None]), columns=1)), interpolation="nearest")
        row[0].set_axis_off()
        for axes, name in zip(row[1:], laws, strict=False):
            law = "KL(q" if name == "posterior" else f"{name}, KL(r"
            tidy(axes, title=f"{law} || p) = {both.divergence(name, 'true'):.2f}")
            _shades(axes, both, "true", SERIES[0])
            _contours(axes, both, name, SERIES[1])
        if base is not None:
            tidy(row[2], title="q before its flow")
            _shades(row[2], base, "base", QUIET)
            _contours(row[2], base, "base", QUIET)
    names = {"true posterior p(z|x)": Patch(color=SERIES[0]), "q(z|x)": Line2D([], [], color=SERIES[1])}
    figure.legend(names.values(), names, loc="outside lower center", ncols=2, frameon=False, labelcolor=QUIET)
    return figure


def _shades(axes, plane, name, colour):
    """The density from nothing to `colour`."""
    density = plane.densities[name]
    axes.grid(False)
    if density.any():  # else it is narrower than the grid can show
        shades = LinearSegmentedColormap.from_list("shades", [to_rgba(colour, 0.0), colour])
        axes.contourf(plane.x, plane.y, density, levels=np.linspace(0.01, 1.0, 24) * density.max(), cmap=shades)


def _contours(axes, plane, name, colour):
    """Lines around given shares of the density's probability."""
    density = plane.densities[name]
    if density.any():
        levels = np.unique(_levels(density))
        axes.contour(plane.x, plane.y, density, levels=levels, colors=[colour], linewidths=0.9)


def _levels(density):
    """Heights whose contours hold the shares `_SHARES` of the probability."""
    heights = np.sort(density.ravel())[::-1]
    inside = np.cumsum(heights) / heights.sum()
    return [heights[min(np.searchsorted(inside, share), len(heights) - 1)] for share in _SHARES]
