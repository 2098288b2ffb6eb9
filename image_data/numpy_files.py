"""NumPy files of images."""

import pathlib
import zipfile

import numpy as np

from image_data.arrays import from_arrays

__all__ = ["load_numpy"]

_NAMES = {  # what archives call the arguments of `from_arrays`
    "train": ("train", "x_train", "images", "x", "arr_0"),
    "validation": ("validation", "x_validation", "x_val"),
    "test": ("test", "x_test"),
    "train_labels": ("train_labels", "y_train", "labels", "y"),
    "validation_labels": ("validation_labels", "y_validation", "y_val"),
    "test_labels": ("test_labels", "y_test"),
}


def load_numpy(path):
    """The images in a `.npy` or `.npz` file.

    A `.npy` file holds the training images. A `.npz` file holds arrays called `train`, `validation`, `test` and
    `train_labels`, ..., or as Keras calls them `x_train`, `y_train`, `x_test`, `y_test`, or just `images` and `labels`.
    Splits that are missing are fixed tenths of the training images. Images are [N, H, W, C] or, if grey, [N, H, W]; of
    type uint8, floats in [0, 1], or boolean, which makes a set of two levels. The images of a `.npy` file are mapped,
    not loaded, where TensorFlow can read them in place.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: if there is none.
        ValueError, TypeError: if it is broken, or its arrays are no images, as `from_arrays` says.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Expected a .npy or .npz file of images.")
    try:
        loaded = np.load(path, allow_pickle=False, mmap_mode="c" if path.suffix == ".npy" else None)
        arrays = {"train": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"The file {path} is broken. Expected NumPy's format. Received: {error}.") from error
    if not isinstance(loaded, np.ndarray):
        arrays = _named(path, arrays)
    images = {name: array for name, array in arrays.items() if not name.endswith("labels")}
    levels = 2 if all(array.dtype == bool for array in images.values()) else 256
    arrays |= {name: _with_channel(array) for name, array in images.items()}
    return from_arrays(**arrays, levels=levels, name=path.stem)


def _named(path, archive):
    """An archive's arrays by the argument of `from_arrays` they are meant for."""
    arrays = {}
    for argument, names in _NAMES.items():
        present = [name for name in names if name in archive]
        if present:
            arrays[argument] = archive[present[0]]
    if "train" not in arrays:
        raise ValueError(
            f"The file {path} holds no training images. Expected an array called {', '.join(_NAMES['train'])}. "
            f"Received: {', '.join(archive) or 'no arrays'}."
        )
    return arrays


def _with_channel(images):
    """Grey images with their channel axis, booleans as 0 and 1."""
    if images.dtype == bool:
        images = images.astype(np.uint8)
    return images[..., None] if images.ndim == 3 else images
