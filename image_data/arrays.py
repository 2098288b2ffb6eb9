"""Images in memory: splits, sets of splits, and how arrays become one."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from vae_flows.image_data.checks import as_levels, check_arrays, check_levels
from vae_flows.image_data.spec import ImageSpec
from vae_flows.image_data.storage import aligned, allocate, block_slices, hold_out

__all__ = ["ImageSet", "Split", "from_arrays"]


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
        classes: Names of the labels 0, 1, ..., or None.
    """

    name: str
    spec: ImageSpec
    train: Split
    validation: Split
    test: Split
    classes: Sequence[str] | None = None


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
        train: [N, H, W, C]: integers 0 .. levels - 1 of any type, or floats in [0, 1] that are such values divided by
            levels - 1.
        validation, test: The same, or None.
        train_labels, validation_labels, test_labels: Integers [N], or None.
        levels: Number of values of a pixel.
        name: What to call the set.

    Raises:
        TypeError: if something is no array of integers or floats, or labels are no integers.
        ValueError: if images are not [N, H, W, C], empty, not finite, out of range, integers 0 and 1 alone of more levels, or
            no multiples of 1 / (levels - 1), if splits differ in shape, or if labels do not fit their images.

    Example:
        >>> import numpy as np
        >>> digits = from_arrays(np.zeros([100, 28, 28, 1], np.uint8))
        >>> digits.train.count, digits.validation.count, digits.test.count
        (80, 10, 10)
    """
    images = {"train": train, "validation": validation, "test": test}
    for split, array in images.items():
        if not isinstance(array, np.ndarray) and (array is not None or split == "train"):
            raise TypeError(
                f"`{split}` must be a NumPy array. Received: {type(array).__name__}. Convert it with np.asarray."
            )
    labels = check_arrays(images, {"train": train_labels, "validation": validation_labels, "test": test_labels})
    splits = {split: Split(_levels(images[split], split, levels), labels[split]) for split in labels}
    check_levels(splits["train"].images, levels=levels)
    missing = [split for split in ("validation", "test") if split not in splits]
    if missing:
        splits |= _divide(splits["train"], missing)
    return ImageSet(name=name, spec=ImageSpec(train.shape[1:], levels), **splits)


def _divide(whole, missing):
    """Splits for the `missing` names, and for "train" what they leave."""
    rows = hold_out(whole.count, parts=len(missing), labels=whole.labels)
    return {
        split: Split(whole.images[part], None if whole.labels is None else whole.labels[part])
        for split, part in zip(["train", *missing], rows, strict=True)
    }


def _levels(images, split, levels):
    """uint8 levels of an array, which is that array if it holds them already."""
    if images.dtype == np.uint8:
        return as_levels(images, split=split, levels=levels)
    result = allocate(images.shape)
    for block in block_slices(images.shape):
        result[block] = as_levels(images[block], split=split, levels=levels, first=block.start)
    return result
