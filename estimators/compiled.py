"""Functions of images that are compiled once, whatever the number of images."""

import tensorflow as tf

__all__ = ["as_images", "as_seed", "folded", "for_any_batch", "optionally_xla"]


def for_any_batch(function, specs):
    """`function(x, ...)` as one `tf.function` for each shape and dtype of an image: the batch axis is left open.

    Args:
        function: Takes x first, [B, ...] or a nest of such tensors.
        specs: Dtype of x (of its first part) -> list of the `tf.TensorSpec`s, or nests of them, of the other arguments.
    """
    compiled = {}

    def call(x, *others):
        own = tf.nest.map_structure(lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), x)
        key = repr(own)
        if key not in compiled:
            signature = [own, *specs(tf.nest.flatten(own)[0].dtype)]
            compiled[key] = tf.function(function, input_signature=signature)
        return compiled[key](x, *others)

    return call


def optionally_xla(function, jit_compile):
    """The function itself, or compiled by XLA; inside a graph it stays part of it."""
    return tf.function(function, jit_compile=True) if jit_compile else function


def as_images(x):
    """x as a floating tensor [B, ...].

    Raises:
        TypeError: if it is not floating: the dtype of x is the one the estimator computes in.
        ValueError: if it holds no image.
    """
    x = tf.convert_to_tensor(x)
    if not x.dtype.is_floating:
        raise TypeError(
            f"`x` must be floating. Received: dtype={x.dtype.name}. Prepare the images as the model wants them."
        )
    if x.shape.rank < 1 or x.shape[0] == 0:
        raise ValueError(f"`x` must hold at least one image. Expected: [images, ...]. Received: shape={x.shape}.")
    return x


def as_seed(seed):
    """A seed as int32 [2].

    Raises:
        ValueError: for another shape.
    """
    seed = tf.convert_to_tensor(seed, tf.int32)
    if seed.shape != [2]:
        raise ValueError(f"`seed` must be two integers. Expected: int32 [2]. Received: shape={seed.shape}.")
    return seed


def folded(seed, number):
    """Another seed, int32 [2], that is a function of a seed and a number."""
    return tf.random.experimental.stateless_fold_in(as_seed(seed), number, alg="philox")
