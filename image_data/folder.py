"""A folder of images: any sizes and formats, with or without subfolders for classes and splits."""

import dataclasses
import pathlib

import numpy as np

from vae_flows.image_data.arrays import ImageSet
from vae_flows.image_data.checks import check_levels
from vae_flows.image_data.collect import MEMORY_LIMIT, cache_path, collect, version
from vae_flows.image_data.picture_files import (
    GREY_MODES,
    PIXEL_LIMIT,
    SUFFIXES,
    Unreadable,
    picture_blocks,
    picture_headers,
)
from vae_flows.image_data.spec import ImageSpec
from vae_flows.image_data.storage import hold_out

__all__ = ["load_folder"]

_SIDE = 32  # of images that share no size
_LARGEST = 256  # side up to which images keep a size that they share; photographs as a camera takes them fit no model
_LOOKED_AT = 1000  # images, for their brightness
_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}


@dataclasses.dataclass(frozen=True)
class _File:
    path: pathlib.Path
    split: str
    kind: str | None  # its class: the name of the subfolder it lies in


def load_folder(path, *, image_size=None, skip_unreadable=False, pixel_limit=PIXEL_LIMIT, memory_limit=MEMORY_LIMIT):
    """The images in the folder `path`, in one size.

    Each image is turned as its camera noted, and laid on white where it is transparent. Images that share one size of up to
    256 x 256 keep it; others are cropped to their largest central square and resized to 32 x 32, which is said. The set is
    grey if most files are, else in colour; the others are converted. Subfolders `train`, `validation` (or `val`) and `test`
    are splits, if there is a `train`; a missing one is a fixed tenth of the training images. Other subfolders are classes,
    labelled in alphabetical order. Files count in alphabetical order, so that splits do not depend on the machine.

    Args:
        path: The folder. Files without the suffix of an image are ignored.
        image_size: Side of the squares to which images are cropped and resized in any case; None for the above.
        skip_unreadable: Whether unreadable files are left out, and named, instead of refused.
        pixel_limit: Pixels that an image may have.
        memory_limit: Bytes of pixels above which the set is kept in files.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it holds no images, too few for three splits, or some that cannot be read or are too large.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        what = "There is no folder" if not path.exists() else "This is a file, no folder:"
        raise FileNotFoundError(f"{what} {path}. Expected a folder of images, or a .npy or .npz file.")
    if image_size is not None and image_size < 1:
        raise ValueError(f"`image_size` must be at least 1. Received: image_size={image_size}.")
    files, received = _find(path), "none"
    while True:
        if not any(file.split == "train" for file in files):
            raise ValueError(
                f"The folder {path} holds no images to train on. Expected files that end in one of {' '.join(SUFFIXES)}, "
                f"in it, in subfolders named by class, or in train, validation and test. Received: {received}."
            )
        try:
            return _read(path, files, image_size=image_size, pixel_limit=pixel_limit, memory_limit=memory_limit)
        except Unreadable as error:
            _report(path, error.paths, skip=skip_unreadable)
            files, received = [file for file in files if file.path not in error.paths], "none that can be read"


def _find(root):
    """Every image file under `root`, with its split and class."""
    if not (root / "train").is_dir():
        return _images(root, "train")
    return [file for name, split in _SPLITS.items() for file in _images(root / name, split)]


def _images(folder, split):
    found = []
    for path in sorted(folder.rglob("*")):
        steps = path.relative_to(folder).parts
        if path.suffix.lower() in SUFFIXES and not any(step.startswith(".") for step in steps) and path.is_file():
            found.append(_File(path, split, steps[0] if len(steps) > 1 else None))
    return found


def _read(root, files, *, image_size, pixel_limit, memory_limit):
    """The set that the files make; raises `Unreadable` if some do not open."""
    headers = picture_headers([file.path for file in files], limit=pixel_limit)
    modes, sizes = zip(*headers, strict=True)
    size_of = dict(zip((file.path for file in files), sizes, strict=True))
    channels = 1 if 2 * sum(mode in GREY_MODES for mode in modes) > len(modes) else 3
    spec = ImageSpec((*_common_size(root, set(sizes), image_size), channels))
    cache = None
    if len(files) * spec.pixels > memory_limit:
        states = [(str(file.path.relative_to(root)), *version(file.path)) for file in files]
        cache = cache_path(root.resolve().name, [spec.shape, *states])
    kinds = sorted({file.kind for file in files}, key=str)
    labelled = None not in kinds and len(kinds) > 1
    missing = [split for split in ("validation", "test") if not any(file.split == split for file in files)]
    splits = {}
    for source in ("train", *(split for split in ("validation", "test") if split not in missing)):
        chosen = [file for file in files if file.split == source]
        labels = np.array([kinds.index(file.kind) for file in chosen]) if labelled else None
        targets = ["train", *missing] if source == "train" else [source]
        rows = hold_out(len(chosen), parts=len(targets) - 1, labels=labels)
        paths = [file.path for file in chosen]
        blocks = picture_blocks(paths, spec.shape, sizes=[size_of[path] for path in paths], labels=labels)
        parts = collect(blocks, rows=rows, shape=spec.shape, cache=cache and cache / source)
        splits |= zip(targets, parts, strict=True)
    check_levels(splits["train"].images, levels=spec.levels)
    brightest = splits["train"].images[:_LOOKED_AT].max()
    if brightest < 128 and any(mode.startswith("I") for mode in modes):
        print(
            f"{root}: nothing is brighter than {brightest} of 255. If its 16 bits hold 12, say, scale them.", flush=True
        )
    return ImageSet(name=root.resolve().name, spec=spec, classes=kinds if labelled else None, **splits)


def _common_size(root, sizes, image_size):
    """(height, width) for images that have the given sizes; what is chosen is said."""
    if image_size is not None:
        return image_size, image_size
    largest = max(max(size) for size in sizes)
    if len(sizes) == 1 and largest <= _LARGEST:
        return sizes.pop()
    what = f"images of {len(sizes)} sizes" if len(sizes) > 1 else f"images of up to {largest} pixels a side"
    print(
        f"{root}: {what}, cropped to squares and resized to {_SIDE} x {_SIDE}. Another size: --image-size N", flush=True
    )
    return _SIDE, _SIDE


def _report(root, paths, *, skip):
    """Names unreadable files: as a notice if they are to be skipped, else as an error."""
    names = sorted(f"{path.relative_to(root)}{reason and f' ({reason})'}" for path, reason in paths.items())
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    if not skip:
        raise ValueError(
            f"The folder {root} holds unreadable files. Expected images. Received: {listed}. "
            "Remove them, or leave them out: --skip-unreadable, in Python skip_unreadable=True."
        )
    print(f"Left out of {root}, because they cannot be read: {listed}", flush=True)
