"""What training minimises: functions of a model's terms."""

import math

import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.latent_models.schedules import Constant

__all__ = ["Elbo", "Iwae"]


class Elbo(Configured):
    """The negative ELBO with a weighted KL term.

    loss = -log p(x | z) + weight(step) * sum over groups of max(kl_g, free_bits)

    The free bits bound each group's KL by its mean over the batch.

    Args:
        kl_weight: Schedule, a function of the step.
        free_bits: Nats per latent group below which its KL is not pushed; 0 for the plain ELBO.

    Reference: Kingma et al. 2016. arXiv:1606.04934 (free bits, section C.8)
    """

    samples = None

    def __init__(self, *, kl_weight=None, free_bits=0.0):
        if free_bits < 0:
            raise ValueError(f"`free_bits` must be 0 or positive, in nats. Received: free_bits={free_bits}.")
        self.kl_weight = kl_weight or Constant(1.0)
        self.free_bits = free_bits

    def __call__(self, terms, step):
        """Loss of each image. Terms of [B] and [B, G] -> [B]."""
        kl = terms.kl
        if self.free_bits:
            mean = tf.reduce_mean(kl, 0, keepdims=True)  # [1, G]
            kl = tf.where(mean > self.free_bits, kl, tf.stop_gradient(kl))
        return self.kl_weight(step) * tf.reduce_sum(kl, -1) - terms.log_likelihood


class Iwae(Configured):
    """The importance-weighted bound.

    loss = -log (1/K) sum over k of exp(log p(x, z_k) - log q(z_k | x)),  z_k ~ q

    Args:
        samples: K; 1 gives the ELBO.

    Reference: Burda et al. Importance Weighted Autoencoders. 2016. arXiv:1509.00519
    """

    def __init__(self, samples):
        if samples < 1:
            raise ValueError(f"`samples` must be at least 1. Received: samples={samples}.")
        self.samples = samples
        self.kl_weight = Constant(1.0)

    @classmethod
    def argument_names(cls):
        return ["samples"]

    def __call__(self, terms, step):
        """Loss of each image. Terms of [K, B] and [K, B, G] -> [B]."""
        return math.log(self.samples) - tf.reduce_logsumexp(terms.elbo, 0)
