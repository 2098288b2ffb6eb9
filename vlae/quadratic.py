"""The joint density near codes, to second order."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.pushforward import pull
from vae_flows.vlae.linearised import AnyNetwork, linearised

__all__ = ["Quadratic"]


class Quadratic:
    """log p(x, z + d) near z by Gauss and Newton.

    log p(x, z + d) ~ log p(x, z) + b d - d P d / 2
    b = J^T grad_h log p(x | h) + grad log p(z),  P = J^T W J + C,  h = g(z), J = dg/dz

    W is the curvature of the pixel law in the decoder's output h. C is that of the prior: K^T K, K = du/dz, where z is
    mapped to standard normal noise u; I for the standard normal prior itself.

    Args:
        x: Images [B, H, W, C].
        z: Codes [B, D].
        decoder: `Conditional`: z -> p(x | z).
        prior: Distribution of z that `densities.pull` takes to noise.
        training: Whether the networks are in training.
    """

    def __init__(self, x, z, *, decoder, prior, training=False):
        self.z = z
        self.network = linearised(decoder.network, z, training=training)
        self.gradient, self.weight = decoder.gradient_and_curvature(x, self.network.outputs)
        gaussian = isinstance(prior, tfp.distributions.MultivariateNormalLinearOperator)
        self.prior = (_GaussianPrior if gaussian else _AnyPrior)(prior, z)

    @classmethod
    def of(cls, x, **given):
        """z -> the quadratic near z."""
        return functools.partial(cls, x, **given)

    def slope(self):
        """b [B, D]."""
        return self.network.pull(self.gradient) + self.prior.gradient

    def times(self, d):
        """P d: [B, D] -> [B, D]."""
        return self.network.pull(self.weight * self.network.push(d)) + self.prior.times(d)

    def residual(self, d):
        """b - P d: [B, D] -> [B, D]."""
        pulled = self.network.pull(self.gradient - self.weight * self.network.push(d))
        return pulled + self.prior.gradient - self.prior.times(d)

    def factor(self):
        """L, lower triangular, of P = L L^T: [B, D, D]."""
        precision = self.network.gram(self.weight) + self.prior.curvature()
        shape = tf.concat([tf.shape(self.z), tf.shape(self.z)[-1:]], 0)
        return tf.linalg.cholesky(tf.broadcast_to(precision, shape))  # without hidden layers all images share one


class _GaussianPrior:
    """Gradient and curvature of a Gaussian."""

    def __init__(self, prior, z):
        root = prior.scale.solve(tf.eye(z.shape[-1], dtype=z.dtype))
        self.matrix = tf.matmul(root, root, transpose_a=True)
        self.gradient = -self.times(z - prior.loc)

    def times(self, d):
        return tf.linalg.matvec(self.matrix, d)

    def curvature(self):
        return self.matrix


class _AnyPrior:
    """Gradient of a density, and the curvature of |u|^2 / 2 alone: never negative, whatever the density."""

    def __init__(self, prior, z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            log_prob = prior.log_prob(z)
        self.gradient = tape.gradient(log_prob, z)
        self.noise = AnyNetwork(lambda z, training: pull(prior, z)[0], z)

    def times(self, d):
        return self.noise.pull(self.noise.push(d))

    def curvature(self):
        root = self.noise.jacobian()  # [B, D, D], transposed
        return tf.matmul(root, root, transpose_b=True)
