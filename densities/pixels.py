"""Laws of the pixels of an image, p(x | z).

A pixel law has the attribute `levels`: the number of values that a pixel can take, k / (levels - 1), or None for a density
of continuous pixels.
"""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.base import LazyDistribution
from vae_flows.densities.softplus import sum_of_softplus

__all__ = ["Bernoulli"]

tfd = tfp.distributions


class BernoulliImage(tfd.Distribution):
    """Independent binary pixels, from their logits.

    log p(x) = -sum over pixels of softplus((1 - 2 x) logit), for x of zeros and ones

    One softplus a pixel, where `tfd.Bernoulli` takes two and guards each product, and one logarithm for many of them. Every
    term is what its pixel costs, so nothing large cancels where sure pixels are right.
    """

    def __init__(self, logits, *, event_rank=3, name="BernoulliImage"):
        self.logits = logits
        self.event_rank = event_rank
        super().__init__(
            dtype=logits.dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"logits": logits},
            name=name,
        )

    def _batch_shape_tensor(self):
        return tf.shape(self.logits)[: -self.event_rank]

    def _batch_shape(self):
        return self.logits.shape[: -self.event_rank]

    def _event_shape_tensor(self):
        return tf.shape(self.logits)[-self.event_rank :]

    def _event_shape(self):
        return self.logits.shape[-self.event_rank :]

    def _log_prob(self, x):
        pixels = math.prod(self.logits.shape[-self.event_rank :])
        against = (1.0 - 2.0 * x) * self.logits
        lead = tf.shape(against)[: -self.event_rank]
        return -sum_of_softplus(tf.reshape(against, tf.concat([lead, [pixels]], 0)))

    def _sample_n(self, n, seed=None):
        seed = tfp.random.sanitize_seed(seed)
        shape = tf.concat([[n], tf.shape(self.logits)], 0)
        uniform = tf.random.stateless_uniform(shape, seed, dtype=self.dtype, alg="philox")
        return tf.cast(uniform < tf.sigmoid(self.logits), self.dtype)

    def _mean(self):
        return tf.sigmoid(self.logits)

    def _mode(self):
        return tf.cast(self.logits > 0, self.dtype)


class Bernoulli(LazyDistribution):
    """Binary pixels, independent given the decoder's logits.

    p(x = 1) = sigmoid(logit)

    Args:
        image_shape: (height, width, channels).

    Call:
        logits [..., H, W, C] -> `tfd.Distribution` on images [H, W, C] of zeros and ones.

    Example:
        >>> Bernoulli((4, 4, 1))(tf.zeros([2, 4, 4, 1])).log_prob(tf.zeros([2, 4, 4, 1])).shape
        TensorShape([2])
    """

    levels = 2

    def __init__(self, image_shape, **kwargs):
        super().__init__(context=image_shape[-1], **kwargs)
        self.image_shape = tuple(image_shape)
        self.built = True

    def given(self, context):
        return BernoulliImage(context)

    def gradient_and_curvature(self, x, context):
        mean = tf.sigmoid(context)
        return x - mean, mean * (1.0 - mean)

    def display(self, distribution):
        """The probability of ink: [..., H, W, C] in [0, 1]."""
        return distribution.mean()
