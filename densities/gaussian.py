"""Gaussian laws of latent codes."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.base import LazyDistribution

__all__ = ["DiagonalNormal", "StandardNormal"]

tfd = tfp.distributions


class StandardNormal(LazyDistribution):
    """N(0, I), without parameters: the usual prior.

    Args:
        features: Size D of the event.

    Call:
        None -> `tfd.Distribution` on events [D].

    Example:
        >>> StandardNormal(3)().sample(seed=[0, 0]).shape
        TensorShape([3])
    """

    def __init__(self, features, **kwargs):
        super().__init__(**kwargs)
        self.features = features
        self.built = True

    def given(self, context):
        zeros = tf.zeros([self.features], self.compute_dtype)
        return tfd.MultivariateNormalDiag(zeros, tf.ones_like(zeros))


class DiagonalNormal(LazyDistribution):
    """A Gaussian with independent features.

    z[i] ~ N(loc[i], scale[i]^2), scale[i] = exp(log_scale[i] + log_scale_offset)

    With a context, loc and log_scale are linear in it; without, they are weights that start at 0.

    Args:
        features: Size D of the event.
        context: Size C of the conditioning vector; 0 makes it static.
        log_scale_offset: Added to the log-scale. -3 starts training with a narrow posterior (the IAF-VAE's choice).
        gain: Factor of the first weights on the context, beyond Glorot's. With 1 the scales of some images start a hundred
            times too wide, and a first step that moves all of a wide context alike sends them to e^50; 0.1 starts calmly.

    Call:
        context [..., C] or None -> `tfd.Distribution` on events [D], batch shape [...].

    Example:
        >>> DiagonalNormal(3, context=5)(tf.ones([2, 5])).batch_shape
        TensorShape([2])

    Reference: Kingma, Welling. Auto-Encoding Variational Bayes. 2014. arXiv:1312.6114
    """

    def __init__(self, features, *, context=0, log_scale_offset=0.0, gain=1.0, **kwargs):
        super().__init__(context=context, **kwargs)
        self.features = features
        self.log_scale_offset, self.gain = log_scale_offset, gain
        if context:
            start = keras.initializers.VarianceScaling(gain**2, mode="fan_avg", distribution="uniform")
            self.head = keras.layers.Dense(2 * features, kernel_initializer=start, dtype=self.dtype_policy, name="head")
            self.head.build((None, context))
        else:
            self.parameters = self.add_weight(shape=(2 * features,), initializer="zeros", name="parameters")
        self.built = True

    def given(self, context):
        parameters = tf.convert_to_tensor(self.parameters) if context is None else self.head(context)
        loc, log_scale = tf.split(parameters, 2, axis=-1)  # [..., D] each
        return tfd.MultivariateNormalDiag(loc, tf.exp(log_scale + self.log_scale_offset))
