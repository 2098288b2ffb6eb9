"""Many images as one picture."""

import numpy as np

__all__ = ["tile"]


def tile(images, *, columns, gap=None):
    """One picture of many, row by row from the top left; what the last row lacks is black.

    Args:
        images: [N, H, W, C], any dtype.
        columns: Images in a row.
        gap: Pixels of zeros between images; None for none between grey ones, and a few between those of colours.

    Returns:
        [rows * H + (rows - 1) * gap, columns * W + (columns - 1) * gap, C], the dtype of `images`.

    Raises:
        ValueError: if `images` is not [N, H, W, C] with N at least 1, or `columns` is less than 1.

    Example:
        >>> import numpy as np
        >>> tile(np.ones([5, 28, 28, 1]), columns=3).shape
        (56, 84, 1)
    """
    images = np.asarray(images)
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(f"`images` must be [N, H, W, C], N at least 1. Received: shape={images.shape}.")
    if columns < 1:
        raise ValueError(f"`columns` must be at least 1. Received: columns={columns}.")
    count, height, width, channels = images.shape
    if gap is None:
        gap = 0 if channels == 1 else max(1, width // 24)
    rows = -(-count // columns)
    cells = np.zeros([rows * columns, height + gap, width + gap, channels], images.dtype)
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, height + gap, width + gap, channels).swapaxes(1, 2)
    picture = cells.reshape(rows * (height + gap), columns * (width + gap), channels)
    return picture[: picture.shape[0] - gap, : picture.shape[1] - gap]
