"""NumPy files of images."""

import pathlib
import zipfile

import numpy as np

from image_data.arrays import from_arrays
from image_data.collect import MEMORY_LIMIT, cache_folder

__all__ = ["load_numpy"]

_IMAGES = {"train": ("train", "x_train", "images", "x"), "validation": ("validation", "x_validation", "x_val"), "test": ("test", "x_test")}
_LABELS = {
    "train": ("train_labels", "y_train", "labels", "y"),
    "validation": ("validation_labels", "y_validation", "y_val"),
    "test": ("test_labels", "y_test"),
}
