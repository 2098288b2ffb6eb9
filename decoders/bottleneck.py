"""Deep residual decoder in the manner of the very deep VAE."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.bottleneck import BottleneckBlock
from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.shapes import check_image_shape, check_last_axis, divided, integers

__all__ = ["BottleneckDecoder"]


class BottleneckDecoder(Configured, keras.layers.Layer):
    """A dense layer to the smallest feature maps, then bottleneck blocks at each scale, each pixel repeated between scales.

    Args:
        features: Size D of the latent vector.
        image_shape: (height, width, channels); height and width divisible by 2^(number of scales - 1).
        outputs: Parameters at each pixel position, as the pixel law needs.
        width: Channels of all feature maps.
        blocks: Number of blocks at each scale, from the smallest feature maps on.

    Call:
        z [B, D] -> [B, H, W, outputs]

    Raises:
        ValueError: for sizes that cannot be halved so often, and for latent vectors of another size.

    Example:
        >>> decoder = BottleneckDecoder(5, image_shape=(32, 32, 3), outputs=3, width=8, blocks=(1, 1, 1, 1))
        >>> decoder(tf.zeros([2, 5])).shape
        TensorShape([2, 32, 32, 3])

    Reference: Child. Very Deep VAEs Generalize Autoregressive Models. 2021. arXiv:2011.10650
    Differs from the paper: one latent vector, at the smallest scale.
    """

    input_rank = 1

    def __init__(self, features, *, image_shape, outputs, width, blocks=(2, 2, 2, 2), **kwargs):
        super().__init__(**kwargs)
        self.features, self.image_shape, self.outputs = features, check_image_shape(image_shape), outputs
        self.width, self.blocks = width, integers(blocks, name="blocks")
        size = divided(
            self.image_shape, 2 ** (len(self.blocks) - 1), network="BottleneckDecoder", remedy="`decoders.Cropped`"
        )
        self.smallest = (*size, width)
        dense = keras.layers.Dense(math.prod(self.smallest), dtype=self.dtype_policy, name="dense")
        self.dense = built(dense, (None, features))
        middle, depth = max(width // 4, 1), sum(self.blocks)
        self.scales = [
            [BottleneckBlock(width, middle=middle, depth=depth, dtype=self.dtype_policy) for _ in range(count)]
            for count in self.blocks
        ]
        pixels = keras.layers.Conv2D(outputs, 1, data_format="channels_last", dtype=self.dtype_policy, name="pixels")
        self.pixels = built(pixels, (None, None, None, width))
        self.built = True

    def call(self, latents):
        check_last_axis(latents, self.features, name="latents")
        h = tf.reshape(self.dense(latents), [-1, *self.smallest])
        for k, scale in enumerate(self.scales):
            h = tf.repeat(tf.repeat(h, 2, 1), 2, 2) if k else h  # [B, h 2^k, w 2^k, width]
            for block in scale:
                h = block(h)
        return self.pixels(tf.nn.gelu(h))
