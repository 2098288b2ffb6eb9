"""Deep residual encoder in the manner of the very deep VAE."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.bottleneck import BottleneckBlock
from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.shapes import check_image_shape, check_images, divided, integers

__all__ = ["BottleneckEncoder"]


class BottleneckEncoder(Configured, keras.layers.Layer):
    """A 3x3 convolution, then bottleneck blocks at each scale, with an average over 2 x 2 pixels between scales.

    Args:
        image_shape: (height, width, channels); height and width divisible by 2^(number of scales - 1).
        width: Channels of all feature maps.
        blocks: Number of blocks at each scale, from the image's own size on.

    Attributes:
        features: Size F of the output, the flattened last feature maps.

    Call:
        images [B, H, W, C] -> [B, F]

    Raises:
        ValueError: for sizes that cannot be halved so often, and for images of another shape.

    Example:
        >>> BottleneckEncoder((32, 32, 3), width=8, blocks=(1, 1, 1, 1))(tf.zeros([2, 32, 32, 3])).shape
        TensorShape([2, 128])

    Reference: Child. Very Deep VAEs Generalize Autoregressive Models. 2021. arXiv:2011.10650
    """

    input_rank = 3

    def __init__(self, image_shape, *, width, blocks=(2, 2, 2, 2), **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.width = check_image_shape(image_shape), width
        self.blocks = integers(blocks, name="blocks")
        size = divided(
            self.image_shape, 2 ** (len(self.blocks) - 1), network="BottleneckEncoder", remedy="`encoders.Padded`"
        )
        stem = keras.layers.Conv2D(width, 3, padding="same", data_format="channels_last", dtype=self.dtype_policy)
        self.stem = built(stem, (None, None, None, self.image_shape[-1]))
        middle, depth = max(width // 4, 1), sum(self.blocks)
        self.scales = [
            [BottleneckBlock(width, middle=middle, depth=depth, dtype=self.dtype_policy) for _ in range(count)]
            for count in self.blocks
        ]
        self.features = math.prod(size) * width
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        h = self.stem(images)  # [B, H, W, width]
        for k, scale in enumerate(self.scales):
            h = tf.nn.avg_pool2d(h, 2, 2, "VALID") if k else h  # [B, H / 2^k, W / 2^k, width]
            for block in scale:
                h = block(h)
        return tf.reshape(h, [-1, self.features])
