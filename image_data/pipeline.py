"""Batches whose every value is a function of a seed and a step.

There is no state to save: a run that starts at step k sees what an uninterrupted one sees from step k on. Images are
gathered from the array they lie in (memory or a mapped file), which TensorFlow reads in place.
"""

import tensorflow as tf

__all__ = ["evaluation_batches", "training_batches"]

# What a seed is for: below 0, where a model's training noise has its steps.
_ORDER, _NOISE, _FLIPS, _EVALUATION, _CORRUPTION, _CORRUPTED_EVALUATION = range(-6, 0)
_CHUNK = 256  # images that share one draw of evaluation noise, whatever the batch


def training_batches(split, *, batch, preparation, seed, start_step=0, flips=False, corruption=None):
    """An infinite data set of prepared training images, [batch, H, W, C] float32; with a corruption, of pairs of them.

    The element at step s depends only on (seed, s), not on where the data set was started. Each epoch of
    `split.count // batch` steps visits images in an order of its own, each at most once; what does not fill a batch is
    left out of that epoch. The order is a full stateless shuffle; `tf.random.experimental.index_shuffle` would need no
    memory, but knows only 65,536 orders for sets of up to 65,536 images, and neighbours are correlated in them.

    Args:
        split: The `Split`.
        batch: Images in a batch.
        preparation: Map (uint8 images, seed int32 [2]) -> float32 images, one of `image_data.preparations`.
        seed: Seed of the run, 0 .. 2**31 - 1.
        start_step: Number of steps that have been made already.
        flips: Whether each image is mirrored left to right with probability 1/2.
        corruption: Map (prepared images, seed int32 [2]) -> corrupted ones, such as `GaussianNoise()`: a batch is then
            (corrupted, clean), for a model that learns to restore them.

    Raises:
        ValueError: if the split is smaller than a batch, or an argument is out of range.

    Example:
        >>> import numpy as np
        >>> from vae_flows.image_data import GreyLevels, Split
        >>> split = Split(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1))  # four grey levels
        >>> batches = training_batches(split, batch=2, preparation=GreyLevels(levels=5), seed=0)
        >>> sorted(np.ravel(list(batches.take(2))).tolist())
        [0.0, 0.25, 0.5, 0.75]
    """
    _check(batch=batch, seed=seed)
    if batch > split.count:
        raise ValueError(
            f"`batch` must not be larger than the split, which has {split.count} images. Received: batch={batch}."
        )
    if start_step < 0:
        raise ValueError(f"`start_step` must be at least 0. Received: start_step={start_step}.")
    images, per_epoch = split.tensor, split.count // batch

    def epoch_order(epoch):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(split.count, dtype=tf.int64), _seed(seed, _ORDER, epoch), alg="philox"
        )
        steps = epoch * per_epoch + tf.range(per_epoch, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices((steps, tf.reshape(order[: per_epoch * batch], [per_epoch, batch])))

    def prepare(step, rows):
        chosen = tf.gather(images, rows)  # [batch, H, W, C]
        if flips:
            mirrored = tf.random.stateless_uniform([batch, 1, 1, 1], _seed(seed, _FLIPS, step), alg="philox") < 0.5
            chosen = tf.where(mirrored, chosen[:, :, ::-1], chosen)
        x = preparation(chosen, _seed(seed, _NOISE, step))
        return x if corruption is None else (corruption(x, _seed(seed, _CORRUPTION, step)), x)

    first_epoch, skipped = divmod(start_step, per_epoch)
    rows = tf.data.Dataset.counter(first_epoch).flat_map(epoch_order).skip(skipped)
    batches = rows.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return _ready(batches, count=tf.data.INFINITE_CARDINALITY)


def evaluation_batches(split, *, batch, preparation, seed, corruption=None):
    """A finite data set of all images of a split in their order, each once; the last batch may be smaller.

    The noise of an image depends on (seed, number of the image), not on `batch` nor on how many images follow it.

    Args:
        split: The `Split`.
        batch: Images in a batch.
        preparation: Map (uint8 images, seed int32 [2]) -> float32 images, one of `image_data.preparations`.
        seed: Seed of the noise, 0 .. 2**31 - 1.
        corruption: As in `training_batches`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> import numpy as np
        >>> from vae_flows.image_data import GreyLevels, Split
        >>> split = Split(np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1))
        >>> batches = evaluation_batches(split, batch=2, preparation=GreyLevels(levels=5), seed=0)
        >>> [x.numpy().ravel().tolist() for x in batches]
        [[0.0, 0.25], [0.5]]
    """
    _check(batch=batch, seed=seed)
    images, count = split.tensor, split.count

    def prepare(chunk):
        # A whole chunk of noise is drawn even where the split ends within it.
        rows = chunk * _CHUNK + tf.range(_CHUNK, dtype=tf.int64)
        x = preparation(tf.gather(images, tf.minimum(rows, count - 1)), _seed(seed, _EVALUATION, chunk))
        there = tf.minimum(count - chunk * _CHUNK, _CHUNK)
        if corruption is None:
            return x[:there]
        return corruption(x, _seed(seed, _CORRUPTED_EVALUATION, chunk))[:there], x[:there]

    chunks = tf.data.Dataset.range(-(-count // _CHUNK))
    prepared = chunks.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).rebatch(batch)
    return _ready(prepared, count=-(-count // batch))


def _check(*, batch, seed):
    if batch < 1:
        raise ValueError(f"`batch` must be at least 1. Received: batch={batch}.")
    if not 0 <= seed < 2**31:
        raise ValueError(f"`seed` must be between 0 and 2**31 - 1. Received: seed={seed}.")


def _seed(seed, purpose, index):
    """int32 [2]: the seed for one purpose at one step, epoch or chunk."""
    return tf.random.fold_in(tf.constant([seed, purpose], tf.int32), tf.cast(index, tf.int32), alg="philox")


def _ready(dataset, *, count):
    """The data set with its number of batches declared, in order, ahead of its reader."""
    options = tf.data.Options()
    options.deterministic = True
    # Rewriting the graph would copy the images into it; what it would gain is written out here already.
    options.experimental_optimization.apply_default_optimizations = False
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    counted = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return counted.with_options(options).prefetch(tf.data.AUTOTUNE)
