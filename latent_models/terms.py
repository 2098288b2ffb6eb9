"""The terms of the evidence lower bound, as every latent-variable model gives them."""

from typing import NamedTuple

import tensorflow as tf

__all__ = ["Annealing", "ElboTerms"]


class ElboTerms(NamedTuple):
    """One-sample estimates of the two parts of the ELBO, in nats.

    elbo = log p(x | z) - sum over groups of [log q(z_g | x, z_<g) - log p(z_g | z_<g)],  z ~ q

    Attributes:
        log_likelihood: log p(x | z), [..., B].
        kl: log q - log p of each latent group, [..., B, G]; G = 1 for a VAE.
    """

    log_likelihood: tf.Tensor
    kl: tf.Tensor

    @property
    def elbo(self):
        """log p(x, z) - log q(z | x): the ELBO's sample, and the log-weight of importance sampling. [..., B]."""
        return self.log_likelihood - tf.reduce_sum(self.kl, -1)


class Annealing(NamedTuple):
    """What annealed importance sampling and bidirectional Monte Carlo run on: a start and a target over noise u.

    The integral of exp(log_target(u)) over u is p(x), whatever the start: u is the noise behind z = f(u), so the target is
    log p(x, f(u)) + log|det df/du|, and no inverse is needed to run a chain.

    Attributes:
        features: Size D of u.
        start: Distribution of u, events [D]: standard normal.
        log_target: u [..., B, D] -> [..., B].
        latent: u [..., B, D] -> z [..., B, D].
        noise: z -> u, the inverse of `latent` (for the exact posterior samples of bidirectional Monte Carlo).
        log_joint: z [..., B, D] -> log p(x, z) [..., B].
        log_prob: z [..., B, D] -> log-density [..., B] at z of the law that the start has over z.
        gradient_target: `log_target` in lower precision, for the gradients of leapfrogs; None for `log_target` itself.
    """

    features: int
    start: object
    log_target: object
    latent: object
    noise: object
    log_joint: object
    log_prob: object
    gradient_target: object = None
