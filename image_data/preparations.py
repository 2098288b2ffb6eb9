"""From grey levels to what a pixel law models, always on a scale from 0 to 1: binary, discrete, or dequantised pixels."""

import abc
import dataclasses

import tensorflow as tf

__all__ = ["PREPARATIONS", "Binarise", "Dequantise", "GreyLevels", "Preparation"]


@dataclasses.dataclass(frozen=True)
class Preparation(abc.ABC):
    """A map from uint8 images and a seed to float32 images of the same shape.

    Call:
        images: uint8 [..., H, W, C], values 0 .. levels - 1.
        seed: int32 [2]. Equal seeds give equal noise, with and without XLA.

        Returns float32 [..., H, W, C].

    Args:
        levels: Number of values a pixel of the given images can take.
    """

    levels: int = 256

    @abc.abstractmethod
    def __call__(self, images, seed): ...

    @property
    def continuous(self):
        """Whether prepared pixels lie anywhere in their range, for densities, instead of at `spec_after`'s levels."""
        return False

    def spec_after(self, spec):
        """The `ImageSpec` of prepared images, for images of the given one.

        Raises:
            ValueError: if the preparation was made for another number of levels.
        """
        if spec.levels != self.levels:
            raise ValueError(
                f"{type(self).__name__} was made for {self.levels} levels. Expected the images' {spec.levels}. "
                f"Received: levels={self.levels}. Use {type(self).__name__}(levels={spec.levels})."
            )
        return spec

    def to_config(self):
        """Name and arguments as a dictionary that JSON can hold; `Preparation.from_config` is its inverse."""
        return {"name": type(self).__name__, **dataclasses.asdict(self)}

    @staticmethod
    def from_config(config):
        """The preparation that a dictionary made by `to_config` describes.

        Raises:
            ValueError: if its name or an argument is unknown.
        """
        arguments = dict(config)
        name = arguments.pop("name", None)
        kind = next((kind for each, kind in PREPARATIONS.items() if each == name), None)
        known = [] if kind is None else [field.name for field in dataclasses.fields(kind)]
        if kind is None or not set(arguments) <= set(known):
            raise ValueError(
                f"Unknown preparation. Expected one of {', '.join(PREPARATIONS)} with levels. Received: {config!r}."
            )
        return kind(**arguments)


@dataclasses.dataclass(frozen=True)
class Binarise(Preparation):
    """Draws each pixel from the Bernoulli law whose mean is its brightness.

        x = 1 with probability pixel / (levels - 1), else 0

    Images of two levels stay as they are.

    Example:
        >>> import tensorflow as tf
        >>> Binarise()(tf.constant([0, 255], tf.uint8), seed=[0, 1]).numpy().tolist()
        [0.0, 1.0]
    """

    def __call__(self, images, seed):
        # (k + 1/2) / 2**16 < p has a probability within 2**-17 of p, and exactly 0 and 1 for black and white
        uniform = (_uniform_16_bits(images, seed) + 0.5) * 2.0**-16
        return tf.cast((self.levels - 1) * uniform < tf.cast(images, tf.float32), tf.float32)

    def spec_after(self, spec):
        return dataclasses.replace(super().spec_after(spec), levels=2)


@dataclasses.dataclass(frozen=True)
class GreyLevels(Preparation):
    """The grey levels on a scale from 0 to 1; for discrete laws of many levels. Uses no noise.

        x = pixel / (levels - 1)

    Example:
        >>> import tensorflow as tf
        >>> GreyLevels()(tf.constant([0, 255], tf.uint8), seed=[0, 1]).numpy().tolist()
        [0.0, 1.0]
    """

    def __call__(self, images, seed):
        return tf.cast(images, tf.float32) / (self.levels - 1)


@dataclasses.dataclass(frozen=True)
class Dequantise(Preparation):
    """Uniform noise within each grey level, then a scale from 0 to 1: for continuous laws.

        x = (pixel + u) / levels,  u ~ U(0, 1) at the resolution of float32,  so 0 < x < 1

    A density p(x) bounds the law of the discrete image, in which a pixel has width 1 / levels:
    log P(pixels) >= E_u[log p(x)] - (number of pixels) log(levels).

    Reference: Theis, van den Oord, Bethge. A note on the evaluation of generative models. 2016. arXiv:1511.01844.

    Example:
        >>> import tensorflow as tf
        >>> x = Dequantise()(tf.constant([0, 255], tf.uint8), seed=[0, 1]).numpy()
        >>> bool((256 * x >= [0, 255]).all() and (256 * x < [1, 256]).all())
        True
    """

    def __call__(self, images, seed):
        words = tf.random.stateless_uniform(
            tf.shape(images), seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
        )
        uniform = (tf.cast(words // 512, tf.float32) + 0.5) * 2.0**-23  # centres of 2**23 intervals, all exact
        level = tf.cast(images, tf.float32)
        # each summand by itself is finer than level + u; what the sum rounds up stays below the next level
        return tf.minimum(level / self.levels + uniform / self.levels, (level + 1.0) / self.levels * (1.0 - 2.0**-24))

    @property
    def continuous(self):
        return True


PREPARATIONS = {kind.__name__: kind for kind in (Binarise, Dequantise, GreyLevels)}


def _uniform_16_bits(images, seed):
    """Integers uniform in 0 .. 2**16 - 1, as float32 of the shape of `images`.

    Made of the generator's raw bits, two numbers of each 32: half the work, and the same with and without XLA, which
    makes other floats of equal bits.
    """
    count = tf.size(images)
    words = tf.random.stateless_uniform(
        [(count + 1) // 2], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    halves = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count]
    return tf.cast(tf.reshape(halves, tf.shape(images)), tf.float32)
