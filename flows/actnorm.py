"""Activation normalisation."""

import tensorflow as tf

from vae_flows.blocks.data_initialised import DataInitialised
from vae_flows.flows.base import LazyBijector
from vae_flows.flows.fused import FusedBijector

__all__ = ["ActivationNormalisation"]

LEAST_VARIANCE = 1e-6  # of a first batch whose features stand still


class _NormalisingBijector(FusedBijector):
    """y = x exp(s) + m; the first batch, from either side, may set the layer's weights."""

    def __init__(self, layer, *, dtype):
        super().__init__(dtype=dtype)
        self.layer = layer

    def forward_and_log_det(self, x):
        if self.layer.awaits_data:
            self.layer.initialise(x)
        log_scale, shift = self._scale_and_shift(x)
        return x * tf.exp(log_scale) + shift, tf.reduce_sum(log_scale, -1)

    def inverse_and_log_det(self, y):
        if self.layer.awaits_data:
            self.layer.initialise_backwards(y)
        log_scale, shift = self._scale_and_shift(y)
        return (y - shift) * tf.exp(-log_scale), -tf.reduce_sum(log_scale, -1)

    def _scale_and_shift(self, x):
        """log-scale and shift as wide as x."""
        return self.layer.log_scale + tf.zeros_like(x), tf.convert_to_tensor(self.layer.shift)


class ActivationNormalisation(DataInitialised, LazyBijector):
    """Scales and shifts each feature; learned, after a start that normalises a first batch.

    y[i] = x[i] * exp(s[i]) + m[i], log|det dy/dx| = sum s

    `blocks.initialise_from_data` gives the first batch: what comes out of the layer then has mean 0 and variance 1, in
    the direction in which that batch passes (backwards through a prior whose density is asked for).

    Args:
        features: Size D of the event.
        shared: Whether all features share one scale and one shift; the log-determinant is then D s.

    Call:
        None -> `tfb.Bijector` on events [D].

    Example:
        >>> ActivationNormalisation(2)().forward([3.0, 4.0]).numpy()
        array([3., 4.], dtype=float32)

    Reference: Kingma, Dhariwal. Glow. 2018. arXiv:1807.03039
    """

    def __init__(self, features, *, shared=False, **kwargs):
        super().__init__(features, context=0, **kwargs)
        self.shared = shared
        shape = (1 if shared else features,)
        self.log_scale = self.add_weight(shape=shape, initializer="zeros", name="log_scale")
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")
        self.built = True

    def given(self, context):
        return _NormalisingBijector(self, dtype=self.compute_dtype)

    def set_weights_from(self, inputs):
        mean, log_deviation = self._moments(inputs)
        self.log_scale.assign(-log_deviation)
        self.shift.assign(-mean * tf.exp(-log_deviation))

    def initialise_backwards(self, outputs):
        """Sets the weights from values that pass from y to x, and lowers the flag."""
        mean, log_deviation = self._moments(outputs)
        self.initialise((outputs - mean) * tf.exp(-log_deviation))  # already normal: checks, and leaves the identity
        self.log_scale.assign(log_deviation)
        self.shift.assign(mean)

    def _moments(self, values):
        """Mean and log standard deviation of each feature, or of all together: [D] or [1]."""
        axes = list(range(values.shape.rank - 1))
        mean, variance = tf.nn.moments(values, [*axes, values.shape.rank - 1] if self.shared else axes)
        mean, variance = (tf.reshape(value, self.shift.shape) for value in (mean, variance))
        return mean, 0.5 * tf.math.log(variance + LEAST_VARIANCE)
