"""What training minimises: functions of what inference gives."""

import math

import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.latent_models.schedules import as_schedule
from vae_flows.latent_models.terms import Minimised

__all__ = ["Elbo", "Iwae", "Objective", "Reconstruction"]


class Objective(Configured):
    """Abstract: what a latent-variable model minimises.

    Subclasses write `loss`; those whose terms have other gradients or values override `terms`, and those that need more than
    the terms `__call__`.

    Attributes:
        samples: Posterior samples K of each image in a training step; None for one, without an axis for it.
        records: Names of what is recorded beside the bound and its parts.
        validated_by: Name of the recorded value by whose validation mean the best weights are chosen.
        trains_prior: Whether the prior and the posterior's spread learn, without which log p(x) says nothing of a model.
    """

    samples = None
    records = ()
    validated_by = "neg_elbo"
    trains_prior = True

    def loss(self, terms, step):
        """Loss of each image: `ElboTerms` of [B] and [B, G], or with K in front -> [B]. `step` is None in validation."""
        raise NotImplementedError

    def extra(self, terms, loss, step):
        """What `records` names: {name: values}."""
        return {}

    def terms(self, inference, noise):
        """The `ElboTerms` of the batch that `loss` is a function of."""
        return inference.terms(noise)

    def __call__(self, inference, noise, step=None):
        """`Minimised` of a batch.

        Args:
            inference: `Inference` of the batch.
            noise: [B, F], or [K, B, F] where `samples` is K.
            step: Optimizer step, or None in validation, where schedules have no say.
        """
        terms = self.terms(inference, noise)
        loss = self.loss(terms, step)
        return Minimised(loss, self.bound(terms) | self.extra(terms, loss, step))

    @staticmethod
    def bound(terms):
        """What is recorded whatever is minimised: the negative ELBO and its parts."""
        return {
            "neg_elbo": -terms.elbo,
            "kl": tf.reduce_sum(terms.kl, -1),
            "neg_log_likelihood_given_z": -terms.log_likelihood,
        }

    def settle(self, model, x, seed):
        """`ImageModel.settle` of the model that has this objective."""


class Elbo(Objective):
    """The negative ELBO with a weighted KL term.

    loss = -log p(x | z) + weight(step) * sum over groups of kl_g

    Free bits change gradients alone: those of -log p(x | z) + weight * sum over groups of max(mean of kl_g, free_bits), with
    the mean over the batch. A group whose mean KL is below free_bits is not pushed; the loss shown counts the KL that it has.

    Args:
        kl_weight: A number, 1 by default, or a function of the step such as `LinearWarmup(1000)`.
        free_bits: Nats per latent group below which its KL is not pushed; 0 for the plain ELBO.

    Reference: Kingma et al. 2016. arXiv:1606.04934 (free bits, section C.8)
    """

    records = ("kl_weight",)

    def __init__(self, *, kl_weight=None, free_bits=0.0):
        if free_bits < 0:
            raise ValueError(f"`free_bits` must be 0 or positive, in nats. Received: free_bits={free_bits}.")
        self.kl_weight = as_schedule(kl_weight)
        self.free_bits = free_bits

    def loss(self, terms, step):
        if step is None:
            return -terms.elbo
        weight = tf.cast(self.kl_weight(step), terms.kl.dtype)
        return weight * tf.reduce_sum(self.pushed(terms.kl), -1) - terms.log_likelihood

    def pushed(self, kl, factor=1.0):
        """factor * kl [B, G], without a gradient in groups whose mean KL is within the free bits."""
        weighed = factor * kl
        if not self.free_bits:
            return weighed
        mean = tf.reduce_mean(kl, 0, keepdims=True)  # [1, G]
        return tf.where(mean > self.free_bits, weighed, tf.stop_gradient(weighed))

    def extra(self, terms, loss, step):
        return {} if step is None else {"kl_weight": self.kl_weight(step)}


class Reconstruction(Objective):
    """The error of a plain autoencoder, whose code is the centre of q(z | x); the prior and q's scale learn nothing.

    loss = -log p(x | z) at the centre

    Validation records the bound beside it, of the untrained scale.
    """

    records = ("reconstruction",)
    validated_by = "reconstruction"
    trains_prior = False

    def __call__(self, inference, noise, step=None):
        loss = -inference.terms(tf.zeros_like(noise)).log_likelihood
        bound = {} if step is not None else self.bound(inference.terms(noise))
        return Minimised(loss, {"reconstruction": loss, **bound})


class Iwae(Objective):
    """The importance-weighted bound.

    loss = -log (1/K) sum over k of exp(log p(x, z_k) - log q(z_k | x)),  z_k ~ q

    Args:
        samples: K; 1 gives the ELBO.

    Reference: Burda et al. Importance Weighted Autoencoders. 2016. arXiv:1509.00519
    """

    records = ("neg_iwae",)
    validated_by = "neg_iwae"

    def __init__(self, samples):
        if samples < 1:
            raise ValueError(f"`samples` must be at least 1. Received: samples={samples}.")
        self.samples = samples

    def loss(self, terms, step):
        return math.log(self.samples) - tf.reduce_logsumexp(terms.elbo, 0)

    def extra(self, terms, loss, step):
        return {"neg_iwae": loss}
