"""The parameters of a flow: weights of its own, or linear in a context."""

import keras
import tensorflow as tf

__all__ = ["Parameters", "normal", "rows", "unit"]


class Parameters(keras.layers.Layer):
    """P numbers that stand still, or that follow the context.

    p = values, or p = context @ kernel + bias: all in one product

    Both start at the given values; the kernel starts small, so the context matters little at first.

    Args:
        initial: Array [P] of first values.
        context: Size C of the conditioning vector; 0 makes the parameters weights.

    Call:
        context [..., C] or None -> [..., P].

    Example:
        >>> Parameters(tf.zeros([3]), context=5)(tf.ones([2, 5])).shape
        TensorShape([2, 3])
    """

    def __init__(self, initial, *, context=0, **kwargs):
        super().__init__(**kwargs)

        def start(shape, dtype):
            return tf.cast(initial, dtype)

        count = int(initial.shape[0])
        if context:
            spread = keras.initializers.VarianceScaling(0.01, "fan_in", "untruncated_normal")
            self.head = keras.layers.Dense(
                count, kernel_initializer=spread, bias_initializer=start, dtype=self.dtype_policy, name="head"
            )
            self.head.build((None, context))
        else:
            self.values = self.add_weight(shape=(count,), initializer=start, name="values")
        self.built = True

    def call(self, context=None):
        return tf.convert_to_tensor(self.values) if context is None else self.head(context)


def normal(*shape, scale=1.0):
    """Random first values, from Keras's seed: N(0, scale^2) of this shape, in single precision whatever the policy."""
    return keras.initializers.RandomNormal(stddev=scale)(shape, dtype="float32")


def rows(values, count):
    """[..., count * N] -> [..., count, N]."""
    size = values.shape[-1] // count
    return tf.reshape(values, tf.concat([tf.shape(values)[:-1], [count, size]], 0))


def unit(vectors):
    """v / |v| along the last axis, for vectors of any length whose square may overflow or vanish; 0 for v = 0."""
    largest = tf.stop_gradient(tf.reduce_max(tf.abs(vectors), -1, keepdims=True))
    plain = (largest > 1e-15) & (largest < 1e15)
    scaled = tf.math.divide_no_nan(vectors, tf.where(plain, tf.ones_like(largest), largest))
    return tf.math.l2_normalize(scaled, -1, epsilon=1e-37)
