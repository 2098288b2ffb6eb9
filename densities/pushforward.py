"""Distributions as maps of standard normal noise.

Every latent law here is z = f(u) with u ~ N(0, I). Written once, this map serves the reparameterised ELBO, sampling at a
temperature (f(T u)), and annealing in noise space, which needs no inverse.
"""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.estimators.hmc import standard_normal_log_prob

__all__ = ["pull", "push", "standard_normal", "standard_normal_log_prob"]

tfd = tfp.distributions


def standard_normal(shape, *, seed, dtype=tf.float32):
    """N(0, 1) noise that is a function of the seed alone: eagerly, in graphs and (but for the last bits) under XLA.

    Args:
        shape: Shape of the noise.
        seed: int32 [2].
    """
    return tf.random.stateless_normal(shape, seed, dtype=dtype, alg="philox")


@tf.autograph.experimental.do_not_convert  # dispatch is plain Python
@functools.singledispatch
def push(distribution, noise):
    """Maps standard normal noise u to z = f(u) that follows the distribution, and gives log p(z).

    Args:
        distribution: A Gaussian, or a flow of one, with events [D].
        noise: u [..., D]; leading axes broadcast against the distribution's batch.

    Returns:
        z [..., D] and log p(z) [...].

    Raises:
        TypeError: for a law with no such map.

    Example:
        >>> z, log_prob = push(tfd.MultivariateNormalDiag(tf.ones(2), 2.0 * tf.ones(2)), tf.zeros([2]))
        >>> z.numpy()
        array([1., 1.], dtype=float32)
    """
    raise TypeError(_no_map(distribution))


@tf.autograph.experimental.do_not_convert
@functools.singledispatch
def pull(distribution, value):
    """The inverse of `push`: z [..., D] -> the noise u [..., D] behind it, and log p(z) [...]."""
    raise TypeError(_no_map(distribution))


def _no_map(distribution):
    return (
        "The distribution must be a map of standard normal noise. Expected: a multivariate normal, or a flow of one. "
        f"Received: {type(distribution).__name__}. Register its map with `densities.push.register`."
    )


@push.register
def _(distribution: tfd.MultivariateNormalLinearOperator, noise):
    value = distribution.loc + distribution.scale.matvec(noise)
    return value, standard_normal_log_prob(noise) - distribution.scale.log_abs_determinant()


@pull.register
def _(distribution: tfd.MultivariateNormalLinearOperator, value):
    noise = distribution.scale.solvevec(value - distribution.loc)
    return noise, standard_normal_log_prob(noise) - distribution.scale.log_abs_determinant()
