"""Plain convolutional encoder: strides, and nothing else."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.shapes import check_image_shape, check_images, divided, integers

__all__ = ["StridedEncoder"]


class StridedEncoder(Configured, keras.layers.Layer):
    """Convolutions that each halve height and width; the flattened last feature maps are the output.

    h_k = activation(conv(h_{k-1}))

    Args:
        image_shape: (height, width, channels); height and width divisible by 2^(number of convolutions).
        filters: Channels of each convolution.
        kernel: Height and width of the kernels.
        activation: Keras activation.

    Attributes:
        features: Size F of the output.

    Call:
        images [B, H, W, C] -> [B, F]

    Raises:
        ValueError: for sizes that cannot be halved so often, and for images of another shape.

    Example:
        >>> StridedEncoder((28, 28, 1))(tf.zeros([2, 28, 28, 1])).shape
        TensorShape([2, 6272])

    Reference: Silvestri et al. Closing the gap: exact maximum likelihood training of generative autoencoders using
    invertible layers. 2022. arXiv:2205.09546
    """

    input_rank = 3

    def __init__(self, image_shape, *, filters=(64, 128), kernel=3, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.filters = check_image_shape(image_shape), integers(filters, name="filters")
        self.kernel, self.activation = kernel, activation
        size = divided(self.image_shape, 2 ** len(self.filters), network="StridedEncoder", remedy="`encoders.Padded`")
        channels = (self.image_shape[-1], *self.filters)
        self.convolutions = [
            built(self._convolution(each), (None, None, None, channels[k])) for k, each in enumerate(self.filters)
        ]
        self.features = math.prod(size) * channels[-1]
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        h = images
        for convolution in self.convolutions:
            h = convolution(h)  # [B, H / 2^k, W / 2^k, filters]
        return tf.reshape(h, [-1, self.features])

    def _convolution(self, filters):
        return keras.layers.Conv2D(
            filters,
            self.kernel,
            2,
            padding="same",
            activation=self.activation,
            data_format="channels_last",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
