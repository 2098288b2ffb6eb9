"""The variational autoencoder, for any posterior, pixel law and prior."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.pushforward import push
from vae_flows.flows.flow import FlowDistribution
from vae_flows.latent_models.image_model import named
from vae_flows.latent_models.inference import VectorInference
from vae_flows.latent_models.latent_model import LatentModel
from vae_flows.latent_models.objectives import Elbo
from vae_flows.latent_models.refiner import Refiner
from vae_flows.latent_models.seeds import as_seed
from vae_flows.latent_models.terms import View

__all__ = ["VAE"]

_DRAWS = 20  # of each law, for the ELBOs that views show


class VAE(LatentModel):
    """A latent-variable model p(z) p(x | z) with an amortised posterior q(z | x).

    log p(x) >= E_q[log p(x | z) + log p(z) - log q(z | x)]

    The prior is taken at the posterior's own sample, so any flow may stand in the posterior, the prior, or both.

    Args:
        encoder: x -> q(z | x): `Conditional(encoder network, latent law)`.
        decoder: z -> p(x | z): `Conditional(decoder network, pixel law)`.
        prior: Static lazy distribution of z.
        refine: `Refiner` between the encoder's law and q(z | x); None takes the encoder's.
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
        >>> vae.sample(3).shape
        TensorShape([3, 4, 4, 1])

    Reference: Kingma, Welling. Auto-Encoding Variational Bayes. 2014. arXiv:1312.6114
    """

    def __init__(self, encoder, decoder, prior, *, refine=None, objective=None, seed=0, **kwargs):
        super().__init__(objective=objective or Elbo(), seed=seed, **kwargs)
        sizes = {"encoder": encoder.features, "decoder": decoder.features, "prior": prior.features}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"Encoder, decoder and prior must share one latent size. Received: features={sizes}.")
        shapes = {"encoder": tuple(encoder.image_shape), "decoder": tuple(decoder.image_shape)}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"Encoder and decoder must share one image shape. Received: image_shape={shapes}.")
        if prior.context:
            raise ValueError(f"`prior` must be static. Expected: context=0. Received: context={prior.context}.")
        if refine is not None and not isinstance(refine, Refiner):
            raise TypeError(
                f"`refine` must be a refiner, such as `vlae.Laplace(steps=4)`, or None. Received: {refine!r}."
            )
        self.encoder = named(encoder, "encoder")
        self.decoder = named(decoder, "decoder")
        self.prior = named(prior, "prior")
        self.refine = refine
        self.built = True

    @property
    def image_shape(self):
        return self.decoder.image_shape

    @property
    def pixel_levels(self):
        return self.decoder.levels

    @property
    def transforms(self):
        return getattr(self.decoder.density, "transforms", ())

    @property
    def latent_features(self):
        return self.prior.features

    @property
    def noise_features(self):
        return self.prior.features

    def proposal(self, x, *, start="posterior", training=False):
        if start not in ("prior", "posterior", "base"):
            raise ValueError(f"`start` must be one of prior, posterior, base. Received: start={start!r}.")
        if start == "prior":
            return ()
        parameters = self.encoder.parameters(x, training=training)
        if self.refine is None or start == "base":
            return parameters
        q0 = self.encoder.given(parameters)
        return self.refine.parameters(q0, x, self.decoder, self.prior(), training=training)

    def inference(self, x, proposal, *, start="posterior", training=False):
        prior = self.prior()
        law = prior if start == "prior" else self._law(proposal, start)
        decoder = functools.partial(self.decoder, training=training)
        return VectorInference(x, law=law, prior=prior, decoder=decoder)

    def _law(self, proposal, start):
        if self.refine is not None and start == "posterior":
            return self.refine.law(proposal)
        law = self.encoder.given(proposal)
        unrefined = self.refine is None and start == "base" and isinstance(law, FlowDistribution)
        return law.distribution if unrefined else law

    def simulate(self, count, seed=None):
        latent_seed, pixel_seed = tf.unstack(tfp.random.split_seed(as_seed(seed), 2))
        z, _ = push(self.prior(), self._noise([count], latent_seed))
        return self.decoder.simulate(self.decoder(z), pixel_seed), z

    def sample(self, count, seed=None, temperature=1.0):
        z, _ = push(self.prior(), temperature * self._noise([count], as_seed(seed)))  # [count, D]
        return self.decode(z)

    def decode(self, z):
        return self.decoder.display(self.decoder(z))

    def path(self, x):
        if self.refine is None:
            return {}
        x, prior = self.check_images(x), self.prior()
        laws = self.refine.path(self.encoder(x), x, self.decoder, prior)
        names = ("encoder", *(f"step {step}" for step in range(1, len(laws))))
        return {
            name: VectorInference(x, law=law, prior=prior, decoder=self.decoder)
            for name, law in zip(names, laws, strict=True)
        }

    def views(self, x, seed=None):
        path, noise = self.path(x), self._noise([_DRAWS, tf.shape(x)[0]], as_seed(seed))
        if not path:
            return {}
        pictures = [x, *(self.decode(each.latent(0.0 * noise[0])) for each in path.values())]
        elbos = [float(tf.reduce_mean(each.log_weight(noise))) for each in path.values()]
        labels = ("image", *(f"{name}, {elbo:.1f}" for name, elbo in zip(path, elbos, strict=True)))
        caption = (
            "Images, and what the centre of the encoder's law and of each refined one decodes to, with the ELBO of that law, "
            "mean over these images, in nats."
        )
        return {"refinement": View.of(pictures, labels, caption)}
