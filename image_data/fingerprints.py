"""What tells one set of images from another."""

import zlib

import numpy as np

from vae_flows.image_data.storage import block_slices

__all__ = ["check_fingerprint", "fingerprint"]

_READ = 2**28  # bytes of a split that its checksum reads at most: of more, every so many-th image


def fingerprint(data):
    """Shape and levels of an `ImageSet`, and of each split the number of images and a checksum (CRC-32) of their pixels.

    Example:
        >>> fingerprint(from_arrays(np.zeros([100, 28, 28, 1], np.uint8)))["test"]
        {'images': 10, 'checksum': '7f079665'}
    """
    splits = {name: getattr(data, name).images for name in ("train", "validation", "test")}
    counted = {name: {"images": len(images), "checksum": _checksum(images)} for name, images in splits.items()}
    return {"shape": list(data.spec.shape), "levels": data.spec.levels, **counted}


def check_fingerprint(data, recorded):
    """The fingerprint of a set of images, which must be the one recorded, unless that is None.

    Raises:
        ValueError: if they differ, saying where.
    """
    found = fingerprint(data)
    other = [name for name in found if recorded and recorded.get(name) != found[name]]
    if other:
        expected, received = ({name: each.get(name) for name in other} for each in (recorded, found))
        raise ValueError(
            f"The images of {data.name} are not those of the run. Expected: {expected}. Received: {received}. "
            "Put the run's images back where they were, or start a new run."
        )
    return found


def _checksum(images):
    chosen, value = images[:: -(-images.nbytes // _READ) or 1], 0
    for block in block_slices(chosen.shape):
        value = zlib.crc32(np.ascontiguousarray(chosen[block]), value)
    return f"{value:08x}"
