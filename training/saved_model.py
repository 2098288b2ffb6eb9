"""A trained model as functions on uint8 images, for programs that have only TensorFlow."""

import functools
import itertools

import keras
import tensorflow as tf

from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.run_folder.atomic import replacing

__all__ = ["export"]

_MISTAKEN = (tf.float32, tf.float64, tf.float16, tf.int32, tf.int64, tf.bool)  # kinds of images that are refused


def export(model, preparation, path):
    """Writes the SavedModel of a trained model at `path`, replacing atomically what stood there.

    Load it with `tf.saved_model.load(path)`; neither this package nor TFP is needed then. Its functions:

    - encode(images) -> latents float32 [B, D], of a fixed seed
    - decode(latents) -> pictures float32 [B, H, W, C] in [0, 1]
    - reconstruct(images, seed) -> pictures of one posterior sample each
    - sample(count, seed, temperature) -> pictures [count, H, W, C]
    - log_likelihood(images, samples, seed) -> log p(x) in nats [B], in the model's precision, exact where the model's is,
      else by importance sampling, in memory that does not grow with samples

    Images are uint8 [B, H, W, C] as a data set gives them, prepared inside with noise of the seed; seeds are int32 [2],
    count and samples int32, temperature float32. Every batch size is taken. Images of another shape or kind (floats in
    [0, 1] would be black) are refused, as are a count or samples below 1 and a temperature below 0.

    Args:
        model: `ImageModel`.
        preparation: How uint8 images become what the model sees.
        path: Folder to write.
    """
    images = tf.TensorSpec([None, *model.image_shape], tf.uint8, name="images")
    latents = tf.TensorSpec([None, model.latent_features], tf.float32, name="latents")
    seed = tf.TensorSpec([2], tf.int32, name="seed")
    count = tf.TensorSpec([], tf.int32, name="count")
    temperature = tf.TensorSpec([], tf.float32, name="temperature")
    samples = tf.TensorSpec([], tf.int32, name="samples")
    functions = _Functions(model, preparation)
    archive = keras.export.ExportArchive()
    archive.add_endpoint("encode", _of_images(functions.encode, images))
    archive.add_endpoint("decode", functions.decode, [latents])
    archive.add_endpoint("reconstruct", _of_images(functions.reconstruct, images, seed))
    archive.add_endpoint("sample", functions.sample, [count, seed, temperature])
    archive.add_endpoint("log_likelihood", _of_images(functions.log_likelihood, images, samples, seed))
    with replacing(path) as partial:
        archive.write_out(str(partial), verbose=False)


def _of_images(function, images, *others):
    """`function` with a trace for images as `images` specifies, and others that refuse what else NumPy is likely to hold.

    With a single signature TensorFlow would cast floats to uint8 before anything could look at them. The integers among
    `others` may be int32 or int64.
    """
    answer = tf.function(function, autograph=False)
    shape = ", ".join(map(str, images.shape[1:]))
    expected = f"`images` must be uint8 [B, {shape}], 0 to 255 as a data set gives them."

    @functools.wraps(function)
    def checked(given, *others):
        if given.shape.rank:  # the one trace of the right kind
            return answer(given, *(tf.cast(each, tf.int32) for each in others))
        return _checked(tf.shape(given), False, f"{expected} Received: {given.dtype.name} of shape {{}}.")

    traced = tf.function(checked, autograph=False)
    kinds = [tf.TensorSpec(None, kind, name=images.name) for kind in (images.dtype, *_MISTAKEN)]
    for kind, integers in itertools.product([images, *kinds], (tf.int32, tf.int64) if others else (tf.int32,)):
        traced.get_concrete_function(kind, *(tf.TensorSpec(each.shape, integers, name=each.name) for each in others))
    return traced


def _checked(value, holds, message):
    """The value, unless the condition does not hold: then the message is raised, with the value in the place of {}."""
    with tf.control_dependencies([tf.debugging.Assert(holds, [tf.strings.format(message, value)])]):
        return tf.identity(value)


def _single(values):
    """In float32, whatever the model's precision."""
    return tf.cast(values, tf.float32)


class _Functions:
    """The endpoints. Preparing an image and drawing its latents use different noise of one seed."""

    def __init__(self, model, preparation):
        self.model = model
        self.preparation = preparation

    def encode(self, images):
        return _single(self.model.encode(self._prepared(images, tf.zeros([2], tf.int32))))

    def decode(self, latents):
        return _single(self.model.decode(latents))

    def reconstruct(self, images, seed):
        return _single(self.model.reconstruct(self._prepared(images, seed), key(seed, Purpose.DRAW)))

    def sample(self, count, seed, temperature):
        count = _checked(count, count >= 1, "`count` must be at least 1. Received: {}.")
        temperature = _checked(temperature, temperature >= 0.0, "`temperature` must be at least 0. Received: {}.")
        temperature = tf.cast(temperature, self.model.variable_dtype)
        return _single(self.model.sample(count, seed, temperature=temperature))

    def log_likelihood(self, images, samples, seed):
        samples = _checked(samples, samples >= 1, "`samples` must be at least 1. Received: {}.")
        return self.model.log_likelihood(self._prepared(images, seed), samples, key(seed, Purpose.DRAW))

    def _prepared(self, images, seed):
        return self.preparation(images, key(seed, Purpose.PREPARATION))
