"""Bijectors of the real line, applied feature by feature with parameters from a network.

An element has `initial` (first value of each parameter of one feature), `forward(x, parameters) -> (y, log dy/dx)` and
`inverse(y, parameters) -> x`; x and y are [..., D], parameters [..., D, len(initial)].
"""

import tensorflow as tf

__all__ = ["Affine", "Gated", "Shift", "check_bound"]


def check_bound(log_scale_bound):
    """Refuses a bound on the logarithm of a scale that is neither positive nor None."""
    if log_scale_bound is not None and not log_scale_bound > 0:
        raise ValueError(
            f"`log_scale_bound` must be positive, or None for none. Received: log_scale_bound={log_scale_bound}."
        )


class Shift:
    """y = x + m."""

    initial = (0.0,)

    def forward(self, x, parameters):
        return x + parameters[..., 0], tf.zeros_like(x)

    def inverse(self, y, parameters):
        return y - parameters[..., 0]


class Affine:
    """y = x exp(s) + m, parameters (m, s).

    Args:
        most: Bound on |s|, reached smoothly: s = most tanh(raw / most); None for none.
    """

    initial = (0.0, 0.0)

    def __init__(self, most=None):
        self.most = most

    def forward(self, x, parameters):
        shift, log_scale = self._split(parameters)
        return x * tf.exp(log_scale) + shift, log_scale

    def inverse(self, y, parameters):
        shift, log_scale = self._split(parameters)
        return (y - shift) * tf.exp(-log_scale)

    def _split(self, parameters):
        shift, log_scale = tf.unstack(parameters, axis=-1)
        return shift, log_scale if self.most is None else self.most * tf.tanh(log_scale / self.most)


class Gated:
    """y = g x + (1 - g) m, g = sigmoid(s), parameters (m, s).

    Args:
        bias: Where s starts.
    """

    def __init__(self, bias):
        self.initial = (0.0, bias)

    def forward(self, x, parameters):
        shift, gate = tf.unstack(parameters, axis=-1)
        g = tf.sigmoid(gate)
        return g * x + (1.0 - g) * shift, tf.math.log_sigmoid(gate)

    def inverse(self, y, parameters):
        shift, gate = tf.unstack(parameters, axis=-1)
        return (y - tf.sigmoid(-gate) * shift) * (1.0 + tf.exp(-gate))
