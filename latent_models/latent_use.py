"""Which latent features a model uses, and how much."""

from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.noise import standard_normal

__all__ = ["LatentUse", "latent_use"]

_ACTIVE = 0.01  # variance over images of a posterior mean, arXiv:1509.00519


class LatentUse(NamedTuple):
    """What each latent feature tells about the images.

    Attributes:
        kl: Mean over images of KL(q_d(z | x) || p_d(z)) in nats, [D], each marginal taken as the Gaussian with its mean and
            variance: exact, but for the samples' noise, where both are Gaussians with independent features.
        activity: Variance over images of the posterior mean, [D].
    """

    kl: tf.Tensor
    activity: tf.Tensor

    @property
    def active_units(self):
        """How many features have an activity above 0.01."""
        return tf.math.count_nonzero(self.activity > _ACTIVE, dtype=tf.int32)


def latent_use(model, x, seed, samples=64):
    """The `LatentUse` of images, from samples of their posteriors and of the prior.

    activity_d = Var_x(E_q[z_d | x])

    All images share their noise, and each noise comes with its opposite: the mean of a Gaussian is then exact, and a
    feature that ignores the images has an activity of zero.

    Args:
        model: `ImageModel`.
        x: Prepared images [N, H, W, C].
        seed: int32 [2].
        samples: Posterior samples per image, even. The noise of their variance makes `kl` too large by about 1 / samples.

    Raises:
        ValueError: for an odd number of samples, or none.

    Reference: Burda et al. Importance Weighted Autoencoders. 2016. arXiv:1509.00519 (active units)
    """
    if samples < 2 or samples % 2:
        raise ValueError(
            f"`samples` must be even and at least 2, as each has its opposite. Received: samples={samples}."
        )
    posterior_seed, prior_seed = tf.unstack(tfp.random.split_seed(seed, 2))
    half = standard_normal([samples // 2, 1, model.noise_features], seed=posterior_seed)
    noise = tf.concat([half, -half], 0)  # [samples, 1, noise features]
    shape = [samples, tf.shape(x)[0], model.noise_features]
    posterior = model.annealing(x, "posterior").latent(tf.broadcast_to(noise, shape))  # [samples, N, D]
    prior = model.annealing(x, "prior").latent(standard_normal(shape, seed=prior_seed))
    mean, variance = tf.nn.moments(posterior, 0)  # [N, D]
    prior_mean, prior_variance = tf.nn.moments(prior, [0, 1])  # [D]
    ratio = variance / prior_variance
    kl = 0.5 * (ratio - 1.0 - tf.math.log(ratio) + tf.square(mean - prior_mean) / prior_variance)
    return LatentUse(tf.reduce_mean(kl, 0), tf.math.reduce_variance(mean, 0))
