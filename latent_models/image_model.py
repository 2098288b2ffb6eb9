"""The contract of a model: what training, estimators and reports may ask of it."""

import re

import keras
import numpy as np
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.flows.pixels import chained
from vae_flows.latent_models.averages import averaged
from vae_flows.latent_models.careful_step import Skips, careful_step

__all__ = ["ImageModel", "named"]

EVALUATION = 0x5EED  # keeps the noise of evaluation apart from that of training
_SEEN = 1000  # images whose pixels are looked at before training


class ImageModel(Configured, keras.Model):
    """Abstract probabilistic model of images.

    `LatentModel` has latent variables and a bound, `ExactModel` gives log p(x) itself. Both write `minimised`, `sample`,
    `reconstruct`, `encode`, `decode`, `log_likelihood` and the properties `image_shape`, `pixel_levels`,
    `latent_features`; training by Keras's `fit` follows.

    Images enter as the pixel law wants them, float [B, H, W, C] in [0, 1]; pictures leave in [0, 1]. Both are cast to the
    weights' precision, that of all densities. All randomness is a function of seeds; in training, of (seed, step, replica).

    Args:
        seed: Base seed of the training noise.
        records: Names of everything that `minimised` and `penalties` record.
    """

    transforms = ()  # of the pixels, before a law on the whole line
    validated_by: str  # name of the recorded value by whose validation mean the best weights are chosen

    def __init__(self, *, seed, records, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.skips = Skips()
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", *records)}

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

    def minimised(self, x, target, *, seed, step, training):
        """`Minimised` of a batch.

        Args:
            x: Images that the model sees, [B, H, W, C].
            target: Images that it is to explain, x itself unless it learns to restore them.
            seed: int32 [2], of this batch's noise.
            step: Optimizer step; None in validation, where schedules have no say.
            training: Whether the networks are in training.
        """
        raise NotImplementedError

    def penalties(self, step):
        """Scalars that are added to the mean loss of a training step, by name."""
        return {}

    def settle(self, x, seed=None):
        """Chooses, on prepared validation images x, what is left to choose when the weights are trained: nothing here."""

    def views(self, x, seed=None):
        """Pictures of the model's own working for images x [N, H, W, C]: {name: `View`}."""
        return {}

    def at_temperature(self, temperature):
        """The model made ready to sample at a temperature; itself, unless its networks must be told."""
        return self

    def sample(self, count, seed=None, temperature=1.0):
        """Pictures [count, H, W, C] from the prior; the temperature scales the prior's noise."""
        raise NotImplementedError

    def reconstruct(self, x, seed=None):
        """Pictures [B, H, W, C] of one code of each image."""
        raise NotImplementedError

    def encode(self, x):
        """The central code of each image: [B, H, W, C] -> [B, D]."""
        raise NotImplementedError

    def decode(self, z):
        """Pictures of latent codes: [..., D] -> [..., H, W, C]."""
        raise NotImplementedError

    def log_likelihood(self, x, samples=1000, seed=None):
        """log p(x) in nats, [B]; by so many importance samples where it is not known exactly."""
        raise NotImplementedError

    # What follows.

    def interpolate(self, a, b, steps):
        """Pictures on the straight line between the codes of images a and b: [steps, B, H, W, C]."""
        weight = tf.reshape(tf.linspace(tf.zeros([], self.variable_dtype), 1.0, steps), [steps, 1, 1])
        return self.decode((1.0 - weight) * self.encode(a) + weight * self.encode(b))

    def check_images(self, x):
        """The images in the model's precision; refuses those of another kind or shape, and eager ones out of range."""
        x = tf.convert_to_tensor(x)
        if not x.dtype.is_floating:
            raise ValueError(
                f"Images must be floating, prepared for the pixel law. Expected: {self.variable_dtype} in [0, 1]. "
                f"Received: {x.dtype.name}. {self._remedy()}"
            )
        if x.shape.rank != 4 or tuple(x.shape[1:]) != tuple(self.image_shape):
            raise ValueError(
                f"Images must have the model's shape. Expected: [batch, {', '.join(map(str, self.image_shape))}]. "
                f"Received: {x.shape}. Resize or pad the images, or build the model for their shape."
            )
        x = tf.cast(x, self.variable_dtype)
        if tf.is_symbolic_tensor(x) or not tf.size(x):
            return x
        low, high = float(tf.reduce_min(x)), float(tf.reduce_max(x))
        wrong = low < 0.0 or high > 1.0 if self.pixel_levels else low >= 0.0 and high > 2.0  # densities have any scale
        if wrong or low != low or not self._transformable(x):
            raise ValueError(f"Pixels must lie in [0, 1]. Received: values from {low:g} to {high:g}. {self._remedy()}")
        return x

    def _transformable(self, x):
        """Whether the pixels' transforms, if there are some, make numbers of all: a logit does of little beyond [0, 1]."""
        return not self.transforms or bool(tf.reduce_all(tf.math.is_finite(chained(self.transforms).forward(x))))

    def call(self, x):
        return self.reconstruct(x, 0)

    def fit(self, x=None, *args, **kwargs):
        """Keras's `fit`, after a look at the first images."""
        self._check_pixels(_first_images(x))
        return super().fit(x, *args, **kwargs)

    def train_step(self, data):
        x, target = self.unpacked(data)
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_weights)
        step = tf.convert_to_tensor(self.optimizer.iterations)
        before = [tf.convert_to_tensor(weight) for weight in self.non_trainable_weights]
        with tf.GradientTape() as tape:
            minimised = self.minimised(x, target, seed=self._step_seed(step), step=step, training=True)
            penalties = self.penalties(step)
            penalty = tf.add_n(list(penalties.values())) if penalties else 0.0
            loss = (tf.reduce_mean(minimised.loss) + penalty) / tf.distribute.get_strategy().num_replicas_in_sync
            scaled = self.optimizer.scale_loss(loss)  # a share: gradients are summed over replicas
        gradients = tape.gradient(scaled, self.trainable_weights)
        recorded = {"loss": minimised.loss + penalty, **minimised.recorded, **penalties}
        careful_step(self, gradients, loss=loss, before=before, record=lambda: self._record(**recorded))
        return {name: mean for name, mean in self.get_metrics_result().items() if name in recorded}

    def evaluate(self, *args, **kwargs):
        """Keras's `evaluate`, with the averages of the weights where the optimizer keeps some."""
        with averaged(self):
            return super().evaluate(*args, **kwargs)

    def test_step(self, data):
        x, target = self.unpacked(data)
        minimised = self.minimised(x, target, seed=self._step_seed(None), step=None, training=False)
        means = self._record(loss=minimised.loss, **minimised.recorded)
        return {name: means[name] for name in minimised.recorded}

    @property
    def metrics(self):
        return list(self.trackers.values())

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        """What `tf.train.Checkpoint` keeps: it does not see the weights of layers in lists."""
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "checkpoint":
            children["every_weight"] = self.__dict__.setdefault("_every_weight", _Weights(self.weights))
        return children

    def unpacked(self, data):
        """Images and what is to be explained of them, of a batch as `fit` takes it: x, or (x, target)."""
        x, target, weight = keras.utils.unpack_x_y_sample_weight(data)
        if weight is not None:
            raise ValueError("Every image counts alike. Expected: no `sample_weight`. Received: one.")
        x = self.check_images(x)
        return x, x if target is None else self.check_images(target)

    def _check_pixels(self, x):
        """Refuses images [N, ...] whose values the pixel law is no law of; None is not looked at."""
        if x is None:
            return
        self.check_images(x)
        if self.pixel_levels is not None:
            steps = x * (self.pixel_levels - 1)
            if float(tf.reduce_max(tf.abs(steps - tf.round(steps)))) > 1e-3:
                raise ValueError(
                    f"The model's law is one of pixels with {self.pixel_levels} values. Expected: multiples of "
                    f"1/{self.pixel_levels - 1}. Received: values between them. {self._remedy()}"
                )

    def _remedy(self):
        kind = {None: "Dequantise", 2: "Binarise"}.get(self.pixel_levels, "GreyLevels")
        return f"Prepare uint8 images with `vae_flows.image_data.{kind}()(images, seed)`."

    def _record(self, **values):
        """Takes the values into the means of their names, and returns those."""
        for name, value in values.items():
            self.trackers[name].update_state(value)
        return {name: self.trackers[name].result() for name in values}

    def _step_seed(self, step):
        """Seed of this batch: of the optimizer's step in training, of the images seen so far in evaluation (None)."""
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else context.replica_id_in_sync_group
        if step is None:
            step, replica = self.trackers["loss"].count + EVALUATION, replica + EVALUATION
        seed = tf.stack([tf.constant(self.seed, tf.int32), tf.cast(step, tf.int32)])
        return tf.random.experimental.stateless_fold_in(seed, replica, alg="philox")


class _Weights(tf.Module):
    """All weights of a model, for `tf.train.Checkpoint`, which does not see those of layers in lists."""

    def __init__(self, weights):
        super().__init__()
        self.all = [weight.value for weight in weights]


def named(part, name):
    """The layer, called by what it is to its model in Keras's `summary()`, unless it was given a name of its own."""
    usual = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(part).__name__).lower()
    if re.fullmatch(rf"{usual}(_\d+)?", part.name):
        part.name = name
    return part


def _first_images(x):
    """The first images that are explained, of an array or a `tf.data.Dataset`; None of anything else."""
    if isinstance(x, tf.data.Dataset):
        x = next(iter(x), None)
        return tf.convert_to_tensor(x[-1] if isinstance(x, tuple) else x) if x is not None else None
    return tf.convert_to_tensor(x[:_SEEN]) if isinstance(x, np.ndarray | tf.Tensor) else None
