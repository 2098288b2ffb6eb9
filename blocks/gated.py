"""Layers whose output is multiplied by a gate computed from the same input."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.transposed import transposed_convolution

__all__ = ["GatedConv2D", "GatedConv2DTranspose", "GatedDense"]


class GatedDense(Configured, keras.layers.Layer):
    """Linear map times the sigmoid of another one.

    y = (W x + b) * sigmoid(V x + c)

    Args:
        features: Size F of the input.
        units: Size U of the output.

    Call:
        x [..., F] -> [..., U]

    Example:
        >>> GatedDense(5, units=3)(tf.zeros([2, 4, 5])).shape
        TensorShape([2, 4, 3])
    """

    def __init__(self, features, *, units, **kwargs):
        super().__init__(**kwargs)
        self.features, self.units = features, units
        self.linear = keras.layers.Dense(2 * units, kernel_initializer="he_normal", dtype=self.dtype_policy)
        self.linear.build((None, features))
        self.built = True

    def call(self, x):
        return _gated(self.linear(x))


class GatedConv2D(Configured, keras.layers.Layer):
    """Convolution times the sigmoid of another one, computed as one convolution with twice the filters.

    y = conv(x) * sigmoid(conv'(x))

    Args:
        channels: Number C of channels of the input.
        filters: Number of channels of the output.
        kernel: Height and width of the kernel.
        stride: Factor by which the output is smaller than the input.

    Call:
        x [B, H, W, C] -> [B, H / stride, W / stride, filters], sizes rounded up.

    Example:
        >>> GatedConv2D(1, filters=32, kernel=5, stride=2)(tf.zeros([2, 28, 28, 1])).shape
        TensorShape([2, 14, 14, 32])

    Reference: van den Berg et al. Sylvester Normalizing Flows. 2018. arXiv:1803.05649
    """

    def __init__(self, channels, *, filters, kernel, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.filters, self.kernel, self.stride = channels, filters, kernel, stride
        self.linear = keras.layers.Conv2D(
            2 * filters,
            kernel,
            stride,
            padding="same",
            data_format="channels_last",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
        self.linear.build((None, None, None, channels))
        self.built = True

    def call(self, x):
        return _gated(self.linear(x))


class GatedConv2DTranspose(Configured, keras.layers.Layer):
    """Transposed convolution times the sigmoid of another one, the mirror image of `GatedConv2D`.

    y = conv_transposed(x) * sigmoid(conv_transposed'(x))

    Args:
        channels: Number C of channels of the input.
        filters: Number of channels of the output.
        kernel: Size of the kernel, one number or (height, width).
        stride: Factor by which the output is larger than the input.
        padding: "same", or "valid" for an input of a single position, which grows to the kernel's size.

    Call:
        x [B, H, W, C] -> [B, H * stride, W * stride, filters] with "same" padding.

    Example:
        >>> GatedConv2DTranspose(20, filters=64, kernel=(7, 7), padding="valid")(tf.zeros([2, 1, 1, 20])).shape
        TensorShape([2, 7, 7, 64])

    Reference: van den Berg et al. Sylvester Normalizing Flows. 2018. arXiv:1803.05649
    """

    def __init__(self, channels, *, filters, kernel, stride=1, padding="same", **kwargs):
        super().__init__(**kwargs)
        self.channels, self.filters, self.kernel = channels, filters, kernel
        self.stride, self.padding = stride, padding
        self.linear = transposed_convolution(
            channels, filters=2 * filters, kernel=kernel, stride=stride, padding=padding, dtype=self.dtype_policy
        )
        self.linear.build((None, None, None, channels))
        self.built = True

    def call(self, x):
        return _gated(self.linear(x))


def _gated(pair):
    """value * gate from their concatenation [..., 2 F] -> [..., F]"""
    value, gate = tf.split(pair, 2, axis=-1)
    return value * tf.sigmoid(gate)
