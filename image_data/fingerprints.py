"""What tells one set of images from another."""

import zlib

import numpy as np

from vae_flows.image_data.storage import block_slices

__all__ = ["check_fingerprint", "fingerprint"]

_READ = 2**28  # bytes of a split that its checksum reads at most


def fingerprint(data):
    """Shape, levels, and of each split the number of images and a checksum (CRC-32) of their pixels.

    Of a split of more than 256 MiB the checksum reads every so many-th image.

    Args:
        data: `ImageSet`.

    Returns:
        Dictionary that JSON can hold.

    Example:
        >>> digits = from_arrays(np.zeros([100, 28, 28, 1], np.uint8))
        >>> fingerprint(digits)["test"]
        {'images': 10, 'checksum': '7f079665'}
    """
    splits = {name: getattr(data, name) for name in ("train", "validation", "test")}
    found = {name: {"images": split.count, "checksum": _checksum(split.images)} for name, split in splits.items()}
    return {"shape": list(data.spec.shape), "levels": data.spec.levels, **found}


def check_fingerprint(data, recorded):
    """Refuses a set of images that is not the one whose fingerprint was recorded; None stands for no record.

    Raises:
        ValueError: if they differ, saying where.
    """
    found = fingerprint(data)
    other = [name for name in found if recorded and recorded.get(name) != found[name]]
    if other:
        expected, received = (
            "; ".join(f"{name} {_words(each.get(name))}" for name in other) for each in (recorded, found)
        )
        raise ValueError(
            f"The images of {data.name} are not those of the run. Expected: {expected}. Received: {received}. "
            "Put the run's images back where they were, or start a new run."
        )


def _checksum(images):
    chosen, value = images[:: -(-images.nbytes // _READ) or 1], 0
    for block in block_slices(chosen.shape):
        value = zlib.crc32(np.ascontiguousarray(chosen[block]), value)
    return f"{value:08x}"


def _words(part):
    return f"{part['images']:,} images, checksum {part['checksum']}" if isinstance(part, dict) else str(part)
