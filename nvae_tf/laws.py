"""The Gaussian of one group of latents."""

import math
from typing import NamedTuple

import tensorflow as tf

__all__ = ["GroupNormal", "soft_clamp"]

_SCALE_FLOOR = 0.01
_BOUND = 5.0


def soft_clamp(values):
    """5 tanh(v / 5): near v where v is small, never beyond 5.

    Example:
        >>> [round(float(each), 2) for each in soft_clamp(tf.constant([0.1, 100.0]))]
        [0.1, 5.0]
    """
    return _BOUND * tf.tanh(values / _BOUND)


class GroupNormal(NamedTuple):
    """N(loc, scale^2), independent in every latent of a group [N, h, w, L].

    Attributes:
        loc: [N, h, w, L].
        scale: [N, h, w, L].
    """

    loc: tf.Tensor
    scale: tf.Tensor

    @classmethod
    def standard(cls, shape, *, dtype=tf.float32):
        """N(0, 1) for a group of this shape [N, h, w, L]."""
        return cls(tf.zeros(shape, dtype), tf.ones(shape, dtype))

    @classmethod
    def of(cls, raw):
        """From the outputs of the networks, [N, h, w, 2 L]: loc = clamp(m), scale = exp(clamp(s)) + 0.01."""
        loc, log_scale = tf.split(soft_clamp(raw), 2, axis=-1)
        return cls(loc, tf.exp(log_scale) + _SCALE_FLOOR)

    def push(self, noise):
        """loc + scale * noise."""
        return self.loc + self.scale * noise

    def pull(self, value):
        """(value - loc) / scale."""
        return (value - self.loc) / self.scale

    def log_prob(self, noise):
        """Log-density of a group at `push(noise)`: [N, h, w, L] -> [N]."""
        terms = -0.5 * tf.square(noise) - tf.math.log(self.scale) - 0.5 * math.log(2 * math.pi)
        return tf.reduce_sum(terms, [1, 2, 3])

    def divergence(self, other):
        """KL(self || other) of a group: [N]."""
        ratio = self.scale / other.scale
        shift = (self.loc - other.loc) / other.scale
        return tf.reduce_sum(0.5 * (tf.square(ratio) + tf.square(shift) - 1.0) - tf.math.log(ratio), [1, 2, 3])
