"""Sets of images that TensorFlow Datasets knows by name, or has prepared in a directory."""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from vae_flows.image_data.arrays import ImageSet
from vae_flows.image_data.collect import MEMORY_LIMIT, cache_folder, collect
from vae_flows.image_data.corrections import CORRECTIONS, Correction
from vae_flows.image_data.data_dir import find_prepared, is_prepared, refuse_foreign
from vae_flows.image_data.download import download
from vae_flows.image_data.spec import ImageSpec
from vae_flows.image_data.storage import hold_out

__all__ = ["load_prepared"]

_MIXED_SIZE = 32  # side of the images of sets that have no size of their own
_BLOCK = 512


def load_prepared(name, *, data_dir=None, image_size=None, memory_limit=MEMORY_LIMIT):
    """The TFDS set `name`.

    A directory that is prepared already is used without touching the network; otherwise the set is downloaded, which is
    announced first. The validation split, where the set has none, is a fixed tenth of train. A set without a test split
    is tested on its validation split, as published figures are; one that has only train gives a tenth for each.

    Args:
        name: As TFDS writes it, "mnist" or "emnist/letters".
        data_dir: Where TFDS directories are, or go. None: TFDS's own choice.
        image_size: Side to which images are cropped and resized; None keeps theirs, but for `celeb_a` (64), `omniglot`
            (28) and sets of mixed sizes (32), which is said.
        memory_limit: Bytes of pixels above which the set is kept in files.

    Raises:
        ValueError: if it is no set of images.
        OSError: if its directory is broken or something else, or it cannot be downloaded.
    """
    builder = _builder(name, data_dir)
    image, label, shape = _image_features(name, builder.info.features)
    correction = CORRECTIONS.get(builder.name, Correction())
    if image_size or correction.size or None in shape[:2]:
        correction = dataclasses.replace(correction, size=image_size or correction.size or _MIXED_SIZE)
        if not image_size:
            size = f"{correction.size} x {correction.size}"
            print(f"{name}: images cropped and resized to {size}. Another size: --image-size N", flush=True)
    spec = ImageSpec(correction.shape_after(shape), correction.levels)
    plan = _plan(name, builder.info.splits)
    try:
        sources = {source: builder.as_dataset(split=source, shuffle_files=False) for source in plan}
        bulky = spec.pixels * sum(int(source.cardinality()) for source in sources.values()) > memory_limit
        cache = cache_folder() / f"{builder.info.full_name}/{correction.size or 'own'}" if bulky else None
        splits = {}
        for source, targets in plan.items():
            rows = hold_out(int(sources[source].cardinality()), parts=len(targets) - 1)
            blocks = _blocks(sources[source], image, label, correction, levels=spec.levels)
            parts = collect(blocks, rows=rows, shape=spec.shape, cache=cache and cache / source)
            splits |= zip(targets, parts, strict=True)
    except (tf.errors.OpError, ValueError) as error:
        raise _broken(name, builder.data_path, error) from error
    classes = builder.info.features[label].names if label else None
    return ImageSet(name=name, spec=spec, classes=classes, **splits)


def _builder(name, data_dir):
    """The builder of a set that is prepared, if need be by downloading it."""
    directory = find_prepared(name, data_dir)
    if directory is not None:
        try:
            return tfds.builder_from_directory(directory)
        except Exception as error:  # a damaged description fails in as many ways as it can be damaged
            raise _broken(name, directory, error) from error
    builder = tfds.builder(name, data_dir=data_dir)
    if not is_prepared(builder.data_path):
        refuse_foreign(name, data_dir)
        download(builder)
    return builder


def _image_features(name, features):
    """Names of the image and of the label (or None), and the image's shape, whose sizes may be None."""
    features = dict(features)
    images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    image = "image" if "image" in images else images[0] if len(images) == 1 else None
    if image is None or features[image].np_dtype != np.uint8:
        raise ValueError(
            f"The data set {name} is no set of images. Expected one feature with images of 8 bits. "
            f"Received: {', '.join(f'{key} ({type(feature).__name__})' for key, feature in features.items())}."
        )
    label = "label" if isinstance(features.get("label"), tfds.features.ClassLabel) else None
    return image, label, features[image].shape


def _plan(name, splits):
    """For each TFDS split that is read, which of our splits it becomes; those after the first are held out of it."""
    if "train" not in splits:
        raise ValueError(
            f"The data set {name} cannot be trained on. Expected a split `train`. Received: {', '.join(splits)}."
        )
    match "validation" in splits, "test" in splits:
        case True, True:
            return {"train": ["train"], "validation": ["validation"], "test": ["test"]}
        case False, True:
            return {"train": ["train", "validation"], "test": ["test"]}
        case True, False:
            return {"train": ["train", "validation"], "validation": ["test"]}
    return {"train": ["train", "validation", "test"]}


def _blocks(examples, image, label, correction, *, levels):
    """Blocks of images as the correction makes them, with their labels or None, in the order of the files."""
    if correction != Correction():
        examples = examples.map(
            lambda example: {**example, image: correction(example[image])}, num_parallel_calls=tf.data.AUTOTUNE
        )
    chosen = examples.map(lambda example: (example[image], example[label] if label else tf.constant(-1, tf.int64)))
    for images, labels in chosen.batch(_BLOCK).prefetch(2).as_numpy_iterator():
        if images.max() >= levels:
            raise ValueError(f"Its images should have {levels} levels. Received: a pixel of {images.max()}")
        yield images, labels if label else None


def _broken(name, directory, error):
    reason = str(error).strip().partition("\n")[0]
    return OSError(
        f"The data set {name} cannot be read. Expected a directory that TFDS prepared. Received: {directory}, which fails "
        f"with: {reason}. Delete that directory to have it prepared anew, or give another --data-dir."
    )
