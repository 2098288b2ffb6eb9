"""Batch normalisation as the paper has it, with its swish."""

import contextlib
import contextvars

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured

__all__ = ["BatchNorm", "again"]

_first_time = contextvars.ContextVar("first_time", default=True)


@contextlib.contextmanager
def again():
    """Context of a recomputation: the moving statistics have seen these images before."""
    token = _first_time.set(False)
    try:
        yield
    finally:
        _first_time.reset(token)


class BatchNorm(Configured, keras.layers.Layer):
    """Batch normalisation over images and positions, followed by a swish if asked.

    y = scale * (x - mean) / sqrt(variance + 1e-5) + shift;  swish(y) = y * sigmoid(y)

    In training the statistics are the batch's, over all replicas; otherwise the moving ones,
    moving <- momentum * moving + (1 - momentum) * batch.

    Args:
        channels: Number of channels.
        swish: Whether a swish follows.
        momentum: Share of the old in the moving statistics (Keras's convention; PyTorch's is one minus it).

    Call:
        x [N, H, W, channels] -> the same shape

    Reference: Ioffe, Szegedy. Batch Normalization. 2015. arXiv:1502.03167
    """

    def __init__(self, channels, *, swish=False, momentum=0.95, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.swish, self.momentum = channels, swish, momentum
        exact = {"shape": (channels,), "autocast": False}  # in the weights' precision under mixed precision, too
        still = {**exact, "trainable": False, "aggregation": "mean"}
        self.scale = self.add_weight(**exact, initializer="ones", name="scale")
        self.shift = self.add_weight(**exact, initializer="zeros", name="shift")
        self.moving_mean = self.add_weight(**still, initializer="zeros", name="moving_mean")
        self.moving_variance = self.add_weight(**still, initializer="ones", name="moving_variance")
        self.built = True

    def call(self, x, training=False):
        scale, shift = (tf.convert_to_tensor(each) for each in (self.scale, self.shift))
        y = self._trained(x, scale, shift) if training else self._still(x, scale, shift)
        return tf.nn.silu(y) if self.swish else y

    def _still(self, x, scale, shift):
        mean, variance = (tf.convert_to_tensor(each) for each in (self.moving_mean, self.moving_variance))
        factor = scale * tf.math.rsqrt(variance + _EPSILON)
        return x * tf.cast(factor, x.dtype) + tf.cast(shift - mean * factor, x.dtype)

    def _trained(self, x, scale, shift):
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1 or scale.dtype != tf.float32:  # the only one that the kernel knows
            y, mean, variance = _over_replicas(x, scale, shift)
        else:
            y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=x, scale=scale, offset=shift, mean=[], variance=[], epsilon=_EPSILON, is_training=True
            )
        if _first_time.get():
            for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
                old = tf.convert_to_tensor(moving)
                moving.assign(old + (1.0 - self.momentum) * (batch - old))
        return y


_EPSILON = 1e-5


def _over_replicas(x, scale, shift):
    """The same with the statistics of the images of all replicas, differentiable."""
    wide, context = tf.cast(x, scale.dtype), tf.distribute.get_replica_context()
    mean = context.all_reduce(tf.distribute.ReduceOp.MEAN, tf.reduce_mean(wide, [0, 1, 2]))
    deviation = tf.reduce_mean(tf.square(wide - mean), [0, 1, 2])  # a mean of squares would cancel, even below 0
    variance = context.all_reduce(tf.distribute.ReduceOp.MEAN, deviation)
    y = tf.nn.batch_normalization(wide, mean, variance, shift, scale, _EPSILON)
    count = tf.cast(context.num_replicas_in_sync * tf.size(x) // x.shape[-1], wide.dtype)
    return tf.cast(y, x.dtype), mean, variance * count / tf.maximum(count - 1.0, 1.0)
