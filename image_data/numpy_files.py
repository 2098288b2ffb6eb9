"""NumPy files of images."""

import math
import pathlib

import numpy as np

from vae_flows.image_data.arrays import ImageSet
from vae_flows.image_data.checks import as_levels, check_arrays, check_levels
from vae_flows.image_data.collect import MEMORY_LIMIT, cache_path, collect, version
from vae_flows.image_data.numpy_streams import Mapped, Packed, check_numbers, check_written, reading
from vae_flows.image_data.spec import ImageSpec
from vae_flows.image_data.storage import hold_out

__all__ = ["load_numpy"]

_NAMES = {  # what archives call the images and the labels of a split
    "train": ("train", "x_train", "images", "x", "arr_0"),
    "validation": ("validation", "x_validation", "x_val"),
    "test": ("test", "x_test"),
    "train_labels": ("train_labels", "y_train", "labels", "y"),
    "validation_labels": ("validation_labels", "y_validation", "y_val"),
    "test_labels": ("test_labels", "y_test"),
}
_SPLITS = ("train", "validation", "test")


def load_numpy(path, *, memory_limit=MEMORY_LIMIT):
    """The images in a `.npy` or `.npz` file.

    A `.npy` file holds the training images. A `.npz` file holds arrays called `train`, `validation`, `test` and
    `train_labels`, ..., or as Keras calls them `x_train`, `y_train`, `x_test`, `y_test`, or just `images` and `labels`.
    Splits that are missing are fixed tenths of the training images. Images are [N, H, W, C] or, if grey, [N, H, W]; of
    type uint8, floats in [0, 1], or boolean, which makes a set of two levels. They are read, checked and converted block
    by block, so that only their levels, if these fit, are ever in memory.

    Args:
        path: The file.
        memory_limit: Bytes of pixels above which the set is kept in files.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is broken, or its arrays are no images, as `from_arrays` says.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Expected a .npy or .npz file of images.")
    check_written(path)
    with reading(path):
        loaded = np.load(path, allow_pickle=False, mmap_mode="r")  # maps a .npy file, opens an archive
    if isinstance(loaded, np.ndarray):
        return _read(path, {"train": Mapped(loaded)}, {}, memory_limit=memory_limit)
    with loaded as archive:
        names = _named(path, [name[:-4] for name in archive.zip.namelist() if name.endswith(".npy")])
        images = {split: Packed(archive, names[split], path=path) for split in _SPLITS if split in names}
        named = {split: names[f"{split}_labels"] for split in _SPLITS if f"{split}_labels" in names}
        labels = {split: _labels(archive, name, path=path) for split, name in named.items()}
        return _read(path, images, labels, memory_limit=memory_limit)


def _named(path, present):
    """The name in an archive of each split's images and labels, of those that are present."""
    names = {what: [name for name in known if name in present] for what, known in _NAMES.items()}
    if not names["train"]:
        raise ValueError(
            f"The file {path} holds no training images. Expected an array called {', '.join(_NAMES['train'])}. "
            f"Received: {', '.join(present) or 'no arrays'}."
        )
    return {what: found[0] for what, found in names.items() if found}


def _labels(archive, name, *, path):
    """The array of that name, once it is known to hold numbers."""
    with reading(path):
        stream = archive.zip.open(f"{name}.npy")
    with stream:
        check_numbers(stream, path, name, labels=True)
    with reading(path):
        return archive[name]


def _read(path, arrays, labels, *, memory_limit):
    """The set that stored arrays make, by split."""
    try:
        labels = check_arrays(*({split: each.get(split) for split in _SPLITS} for each in (arrays, labels)))
    except TypeError as error:
        raise ValueError(f"The file {path} holds no images. {error}") from error
    spec = ImageSpec(arrays["train"].shape[1:], 2 if all(array.boolean for array in arrays.values()) else 256)
    bulky = sum(math.prod(array.shape) for array in arrays.values()) > memory_limit
    if bulky and any(array.interleaved for array in arrays.values()):
        raise ValueError(
            f"The file {path} is too large to be read whole. Expected arrays in C order, which are read block by block. "
            "Received: Fortran order. Save them with `np.savez(path, train=np.ascontiguousarray(images))`."
        )
    cache = cache_path(path.stem, [str(path.resolve()), *version(path)]) if bulky else None
    missing = [split for split in _SPLITS if split not in arrays]
    splits = {}
    for source, array in arrays.items():
        targets = ["train", *missing] if source == "train" else [source]
        rows = hold_out(array.shape[0], parts=len(targets) - 1, labels=labels[source])
        blocks = _blocks(array, labels[source], split=source, levels=spec.levels)
        parts = collect(blocks, rows=rows, shape=spec.shape, cache=cache and cache / source)
        splits |= zip(targets, parts, strict=True)
    check_levels(splits["train"].images, levels=spec.levels)
    return ImageSet(name=path.stem, spec=spec, **splits)


def _blocks(array, labels, *, split, levels):
    """Yields (uint8 [B, H, W, C], labels [B] or None) for consecutive images of a stored array."""
    first = 0
    for block in array:
        here = slice(first, first + len(block))
        yield as_levels(block, split=split, levels=levels, first=first), None if labels is None else labels[here]
        first = here.stop
