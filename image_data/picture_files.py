"""Image files as pixels of one shape."""

import concurrent.futures

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps

__all__ = ["GREY_MODES", "PIXEL_LIMIT", "SUFFIXES", "Unreadable", "picture_blocks", "picture_headers"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
PIXEL_LIMIT = 64_000_000
GREY_MODES = frozenset({"1", "F", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_BLOCK = 256
_THREADS = 8  # Pillow decodes outside Python's lock
_LARGE = 16_000_000  # pixels; where an image has more, one at a time is decoded, to save memory


class Unreadable(Exception):
    """Some files are no images, or broken ones; `paths` has the reason for each, as far as it is known."""

    def __init__(self, paths):
        super().__init__(f"{len(paths)} files cannot be read as images.")
        self.paths = dict(paths)


class _Refused(Exception):
    """Why an image that can be decoded is not taken."""


def picture_headers(paths, *, limit=PIXEL_LIMIT):
    """Of each file Pillow's colour mode and (height, width) of the upright image, from its header.

    Args:
        paths: The files.
        limit: Pixels that an image may have.

    Raises:
        Unreadable: with every file that has no readable header, or more pixels.
    """

    def header(path):
        with PIL.Image.open(path) as picture:
            if (pixels := picture.width * picture.height) > limit:
                raise _Refused(f"{pixels:,} pixels; raise the limit of {limit:,} with --pixel-limit")
            exif = PIL.Image.Image.getexif(picture)  # that of a PNG file's own class would decode it
            lying = exif.get(PIL.ExifTags.Base.Orientation) in range(5, 9)  # others say nothing
            return picture.mode, picture.size if lying else picture.size[::-1]

    return _over(paths, header)


def picture_blocks(paths, shape, *, sizes, labels=None):
    """Yields (uint8 [B, H, W, C], int64 [B] or None) for consecutive files.

    Args:
        paths: The files.
        shape: (H, W, C), C = 1 for grey, 3 for colour.
        sizes: (height, width) of each file, as `picture_headers` gives them.
        labels: int64 [N], or None.

    Raises:
        Unreadable: after the last block, with every file that could not be decoded.
    """
    bad = {}
    for start in range(0, len(paths), _BLOCK):
        here = slice(start, start + _BLOCK)
        try:
            threads = 1 if max(height * width for height, width in sizes[here]) > _LARGE else _THREADS
            block = np.stack(_over(paths[here], lambda path: _pixels(path, shape), threads=threads))
        except Unreadable as error:
            bad |= error.paths
            continue
        if not bad:
            yield block, None if labels is None else labels[here]
    if bad:
        raise Unreadable(bad)


def _over(paths, function, *, threads=_THREADS):
    """`function` of each file, in threads; raises `Unreadable` with all that failed."""

    def attempt(path):
        try:
            return function(path), None
        except _Refused as refused:
            return None, (path, str(refused))
        except Exception:  # decoders raise what they like on broken files; the file's name is the message
            return None, (path, "")

    pillows, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None  # the limit is ours
    try:
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(attempt, paths))
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = pillows
    bad = [pair for _, pair in results if pair is not None]
    if bad:
        raise Unreadable(bad)
    return [value for value, _ in results]


def _pixels(path, shape):
    """uint8 [H, W, C] of one file: upright, on white, its largest central part of that shape, resized with antialiasing."""
    height, width, channels = shape
    with PIL.Image.open(path) as opened:
        if opened.mode == "I" and opened.format == "TIFF":
            raise _Refused("integers of 32 bits, whose white is not known; save it with 8 or 16 bits")
        picture = opened
        PIL.ImageOps.exif_transpose(picture, in_place=True)
        if picture.mode == "F" or picture.mode.startswith("I"):  # which Pillow's conversion would clip instead of scale
            picture = PIL.Image.fromarray(_eight_bits(np.asarray(picture)))
        if picture.has_transparency_data:
            white = PIL.Image.new("RGBA", picture.size, "white")
            picture = PIL.Image.alpha_composite(white, picture.convert("RGBA"))
        if picture.mode != (mode := "L" if channels == 1 else "RGB"):
            picture = picture.convert(mode)
        across = min(picture.width, picture.height * width // height)
        down = min(picture.height, picture.width * height // width)
        left, top = (picture.width - across) // 2, (picture.height - down) // 2
        part = picture.crop((left, top, left + across, top + down))
        return np.asarray(part.resize((width, height), PIL.Image.Resampling.BICUBIC)).reshape(shape)


def _eight_bits(pixels):
    """Levels 0 .. 255 of integers of 16 bits, or of floats in [0, 1]."""
    if not np.issubdtype(pixels.dtype, np.floating):
        return (pixels.astype(np.uint32) >> 8).astype(np.uint8)
    if not (pixels.min() >= 0.0 and pixels.max() <= 1.0):
        raise _Refused(f"floats from {pixels.min():g} to {pixels.max():g}, expected 0 to 1")
    return np.rint(255.0 * pixels).astype(np.uint8)
