"""A trained model as functions on uint8 images, for programs that have only TensorFlow."""

import keras
import tensorflow as tf

from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.run_folder.atomic import replacing

__all__ = ["export"]


def export(model, preparation, path):
    """Writes the SavedModel of a trained model at `path`, replacing atomically what stood there.

    Load it with `tf.saved_model.load(path)`; neither this package nor TFP is needed then. Its functions:

    - encode(images) -> latents float32 [B, D], of a fixed seed
    - decode(latents) -> pictures float32 [B, H, W, C] in [0, 1]
    - reconstruct(images, seed) -> pictures of one posterior sample each
    - sample(count, seed, temperature) -> pictures [count, H, W, C]
    - log_likelihood(images, samples, seed) -> log p(x) in nats [B], exact where the model's is, else by importance
      sampling, in memory that does not grow with samples

    Images are uint8 [B, H, W, C] as a data set gives them, prepared inside with noise of the seed; seeds are int32 [2],
    count and samples int32, temperature float32. Every batch size is taken, another image shape refused.

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
    archive.track(model)
    archive.add_endpoint("encode", functions.encode, [images])
    archive.add_endpoint("decode", functions.decode, [latents])
    archive.add_endpoint("reconstruct", functions.reconstruct, [images, seed])
    archive.add_endpoint("sample", functions.sample, [count, seed, temperature])
    archive.add_endpoint("log_likelihood", functions.log_likelihood, [images, samples, seed])
    with replacing(path) as partial:
        archive.write_out(str(partial), verbose=False)


class _Functions:
    """The endpoints. Preparing an image and drawing its latents use different noise of one seed."""

    def __init__(self, model, preparation):
        self.model = model
        self.preparation = preparation

    def encode(self, images):
        return self.model.encode(self._prepared(images, tf.zeros([2], tf.int32)))

    def decode(self, latents):
        return self.model.decode(latents)

    def reconstruct(self, images, seed):
        return self.model.reconstruct(self._prepared(images, seed), key(seed, Purpose.DRAW))

    def sample(self, count, seed, temperature):
        return self.model.sample(count, seed, temperature=temperature)

    def log_likelihood(self, images, samples, seed):
        return self.model.log_likelihood(self._prepared(images, seed), samples, key(seed, Purpose.DRAW))

    def _prepared(self, images, seed):
        return self.preparation(images, key(seed, Purpose.PREPARATION))
