"""Arrays of images in NumPy's files, read block by block."""

import contextlib
import math

import numpy as np

from vae_flows.image_data.storage import block_slices

__all__ = ["Mapped", "Packed", "check_numbers", "check_written", "reading"]

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_ARRAY, _ARCHIVES = np.lib.format.MAGIC_PREFIX, (b"PK\x03\x04", b"PK\x05\x06")  # how files begin


@contextlib.contextmanager
def reading(path):
    """Context in which whatever NumPy and zipfile raise of a damaged file becomes a `ValueError` that names it."""
    try:
        yield
    except Exception as error:  # NumPy's parser and zipfile raise what they like
        reason = (str(error) or type(error).__name__).split("\n")[0]
        raise ValueError(f"The file {path} is broken. Expected NumPy's format. Received: {reason}.") from error


def check_written(path):
    """Refuses a file that is neither an array nor an archive, which NumPy would take for a pickle.

    Raises:
        ValueError: if it begins otherwise, or is an array of objects.
    """
    with open(path, "rb") as stream:
        start = stream.read(len(_ARRAY))
        if start == _ARRAY:
            stream.seek(0)
            check_numbers(stream, path, "train")
        elif not start.startswith(_ARCHIVES):
            raise ValueError(
                f"The file {path} is no array file. Expected one that NumPy wrote, by numpy.save or numpy.savez. "
                f"Received: {f'one that begins with {start!r}' if start else 'an empty one'}. Save the images with these."
            )


def check_numbers(stream, path, name, *, labels=False):
    """Refuses an array of Python objects, as images of several shapes make one; its header, as `_header` gives it.

    Raises:
        ValueError: if it is one, or its header is damaged.
    """
    with reading(path):
        header = _header(stream)
    if header[2].hasobject:
        expected = "integers [N]" if labels else "numbers of one shape, [N, H, W] or [N, H, W, C]"
        remedy = "the number of each class" if labels else "numpy.stack(images), resized or cropped to one size"
        raise ValueError(
            f"The file {path} holds Python objects. Expected: `{name}` an array of {expected}. "
            f"Received: dtype={header[2]}. Save {remedy}."
        )
    return header


class _Stored:
    """An array of images that is known by its header; iterating gives its blocks, [B, H, W, C] of `dtype`.

    Grey images get their channel axis, booleans become 0 and 1. `interleaved`: whether blocks need the whole array.
    """

    interleaved = False

    def __init__(self, shape, dtype):
        self.shape = (*shape, 1) if len(shape) == 3 else shape
        self.boolean = np.issubdtype(dtype, np.bool_)
        self.dtype = np.dtype(np.uint8) if self.boolean else dtype

    def __iter__(self):
        for block in self._blocks():
            yield block.reshape(-1, *self.shape[1:]).astype(self.dtype, copy=False)

    def _blocks(self):
        raise NotImplementedError


class Mapped(_Stored):
    """An array that is mapped into memory."""

    def __init__(self, array):
        super().__init__(array.shape, array.dtype)
        self.array = array

    def _blocks(self):
        return (self.array[here] for here in block_slices(self.shape))


class Packed(_Stored):
    """An array in an archive, compressed or not.

    Args:
        archive: What `np.load` opened.
        name: The array's name in it.
        path: What to call the archive in an error.

    Raises:
        ValueError: if the archive is damaged; also while the array is iterated over.
    """

    def __init__(self, archive, name, *, path):
        self.archive, self.member, self.path = archive.zip, f"{name}.npy", path
        with reading(path):
            stream = self.archive.open(self.member)
        with stream:
            shape, self.interleaved, self.stored = check_numbers(stream, path, name)
        with reading(path):
            held, declared = self.archive.getinfo(self.member).file_size, math.prod(shape) * self.stored.itemsize
            if held < declared:  # before room is made for them
                raise EOFError(f"{self.member} declares {declared:,} bytes of pixels and holds {held:,} in all")
        super().__init__(shape, self.stored)

    def _blocks(self):
        with reading(self.path):
            stream = self.archive.open(self.member)
        with stream:
            if self.interleaved:
                with reading(self.path):
                    whole = np.lib.format.read_array(stream)
                yield from (whole[here] for here in block_slices(self.shape))
                return
            _header(stream)
            for here in block_slices(self.shape):
                with reading(self.path):
                    block = self._next(stream, images=here.stop - here.start)
                yield block

    def _next(self, stream, *, images):
        size = images * math.prod(self.shape[1:]) * self.stored.itemsize
        read = stream.read(size)
        if len(read) < size:
            raise EOFError(f"{self.member} ends in the middle of an image")
        return np.frombuffer(read, self.stored)


def _header(stream):
    """(shape, whether in Fortran order, type) of the array in NumPy's format that a stream goes on with."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"an array of version {version}, which is for records")
    return _HEADERS[version](stream)
