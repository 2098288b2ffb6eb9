"""Memory that TensorFlow can read in place, and the fixed divisions of a set: into splits, into blocks."""

import math

import numpy as np

__all__ = ["ALIGNMENT", "HOLD_OUT", "aligned", "allocate", "block_slices", "hold_out"]

ALIGNMENT = 64  # bytes: what TensorFlow's kernels expect of a buffer they did not allocate themselves
HOLD_OUT = 10  # every tenth image of a set without a validation (test) split
_BLOCK = 2**18  # pixels checked or converted at a time, so that neither needs a second copy of a set
_SPLIT_SEED = 20_130_610  # fixed: a split must not depend on the run


def allocate(shape):
    """An uninitialised uint8 array of the given shape that starts at a multiple of 64 bytes."""
    size = int(np.prod(shape))
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size].reshape(shape)


def aligned(images):
    """`images` itself if TensorFlow can read it in place, otherwise a copy that it can."""
    if images.flags.c_contiguous and images.flags.writeable and images.ctypes.data % ALIGNMENT == 0:
        return images
    copy = allocate(images.shape)
    copy[...] = images
    return copy


def block_slices(shape):
    """Slices of few consecutive images, at least one, that make up images [N, H, W, C].

    Example:
        >>> list(block_slices((5, 256, 256, 2)))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    size = max(1, _BLOCK // math.prod(shape[1:]))
    return (slice(start, min(start + size, shape[0])) for start in range(0, shape[0], size))


def hold_out(count, *, parts, labels=None):
    """Divides `count` images once and for all into one training and `parts` held-out sets, in random order.

    Each held-out set gets every tenth image of a fixed permutation sorted by label: a tenth of all, and a tenth of each
    class to within one image.

    Args:
        count: Number of images.
        parts: Number of held-out sets, 0, 1 or 2.
        labels: Class of each image, [count], for a stratified division.

    Returns:
        1 + parts arrays of image numbers: the training set's, then those of the held-out sets.

    Raises:
        ValueError: if there are too few images to give each set one.

    Example:
        >>> [len(part) for part in hold_out(100, parts=2)]
        [80, 10, 10]
    """
    if parts == 0:
        return [np.arange(count)]
    if count <= parts:
        raise ValueError(f"Too few images to hold any out. Expected at least {parts + 1}. Received: {count}.")
    order = np.random.Generator(np.random.PCG64(_SPLIT_SEED)).permutation(count)
    by_class = order if labels is None else order[np.argsort(labels[order], kind="stable")]
    place = np.empty(count, np.int64)
    place[by_class] = np.arange(count) % HOLD_OUT
    part = np.minimum(place[order], parts)  # 0 .. parts - 1: held out; parts: training
    return [order[part == parts], *(order[part == held] for held in range(parts))]
