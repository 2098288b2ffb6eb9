"""Image files as squares of pixels."""

import concurrent.futures

import numpy as np
import PIL.Image
import PIL.ImageOps

__all__ = ["GREY_MODES", "SUFFIXES", "Unreadable", "picture_blocks", "picture_modes"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_BLOCK = 256
_THREADS = 8  # Pillow decodes outside Python's lock


class Unreadable(Exception):
    """Some files are no images, or broken ones; `paths` is the set of them."""

    def __init__(self, paths):
        super().__init__(f"{len(paths)} files cannot be read as images.")
        self.paths = frozenset(paths)


def picture_modes(paths):
    """Pillow's colour mode of each file, from its header.

    Raises:
        Unreadable: with every file that has no readable header.
    """
    return list(_over(paths, _mode))


def picture_blocks(paths, shape, *, labels=None):
    """Yields (uint8 [B, H, W, C], int64 [B] or None) for consecutive files.

    Args:
        paths: The files.
        shape: (H, W, C), C = 1 for grey, 3 for colour.
        labels: int64 [N], or None.

    Raises:
        Unreadable: after the last block, with every file that could not be decoded.
    """
    bad = set()
    for start in range(0, len(paths), _BLOCK):
        here = slice(start, start + _BLOCK)
        try:
            block = np.stack(list(_over(paths[here], lambda path: _pixels(path, shape))))
        except Unreadable as error:
            bad |= error.paths
            continue
        if not bad:
            yield block, None if labels is None else labels[here]
    if bad:
        raise Unreadable(bad)


def _over(paths, function):
    """`function` of each file, in threads; raises `Unreadable` with all that failed."""

    def attempt(path):
        try:
            return function(path), None
        except Exception:  # decoders raise what they like on broken files; the file's name is the message
            return None, path

    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        results = list(pool.map(attempt, paths))
    bad = [path for _, path in results if path is not None]
    if bad:
        raise Unreadable(bad)
    return [value for value, _ in results]


def _mode(path):
    with PIL.Image.open(path) as picture:
        return picture.mode


def _pixels(path, shape):
    """uint8 [H, W, C] of one file: upright, its central square, resized with antialiasing."""
    height, width, channels = shape
    with PIL.Image.open(path) as opened:
        picture = PIL.ImageOps.exif_transpose(opened)
        if picture.mode.startswith("I"):  # 16 bits, which Pillow's conversion would clip instead of scale
            picture = PIL.Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))
        if picture.mode == "P":
            picture = picture.convert("RGBA")
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.convert("L" if channels == 1 else "RGB").crop((left, top, left + side, top + side))
    return np.asarray(square.resize((width, height), PIL.Image.Resampling.BICUBIC)).reshape(shape)
