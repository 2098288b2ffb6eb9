"""The bound with balanced groups."""

import tensorflow as tf

from vae_flows.latent_models.objectives import Elbo
from vae_flows.latent_models.terms import Minimised

__all__ = ["BalancedElbo", "balanced", "group_weights"]


def group_weights(groups, dtype=tf.float32):
    """alpha of each group, in top-down order: (2^i)^2 / groups in scale i, with a smallest value of 1.

    Args:
        groups: Latent groups of each scale i = 0, 1, ..., from the smallest feature maps to the largest.
        dtype: Floating type.

    Example:
        >>> group_weights((1, 2)).numpy()
        array([1., 2., 2.], dtype=float32)
    """
    alphas = [4.0**i / count for i, count in enumerate(groups) for _ in range(count)]
    return tf.constant([alpha / min(alphas) for alpha in alphas], dtype)


def balanced(kl, alphas):
    """Coefficients of the groups' KL terms, [1, G] with mean 1: small where a group says little for its size.

    c_g = (mean over images of |kl_g| + 0.01) / alpha_g, divided by its mean over groups; without gradient

    Args:
        kl: [B, G].
        alphas: [G].
    """
    coefficients = (tf.reduce_mean(tf.abs(tf.stop_gradient(kl)), 0, keepdims=True) + 0.01) / alphas
    return coefficients / tf.reduce_mean(coefficients)


class BalancedElbo(Elbo):
    """The negative ELBO with a weighted KL term, whose groups are balanced as long as the weight is below 1.

    loss = -log p(x | z) + w(step) * sum over groups of c_g * kl_g,  c_g = 1 once w = 1

    The KL of each group is taken in closed form, given the groups above it, where the posterior has no flows.

    Args:
        kl_weight: A number or a function of the step; the paper's rises linearly from 1e-4 over 30 % of all steps.
        balance: Whether the groups are balanced.
        free_bits: Nats per group below which its KL, in the mean over the batch, has no gradient; the loss counts it as it is.

    Reference: Vahdat, Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. arXiv:2007.03898
    """

    def __init__(self, *, kl_weight=None, balance=True, free_bits=0.0):
        super().__init__(kl_weight=kl_weight, free_bits=free_bits)
        self.balance = balance

    def __call__(self, inference, noise, step=None):
        terms = inference.expected_terms(noise)
        if step is None:
            return Minimised(-terms.elbo, self.bound(terms))
        weight, factor = tf.cast(self.kl_weight(step), terms.kl.dtype), 1.0
        if self.balance:
            alphas = group_weights(inference.groups, terms.kl.dtype)
            factor = tf.where(weight < 1.0, balanced(terms.kl, alphas), tf.ones_like(alphas))
        loss = weight * tf.reduce_sum(self.pushed(terms.kl, factor), -1) - terms.log_likelihood
        return Minimised(loss, self.bound(terms) | self.extra(terms, loss, step))
