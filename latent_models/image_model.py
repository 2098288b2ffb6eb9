"""The contract of a model: what training, estimators and reports may ask of it."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.densities.noise import standard_normal

__all__ = ["ImageModel"]

EVALUATION = 0x5EED  # keeps the noise of evaluation apart from that of training


class ImageModel(Configured, keras.Model):
    """Abstract latent-variable model of images.

    Subclasses write `elbo_terms` (the density, once), `annealing`, `simulate`, `sample`, `encode`, `decode` and the
    properties `image_shape`, `pixel_levels`, `latent_features`, `noise_features`; the loss, the bounds and the importance
    weights follow.

    Images enter as the pixel law wants them, float [B, H, W, C]; pictures leave in [0, 1]. All randomness is a function
    of seeds, int32 [2]; in training, of (seed, optimizer step, replica).

    Args:
        objective: What training minimises: `Elbo(...)`, `Iwae(...)`.
        seed: Base seed of the training noise.
    """

    def __init__(self, *, objective, seed, **kwargs):
        super().__init__(**kwargs)
        self.objective = objective
        self.seed = seed
        names = ("loss", "neg_elbo", "kl", "neg_log_likelihood_given_z", "kl_weight")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}

    # What a model defines.

    @property
    def image_shape(self):
        """(height, width, channels)."""
        raise NotImplementedError

    @property
    def pixel_levels(self):
        """Number of values that a pixel can take under the model, or None if its law is a density."""
        raise NotImplementedError

    @property
    def latent_features(self):
        """Size D of the latent code that `encode` gives and `decode` takes."""
        raise NotImplementedError

    @property
    def noise_features(self):
        """Size of the standard normal noise behind all latents of one image."""
        raise NotImplementedError

    def elbo_terms(self, x, noise, training=False):
        """Terms of the ELBO at z = f(noise; x).

        x [B, H, W, C], noise [..., B, noise_features] -> `ElboTerms` of [..., B] and [..., B, G].
        """
        raise NotImplementedError

    def annealing(self, x, start):
        """`Annealing` for images x [B, H, W, C] from a start: "prior", "posterior" or "base" (before the flow)."""
        raise NotImplementedError

    def simulate(self, count, seed):
        """Images drawn from the model with their latents: x [count, H, W, C], z [count, D], z exact from p(z | x)."""
        raise NotImplementedError

    def sample(self, count, seed, temperature=1.0):
        """Pictures [count, H, W, C] from the prior; the temperature scales the prior's noise."""
        raise NotImplementedError

    def encode(self, x):
        """The central code of each image: [B, H, W, C] -> [B, D]."""
        raise NotImplementedError

    def decode(self, z):
        """Pictures of latent codes: [..., D] -> [..., H, W, C]."""
        raise NotImplementedError

    # What follows.

    def terms(self, x, seed, training=False):
        """`ElboTerms` of one posterior sample: [B] and [B, G]."""
        return self.elbo_terms(x, self._noise([tf.shape(x)[0]], seed), training=training)

    def log_weight(self, x, noise):
        """log p(x, z) - log q(z | x) at z = f(noise; x): noise [..., B, noise_features] -> [..., B]."""
        return self.elbo_terms(x, noise).elbo

    def log_weights(self, x, samples, seed):
        """The same for z_k ~ q: [samples, B]."""
        return self.log_weight(x, self._noise([samples, tf.shape(x)[0]], seed))

    def interpolate(self, a, b, steps):
        """Pictures on the straight line between the codes of images a and b: [steps, B, H, W, C]."""
        weight = tf.reshape(tf.linspace(0.0, 1.0, steps), [steps, 1, 1])
        return self.decode((1.0 - weight) * self.encode(a) + weight * self.encode(b))

    def check_images(self, x):
        """Refuses images of another shape than the model's."""
        if x.shape.rank != 4 or tuple(x.shape[1:]) != tuple(self.image_shape):
            raise ValueError(
                f"Images must have the model's shape. Expected: [batch, {', '.join(map(str, self.image_shape))}]. "
                f"Received: {x.shape}. Resize or pad the images, or build the model for their shape."
            )

    def call(self, x):
        return self.reconstruct(x, tf.zeros([2], tf.int32))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean loss over the batch; every term is recorded, each image with the same weight."""
        self.check_images(x)
        step = tf.convert_to_tensor(self.optimizer.iterations) if training else 0
        samples = self.objective.samples if training else None
        shape = [tf.shape(x)[0]] if samples is None else [samples, tf.shape(x)[0]]
        terms = self.elbo_terms(x, self._noise(shape, self._step_seed(step, training)), training=training)
        loss = self.objective(terms, step) if training else -terms.elbo  # [B]
        self._record(
            loss=loss,
            neg_elbo=-terms.elbo,
            kl=tf.reduce_sum(terms.kl, -1),
            neg_log_likelihood_given_z=-terms.log_likelihood,
            **({"kl_weight": self.objective.kl_weight(step)} if training else {}),
        )
        return tf.reduce_mean(loss)

    def train_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, training=True)
            # The optimizer sums gradients over replicas.
            loss = loss / tf.distribute.get_strategy().num_replicas_in_sync
            loss = self.optimizer.scale_loss(loss)
        weights = self.trainable_weights
        gradients = tape.gradient(loss, weights)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return self.get_metrics_result()

    def test_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.compute_loss(x, training=False)
        return {name: value for name, value in self.get_metrics_result().items() if name != "kl_weight"}

    @property
    def metrics(self):
        return list(self.trackers.values())

    def _record(self, **values):
        for name, value in values.items():
            self.trackers[name].update_state(value)

    def _noise(self, shape, seed):
        return standard_normal(tf.concat([shape, [self.noise_features]], 0), seed=seed)

    def _step_seed(self, step, training):
        """Seed of this batch: of the optimizer's step in training, of the images seen so far in evaluation."""
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else context.replica_id_in_sync_group
        if not training:
            step = self.trackers["neg_elbo"].count + EVALUATION
        seed = tf.stack([tf.constant(self.seed, tf.int32), tf.cast(step, tf.int32)])
        return tf.random.experimental.stateless_fold_in(
            seed, replica if training else replica + EVALUATION, alg="philox"
        )
