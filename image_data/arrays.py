"""Images in memory: splits, sets of splits, and the checks that arrays must pass to become one."""

import dataclasses
import functools

import numpy as np

from image_data.spec import ImageSpec
from image_data.storage import aligned, hold_out

__all__ = ["ImageSet", "Split", "from_arrays"]

_BLOCK = 1024  # images checked or converted at a time, so that no check needs a second copy of the set


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Images of one purpose (training, validation or test).

    Args:
        images: uint8 [N, H, W, C], in memory or mapped from a file. Kept as given if TensorFlow can read it in place
            (contiguous, 64-byte aligned), otherwise copied once.
        labels: int64 [N], or None.
    """

    images: np.ndarray
    labels: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "images", aligned(self.images))
        if self.labels is not None:
            object.__setattr__(self, "labels", np.asarray(self.labels, np.int64))

    @property
    def count(self):
        """Number of images."""
        return len(self.images)

    def first(self, count):
        """The split of the first `count` images (of all, if there are fewer), without a copy."""
        return Split(self.images[:count], None if self.labels is None else self.labels[:count])

    @functools.cached_property
    def tensor(self):
        """The images as a uint8 tensor [N, H, W, C] that shares this array's memory."""
        import tensorflow as tf  # here: arrays are checked, and command lines refused, without it

        with tf.device("CPU"):
            return tf.experimental.dlpack.from_dlpack(self.images.__dlpack__())


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """A named set of images in three splits.

    Args:
        name: What to call it in reports.
        spec: Shape and levels of its images.
        train, validation, test: The splits.
    """

    name: str
    spec: ImageSpec
    train: Split
    validation: Split
    test: Split


def from_arrays(
    train,
    *,
    validation=None,
    test=None,
    train_labels=None,
    validation_labels=None,
    test_labels=None,
    levels=256,
    name="arrays",
):
    """An `ImageSet` of arrays in memory.

    A split that is not given is held out of the training images: a fixed tenth, stratified where there are labels.

    Args:
        train: [N, H, W, C]: uint8 values 0 .. levels - 1, or floats in [0, 1] that are such values divided by
            levels - 1.
        validation, test: The same, or None.
        train_labels, validation_labels, test_labels: Integers [N], or None.
        levels: Number of values of a pixel.
        name: What to call the set.

    Raises:
        TypeError: if something is no array of uint8 or floats, or labels are no integers.
        ValueError: if images are not [N, H, W, C], empty, not finite, out of range or no multiples of
            1 / (levels - 1), if splits differ in shape, or if labels do not fit their images.

    Example:
        >>> import numpy as np
        >>> digits = from_arrays(np.zeros([100, 28, 28, 1], np.uint8))
        >>> digits.train.count, digits.validation.count, digits.test.count
        (80, 10, 10)
    """
    given = {"train": (train, train_labels), "validation": (validation, validation_labels), "test": (test, test_labels)}
    checked = {}
    for split, (images, labels) in given.items():
        if images is None and labels is not None:
            raise ValueError(f"`{split}_labels` came without images. Expected `{split}` too. Received: {split}=None.")
        if images is not None:
            checked[split] = _checked(images, labels, split=split, levels=levels)
    shapes = {split: part.images.shape[1:] for split, part in checked.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"Splits must have images of one shape. Received: {shapes}. Resize or crop them first.")
    missing = [split for split in ("validation", "test") if split not in checked]
    if missing:
        checked |= _divide(checked["train"], missing)
    return ImageSet(name=name, spec=ImageSpec(shapes["train"], levels), **checked)


def _divide(whole, missing):
    """Splits for the `missing` names, and for "train" what they leave."""
    rows = hold_out(whole.count, parts=len(missing), labels=whole.labels)
    return {
        split: Split(whole.images[part], None if whole.labels is None else whole.labels[part])
        for split, part in zip(["train", *missing], rows, strict=True)
    }


def _checked(images, labels, *, split, levels):
    """The `Split` of an array and its labels, or the reason why they make none."""
    if not isinstance(images, np.ndarray):
        raise TypeError(
            f"`{split}` must be a NumPy array. Received: {type(images).__name__}. Convert it with np.asarray."
        )
    if images.ndim != 4:
        raise ValueError(
            f"`{split}` must have the axes [N, H, W, C]. Received: shape={images.shape}. "
            "Grey images get their channel axis with `images[..., None]`."
        )
    if min(images.shape) == 0 or images.shape[3] > 4:
        raise ValueError(
            f"`{split}` must hold at least one image, channels last (1 to 4 of them). Received: shape={images.shape}."
        )
    if images.dtype == np.uint8:
        _refuse_high(images, split=split, levels=levels)
    elif np.issubdtype(images.dtype, np.floating):
        images = _quantised(images, split=split, levels=levels)
    else:
        raise TypeError(
            f"`{split}` must be uint8, or floats in [0, 1]. Received: dtype={images.dtype}. "
            "If its values are grey levels, convert it with `images.astype(np.uint8)`."
        )
    return Split(images, None if labels is None else _checked_labels(labels, len(images), split=split))


def _checked_labels(labels, count, *, split):
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"`{split}_labels` must be integers. Received: dtype={labels.dtype}.")
    if labels.shape != (count,):
        raise ValueError(
            f"`{split}_labels` must have the shape ({count},), one for each image. Received: {labels.shape}."
        )
    return labels


def _refuse_high(images, *, split, levels):
    highest = int(images.max())
    if highest >= levels:
        raise ValueError(
            f"`{split}` must have values 0 .. {levels - 1}. Received: {highest}. Give `levels={highest + 1}` or more."
        )


def _quantised(images, *, split, levels):
    """uint8 levels of floats in [0, 1]; anything that would change by more than its rounding error is refused."""
    result = np.empty(images.shape, np.uint8)
    tolerance = max(1e-3, levels * float(np.finfo(images.dtype).eps))
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK].astype(np.float64)
        if not np.isfinite(block).all():
            first = start + int(np.flatnonzero(~np.isfinite(block).all(axis=(1, 2, 3)))[0])
            raise ValueError(f"`{split}` must be finite. Received: NaN or infinity in image {first}.")
        if block.min() < 0 or block.max() > 1:
            raise ValueError(
                f"`{split}` holds floats, which must be in [0, 1]. Received: values from {block.min():g} to {block.max():g}. "
                "If they are grey levels, convert them with `images.astype(np.uint8)`."
            )
        scaled = block * (levels - 1)
        rounded = np.rint(scaled)
        if np.abs(scaled - rounded).max() > tolerance:
            raise ValueError(
                f"`{split}` holds floats, which must be multiples of 1/{levels - 1}, as images of {levels} levels are. "
                "Received: values between them. Round them: `np.rint(images * 255).astype(np.uint8)`."
            )
        result[start : start + _BLOCK] = rounded
    return result
