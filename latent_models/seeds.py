"""What seeds are for, and how people may write one."""

import enum

import tensorflow as tf

__all__ = ["Purpose", "as_seed", "key"]


class Purpose(enum.IntEnum):
    """Everything that draws noise of a run's seed, in training aside (whose noise is that of the step)."""

    BOUND = 1
    WEIGHTS = 2
    CHAINS = 3
    SIMULATION = 4
    SAMPLES = 5
    RECONSTRUCTIONS = 6
    POSTERIORS = 7
    LATENT_USE = 8
    FITS = 9
    VIEWS = 10
    PREPARATION = 11
    DRAW = 12
    CODES = 13
    SETTLING = 14


def key(seed, purpose):
    """The seed, int32 [2], of one purpose of a run; no two purposes share one.

    Args:
        seed: The run's seed, an integer, or int32 [2].
        purpose: `Purpose`.

    Example:
        >>> bool(tf.reduce_all(key(0, Purpose.BOUND) == key(0, Purpose.WEIGHTS)))
        False
    """
    return tf.random.experimental.stateless_fold_in(as_seed(seed), 2**16 + int(purpose), alg="philox")


def as_seed(seed):
    """A seed as int32 [2]: of None a new one at each call, of an integer always the same.

    Raises:
        ValueError: for anything else than None, an integer or two integers.
    """
    if seed is None:
        return tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
    seed = tf.cast(tf.convert_to_tensor(seed), tf.int32)
    if seed.shape.rank == 0:
        return tf.stack([seed, 0])
    if seed.shape != [2]:
        raise ValueError(f"`seed` must be None, an integer, or two integers. Received: shape={seed.shape}.")
    return seed
