"""Residual convolutional encoder of the IAF paper."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.residual import ResidualBlock
from vae_flows.blocks.shapes import check_image_shape, check_images, divided, integers

__all__ = ["ResNetEncoder"]


class ResNetEncoder(Configured, keras.layers.Layer):
    """Pre-activation residual blocks, then a dense layer, all with ELU.

    Args:
        image_shape: (height, width, channels); height and width divisible by the product of the strides.
        features: Size F of the output, the width of the dense layer.
        filters: Feature maps of every block.
        strides: Stride of each block; their number is the number of blocks.
        weight_normalised: Whether every layer has weight normalisation, to be set by `initialise_from_data`.

    Call:
        images [B, H, W, C] -> [B, F]

    Raises:
        ValueError: for sizes that the strides do not divide, and for images of another shape.

    Example:
        >>> ResNetEncoder((28, 28, 1), filters=8)(tf.zeros([2, 28, 28, 1])).shape
        TensorShape([2, 450])

    Reference: Kingma et al. Improving Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    """

    input_rank = 3

    def __init__(
        self,
        image_shape,
        *,
        features=450,
        filters=64,
        strides=(1, 1, 2, 1, 2, 1),
        weight_normalised=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.features, self.filters = check_image_shape(image_shape), features, filters
        self.strides, self.weight_normalised = integers(strides, name="strides"), weight_normalised
        size = divided(self.image_shape, math.prod(self.strides), network="ResNetEncoder", remedy="`encoders.Padded`")
        self.blocks = [
            ResidualBlock(
                filters if k else self.image_shape[-1],
                filters=filters,
                stride=stride,
                weight_normalised=weight_normalised,
                dtype=self.dtype_policy,
            )
            for k, stride in enumerate(self.strides)
        ]
        self.units = math.prod(size) * filters
        dense = keras.layers.Dense(features, kernel_initializer="he_normal", dtype=self.dtype_policy)
        self.dense = built(dense, (None, self.units), weight_normalised=weight_normalised)
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        h = images
        for block in self.blocks:
            h = block(h)  # [B, H / stride, W / stride, filters]
        return tf.nn.elu(self.dense(tf.nn.elu(tf.reshape(h, [-1, self.units]))))
