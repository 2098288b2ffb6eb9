"""Which latent features a model uses, and how much."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.pushforward import standard_normal
from vae_flows.latent_models.seeds import as_seed

__all__ = ["LatentUse", "LatentUseMeter"]

_ACTIVE = 0.01  # variance over images of a posterior mean, arXiv:1509.00519
_TOGETHER = 100  # images
_PRIOR_DRAWS, _PRIOR_TOGETHER = 20_000, 500


class LatentUse(NamedTuple):
    """What each latent feature, and each group of them, tells about the images.

    Attributes:
        group_kl: Mean over images of log q - log p of each group at samples of q, in nats, [G].
        kl: Mean over images of KL(q_d(z | x) || p_d(z)) in nats, [D], each marginal taken as the Gaussian with its mean and
            variance, and the prior's as the one over all its samples; None of several groups, whose priors differ by image.
        activity: Variance over images of the posterior mean, [D].
        group_features: Sizes of the groups.
    """

    group_kl: np.ndarray
    kl: np.ndarray | None
    activity: np.ndarray
    group_features: tuple

    @property
    def active_units(self):
        """How many features of each group have an activity above 0.01: [G]."""
        ends = np.cumsum(self.group_features)[:-1]
        return np.array([np.count_nonzero(part > _ACTIVE) for part in np.split(self.activity, ends)])


class LatentUseMeter:
    """Finds the `LatentUse` of images, from samples of their posteriors and of the prior; compiled once, for any weights.

    activity_d = Var_x(E_q[z_d | x])

    Each noise comes with its opposite, so the mean of a Gaussian posterior is exact. What the noise of other posteriors'
    means adds to the activity is estimated from the pairs and taken off. The logarithm of a variance over P = samples / 2
    pairs is corrected by psi(P / 2) - log(P / 2), its bias for a Gaussian. Noise is each image's own: of N images and P pairs
    the KL of a feature has a standard deviation of about 1 / (P sqrt(2 N)) nats where q is near the prior, and of
    |r - 1| / sqrt(2 N P) where q has r times the prior's variance. The prior's own variance, of 20,000 draws, adds to it
    |1 - r - m^2| / 200 with m^2 the mean square of q's means, less the prior's, over the prior's variance: nothing where the
    aggregate posterior is the prior. Memory is that of a few codes an image.

    Args:
        model: `LatentModel`.
        samples: Posterior samples per image, even, at least 4; 64 by default, 8 of several groups, which are costly and many.

    Call:
        x: prepared images [N, H, W, C], seed: None for new noise, an integer, or int32 [2] -> `LatentUse`.

    Raises:
        ValueError: for an odd number of samples, or too few.

    Reference: Burda et al. Importance Weighted Autoencoders. 2016. arXiv:1509.00519 (active units)
    """

    def __init__(self, model, samples=None):
        self.groups = tuple(model.group_features)
        samples = (64 if len(self.groups) == 1 else 8) if samples is None else samples
        if samples < 4 or samples % 2:
            raise ValueError(
                f"`samples` must be even and at least 4, as each has its opposite. Received: samples={samples}."
            )
        self.model = model
        self.pairs = samples // 2
        self._moments = tf.function(self._moments_graph, autograph=False, reduce_retracing=True)
        self._prior_sums = tf.function(self._prior_sums_graph, autograph=False)

    def __call__(self, x, seed=None):
        posterior_seed, prior_seed = tf.unstack(tfp.random.split_seed(as_seed(seed), 2))
        parts = [self._moments(x[i : i + _TOGETHER], _folded(posterior_seed, i)) for i in range(0, len(x), _TOGETHER)]
        mean, variance, noise, group_kl = (np.concatenate(each).astype(np.float64) for each in zip(*parts, strict=True))
        activity = np.maximum(mean.var(0) - noise.mean(0), 0.0)
        kl = self._marginal_kl(x[:1], mean, variance, prior_seed) if len(self.groups) == 1 else None
        return LatentUse(group_kl.mean(0), kl, activity, self.groups)

    def _marginal_kl(self, x, mean, variance, seed):
        """KL of the Gaussians with the posteriors' means and variances [N, D] and with the prior's, over the images: [D]."""
        prior_mean, prior_variance = self._prior_moments(x, seed)  # [D]
        finest = max(np.finfo(self.model.variable_dtype).eps ** 2, np.finfo(np.float64).eps)  # of z, or of its moments
        resolution = finest * np.maximum(np.square(mean), prior_variance)
        ratio = np.maximum(variance, resolution) / prior_variance  # a narrower q is more than that can tell
        bias = float(tf.math.digamma(self.pairs / 2) - np.log(self.pairs / 2))
        kl = 0.5 * (ratio - 1.0 - np.log(ratio) + bias + np.square(mean - prior_mean) / prior_variance)
        return kl.mean(0)

    def _moments_graph(self, x, seed):
        """Of images [B]: mean and variance of q, variance of the mean's own noise, [B, D] each; the groups' KL, [B, G]."""
        model, pairs = self.model, self.pairs
        inference, images = model.infer(x), tf.shape(x)[0]
        features, groups = model.latent_features, len(self.groups)

        def add_pair(i, middles, squares, middle_squares, kl):
            half = standard_normal([images, model.noise_features], seed=_folded(seed, i), dtype=model.variable_dtype)
            both = tf.stack([half, -half])  # [2, B, F]
            z, terms = inference.drawn(both)
            z = tf.cast(z, tf.float64)  # [2, B, D]
            middle = 0.5 * (z[0] + z[1])
            kl += tf.cast(tf.reduce_mean(terms.kl, 0), tf.float64)
            return i + 1, middles + middle, squares + tf.reduce_mean(z * z, 0), middle_squares + middle * middle, kl

        zeros = tf.zeros([images, features], tf.float64)
        state = (tf.constant(0), zeros, zeros, zeros, tf.zeros([images, groups], tf.float64))
        _, *sums = tf.while_loop(lambda i, *_: i < pairs, add_pair, state, parallel_iterations=1)
        mean, square, middle_square, kl = (total / pairs for total in sums)
        noise = (middle_square - mean * mean) / (pairs - 1)  # of a mean over the pairs
        return mean, square - mean * mean, noise, kl

    def _prior_moments(self, x, seed):
        """Mean and variance [D] of the prior's features."""
        rounds = tf.range(_PRIOR_DRAWS // _PRIOR_TOGETHER)
        parts = [self._prior_sums(x, _folded(seed, number)) for number in rounds]
        mean, square = (np.sum(each, 0) / _PRIOR_DRAWS for each in zip(*parts, strict=True))
        return mean, square - mean * mean

    def _prior_sums_graph(self, x, seed):
        """Sums of the features of a round of draws and of their squares, [D] each."""
        shape = [_PRIOR_TOGETHER, 1, self.model.noise_features]
        noise = standard_normal(shape, seed=seed, dtype=self.model.variable_dtype)
        z = tf.cast(self.model.infer(x, start="prior").latent(noise)[:, 0], tf.float64)  # [draws, D]
        return tf.reduce_sum(z, 0), tf.reduce_sum(z * z, 0)


def _folded(seed, number):
    return tf.random.experimental.stateless_fold_in(seed, number, alg="philox")
