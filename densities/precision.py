"""A Gaussian law of latent codes by its precision."""

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.pushforward import push, standard_normal_log_prob

__all__ = ["PrecisionNormal"]


class PrecisionNormal(tfp.distributions.MultivariateNormalLinearOperator):
    """A Gaussian by the Cholesky factor of its precision, which is never inverted.

    z = loc + L^-T u,  u ~ N(0, I):  cov z = (L L^T)^-1 = P^-1

    Where P is far cheaper to multiply by than to differentiate, `times` says how: one draw of each law then has a gradient
    that takes one product with P. It moves z along a field that keeps the law what it is,

    dz = dloc - P^-1 dP (z - loc) / 2,  d log q = -P (z - loc) dz

    so that means over draws have the gradients that they have by L, for whatever is linear in log q: an ELBO. What is left
    out of d log q is the score, of mean 0; where q is the true posterior, an ELBO's gradient has no noise at all.

    Args:
        loc: [..., D].
        factor: L [..., D, D], lower triangular.
        times: d -> P d, [..., D] -> [..., D], for gradients; None takes them by L.

    Example:
        >>> PrecisionNormal(tf.zeros(2), 2.0 * tf.eye(2)).stddev().numpy()
        array([0.5, 0.5], dtype=float32)

    Reference: Jankowiak, Obermeyer. Pathwise Derivatives Beyond the Reparameterization Trick. 2018. arXiv:1806.01851;
        Roeder et al. Sticking the Landing. 2017. arXiv:1703.09194
    """

    def __init__(self, loc, factor, times=None):
        root = tf.linalg.LinearOperatorLowerTriangular(factor, is_non_singular=True)
        super().__init__(loc, tf.linalg.LinearOperatorInversion(root.adjoint()), name="PrecisionNormal")
        self.factor, self.times = factor, times


@push.register
def _(distribution: PrecisionNormal, noise):
    factor = distribution.factor
    if distribution.times is not None and noise.shape.rank < factor.shape.rank:
        return _pushed_by_products(distribution, noise)
    log_det = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)), -1)
    return distribution.loc + _solved(factor, noise), standard_normal_log_prob(noise) + log_det


def _solved(factor, noise):
    """L^-T u: [..., D, D], [*more, ..., D] -> [*more, ..., D]."""
    if noise.shape.rank < factor.shape.rank:  # one noise for each factor
        return tf.linalg.triangular_solve(factor, noise[..., None], adjoint=True)[..., 0]
    size = factor.shape[-1]  # many: L^-1 once for all
    each = tf.reshape(factor, [-1, size, size])  # [B, D, D]
    root = tf.linalg.triangular_solve(each, tf.eye(size, batch_shape=tf.shape(each)[:1], dtype=factor.dtype))
    flat = tf.reshape(noise, [-1, tf.shape(each)[0], size])
    return tf.reshape(tf.einsum("kbe,bed->kbd", flat, root), tf.shape(noise))


def _pushed_by_products(distribution, noise):
    """One draw of each law, with gradients to loc and P by a product."""
    loc, factor = distribution.loc, tf.stop_gradient(distribution.factor)
    moved = _solved(factor, noise)
    product = distribution.times(tf.stop_gradient(moved))
    turned = tf.linalg.cholesky_solve(factor, (product - tf.stop_gradient(product))[..., None])[..., 0]
    delta = loc - tf.stop_gradient(loc) - 0.5 * turned  # 0, but for its gradient
    slope = tf.stop_gradient(tf.linalg.matvec(factor, noise))  # P (z - loc)
    log_det = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)), -1)
    log_prob = standard_normal_log_prob(noise) + log_det - tf.reduce_sum(slope * delta, -1)
    return tf.stop_gradient(loc) + moved + delta, log_prob
