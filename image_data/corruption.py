"""What is done to prepared images that a model is to restore."""

import dataclasses

import tensorflow as tf

__all__ = ["GaussianNoise"]


@dataclasses.dataclass(frozen=True)
class GaussianNoise:
    """Normal noise, each pixel its own, within the range of pixels.

        corrupted = clip(x + N(0, scale^2), 0, 1)

    Args:
        scale: Standard deviation, in units of the pixels' range.

    Call:
        images: float [..., H, W, C] in [0, 1].
        seed: int32 [2]. Equal seeds give equal noise.

        Returns the same shape.

    Raises:
        ValueError: if the scale is not positive.

    Example:
        >>> bool(tf.reduce_all(GaussianNoise(0.1)(tf.ones([2, 3, 3, 1]), [0, 1]) <= 1.0))
        True

    Reference: Vincent et al. Extracting and composing robust features with denoising autoencoders. 2008 (ICML)
    """

    scale: float = 0.25

    def __post_init__(self):
        if not self.scale > 0:
            raise ValueError(
                f"`scale` must be positive. Received: scale={self.scale}. Leave out the corruption instead."
            )

    def __call__(self, images, seed):
        noise = tf.random.stateless_normal(tf.shape(images), seed, dtype=images.dtype, alg="philox")
        return tf.clip_by_value(images + self.scale * noise, 0.0, 1.0)
