"""Gathers images from a reader into splits: in memory, or in files mapped into memory when they do not fit.

A mapped file answers the same gather as an array in memory, so sets of any size share one pipeline, one order and one
way to resume; the operating system keeps in memory what is used.
"""

import hashlib
import os
import pathlib

import numpy as np
import tqdm

from vae_flows.image_data.arrays import Split
from vae_flows.image_data.storage import allocate

__all__ = ["MEMORY_LIMIT", "cache_folder", "cache_path", "collect", "version"]

MEMORY_LIMIT = 4 * 2**30  # bytes of pixels above which a set is kept in files
_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} images [{elapsed}<{remaining}]"


def collect(blocks, *, rows, shape, cache=None):
    """The splits that consecutive blocks of images make. Each image is written once, where it stays.

    Args:
        blocks: Iterable of (uint8 [B, H, W, C], labels [B] or None), the images 0, 1, 2, ... in order.
        rows: For each split, the numbers of its images in its order; together every number once.
        shape: (H, W, C).
        cache: None for splits in memory. Otherwise the path without suffix of the files to keep them in, which are read
            instead of `blocks` when they exist.

    While files are written a bar on stderr counts the images, if that is a terminal.

    Returns:
        A list of `Split`, one for each of `rows`.

    Raises:
        ValueError: if the number of images is not the one expected.

    Example:
        >>> import numpy as np
        >>> block = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
        >>> first, second = collect([(block, None)], rows=[[2, 0], [1]], shape=(1, 1, 1))
        >>> first.images.ravel().tolist(), second.images.ravel().tolist()
        ([2, 0], [1])
    """
    files = [None if cache is None else _Files(cache, number) for number in range(len(rows))]
    if cache is not None and all(file.complete for file in files):
        return [file.read() for file in files]
    images = [_space((len(part), *shape), file) for part, file in zip(rows, files, strict=True)]
    if cache is None:
        labels = _scatter(blocks, images, rows)
        return [Split(*pair) for pair in zip(images, labels, strict=True)]
    try:
        labels = _scatter(_shown(blocks, count=sum(len(part) for part in rows)), images, rows)
        for mapped in images:
            mapped.flush()  # before the files get their names
        for file, numbers in zip(files, labels, strict=True):
            file.finish(numbers)
    finally:
        for file in files:
            file.partial.unlink(missing_ok=True)
    return [file.read() for file in files]


def cache_folder():
    """Folder for the files of sets that do not fit in memory: $XDG_CACHE_HOME/vae-flows or ~/.cache/vae-flows."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(root) / "vae-flows"


def cache_path(name, facts):
    """Path in `cache_folder` for what is kept of a set: its name and a fingerprint of the facts its pixels depend on."""
    return cache_folder() / f"{name}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}"


def version(path):
    """What changes when a file does: its size in bytes and the time of its last change in nanoseconds."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _scatter(blocks, images, rows):
    """Writes every image to its place in `images`; returns the labels of each split, or None for each."""
    count = sum(len(part) for part in rows)
    part_of, place_in = np.empty(count, np.int8), np.empty(count, np.int64)
    for number, part in enumerate(rows):
        part_of[part], place_in[part] = number, np.arange(len(part))
    labels, labelled, seen = [np.empty(len(part), np.int64) for part in rows], True, 0
    for block, block_labels in blocks:
        here = slice(seen, seen + len(block))
        seen += len(block)
        if seen > count:
            break
        labelled = labelled and block_labels is not None
        for number in range(len(rows)):
            mine = part_of[here] == number
            images[number][place_in[here][mine]] = block[mine]
            if labelled:
                labels[number][place_in[here][mine]] = block_labels[mine]
    if seen != count:
        raise ValueError(f"The source does not hold what it declares. Expected {count} images. Received: {seen}.")
    return labels if labelled else [None] * len(rows)


def _shown(blocks, *, count):
    """The same blocks, and a bar that counts their images when they are done with; only a terminal shows it."""
    with tqdm.tqdm(total=count, bar_format=_BAR, disable=None) as bar:
        for block in blocks:
            yield block
            bar.update(len(block[0]))


def _space(shape, file):
    return allocate(shape) if file is None else file.begin(shape)


class _Files:
    """The two files of one split: images, and labels if there are any. The images get their name last."""

    def __init__(self, cache, number):
        self.images = pathlib.Path(f"{cache}-{number}.npy")
        self.labels = pathlib.Path(f"{cache}-{number}.labels.npy")
        self.partial = self.images.with_name(f".partial-{os.getpid()}-{self.images.name}")

    @property
    def complete(self):
        return self.images.exists()

    def begin(self, shape):
        self.images.parent.mkdir(parents=True, exist_ok=True)
        print(f"Writing {np.prod(shape) / 1e9:.1f} GB of pixels to {self.images}, once.", flush=True)
        return np.lib.format.open_memmap(self.partial, mode="w+", dtype=np.uint8, shape=shape)

    def finish(self, labels):
        if labels is not None:
            np.save(self.labels, labels)
        os.replace(self.partial, self.images)

    def read(self):
        # "c": TensorFlow shares only writeable memory; nothing is ever written through the map
        images = np.load(self.images, mmap_mode="c")
        return Split(images, np.load(self.labels) if self.labels.exists() else None)
