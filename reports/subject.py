"""A model in memory with the images that it is judged on."""

import functools
import zlib

import numpy as np
import tensorflow as tf

from vae_flows.estimators.bars import Bar
from vae_flows.estimators.compiled import for_any_batch
from vae_flows.image_data.pipeline import evaluation_batches
from vae_flows.latent_models.exact_model import ExactModel

__all__ = ["Subject"]


class Subject:
    """A trained model and its data set, whose images are prepared once, with noise that the image alone fixes.

    So runs of other seeds are judged on the same pixels, and compare image by image.

    Args:
        model: `ImageModel`.
        data: `ImageSet`.
        preparation: How uint8 images become what the model sees.
        seed: The run's seed; fixes all other noise of the judgement.

    Attributes:
        pixel_seed: Seed of the preparation, and of what corrupts the images of a model that restores them.
    """

    pixel_seed = 0

    def __init__(self, model, data, preparation, *, seed):
        self.model, self.data, self.preparation, self.seed = model, data, preparation, int(seed)
        self._prepared = {}

    @property
    def exact(self):
        """Whether log p(x) is known without sampling."""
        return isinstance(self.model, ExactModel)

    @functools.cached_property
    def mark(self):
        """A checksum of the model's weights: results of other weights are not its results."""
        mark = 0
        for weight in self.model.get_weights():
            mark = zlib.crc32(np.ascontiguousarray(weight).tobytes(), mark)
        return f"{mark:08x}"

    def count(self, images=None, *, split="test"):
        """How many images there are of a split, or `images` if they are fewer."""
        there = getattr(self.data, split).count
        return min(images or there, there)

    def originals(self, images=None, *, split="test"):
        """The first images as the data set gives them, in [0, 1]: [N, H, W, C]."""
        return getattr(self.data, split).images[: self.count(images, split=split)] / np.float32(
            self.data.spec.levels - 1
        )

    def prepared(self, images=None, *, split="test"):
        """The first images as the model sees them, in its precision: [N, H, W, C]."""
        images = self.count(images, split=split)
        known = self._prepared.get(split, ())
        if len(known) < images:
            first = getattr(self.data, split).first(images)
            batches = evaluation_batches(
                first, batch=min(images, 100), preparation=self.preparation, seed=self.pixel_seed
            )
            known = np.concatenate([batch.numpy() for batch in batches]).astype(self.model.variable_dtype, copy=False)
            self._prepared[split] = known
        return known[:images]

    def batches(self, images=None, *, batch, split="test"):
        """The same, `batch` of them at a time."""
        x = self.prepared(images, split=split)
        return [tf.constant(x[i : i + batch]) for i in range(0, len(x), batch)]

    def image_by_image(self, function, images=None, *, batch=100, split="test", label="images"):
        """Results of `function` (x [B, H, W, C], number of the first image -> [B, ...]) for the first images, [N, ...].

        A bar with the label is shown if they take long.
        """
        function = tf.autograph.experimental.do_not_convert(function)
        compiled = for_any_batch(function, lambda dtype: [tf.TensorSpec([], tf.int64)])
        batches = self.batches(images, batch=batch, split=split)
        parts = []
        with Bar(f"{label}, {split}", total=sum(map(len, batches)), delay=2.0) as bar:
            for number, x in enumerate(batches):
                parts.append(compiled(x, tf.constant(number * batch, tf.int64)).numpy())
                bar.update(len(x))
        return np.concatenate(parts)
