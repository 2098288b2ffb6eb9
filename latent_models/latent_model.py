"""Models with latent variables: the density through inference, written once."""

import tensorflow as tf

from vae_flows.densities.pushforward import standard_normal
from vae_flows.estimators.log_mean_exp import LogMean
from vae_flows.estimators.placed_noise import ROWS, PlacedNoise
from vae_flows.latent_models.image_model import ImageModel
from vae_flows.latent_models.seeds import as_seed

__all__ = ["LatentModel"]

_BOUND = ("neg_elbo", "kl", "neg_log_likelihood_given_z")


class LatentModel(ImageModel):
    """Abstract latent-variable model of images.

    Inference has two stages. `proposal` does what costs, once per batch of images, and gives tensors; `inference` makes of
    them the `Inference` from which the loss, importance weights, annealing targets, codes and pictures follow, for any
    noise. Subclasses write both, `simulate`, `sample`, `decode` and the sizes.

    Args:
        objective: What training minimises: `Elbo(...)`, `Iwae(...)`.
        seed: Base seed of the training noise.
        records: What the subclass records beside the bound and its objective's own.
    """

    def __init__(self, *, objective, seed, records=(), **kwargs):
        super().__init__(seed=seed, records=(*_BOUND, *objective.records, *records), **kwargs)
        self.objective = objective

    @property
    def validated_by(self):
        """Name of the recorded value by whose validation mean the best weights are chosen."""
        return self.objective.validated_by

    @property
    def trains_prior(self):
        return self.objective.trains_prior

    @property
    def noise_features(self):
        """Size F of the standard normal noise behind all latents of one image."""
        raise NotImplementedError

    @property
    def together(self):
        """How many images and samples of them the networks may work on at once: the memory of reports grows with it."""
        return 1024

    @property
    def group_features(self):
        """Sizes of the latent groups, in the order of a code; their sum is `latent_features`."""
        return (self.latent_features,)

    def proposal(self, x, *, start="posterior", training=False):
        """What determines the law of the latents of images x [B, H, W, C]: a nest of tensors [B, ...].

        Args:
            x: Images.
            start: "posterior"; or another law for annealing to start from: "prior", or "base", the Gaussian before the
                posterior's flow, or the encoder's law before it is refined.
            training: Whether the networks are in training.
        """
        raise NotImplementedError

    def inference(self, x, proposal, *, start="posterior", training=False):
        """`Inference` of images x [B, H, W, C] by a law that `proposal` gave, which may have seen other images.

        A model that restores images draws its codes from the corrupted ones and explains the clean ones.
        """
        raise NotImplementedError

    def simulate(self, count, seed=None):
        """Images drawn from the model with their latents: x [count, H, W, C], z [count, D], z exact from p(z | x)."""
        raise NotImplementedError

    def infer(self, x, *, start="posterior"):
        """`Inference` of images x [B, H, W, C]: both stages."""
        x = self.check_images(x)
        return self.inference(x, self.proposal(x, start=start), start=start)

    def path(self, x):
        """The laws that lead to the posterior where it is refined, the encoder's first: {what it is: `Inference`}."""
        return {}

    def minimised(self, x, target, *, seed, step, training):
        inference = self.inference(target, self.proposal(x, training=training), training=training)
        lead = [] if self.objective.samples is None else [self.objective.samples]
        return self.objective(inference, self._noise([*lead, tf.shape(x)[0]], seed), step)

    def settle(self, x, seed=None):
        self.objective.settle(self, x, as_seed(seed))

    def terms(self, x, seed=None):
        """`ElboTerms` of one posterior sample: [B] and [B, G]."""
        return self.infer(x).terms(self._noise([tf.shape(x)[0]], as_seed(seed)))

    def log_weights(self, x, samples, seed=None):
        """log p(x, z_k) - log q(z_k | x) for z_k ~ q: [samples, B]."""
        return self.infer(x).log_weight(self._noise([samples, tf.shape(x)[0]], as_seed(seed)))

    def log_likelihood(self, x, samples=1000, seed=None):
        """log (1/K) sum_k p(x, z_k) / q(z_k | x) of each image, [B], in memory that does not grow with K.

        Args:
            x: Prepared images [B, H, W, C].
            samples: K.
            seed: None for new noise, an integer, or int32 [2].
        """
        inference, images = self.infer(x), tf.shape(x)[0]
        noise = PlacedNoise.of(as_seed(seed), images=images, dtype=self.variable_dtype)
        samples = tf.cast(samples, tf.int32)

        def add_chunk(start, mean):
            drawn = noise.normal(count=ROWS, features=self.noise_features, start=start)[: samples - start]  # [k, B, F]
            return start + ROWS, mean.add(inference.log_weight(drawn))

        shapes = (tf.TensorShape([]), LogMean(*map(tf.TensorShape, ([], [None], [None], [None]))))
        start = (tf.constant(0), LogMean.empty(images[None]))
        _, mean = tf.while_loop(lambda done, _: done < samples, add_chunk, start, shapes, parallel_iterations=1)
        return tf.cast(mean.value, self.variable_dtype)

    def encode(self, x):
        return self.infer(x).latent(tf.zeros(tf.stack([tf.shape(x)[0], self.noise_features]), self.variable_dtype))

    def reconstruct(self, x, seed=None):
        """Pictures [B, H, W, C] of one posterior sample each; of the central code, where the spread is untrained."""
        if not self.trains_prior:
            return self.decode(self.encode(x))
        return self.decode(self.infer(x).latent(self._noise([tf.shape(x)[0]], as_seed(seed))))

    def _noise(self, shape, seed):
        return standard_normal(tf.concat([shape, [self.noise_features]], 0), seed=seed, dtype=self.variable_dtype)
