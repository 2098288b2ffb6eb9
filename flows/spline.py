"""Rational-quadratic splines."""

import math

import tensorflow as tf

from vae_flows.flows.elements import Element

__all__ = ["RationalQuadratic"]

LEAST = 1e-3  # of a bin's share of the interval, and of a slope; no slope is above 1 / LEAST
ONE = math.log(math.exp(1.0 - LEAST) - 1.0)  # LEAST + softplus of it is 1


class RationalQuadratic(Element):
    """An increasing spline of K rational-quadratic pieces on [-bound, bound], the identity outside.

    With t = (x - x_k) / w_k in bin k of width w_k, height h_k, slope s = h_k / w_k and end slopes d_k, d_{k+1}:
    y = y_k + h_k (s t^2 + d_k t (1 - t)) / (s + (d_k + d_{k+1} - 2 s) t (1 - t))

    Parameters of one feature: K raw widths, K raw heights, K - 1 raw inner slopes; all 0 give the identity.

    Args:
        bins: K, at least 2.
        bound: Half the length of the interval, in units of the features.

    Raises:
        ValueError: for fewer than 2 bins or more than 999, and a bound that is not positive.

    Example:
        >>> y, log_derivative = RationalQuadratic(bins=2, bound=3.0).forward(tf.constant([1.5, 4.0]), tf.ones([2, 5]))
        >>> y[1], log_derivative[1]
        (<tf.Tensor: shape=(), dtype=float32, numpy=4.0>, <tf.Tensor: shape=(), dtype=float32, numpy=0.0>)

    Reference: Durkan et al. Neural Spline Flows. 2019. arXiv:1906.04032
    """

    def __init__(self, bins=8, bound=5.0):
        if bins < 2 or bins * LEAST >= 1:
            raise ValueError(f"`bins` must be from 2 to {int(1 / LEAST) - 1}. Received: bins={bins}.")
        if not bound > 0:
            raise ValueError(f"`bound` must be positive, in units of the features. Received: bound={bound}.")
        self.bins, self.bound = bins, bound
        self.initial = (0.0,) * (3 * bins - 1)

    def shape(self, parameters):
        """Widths [..., K], heights [..., K] and slopes [..., K + 1] at the knots."""
        widths, heights, slopes = tf.split(parameters, [self.bins, self.bins, self.bins - 1], -1)
        slopes = tf.minimum(LEAST + tf.nn.softplus(slopes + ONE), 1.0 / LEAST)
        end = tf.ones_like(slopes[..., :1])  # of the tails
        return self._shares(widths), self._shares(heights), tf.concat([end, slopes, end], -1)

    def forward(self, x, parameters):
        inside = self._inside(x)
        left, width, bottom, height, first, second = self._bin(inside, parameters, by_height=False)
        t = tf.clip_by_value((inside - left) / width, 0.0, 1.0)  # rounding at a knot must not lead out of the bin
        slope = height / width
        both = t * (1.0 - t)
        below = slope + (first + second - 2.0 * slope) * both
        y = bottom + height * (slope * t * t + first * both) / below
        rise = second * t * t + 2.0 * slope * both + first * tf.square(1.0 - t)
        log_derivative = 2.0 * (tf.math.log(slope) - tf.math.log(below)) + tf.math.log(rise)
        within = tf.abs(x) < self.bound
        return tf.where(within, self._inside(y), x), tf.where(within, log_derivative, tf.zeros_like(x))

    def inverse(self, y, parameters):
        inside = self._inside(y)
        left, width, bottom, height, first, second = self._bin(inside, parameters, by_height=True)
        slope = height / width
        share = tf.clip_by_value((inside - bottom) / height, 0.0, 1.0)
        # The root of a quadratic, as its distance from the nearer end of the bin: sums of terms of one sign only.
        lean = first * (1.0 - share) - second * share
        root = tf.sqrt(tf.square(lean) + 4.0 * tf.square(slope) * share * (1.0 - share))
        near = 2.0 * slope * tf.where(lean > 0, share, 1.0 - share)
        part = near / (near + tf.abs(lean) + root)
        x = tf.where(lean > 0, left + width * part, left + width - width * part)
        return tf.where(tf.abs(y) < self.bound, self._inside(x), y)

    def _inside(self, value):
        return tf.clip_by_value(value, -self.bound, self.bound)

    def _shares(self, raw):
        """Lengths that add up to the interval, none below LEAST of it."""
        return 2.0 * self.bound * (LEAST + (1.0 - LEAST * self.bins) * tf.nn.softmax(raw))

    def _bin(self, value, parameters, *, by_height):
        """Left end, width, lower end, height and the two end slopes of the bin that holds each value."""
        widths, heights, slopes = self.shape(parameters)
        lefts = tf.cumsum(widths, axis=-1, exclusive=True) - self.bound
        bottoms = tf.cumsum(heights, axis=-1, exclusive=True) - self.bound
        knots = (bottoms if by_height else lefts)[..., 1:]
        index = tf.reduce_sum(tf.cast(value[..., None] >= knots, tf.int32), -1)
        here = tf.one_hot(index, self.bins, dtype=value.dtype)  # [..., D, K]; on CPUs its product beats a gather
        table = tf.stack([lefts, widths, bottoms, heights, slopes[..., :-1], slopes[..., 1:]], -2)  # [..., D, 6, K]
        return tf.unstack(tf.reduce_sum(table * here[..., None, :], -1), axis=-1)
