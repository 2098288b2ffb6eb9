"""How every figure of a report looks, on white paper or on black, and how it is written."""

import io

from matplotlib.figure import Figure

from vae_flows.run_folder.atomic import replacing

__all__ = ["CATEGORIES", "QUIET", "SERIES", "new_figure", "png", "save", "tidy"]

QUIET = "#717b8e"  # is read on white and on black
SERIES = ("#3f7fc9", "#d9622b", "#2f8f6b", "#8b5fb0", "#b8891a", "#c2407a")
CATEGORIES = (
    *("#3f7fc9", "#d9622b", "#2f8f6b", "#c0392b", "#8b5fb0"),
    *("#8c5a3c", "#d66ba8", "#7a7f8a", "#b3a100", "#1fa3b8"),
)
_RULE = "#8a93a340"
_DOTS_PER_INCH = 200


def new_figure(width, height):
    """An empty transparent figure of `width` x `height` inches, outside pyplot's global list of figures."""
    return Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, facecolor="none")


def tidy(axes, *, title="", x="", y="", whole=False):
    """Name the axes and leave only the lines that carry information; where x is `whole` it has no ticks between integers."""
    if whole:
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, loc="left", fontsize=10, color=QUIET, fontweight="bold", pad=8)
    axes.set_xlabel(x, fontsize=9, color=QUIET)
    axes.set_ylabel(y, fontsize=9, color=QUIET)
    axes.tick_params(labelsize=8, colors=QUIET, length=3, color=_RULE)
    axes.grid(True, color=_RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_RULE)
    return axes


def save(figure, path, *, caption=None):
    """Write `figure` as a PNG at `path`, in one step: an older figure stays until the new one is whole.

    The caption, if there is one, stands in the file itself, as its description.
    """
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=figure.dpi, metadata=caption and {"Description": caption})


def png(figure):
    """The bytes of `figure` as a PNG file."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=figure.dpi)
    return held.getvalue()
