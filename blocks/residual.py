"""Pre-activation residual blocks without batch statistics."""

import keras
import tensorflow as tf

from blocks.configured import Configured
from blocks.normalised import built
from blocks.transposed import transposed_convolution

__all__ = ["ResidualBlock", "UpsamplingResidualBlock"]

RESIDUAL_SCALE = 0.1  # of the residual branch; the skip has weight 1


class ResidualBlock(Configured, keras.layers.Layer):
    """Two 3x3 convolutions, each after an ELU, added to a skip connection.

    y = skip(x) + 0.1 * conv(elu(conv(elu(x))))

    The first convolution has the stride; the skip is then resized to its nearest neighbours, and mapped by a 1x1
    convolution if the number of channels changes.

    Args:
        channels: Number C of channels of the input.
        filters: Number of channels of both convolutions and of the output.
        stride: Factor by which the output is smaller than the input.
        weight_normalised: Whether the convolutions have weight normalisation, to be set by `initialise_from_data`.

    Call:
        x [B, H, W, C] -> [B, H / stride, W / stride, filters], sizes rounded up.

    Example:
        >>> ResidualBlock(64, filters=64, stride=2)(tf.zeros([2, 28, 28, 64])).shape
        TensorShape([2, 14, 14, 64])

    Reference: He et al. Identity Mappings in Deep Residual Networks. 2016. arXiv:1603.05027
    Differs from the paper: no batch normalisation, which would make the density of an image depend on its batch.
    """

    def __init__(self, channels, *, filters, stride=1, weight_normalised=True, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.filters, self.stride = channels, filters, stride
        self.weight_normalised = weight_normalised
        self.first = self._built(_convolution(filters, 3, stride, self.dtype_policy), channels)
        self.second = self._built(_convolution(filters, 3, 1, self.dtype_policy), filters)
        if channels != filters:
            self.projection = self._built(_convolution(filters, 1, 1, self.dtype_policy), channels)
        self.built = True

    def call(self, x):
        residual = self.second(tf.nn.elu(self.first(tf.nn.elu(x))))
        skip = x if self.stride == 1 else _resized(x, residual)
        skip = skip if self.channels == self.filters else self.projection(skip)
        return skip + RESIDUAL_SCALE * residual

    def _built(self, layer, channels):
        return built(layer, (None, None, None, channels), weight_normalised=self.weight_normalised)


class UpsamplingResidualBlock(Configured, keras.layers.Layer):
    """The mirror image of a `ResidualBlock` with a stride: its second convolution is transposed and enlarges.

    y = nearest(skip(x)) + 0.1 * conv_transposed(elu(conv(elu(x))))

    Args:
        channels: Number C of channels of the input.
        filters: Number of channels of both convolutions and of the output.
        stride: Factor by which the output is larger than the input.
        weight_normalised: Whether the convolutions have weight normalisation, to be set by `initialise_from_data`.

    Call:
        x [B, H, W, C] -> [B, H * stride, W * stride, filters]

    Example:
        >>> UpsamplingResidualBlock(64, filters=64)(tf.zeros([2, 7, 7, 64])).shape
        TensorShape([2, 14, 14, 64])
    """

    def __init__(self, channels, *, filters, stride=2, weight_normalised=True, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.filters, self.stride = channels, filters, stride
        self.weight_normalised = weight_normalised
        self.first = self._built(_convolution(filters, 3, 1, self.dtype_policy), channels)
        enlarging = transposed_convolution(filters, filters=filters, kernel=3, stride=stride, dtype=self.dtype_policy)
        self.second = self._built(enlarging, filters)
        if channels != filters:
            self.projection = self._built(_convolution(filters, 1, 1, self.dtype_policy), channels)
        self.built = True

    def call(self, x):
        residual = self.second(tf.nn.elu(self.first(tf.nn.elu(x))))
        skip = x if self.channels == self.filters else self.projection(x)
        return _resized(skip, residual) + RESIDUAL_SCALE * residual

    def _built(self, layer, channels):
        return built(layer, (None, None, None, channels), weight_normalised=self.weight_normalised)


def _convolution(filters, kernel, stride, dtype):
    return keras.layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        data_format="channels_last",
        kernel_initializer="he_normal",
        dtype=dtype,
    )


def _resized(x, like):
    """Nearest neighbours of x at the height and width of `like`; on CPUs several times faster than a strided slice."""
    return tf.image.resize(x, tf.shape(like)[1:3], method="nearest")
