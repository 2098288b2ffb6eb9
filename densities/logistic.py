"""Discretised logistic laws of integer pixels."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.base import LazyDistribution

__all__ = ["LogisticMixture"]

tfd = tfp.distributions


def discretised_logistic_log_prob(x, loc, log_scale, *, levels):
    """log of the logistic mass of each bin, edge bins open to infinity, exact in all tails.

    With a, b the bin's upper and lower end in units of the scale,
    log[sigmoid(a) - sigmoid(b)] = log sigmoid(a) + log sigmoid(-b) + log(1 - exp(b - a)),
    where a - b depends on the scale alone, so nothing cancels.

    Args:
        x: Pixels k / (levels - 1), in [0, 1].
        loc: Of the logistic, on the scale [-1, 1].
        log_scale: On the same scale.
        levels: Number of grey levels.

    Returns:
        The broadcast shape of the arguments.
    """
    half_bin = 1.0 / (levels - 1)
    centred = 2.0 * x - 1.0 - loc
    inverse_scale = tf.exp(-log_scale)
    upper, lower = inverse_scale * (centred + half_bin), inverse_scale * (centred - half_bin)
    white, black = x >= 1.0 - 0.5 * half_bin, x <= 0.5 * half_bin
    zero = tf.zeros([], inverse_scale.dtype)  # a bare 0.0 is float32 in a graph
    log_upper = tf.where(white, zero, tf.math.log_sigmoid(upper))
    log_lower = tf.where(black, zero, tf.math.log_sigmoid(-lower))
    return log_upper + log_lower + tf.where(white | black, zero, _log1mexp_exp(math.log(2.0 * half_bin) - log_scale))


def _log1mexp_exp(log_width):
    """log(1 - exp(-exp(log_width))), finite for the narrowest of bins, where it is log_width itself, and so its gradient.

    (That of `tfp.math.log1mexp` is NaN where the exponential of the width rounds to 1.)
    """
    width, switch = tf.exp(tf.maximum(log_width, -20.0)), math.log(2.0)  # exp(-20) / 2 is beneath a sum's rounding
    small = tf.math.log(-tf.math.expm1(-tf.minimum(width, switch)))
    large = tf.math.log1p(-tf.exp(-tf.maximum(width, switch)))
    return tf.where(log_width < -20.0, log_width, tf.where(width < switch, small, large))


class LogisticMixtureImage(tfd.Distribution):
    """Images whose pixels are mixtures of discretised logistics, autoregressive over the channels.

    Args:
        logits: Of the components, [..., H, W, K].
        loc: [..., H, W, C, K], on the scale [-1, 1], before the channels act on each other.
        log_scale: [..., H, W, C, K].
        coefficients: [..., H, W, C (C - 1) / 2, K], in (-1, 1): of channel j in the location of channel c > j, row by row.
        levels: Number of grey levels.
        temperature: Multiplies the scale when sampling.
    """

    def __init__(self, logits, loc, log_scale, coefficients, *, levels, temperature=1.0):
        self.logits, self.loc, self.log_scale, self.coefficients = logits, loc, log_scale, coefficients
        self.levels, self.temperature = levels, temperature
        super().__init__(
            dtype=loc.dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"logits": logits, "loc": loc, "log_scale": log_scale, "coefficients": coefficients},
            name="LogisticMixtureImage",
        )

    def _batch_shape(self):
        return self.loc.shape[:-4]

    def _batch_shape_tensor(self):
        return tf.shape(self.loc)[:-4]

    def _event_shape(self):
        return self.loc.shape[-4:-1]

    def _event_shape_tensor(self):
        return tf.shape(self.loc)[-4:-1]

    def _conditional_loc(self, channel, before):
        """Location of a channel given the pixels of those before it: list of [..., H, W] in [0, 1] -> [..., H, W, K]."""
        loc = self.loc[..., channel, :]
        row = channel * (channel - 1) // 2
        for j, value in enumerate(before):
            loc = loc + self.coefficients[..., row + j, :] * (2.0 * value - 1.0)[..., None]
        return loc

    def _log_prob(self, x):
        channels = tf.unstack(x, axis=-1)
        total = tf.nn.log_softmax(self.logits)  # [..., H, W, K]
        for c, value in enumerate(channels):
            loc = self._conditional_loc(c, channels[:c])
            total = total + discretised_logistic_log_prob(
                value[..., None], loc, self.log_scale[..., c, :], levels=self.levels
            )
        return tf.reduce_sum(tf.reduce_logsumexp(total, -1), [-2, -1])

    def _sample_n(self, n, seed=None):
        component_seed, pixel_seed = tf.unstack(tfp.random.split_seed(tfp.random.sanitize_seed(seed), 2))
        uniform = tf.random.stateless_uniform(
            tf.concat([[n], tf.shape(self.logits)], 0), component_seed, minval=1e-7, dtype=self.dtype, alg="philox"
        )
        chosen = tf.argmax(self.logits - tf.math.log(-tf.math.log(uniform)), -1)  # Gumbel's maximum
        shape = tf.concat([[n], tf.shape(self.loc)[:-1]], 0)
        uniform = tf.random.stateless_uniform(
            shape, pixel_seed, minval=1e-7, maxval=1 - 1e-7, dtype=self.dtype, alg="philox"
        )
        noise = tf.math.log(uniform) - tf.math.log1p(-uniform)
        return self._decide(tf.one_hot(chosen, tf.shape(self.logits)[-1], dtype=self.dtype), noise, rounded=True)

    def _decide(self, weights, noise, *, rounded):
        """Channel by channel, the weighted location plus scaled noise: [..., H, W, K], [..., H, W, C] -> [..., H, W, C]."""
        pixels = []
        for c in range(self.loc.shape[-2]):
            loc = tf.reduce_sum(weights * self._conditional_loc(c, pixels), -1)
            scale = self.temperature * tf.reduce_sum(weights * tf.exp(self.log_scale[..., c, :]), -1)
            value = tf.clip_by_value(0.5 * (loc + scale * noise[..., c] + 1.0), 0.0, 1.0)
            pixels.append(tf.round(value * (self.levels - 1)) / (self.levels - 1) if rounded else value)
        return tf.stack(pixels, -1)

    def _mean(self):
        return self._decide(tf.nn.softmax(self.logits), tf.zeros(tf.shape(self.loc)[:-1], self.dtype), rounded=False)

    def _mode(self):
        best = tf.one_hot(tf.argmax(self.logits, -1), tf.shape(self.logits)[-1], dtype=self.dtype)
        return self._decide(best, tf.zeros(tf.shape(self.loc)[:-1], self.dtype), rounded=True)


class LogisticMixture(LazyDistribution):
    """Mixture of discretised logistics: integer pixels, the channels of a pixel modelled one after the other.

    p(x) = prod over pixels of sum_k pi_k prod_c [F((x_c + 1/2 - m_kc) / s_kc) - F((x_c - 1/2 - m_kc) / s_kc)]
    m_kc = loc_kc + sum_{j < c} tanh(coefficient_kcj) x_j

    F is the logistic function; the first and last bin reach to infinity. Means and modes plug the means of the earlier
    channels in; the mean is that of the mixture's locations, clipped to the range of pixels.

    Args:
        image_shape: (height, width, channels), any number of channels.
        levels: Number of grey levels; pixels come as k / (levels - 1).
        components: K; 1 is the discretised logistic.
        smallest_log_scale: Floor of the log-scale, on the scale where pixels span [-1, 1].
        temperature: Multiplies the scale when sampling.

    Call:
        [..., H, W, K (1 + 2 C + C (C - 1) / 2)] -> `tfd.Distribution` on images [H, W, C].

    Example:
        >>> law = LogisticMixture((4, 4, 3))
        >>> law(tf.zeros([2, 4, 4, law.context])).log_prob(tf.zeros([2, 4, 4, 3])).shape
        TensorShape([2])

    Reference: Salimans et al. PixelCNN++. 2017. arXiv:1701.05517
    Differs from the paper: the mass of a bin is exact in the tails too, where the paper takes density times width.
    """

    def __init__(self, image_shape, *, levels=256, components=10, smallest_log_scale=-7.0, temperature=1.0, **kwargs):
        channels = image_shape[-1]
        if components < 1 or levels < 2:
            raise ValueError(
                f"`components` must be at least 1 and `levels` at least 2. Received: {components} and {levels}."
            )
        super().__init__(context=components * (1 + 2 * channels + channels * (channels - 1) // 2), **kwargs)
        self.image_shape = tuple(image_shape)
        self.levels = levels
        self.components = components
        self.smallest_log_scale = smallest_log_scale
        self.temperature = temperature
        self.built = True

    def given(self, context):
        channels = self.image_shape[-1]
        pairs = channels * (channels - 1) // 2
        parts = tf.reshape(context, tf.concat([tf.shape(context)[:-1], [-1, self.components]], 0))
        logits, loc, log_scale, raw = tf.split(parts, [1, channels, channels, pairs], axis=-2)
        lead = context.shape[:-1]
        return LogisticMixtureImage(
            tf.ensure_shape(logits[..., 0, :], [*lead, self.components]),
            tf.ensure_shape(loc, [*lead, channels, self.components]),
            tf.maximum(log_scale, self.smallest_log_scale),
            tf.tanh(raw),
            levels=self.levels,
            temperature=self.temperature,
        )

    def display(self, distribution):
        """The mean: [..., H, W, C] in [0, 1]."""
        return distribution.mean()
