"""Residual convolutional decoder whose channels halve as the image doubles."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.residual import ResidualBlock, UpsamplingResidualBlock
from vae_flows.blocks.shapes import check_image_shape, check_last_axis, divided, integers
from vae_flows.blocks.transposed import transposed_convolution

__all__ = ["ConvolutionalDecoder"]


class ConvolutionalDecoder(Configured, keras.layers.Layer):
    """A transposed convolution from a single position, scales of residual blocks, and a linear 1x1 convolution.

    The feature maps of scale k = scales..1 are [H / 2^k, W / 2^k, filters * 2^k], as in the encoder; its last block
    enlarges them to those of scale k - 1.

    Args:
        features: Size D of the latent vector.
        image_shape: (height, width, channels); height and width divisible by 2^scales.
        outputs: Parameters at each pixel position, as the pixel law needs.
        filters: Channels after the last scale.
        scales: How often height and width are doubled and the channels halved.
        blocks: Residual blocks in each scale.
        bottleneck: Whether the 3x3 convolution of a block works on a quarter of its channels, between 1x1 convolutions.
        weight_normalised: Whether all layers but the last have weight normalisation, set by `initialise_from_data`.

    Call:
        z [B, D] -> [B, H, W, outputs]

    Raises:
        ValueError: for sizes that 2^scales does not divide, for numbers below 1, for a bottleneck of filters that are
            not divisible by 4, and for latent vectors of another size.

    Example:
        >>> ConvolutionalDecoder(32, image_shape=(28, 28, 1), outputs=1, filters=4)(tf.zeros([2, 32])).shape
        TensorShape([2, 28, 28, 1])

    Reference: He et al. Identity Mappings in Deep Residual Networks. 2016. arXiv:1603.05027
    Differs from the paper: runs from the smallest feature map to the image; no batch normalisation, which would make the
        density of an image depend on its batch; ELU; residual branches have weight 0.1.
    """

    input_rank = 1

    def __init__(
        self,
        features,
        *,
        image_shape,
        outputs,
        filters=32,
        scales=2,
        blocks=2,
        bottleneck=False,
        weight_normalised=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.features, self.image_shape, self.outputs = features, check_image_shape(image_shape), outputs
        self.filters, self.scales, self.blocks = integers((filters, scales, blocks), name="(filters, scales, blocks)")
        self.bottleneck, self.weight_normalised = bottleneck, weight_normalised
        size = divided(self.image_shape, 2**self.scales, network="ConvolutionalDecoder", remedy="`decoders.Cropped`")
        first = transposed_convolution(
            features, filters=self.filters * 2**self.scales, kernel=size, padding="valid", dtype=self.dtype_policy
        )
        self.first = built(first, (None, 1, 1, features), weight_normalised=weight_normalised)
        self.residual_blocks = [
            self._block(scale, k) for scale in range(self.scales, 0, -1) for k in range(self.blocks)
        ]
        self.pixels = keras.layers.Conv2D(outputs, 1, data_format="channels_last", dtype=self.dtype_policy)
        self.pixels.build((None, None, None, self.filters))
        self.built = True

    def call(self, latents):
        check_last_axis(latents, self.features, name="latents")
        h = self.first(latents[:, None, None, :])  # [B, h, w, filters * 2^scales]
        for block in self.residual_blocks:
            h = block(h)  # [B, H / 2^k, W / 2^k, filters * 2^k]
        return self.pixels(tf.nn.elu(h))

    def _block(self, scale, k):
        """Block k of a scale; the last one enlarges."""
        wide = self.filters * 2**scale
        arguments = {
            "bottleneck": self.bottleneck,
            "weight_normalised": self.weight_normalised,
            "dtype": self.dtype_policy,
        }
        if k < self.blocks - 1:
            return ResidualBlock(wide, filters=wide, **arguments)
        return UpsamplingResidualBlock(wide, filters=wide // 2, **arguments)
