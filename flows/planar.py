"""Planar flows."""

import math

import tensorflow as tf

from vae_flows.flows.base import LazyBijector
from vae_flows.flows.fused import FusedBijector
from vae_flows.flows.monotone import increasing_root
from vae_flows.flows.parameters import Parameters, normal, rows

__all__ = ["Planar"]

IDENTITY = math.log(math.e - 1.0)  # softplus of it is 1
LEAST = -80.0  # of w.u in the slope: softplus stays above 0 in single precision
SHORTEST = 1e-3  # of w: u^ grows with 1 / |w|, and x must survive the addition
NOTHING = 1e-36  # |w|^2 of a w that has no direction


class _PlanarBijector(FusedBijector):
    """T maps in a row: u, w [..., T, D] and b [..., T]."""

    def __init__(self, u, w, b, *, dtype):
        super().__init__(dtype=dtype)
        layers = b.shape[-1]
        w = _lengthened(w)
        product, square = tf.reduce_sum(w * u, -1), tf.reduce_sum(w * w, -1)  # [..., T]
        slopes = tf.nn.softplus(tf.maximum(product, LEAST))  # 1 + w.u^, the least slope along w
        self.slopes = tf.where(square > 0, slopes, tf.ones_like(slopes))
        u = u + tf.math.divide_no_nan(self.slopes - 1.0 - product, square)[..., None] * w
        slopes = tf.split(self.slopes, layers, -1)
        self.layers = list(
            zip(tf.unstack(u, axis=-2), tf.unstack(w, axis=-2), tf.split(b, layers, -1), slopes, strict=True)
        )

    def forward_and_log_det(self, x):
        activations = []
        for u, w, b, _ in self.layers:
            h = tf.tanh(tf.reduce_sum(w * x, -1, keepdims=True) + b)  # [..., 1]
            x = x + u * h
            activations.append(h)
        return x, self._log_det(activations)

    def inverse_and_log_det(self, y):
        activations = []
        for u, w, b, slope in reversed(self.layers):
            h = tf.tanh(_root(slope, tf.reduce_sum(w * y, -1, keepdims=True) + b))
            y = y - u * h
            activations.insert(0, h)
        return y, -self._log_det(activations)  # of the roots themselves: a second pass would amplify their rounding

    def _log_det(self, activations):
        square = tf.square(tf.concat(activations, -1))  # [..., T]
        return tf.reduce_sum(tf.math.log(square + (1.0 - square) * self.slopes), -1)


def _lengthened(w):
    """w, at least SHORTEST long, or 0."""
    square = tf.reduce_sum(w * w, -1, keepdims=True)
    factor = tf.maximum(SHORTEST * tf.math.rsqrt(tf.maximum(square, NOTHING)), 1.0)
    return w * tf.where(square > NOTHING, factor, tf.zeros_like(square))


def _root(slope, target):
    """a with a + (slope - 1) tanh(a) = target."""
    reach = tf.abs(slope - 1.0)

    def excess(a):
        square = tf.square(tf.tanh(a))
        return a + (slope - 1.0) * tf.tanh(a) - target, square + (1.0 - square) * slope

    return increasing_root(excess, target - reach, target + reach)


class Planar(LazyBijector):
    """Planar maps in a row: each moves a vector along one direction by a bump across one plane.

    y = x + u^ h, h = tanh(w.x + b), u^ = u + (softplus(w.u) - 1 - w.u) w / |w|^2
    log|det dy/dx| = log(1 + (1 - h^2) w.u^); a w shorter than 0.001 is lengthened to it, but w = 0 moves all points alike

    `Planar(20, context=400, layers=16)` is the law of sixteen single maps in a `Chain`, and faster: all their parameters
    come from one product with the context, and from one Adam update. The maps start as the identity, with random w.

    Args:
        features: Size D of the event.
        context: Size C of the conditioning vector; 0 makes u, w, b weights.
        layers: Number T of maps.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]. The inverse solves w.x for each map to rounding, and is
        NaN where it misses 1e-5 (see `increasing_root`).

    Example:
        >>> Planar(3, context=5, layers=2)(tf.ones([4, 5])).forward(tf.zeros([4, 3])).shape
        TensorShape([4, 3])

    Reference: Rezende, Mohamed. Variational Inference with Normalizing Flows. 2015. arXiv:1505.05770
    """

    def __init__(self, features, *, context=0, layers=1, **kwargs):
        super().__init__(features, context=context, **kwargs)
        if layers < 1:
            raise ValueError(f"`layers` must be at least 1. Received: layers={layers}.")
        self.layers = layers
        w = tf.math.l2_normalize(normal(layers, features), -1)
        flat = tf.reshape(w, [-1])
        initial = tf.concat([IDENTITY * flat, flat, tf.zeros([layers])], 0)
        self.parameters = Parameters(initial, context=context, dtype=self.dtype_policy, name="parameters")
        self.built = True

    def given(self, context):
        size = self.features * self.layers
        u, w, b = tf.split(self.parameters(context), [size, size, self.layers], -1)
        return _PlanarBijector(rows(u, self.layers), rows(w, self.layers), b, dtype=self.compute_dtype)
