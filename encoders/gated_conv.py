"""Gated convolutional encoder of the Sylvester-flow paper."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.gated import GatedConv2D, GatedDense
from vae_flows.blocks.shapes import check_image_shape, check_images, divided, integers

__all__ = ["GatedConvEncoder"]


class GatedConvEncoder(Configured, keras.layers.Layer):
    """Gated convolutions, the last of which covers the whole feature map.

    Args:
        image_shape: (height, width, channels); height and width divisible by the product of the strides.
        features: Size F of the output: filters of the convolution over the whole feature map.
        filters: Filters of each gated convolution, in order.
        strides: Stride of each gated convolution.
        kernel: Height and width of their kernels.

    Call:
        images [B, H, W, C] -> [B, F]

    Raises:
        ValueError: for sizes that the strides do not divide, and for images of another shape.

    Example:
        >>> GatedConvEncoder((28, 28, 1))(tf.zeros([2, 28, 28, 1])).shape
        TensorShape([2, 256])

    Reference: van den Berg et al. Sylvester Normalizing Flows. 2018. arXiv:1803.05649
    """

    input_rank = 3

    def __init__(
        self,
        image_shape,
        *,
        features=256,
        filters=(32, 32, 64, 64, 64),
        strides=(1, 2, 1, 2, 1),
        kernel=5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.features, self.kernel = check_image_shape(image_shape), features, kernel
        self.filters, self.strides = integers(filters, name="filters"), integers(strides, name="strides")
        if len(self.filters) != len(self.strides):
            raise ValueError(
                "`filters` and `strides` must have one entry for each convolution. "
                f"Received: filters={self.filters}, strides={self.strides}."
            )
        size = divided(
            self.image_shape, math.prod(self.strides), network="GatedConvEncoder", remedy="`encoders.Padded`"
        )
        channels = (self.image_shape[-1], *self.filters)
        self.convolutions = [
            GatedConv2D(channels[k], filters=channels[k + 1], kernel=kernel, stride=stride, dtype=self.dtype_policy)
            for k, stride in enumerate(self.strides)
        ]
        self.units = math.prod(size) * channels[-1]
        self.whole = GatedDense(self.units, units=features, dtype=self.dtype_policy)
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        h = images
        for convolution in self.convolutions:
            h = convolution(h)  # [B, H / stride, W / stride, filters]
        return self.whole(tf.reshape(h, [-1, self.units]))
