"""Radial flows."""

import math

import tensorflow as tf

from vae_flows.flows.base import LazyBijector
from vae_flows.flows.fused import FusedBijector
from vae_flows.flows.parameters import Parameters, normal, rows

__all__ = ["Radial"]

IDENTITY = math.log(math.e - 1.0)  # softplus of it is 1
EXTREME = 30.0  # raw alpha and beta stay where squares neither overflow nor vanish
TINY = 1e-37


def _radius(x):
    """|x|, 0 with gradient 0 at the centre."""
    square = tf.reduce_sum(x * x, -1, keepdims=True)
    return tf.where(square > TINY, tf.sqrt(tf.maximum(square, TINY)), tf.zeros_like(square))


class _RadialBijector(FusedBijector):
    """T maps in a row: centre [..., T, D], alpha and gamma = alpha + beta^ [..., T]."""

    def __init__(self, centre, alpha, gamma, *, dtype):
        super().__init__(dtype=dtype)
        layers = alpha.shape[-1]
        self.alpha, self.gamma = alpha, gamma
        scales = zip(tf.split(alpha, layers, -1), tf.split(gamma, layers, -1), strict=True)
        self.layers = list(zip(tf.unstack(centre, axis=-2), scales, strict=True))

    def forward_and_log_det(self, x):
        radii = []
        for centre, (alpha, gamma) in self.layers:
            away = x - centre
            r = _radius(away)  # [..., 1]
            x = centre + away * ((gamma + r) / (alpha + r))
            radii.append(r)
        return x, self._log_det(radii, x.shape[-1])

    def inverse_and_log_det(self, y):
        radii = []
        for centre, (alpha, gamma) in reversed(self.layers):
            away = y - centre
            r = _radius_before(_radius(away), alpha, gamma)
            y = centre + away * ((alpha + r) / (gamma + r))
            radii.insert(0, r)
        return y, -self._log_det(radii, y.shape[-1])

    def _log_det(self, radii, features):
        r = tf.concat(radii, -1)  # [..., T], before each map
        across = tf.math.log((self.gamma + r) / (self.alpha + r))
        along = tf.math.log((r * r + 2.0 * self.alpha * r + self.alpha * self.gamma) / tf.square(self.alpha + r))
        return tf.reduce_sum((features - 1.0) * across + along, -1)


def _radius_before(after, alpha, gamma):
    """r >= 0 with r (gamma + r) / (alpha + r) = after, without cancellation."""
    excess = after - gamma
    twice = tf.abs(excess) + tf.sqrt(tf.square(excess) + 4.0 * alpha * after)
    return tf.where(excess > 0, 0.5 * twice, 2.0 * alpha * after / twice)


class Radial(LazyBijector):
    """Radial maps in a row: each stretches or shrinks space around one centre.

    y = x + beta^ h (x - centre), h = 1 / (alpha + r), r = |x - centre|, alpha = exp(a), beta^ = -alpha + softplus(b)
    log|det dy/dx| = (D - 1) log(1 + beta^ h) + log(1 + beta^ h - beta^ r h^2), with a held to [-30, 30] and b >= -30

    All T maps take their parameters from one product with the context, as in `Planar`. They start as the identity, with
    random centres.

    Args:
        features: Size D of the event.
        context: Size C of the conditioning vector; 0 makes centre, a, b weights.
        layers: Number T of maps.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; the inverse is the root of a quadratic.

    Example:
        >>> Radial(3, context=5, layers=2)(tf.ones([4, 5])).forward(tf.zeros([4, 3])).shape
        TensorShape([4, 3])

    Reference: Rezende, Mohamed. Variational Inference with Normalizing Flows. 2015. arXiv:1505.05770
    """

    def __init__(self, features, *, context=0, layers=1, **kwargs):
        super().__init__(features, context=context, **kwargs)
        if layers < 1:
            raise ValueError(f"`layers` must be at least 1. Received: layers={layers}.")
        self.layers = layers
        initial = tf.concat([normal(layers * features), tf.zeros([layers]), tf.fill([layers], IDENTITY)], 0)
        self.parameters = Parameters(initial, context=context, dtype=self.dtype_policy, name="parameters")
        self.built = True

    def given(self, context):
        centre, a, b = tf.split(self.parameters(context), [self.features * self.layers, self.layers, self.layers], -1)
        alpha, gamma = tf.exp(tf.clip_by_value(a, -EXTREME, EXTREME)), tf.nn.softplus(tf.maximum(b, -EXTREME))
        return _RadialBijector(rows(centre, self.layers), alpha, gamma, dtype=self.compute_dtype)
