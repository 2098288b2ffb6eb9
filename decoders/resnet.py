"""Residual convolutional decoder of the IAF paper."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.residual import ResidualBlock, UpsamplingResidualBlock
from vae_flows.blocks.shapes import check_image_shape, check_last_axis, divided, integers
from vae_flows.blocks.transposed import transposed_convolution

__all__ = ["ResNetDecoder"]


class ResNetDecoder(Configured, keras.layers.Layer):
    """A transposed convolution from a single position, residual blocks, and a linear 1x1 convolution.

    Args:
        features: Size D of the latent vector.
        image_shape: (height, width, channels); height and width divisible by the product of the strides.
        outputs: Parameters at each pixel position, as the pixel law needs.
        filters: Feature maps of every block.
        strides: Factor by which each block enlarges; their number is the number of blocks.
        weight_normalised: Whether all layers but the last have weight normalisation, set by `initialise_from_data`.

    Call:
        z [B, D] -> [B, H, W, outputs]

    Raises:
        ValueError: for sizes that the strides do not divide, and for latent vectors of another size.

    Example:
        >>> ResNetDecoder(32, image_shape=(28, 28, 1), outputs=1, filters=8)(tf.zeros([2, 32])).shape
        TensorShape([2, 28, 28, 1])

    Reference: Kingma et al. Improving Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    """

    input_rank = 1

    def __init__(
        self,
        features,
        *,
        image_shape,
        outputs,
        filters=64,
        strides=(1, 2, 1, 2, 1, 1),
        weight_normalised=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.features, self.image_shape, self.outputs = features, check_image_shape(image_shape), outputs
        self.filters, self.strides = filters, integers(strides, name="strides")
        self.weight_normalised = weight_normalised
        size = divided(self.image_shape, math.prod(self.strides), network="ResNetDecoder", remedy="`decoders.Cropped`")
        first = transposed_convolution(features, filters=filters, kernel=size, padding="valid", dtype=self.dtype_policy)
        self.first = built(first, (None, 1, 1, features), weight_normalised=weight_normalised)
        self.blocks = [self._block(stride) for stride in self.strides]
        self.pixels = keras.layers.Conv2D(outputs, 1, data_format="channels_last", dtype=self.dtype_policy)
        self.pixels.build((None, None, None, filters))
        self.built = True

    def call(self, latents):
        check_last_axis(latents, self.features, name="latents")
        h = self.first(latents[:, None, None, :])  # [B, h, w, filters]
        for block in self.blocks:
            h = block(h)  # [B, H * stride, W * stride, filters]
        return self.pixels(tf.nn.elu(h))

    def _block(self, stride):
        arguments = {"filters": self.filters, "weight_normalised": self.weight_normalised, "dtype": self.dtype_policy}
        if stride == 1:
            return ResidualBlock(self.filters, **arguments)
        return UpsamplingResidualBlock(self.filters, stride=stride, **arguments)
