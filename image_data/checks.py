"""What arrays must be to become images, whether they lie in memory or are read block by block from a file."""

import numpy as np

from vae_flows.image_data.storage import block_slices

__all__ = ["as_levels", "check_arrays", "check_levels"]


def check_arrays(images, labels):
    """Refuses arrays that make no set of images, as far as their shapes, types and labels tell.

    Args:
        images: For each split an array, or anything else with `shape` and `dtype`, or None if the split is not given.
        labels: For each split the labels of its images, or None.

    Returns:
        For each given split its labels, integers [N], or None.

    Raises:
        TypeError: if images are of another type than integers or floats, or labels are no integers.
        ValueError: if images are not [N, H, W, C] or empty, if splits differ in shape, or if labels do not fit.
    """
    for split, array in images.items():
        if array is None and labels[split] is not None:
            raise ValueError(f"`{split}_labels` came without images. Expected `{split}` too. Received: {split}=None.")
    given = {split: array for split, array in images.items() if array is not None}
    for split, array in given.items():
        _check_images(array.shape, array.dtype, split=split)
    checked = {split: _checked_labels(labels[split], array.shape[0], split=split) for split, array in given.items()}
    shapes = {split: array.shape[1:] for split, array in given.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"Splits must have images of one shape. Received: {shapes}. Resize or crop them first.")
    return checked


def as_levels(block, *, split, levels, first=0):
    """uint8 levels of a block of images; anything that would change by more than its rounding error is refused.

    Args:
        block: [B, H, W, C]: integers 0 .. levels - 1, given back as they are if uint8, or such values divided by levels - 1.
        split: What to call the images in an error.
        levels: Number of values of a pixel.
        first: Number of the block's first image.

    Raises:
        ValueError: if a value is not finite, out of range, or no multiple of 1 / (levels - 1).
    """
    if np.issubdtype(block.dtype, np.integer):
        _check_integers(block, split=split, levels=levels)
        return block.astype(np.uint8, copy=False)
    tolerance = max(1e-3, levels * float(np.finfo(block.dtype).eps))
    block = block.astype(np.float64)
    if not np.isfinite(block).all():
        bad = first + int(np.flatnonzero(~np.isfinite(block).all(axis=(1, 2, 3)))[0])
        raise ValueError(f"`{split}` must be finite. Received: NaN or infinity in image {bad}.")
    if block.min() < 0 or block.max() > 1:
        raise ValueError(
            f"`{split}` holds floats, which must be in [0, 1]. Received: values from {block.min():g} to {block.max():g}. "
            f"{_rescaling(block.min(), block.max(), levels)}"
        )
    scaled = block * (levels - 1)
    rounded = np.rint(scaled)
    if np.abs(scaled - rounded).max() > tolerance:
        raise ValueError(
            f"`{split}` holds floats, which must be multiples of 1/{levels - 1}, as images of {levels} levels are. "
            "Received: values between them. Round them: "
            f"`np.rint(images * {levels - 1}).astype(np.uint8)`."
        )
    return rounded.astype(np.uint8)


def check_levels(images, *, levels):
    """Refuses levels [N, H, W, C] of 0 and 1 alone where there are more: white would be all but black.

    Raises:
        ValueError: if the brightest pixel is 1.
    """
    parts = (images[here] for here in block_slices(images.shape))
    if levels > 2 and not any(part.max() > 1 for part in parts) and images.any():
        raise ValueError(
            f"Images of {levels} levels must be brighter than 1 somewhere. Received: 0 and 1 alone. "
            "Give black and white as booleans or with `levels=2`, or multiply it by 255."
        )


def _check_images(shape, dtype, *, split):
    if len(shape) != 4:
        flat = "`images.reshape(-1, height, width, channels)` of flat ones"
        remedy = "`images[..., None]` of grey images" if len(shape) == 3 else flat
        raise ValueError(f"`{split}` must have the axes [N, H, W, C]. Received: shape={shape}. Give {remedy}.")
    if min(shape) == 0 or shape[3] > 4:
        remedy = " Give `images.transpose(0, 2, 3, 1)`." if shape[1] in (1, 3) and min(shape) else ""
        raise ValueError(
            f"`{split}` must hold at least one image, channels last (1 to 4 of them). Received: shape={shape}.{remedy}"
        )
    if not np.issubdtype(dtype, np.integer) and not np.issubdtype(dtype, np.floating):
        raise TypeError(
            f"`{split}` must be integers, or floats in [0, 1]. Received: dtype={dtype}. "
            "If its values are grey levels, convert it with `images.astype(np.uint8)`."
        )


def _checked_labels(labels, count, *, split):
    if labels is None:
        return None
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"`{split}_labels` must be integers. Received: dtype={labels.dtype}.")
    if labels.shape != (count,):
        raise ValueError(
            f"`{split}_labels` must have the shape ({count},), one for each image. Received: {labels.shape}."
        )
    return labels


def _check_integers(images, *, split, levels):
    lowest, highest = int(images.min()), int(images.max())
    if lowest < 0 or highest >= levels:
        remedy = f"Give `levels={highest + 1}` or more." if lowest >= 0 and highest < 256 else "Scale them to that."
        if lowest >= 0 and highest >= 256:  # as 16-bit files have them
            remedy = f"Scale them: `np.rint(images * ({levels - 1} / 65535)).astype(np.uint8)`, if they are of 16 bits."
        raise ValueError(
            f"`{split}` must have values 0 .. {levels - 1}. Received: values from {lowest} to {highest}. {remedy}"
        )


def _rescaling(lowest, highest, levels):
    """What to do about floats outside [0, 1]."""
    if lowest >= -1 and highest <= 1:
        return "If they are on a scale from -1 to 1, bring them to [0, 1]: `(images + 1) / 2`."
    if lowest >= 0 and highest <= levels - 1:
        return "If they are grey levels, convert them: `np.rint(images).astype(np.uint8)`."
    return "If they were standardised, multiply by the deviation and add the mean again."
