"""A folder of images: any sizes and formats, with or without subfolders for classes and splits."""

import collections
import concurrent.futures
import functools
import hashlib
import itertools
import pathlib

import numpy as np
import PIL.Image
import PIL.ImageOps

from image_data.arrays import ImageSet
from image_data.collect import MEMORY_LIMIT, cache_folder, collect
from image_data.spec import ImageSpec
from image_data.storage import hold_out

__all__ = ["load_folder"]

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
_GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"}
_BLOCK = 256


def load_folder(path, *, image_size=32, skip_unreadable=False, memory_limit=MEMORY_LIMIT):
    """The images in the folder `path`, resized to squares.

    Each image is turned as its camera noted, cropped to its largest central square and resized. The set is grey if most
    files are, else in colour; the others are converted. Subfolders `train`, `validation` (or `val`) and `test` are
    splits; a split that is missing is a fixed tenth of the training images. Other subfolders are classes, labelled in
    alphabetical order. Files are taken in alphabetical order, so that splits do not depend on the machine.

    Args:
        path: The folder. Files that have no suffix of an image are ignored.
        image_size: Side of the squares.
        skip_unreadable: Whether unreadable files are left out, and named, instead of refused.
        memory_limit: Bytes of pixels above which the set is kept in files.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it holds no images, too few for three splits, or unreadable ones.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"There is no folder {path}. Expected a folder of images.")
    files = _find(path)
    modes, unreadable = _modes(files)
    while True:
        files = [file for file in files if file not in unreadable]
        if unreadable:
            _report(unreadable, path, skip=skip_unreadable)
        if not any(file.split == "train" for file in files):
            raise ValueError(
                f"The folder {path} holds no images to train on. Expected files with a suffix of {', '.join(sorted(_SUFFIXES))}, "
                "in it, in subfolders named by class, or in train, validation and test. Received: none."
            )
        grey = 2 * sum(modes[file] in _GREY_MODES for file in files) > len(files)
        spec = ImageSpec((image_size, image_size, 1 if grey else 3))
        splits, unreadable = _read(path, files, spec, memory_limit)
        if not unreadable:
            return ImageSet(name=path.resolve().name, spec=spec, **splits)
