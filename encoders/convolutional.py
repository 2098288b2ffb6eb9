"""Residual convolutional encoder whose channels double as the image halves."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.residual import ResidualBlock
from vae_flows.blocks.shapes import check_image_shape, check_images, divided, integers

__all__ = ["ConvolutionalEncoder"]


class ConvolutionalEncoder(Configured, keras.layers.Layer):
    """A 3x3 convolution, scales of pre-activation residual blocks, then a dense layer, all with ELU.

    The feature maps of scale k = 1..scales are [H / 2^k, W / 2^k, filters * 2^k]; its first block has stride 2.

    Args:
        image_shape: (height, width, channels); height and width divisible by 2^scales.
        features: Size F of the output, the width of the dense layer.
        filters: Channels before the first scale.
        scales: How often height and width are halved and the channels doubled.
        blocks: Residual blocks in each scale.
        bottleneck: Whether the 3x3 convolution of a block works on a quarter of its channels, between 1x1 convolutions.
        weight_normalised: Whether every layer has weight normalisation, to be set by `initialise_from_data`.

    Call:
        images [B, H, W, C] -> [B, F]

    Raises:
        ValueError: for sizes that 2^scales does not divide, for numbers below 1, for a bottleneck of filters that are
            not divisible by 4, and for images of another shape.

    Example:
        >>> ConvolutionalEncoder((28, 28, 1), features=64, filters=4)(tf.zeros([2, 28, 28, 1])).shape
        TensorShape([2, 64])

    Reference: He et al. Identity Mappings in Deep Residual Networks. 2016. arXiv:1603.05027
    Differs from the paper: no batch normalisation, which would make the density of an image depend on its batch; ELU;
        residual branches have weight 0.1; a dense layer instead of global pooling, so that positions are not lost.
    """

    input_rank = 3

    def __init__(
        self,
        image_shape,
        *,
        features=450,
        filters=32,
        scales=2,
        blocks=2,
        bottleneck=False,
        weight_normalised=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.features = check_image_shape(image_shape), features
        self.filters, self.scales, self.blocks = integers((filters, scales, blocks), name="(filters, scales, blocks)")
        self.bottleneck, self.weight_normalised = bottleneck, weight_normalised
        size = divided(self.image_shape, 2**self.scales, network="ConvolutionalEncoder", remedy="`encoders.Padded`")
        stem = keras.layers.Conv2D(
            self.filters,
            3,
            padding="same",
            data_format="channels_last",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
        self.stem = built(stem, (None, None, None, self.image_shape[-1]), weight_normalised=weight_normalised)
        self.residual_blocks = [self._block(scale, k) for scale in range(self.scales) for k in range(self.blocks)]
        self.units = math.prod(size) * self.filters * 2**self.scales
        dense = keras.layers.Dense(features, kernel_initializer="he_normal", dtype=self.dtype_policy)
        self.dense = built(dense, (None, self.units), weight_normalised=weight_normalised)
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        h = self.stem(images)  # [B, H, W, filters]
        for block in self.residual_blocks:
            h = block(h)  # [B, H / 2^k, W / 2^k, filters * 2^k]
        return tf.nn.elu(self.dense(tf.nn.elu(tf.reshape(h, [-1, self.units]))))

    def _block(self, scale, k):
        """Block k after `scale` halvings; the first of a scale halves once more."""
        wide = self.filters * 2 ** (scale + 1)
        return ResidualBlock(
            wide if k else wide // 2,
            filters=wide,
            stride=1 if k else 2,
            bottleneck=self.bottleneck,
            weight_normalised=self.weight_normalised,
            dtype=self.dtype_policy,
        )
