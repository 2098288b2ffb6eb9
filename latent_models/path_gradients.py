"""The bounds of objectives.py with gradients that reach q along the path of its samples alone.

d/dq log q(z) at a fixed z, the score, has mean 0 and is only noise in the gradient of an ELBO; in that of an
importance-weighted bound it is what drowns the signal as K grows. Both are left out here; the values stay what they are.

The score is told from the rest by log q(z) at a z that is held fixed, which takes the inverse of q: of an IAF D passes, of a
Gaussian, planar or coupled one none or few.
"""

import tensorflow as tf

from vae_flows.latent_models.objectives import Elbo, Iwae
from vae_flows.latent_models.terms import ElboTerms

__all__ = ["DoublyReparameterised", "StickingTheLanding"]


def path_terms(inference, noise, factor=None):
    """`ElboTerms` of [K, B] samples whose gradient with respect to q goes through z.

    Args:
        inference: `VectorInference`, or another with `log_joint` and `log_prob`.
        noise: [K, B, F].
        factor: Function that gives [K, B], called for the gradient: what the gradient of z is multiplied by.
    """

    @tf.custom_gradient
    def scaled(z):
        return tf.identity(z), lambda upstream: upstream * factor()[..., None]

    z = inference.latent(noise)
    fixed = inference.log_prob(tf.stop_gradient(z))  # its gradient is the score
    z = z if factor is None else scaled(z)
    log_likelihood, log_prior = inference.parts(z)
    log_q = inference.log_prob(z) - fixed + tf.stop_gradient(fixed)
    return ElboTerms(log_likelihood, (log_q - log_prior)[..., None])


class StickingTheLanding(Elbo):
    """The negative ELBO without the score: where q is the true posterior its gradient has no noise.

    loss = -log p(x | z) + weight(step) * [log q(z | x) - log p(z)],  d loss = d/dz loss dz + d/dp loss

    Args:
        kl_weight: Weight of the KL term: a number, 1 by default, or a function of the step.

    Reference: Roeder, Wu, Duvenaud. Sticking the Landing. 2017. arXiv:1703.09194
    """

    samples = 1

    def __init__(self, *, kl_weight=None):
        super().__init__(kl_weight=kl_weight)

    def terms(self, inference, noise):
        log_likelihood, kl = path_terms(inference, noise)
        return ElboTerms(log_likelihood[0], kl[0])


class DoublyReparameterised(Iwae):
    """The importance-weighted bound, whose signal for q does not fade as K grows.

    d loss = -sum over k of w_k d/dp log p(x, z_k) + w_k^2 d/dz log(p(x, z_k) / q(z_k | x)) dz_k,  w = softmax(log-weights)

    Args:
        samples: K.

    Reference: Tucker et al. Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives. 2019. arXiv:1810.04152
    """

    def terms(self, inference, noise):
        terms = path_terms(inference, noise, factor=lambda: tf.stop_gradient(tf.nn.softmax(terms.elbo, 0)))
        return terms
