"""Pictures of data, samples and reconstructions, with every image pixel an exact square of screen pixels."""

import math

import numpy as np
from matplotlib.textpath import TextPath

from vae_flows.image_data.grid import tile
from vae_flows.reports.figure_style import QUIET, new_figure

__all__ = ["image_grid", "in_colour", "labelled_rows", "reconstruction_pairs", "to_bytes"]

_WIDTH = 1600  # screen pixels that a picture aims to fill
_MARGIN = 24
_LABEL = 350  # room for labels, if they need no more
_SIZE = 15  # points, of letters that are read when a phone shows the picture at a fifth of its size
_GAP = 18  # between a label and its row


def to_bytes(images):
    """Images in [0, 1] or already uint8, as uint8 of the same shape; values outside [0, 1] are clipped."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)


def in_colour(picture):
    """A picture [H, W] or [H, W, C] as Matplotlib takes it: grey as RGB, a second channel as green."""
    picture = np.atleast_3d(picture)
    if picture.shape[2] == 1:
        return np.broadcast_to(picture, (*picture.shape[:2], 3))
    return np.pad(picture, [(0, 0), (0, 0), (0, 1)]) if picture.shape[2] == 2 else picture


def image_grid(images, *, columns=16):
    """A figure of images [N, H, W, C], uint8 or in [0, 1], in rows of `columns`."""
    return _picture(_sheet(images, columns=min(columns, len(images))))


def reconstruction_pairs(originals, reconstructions, *, columns=12):
    """A figure of two labelled rows per `columns` images: the original above its reconstruction.

    Args:
        originals: Images [N, H, W, C], uint8 or in [0, 1].
        reconstructions: The same images as the model returns them, same shape.
    """
    if np.shape(originals) != np.shape(reconstructions):
        raise ValueError(
            "Originals and reconstructions must have one shape. "
            f"Received: {np.shape(originals)} and {np.shape(reconstructions)}."
        )
    columns = min(columns, len(originals))
    rows = len(originals) // columns
    pairs = np.stack([to_bytes(originals), to_bytes(reconstructions)])[
        :, : rows * columns
    ]  # [2, rows * columns, H, W, C]
    by_row = pairs.reshape(2, rows, columns, *pairs.shape[2:]).swapaxes(0, 1)  # [rows, 2, columns, H, W, C]
    return _picture(
        _sheet(by_row.reshape(-1, *pairs.shape[2:]), columns=columns), labels=("original", "reconstruction") * rows
    )


def labelled_rows(pictures, labels):
    """A figure of a model's view: one labelled row for each stage, one column for each image.

    Args:
        pictures: [N, M, H, W, C], uint8 or in [0, 1].
        labels: M words.
    """
    stages = to_bytes(pictures).swapaxes(0, 1)  # [M, N, H, W, C]
    return _picture(_sheet(stages.reshape(-1, *stages.shape[2:]), columns=stages.shape[1]), labels=labels)


def _sheet(images, *, columns):
    """Images [N, H, W, C] as a mosaic in which nothing covers what is between those of colours, [H', W', 1 or 4]."""
    images = to_bytes(images)
    if images.shape[-1] in (2, 3):
        coloured = np.pad(images, [(0, 0)] * 3 + [(0, 3 - images.shape[-1])])
        images = np.pad(coloured, [(0, 0)] * 3 + [(0, 1)], constant_values=255)
    return tile(images, columns=columns)


def _picture(mosaic, *, labels=()):
    """Place the mosaic [H, W] or [H, W, C] (uint8) pixel by pixel, without any resampling."""
    mosaic = in_colour(mosaic)
    zoom = max(1, round(_WIDTH / mosaic.shape[1]))
    pixels = mosaic.repeat(zoom, axis=0).repeat(zoom, axis=1)
    figure = new_figure(1.0, 1.0)
    letters = [TextPath((0, 0), label, size=_SIZE).get_extents().width * figure.dpi / 72 for label in labels]
    left = max(_LABEL, math.ceil(max(letters)) + _GAP + _MARGIN) if labels else _MARGIN
    width, height = left + pixels.shape[1] + _MARGIN, pixels.shape[0] + 2 * _MARGIN
    figure.set_size_inches(width / figure.dpi, height / figure.dpi)
    figure.figimage(pixels, xo=left, yo=_MARGIN, origin="upper")
    for row, label in enumerate(labels):
        y = (_MARGIN + pixels.shape[0] * (1.0 - (row + 0.5) / len(labels))) / height
        figure.text((left - _GAP) / width, y, label, fontsize=_SIZE, color=QUIET, ha="right", va="center")
    return figure
