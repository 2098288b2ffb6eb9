"""Static binarisation: a set whose pixels were drawn once, the same for every model and run."""

import dataclasses

import numpy as np

from vae_flows.image_data.arrays import ImageSet, Split
from vae_flows.image_data.pipeline import evaluation_batches
from vae_flows.image_data.preparations import Binarise
from vae_flows.image_data.spec import ImageSpec
from vae_flows.image_data.storage import allocate

__all__ = ["binarised"]

_SEEDS = {"train": 0, "validation": 1, "test": 2}  # fixed, so that figures on the set can be compared


def binarised(images: ImageSet) -> ImageSet:
    """The set of two levels that one fixed draw of `Binarise` makes of `images`.

    Its images are 0 and 1; `Binarise(levels=2)` leaves them as they are.

    Args:
        images: A set of any number of levels.

    Returns:
        An `ImageSet` with `spec.levels == 2` and "_static" added to its name.

    Example:
        >>> import numpy as np
        >>> from vae_flows.image_data import from_arrays
        >>> grey = from_arrays(np.full([50, 4, 4, 1], 128, np.uint8))
        >>> binarised(grey).spec
        ImageSpec(shape=(4, 4, 1), levels=2)
    """
    draw = Binarise(levels=images.spec.levels)
    splits = {name: _drawn(getattr(images, name), draw, seed) for name, seed in _SEEDS.items()}
    spec = ImageSpec(images.spec.shape, levels=2)
    return dataclasses.replace(images, name=f"{images.name}_static", spec=spec, **splits)


def _drawn(split, draw, seed):
    result, start = allocate(split.images.shape), 0
    for batch in evaluation_batches(split, batch=1024, preparation=draw, seed=seed):
        result[start : start + len(batch)] = batch.numpy().astype(np.uint8)
        start += len(batch)
    return Split(result, split.labels)
