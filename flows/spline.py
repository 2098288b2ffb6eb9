"""Rational-quadratic spline flows."""

import math

import tensorflow as tf

from vae_flows.flows.autoregressive import AutoregressiveLayer
from vae_flows.flows.coupling import CouplingLayer

__all__ = ["AutoregressiveSpline", "RationalQuadratic", "SplineCoupling"]

LEAST = 1e-3  # of a bin's share of the interval, and of a slope
ONE = math.log(math.exp(1.0 - LEAST) - 1.0)  # LEAST + softplus of it is 1


class RationalQuadratic:
    """An increasing spline of K rational-quadratic pieces on [-bound, bound], the identity outside.

    With t = (x - x_k) / w_k in bin k of width w_k, height h_k, slope s = h_k / w_k and end slopes d_k, d_{k+1}:
    y = y_k + h_k (s t^2 + d_k t (1 - t)) / (s + (d_k + d_{k+1} - 2 s) t (1 - t))

    Parameters of one feature: K raw widths, K raw heights, K - 1 raw inner slopes; all 0 give the identity.

    Args:
        bins: K, at least 2.
        bound: Half the length of the interval.

    Reference: Durkan et al. Neural Spline Flows. 2019. arXiv:1906.04032
    """

    def __init__(self, bins, bound):
        if bins < 2 or bins * LEAST >= 1:
            raise ValueError(f"`bins` must be from 2 to {int(1 / LEAST) - 1}. Received: bins={bins}.")
        if not bound > 0:
            raise ValueError(f"`bound` must be positive, in units of the features. Received: bound={bound}.")
        self.bins, self.bound = bins, bound
        self.initial = (0.0,) * (3 * bins - 1)

    def shape(self, parameters):
        """Widths [..., K], heights [..., K] and slopes [..., K + 1] at the knots."""
        widths, heights, slopes = tf.split(parameters, [self.bins, self.bins, self.bins - 1], -1)
        slopes = LEAST + tf.nn.softplus(slopes + ONE)
        end = tf.ones_like(slopes[..., :1])  # of the tails
        return self._shares(widths), self._shares(heights), tf.concat([end, slopes, end], -1)

    def forward(self, x, parameters):
        inside = tf.clip_by_value(x, -self.bound, self.bound)
        left, width, bottom, height, first, second = self._bin(inside, parameters, by_height=False)
        t = (inside - left) / width
        slope = height / width
        both = t * (1.0 - t)
        below = slope + (first + second - 2.0 * slope) * both
        y = bottom + height * (slope * t * t + first * both) / below
        rise = second * t * t + 2.0 * slope * both + first * tf.square(1.0 - t)
        log_derivative = 2.0 * (tf.math.log(slope) - tf.math.log(below)) + tf.math.log(rise)
        within = tf.abs(x) < self.bound
        return tf.where(within, y, x), tf.where(within, log_derivative, tf.zeros_like(x))

    def inverse(self, y, parameters):
        inside = tf.clip_by_value(y, -self.bound, self.bound)
        left, width, bottom, height, first, second = self._bin(inside, parameters, by_height=True)
        slope = height / width
        above = inside - bottom
        bend = above * (first + second - 2.0 * slope)
        a, b, c = height * (slope - first) + bend, height * first - bend, -slope * above
        t = 2.0 * c / (-b - tf.sqrt(tf.maximum(b * b - 4.0 * a * c, 0.0)))
        return tf.where(tf.abs(y) < self.bound, left + width * t, y)

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


class SplineCoupling(CouplingLayer):
    """Passes one half of the features through splines that depend on the other half.

    y = [x1, spline(x2; network(x1, context))], or with the halves swapped; identity where |x2| > bound

    Args:
        features: Size D of the event; even.
        hidden: Widths of the network's hidden layers.
        context: Size C of the conditioning vector; 0 makes the step static.
        swapped: Whether the first half changes, not the second. Alternate it from step to step.
        activation: Of the hidden layers.
        bins: Number of pieces of each spline.
        bound: The splines act on [-bound, bound].

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D].

    Raises:
        ValueError: for an odd size.

    Example:
        >>> SplineCoupling(4, hidden=(8,))().forward(tf.ones([2, 4])).shape
        TensorShape([2, 4])

    Reference: Durkan et al. Neural Spline Flows. 2019. arXiv:1906.04032
    """

    def __init__(self, features, *, hidden, context=0, swapped=False, activation="relu", bins=8, bound=5.0, **kwargs):
        self.bins, self.bound = bins, bound  # the base asks for the element
        super().__init__(features, hidden=hidden, context=context, swapped=swapped, activation=activation, **kwargs)

    def element(self):
        return RationalQuadratic(self.bins, self.bound)


class AutoregressiveSpline(AutoregressiveLayer):
    """Passes each feature through a spline that depends on the features before it.

    y[i] = spline(x[i]; made_i(x[:i], context)), identity where |x[i]| > bound

    Args:
        features: Size D of the event.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: As in `GatedAutoregressive`.
        residual_blocks: Number of masked residual blocks after the hidden layers.
        activation: Of the hidden layers.
        bins: Number of pieces of each spline.
        bound: The splines act on [-bound, bound].

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverting takes D passes.

    Reference: Durkan et al. Neural Spline Flows. 2019. arXiv:1906.04032
    """

    def __init__(
        self,
        features,
        *,
        hidden,
        context=0,
        context_after_activation=False,
        residual_blocks=0,
        activation="elu",
        bins=8,
        bound=5.0,
        **kwargs,
    ):
        self.bins, self.bound = bins, bound  # the base asks for the element
        super().__init__(
            features,
            hidden=hidden,
            context=context,
            context_after_activation=context_after_activation,
            residual_blocks=residual_blocks,
            activation=activation,
            **kwargs,
        )

    def element(self):
        return RationalQuadratic(self.bins, self.bound)
