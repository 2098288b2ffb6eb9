"""What is known of a batch of images once q(z | x) is made: everything else follows from noise."""

import tensorflow as tf

from vae_flows.densities.pushforward import pull, push, standard_normal_log_prob
from vae_flows.latent_models.terms import ElboTerms

__all__ = ["Inference", "VectorInference"]


class Inference:
    """Abstract: a law of the latents of given images, z = f(u) with u ~ N(0, I), beside the model's joint density.

    Its law is the posterior q(z | x), or another start of annealing. Whatever it is, for any noise u
    log_weight(u) = log p(x, f(u)) - log q(f(u) | x) averages to p(x) in importance sampling, and
    log_target(u) = log_weight(u) + log N(u; 0, I) integrates to p(x): chains in the space of u need no inverse of f.

    Subclasses write `terms` and `latent`; those of small latents also `noise`, `log_prob` and `log_joint`.

    Attributes:
        features: Size F of the noise of one image.
    """

    features: int

    def terms(self, noise):
        """`ElboTerms` at z = f(noise): noise [..., B, F] -> [..., B] and [..., B, G]."""
        raise NotImplementedError

    def latent(self, noise):
        """z = f(noise): [..., B, F] -> [..., B, D]."""
        raise NotImplementedError

    def drawn(self, noise):
        """z = f(noise) and its `ElboTerms`, together."""
        return self.latent(noise), self.terms(noise)

    def noise(self, z):
        """The noise behind z: [..., B, D] -> [..., B, F]."""
        raise NotImplementedError

    def log_prob(self, z):
        """Log-density of the law at z: [..., B, D] -> [..., B]."""
        raise NotImplementedError

    def log_joint(self, z):
        """log p(x, z): [..., B, D] -> [..., B]."""
        raise NotImplementedError

    def log_weight(self, noise):
        """log p(x, z) - log q(z | x) at z = f(noise): [..., B, F] -> [..., B]."""
        return self.terms(noise).elbo

    def log_target(self, noise):
        """log p(x, z) + log|det df/du| at u = noise: [..., B, F] -> [..., B]."""
        return self.log_weight(noise) + standard_normal_log_prob(noise)


class VectorInference(Inference):
    """Inference of one latent vector with any law that `densities.push` can map from noise.

    Args:
        x: Images [B, H, W, C] that the density is of.
        law: Distribution of z, events [D].
        prior: Distribution of z, events [D].
        decoder: z [..., B, D] -> distribution of images.
    """

    def __init__(self, x, *, law, prior, decoder):
        self.x, self.law, self.prior, self.decoder = x, law, prior, decoder
        self.features = prior.event_shape[0]

    def parts(self, z):
        """log p(x | z) and log p(z), [..., B] each."""
        return self.decoder(z).log_prob(self.x), self.prior.log_prob(z)

    def terms(self, noise):
        z, log_q = push(self.law, noise)  # [..., B, D], [..., B]
        log_likelihood, log_prior = self.parts(z)
        return ElboTerms(log_likelihood, (log_q - log_prior)[..., None])

    def latent(self, noise):
        return push(self.law, noise)[0]

    def noise(self, z):
        return pull(self.law, z)[0]

    def log_prob(self, z):
        return self.law.log_prob(z)

    def log_joint(self, z):
        return tf.add(*self.parts(z))
