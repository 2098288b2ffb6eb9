"""The variational autoencoder, for any posterior, pixel law and prior."""

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.noise import pull, push, standard_normal_log_prob
from vae_flows.flows.flow import FlowDistribution
from vae_flows.latent_models.image_model import ImageModel
from vae_flows.latent_models.objectives import Elbo
from vae_flows.latent_models.terms import Annealing, ElboTerms

__all__ = ["VAE"]

tfd = tfp.distributions


class VAE(ImageModel):
    """A latent-variable model p(z) p(x | z) with an amortised posterior q(z | x).

    log p(x) >= E_q[log p(x | z) + log p(z) - log q(z | x)]

    The prior is taken at the posterior's own sample, so any flow may stand in the posterior, the prior, or both.

    Args:
        encoder: x -> q(z | x): `Conditional(encoder network, latent law)`.
        decoder: z -> p(x | z): `Conditional(decoder network, pixel law)`.
        prior: Static lazy distribution of z.
        objective: What training minimises; the plain ELBO by default.
        seed: Base seed of the training noise.

    Raises:
        ValueError: if the parts disagree about the latent's size or the images' shape.

    Example:
        >>> law = Bernoulli((4, 4, 1))
        >>> vae = VAE(
        ...     encoder=Conditional(DenseEncoder((4, 4, 1), hidden=(8,)), DiagonalNormal(2, context=8)),
        ...     decoder=Conditional(DenseDecoder(2, image_shape=(4, 4, 1), outputs=law.context, hidden=(8,)), law),
        ...     prior=StandardNormal(2),
        ... )
        >>> vae.sample(3, seed=[0, 0]).shape
        TensorShape([3, 4, 4, 1])

    Reference: Kingma, Welling. Auto-Encoding Variational Bayes. 2014. arXiv:1312.6114
    """

    def __init__(self, encoder, decoder, prior, *, objective=None, seed=0, **kwargs):
        super().__init__(objective=objective or Elbo(), seed=seed, **kwargs)
        sizes = {
            "encoder": encoder.density.features, "decoder": decoder.network.features, "prior": prior.features
        }  # fmt: skip
        if len(set(sizes.values())) > 1:
            raise ValueError(f"Encoder, decoder and prior must share one latent size. Received: features={sizes}.")
        shapes = {"encoder": tuple(encoder.network.image_shape), "decoder": tuple(decoder.density.image_shape)}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"Encoder and decoder must share one image shape. Received: image_shape={shapes}.")
        if prior.context:
            raise ValueError(f"`prior` must be static. Expected: context=0. Received: context={prior.context}.")
        self.encoder = encoder
        self.decoder = decoder
        self.prior = prior
        self.built = True

    @property
    def image_shape(self):
        return self.decoder.density.image_shape

    @property
    def pixel_levels(self):
        return self.decoder.density.levels

    @property
    def latent_features(self):
        return self.prior.features

    @property
    def noise_features(self):
        return self.prior.features

    def elbo_terms(self, x, noise, training=False):
        q = self.encoder(x, training=training)
        z, log_q = push(q, noise)  # [..., B, D], [..., B]
        log_likelihood = self.decoder(z, training=training).log_prob(x)  # [..., B]
        kl = log_q - self.prior().log_prob(z)  # [..., B]
        return ElboTerms(log_likelihood, kl[..., None])

    def annealing(self, x, start):
        law = self._start(x, start)

        def log_joint(z):
            return self.decoder(z).log_prob(x) + self.prior().log_prob(z)

        def log_target(u):
            z, log_start = push(law, u)  # [..., B, D], [..., B]
            return log_joint(z) - log_start + standard_normal_log_prob(u)

        zeros = tf.zeros([self.noise_features])
        return Annealing(
            features=self.noise_features,
            start=tfd.MultivariateNormalDiag(zeros, tf.ones_like(zeros)),
            log_target=log_target,
            latent=lambda u: push(law, u)[0],
            noise=lambda z: pull(law, z),
            log_joint=log_joint,
            log_prob=law.log_prob,
        )

    def _start(self, x, start):
        """The law that annealing starts from, over z."""
        starts = {
            "prior": self.prior,
            "posterior": lambda: self.encoder(x),
            "base": lambda: _before_the_flow(self.encoder(x)),
        }
        if start not in starts:
            raise ValueError(f"`start` must be one of {', '.join(starts)}. Received: start={start!r}.")
        return starts[start]()

    def simulate(self, count, seed):
        latent_seed, pixel_seed = tf.unstack(tfp.random.split_seed(seed, 2))
        z, _ = push(self.prior(), self._noise([count], latent_seed))
        return self.decoder(z).sample(seed=pixel_seed), z

    def sample(self, count, seed, temperature=1.0):
        z, _ = push(self.prior(), temperature * self._noise([count], seed))  # [count, D]
        return self.decode(z)

    def reconstruct(self, x, seed):
        """Pictures [B, H, W, C] of one posterior sample each."""
        z, _ = push(self.encoder(x), self._noise([tf.shape(x)[0]], seed))
        return self.decode(z)

    def encode(self, x):
        q = self.encoder(x)
        return push(q, tf.zeros(tf.stack([tf.shape(x)[0], self.noise_features])))[0]

    def decode(self, z):
        return self.decoder.display(self.decoder(z))


def _before_the_flow(law):
    return law.distribution if isinstance(law, FlowDistribution) else law
