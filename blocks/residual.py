"""Pre-activation residual blocks without batch statistics."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.transposed import transposed_convolution

__all__ = ["ResidualBlock", "UpsamplingResidualBlock"]

RESIDUAL_SCALE = 0.1  # of the residual branch; the skip has weight 1


class _Residual(Configured, keras.layers.Layer):
    """A skip connection plus a branch; a subclass supplies what resizes: `_resizing`, its place in `_pair`, `_skip`."""

    def __init__(self, channels, *, filters, stride, bottleneck, weight_normalised, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.filters, self.stride = channels, filters, stride
        self.bottleneck, self.weight_normalised = bottleneck, weight_normalised
        if bottleneck:
            quarter = _quarter(filters)
            self.first = self._convolution(channels, filters=quarter, kernel=1)
            self.second = self._resizing(quarter, filters=quarter)
            self.third = self._convolution(quarter, filters=filters, kernel=1)
        else:
            self.first, self.second = self._pair()
        if channels != filters:
            self.projection = self._convolution(channels, filters=filters, kernel=1)
        self.built = True

    def call(self, x):
        residual = self.second(tf.nn.elu(self.first(tf.nn.elu(x))))
        residual = self.third(tf.nn.elu(residual)) if self.bottleneck else residual
        return self._skip(x, residual) + RESIDUAL_SCALE * residual

    def _projected(self, x):
        return x if self.channels == self.filters else self.projection(x)

    def _convolution(self, channels, *, filters, kernel=3, stride=1):
        layer = keras.layers.Conv2D(
            filters,
            kernel,
            stride,
            padding="same",
            data_format="channels_last",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
        return self._built(layer, channels)

    def _built(self, layer, channels):
        return built(layer, (None, None, None, channels), weight_normalised=self.weight_normalised)


class ResidualBlock(_Residual):
    """Two 3x3 convolutions, each after an ELU, added to a skip connection.

    y = skip(x) + 0.1 * conv(elu(conv(elu(x))))
    y = skip(x) + 0.1 * conv_1x1(elu(conv(elu(conv_1x1(elu(x))))))    with a bottleneck

    The first 3x3 convolution has the stride; the skip is then resized to its nearest neighbours, and mapped by a 1x1
    convolution if the number of channels changes.

    Args:
        channels: Number C of channels of the input.
        filters: Number of channels of the output, and of the convolutions outside a bottleneck.
        stride: Factor by which the output is smaller than the input.
        bottleneck: Whether a single 3x3 convolution works on a quarter of the filters, between 1x1 convolutions.
        weight_normalised: Whether the convolutions have weight normalisation, to be set by `initialise_from_data`.

    Call:
        x [B, H, W, C] -> [B, H / stride, W / stride, filters], sizes rounded up.

    Raises:
        ValueError: for a bottleneck of filters that are not divisible by 4.

    Example:
        >>> ResidualBlock(64, filters=64, stride=2)(tf.zeros([2, 28, 28, 64])).shape
        TensorShape([2, 14, 14, 64])

    Reference: He et al. Identity Mappings in Deep Residual Networks. 2016. arXiv:1603.05027
    Differs from the paper: no batch normalisation, which would make the density of an image depend on its batch.
    """

    def __init__(self, channels, *, filters, stride=1, bottleneck=False, weight_normalised=True, **kwargs):
        super().__init__(
            channels,
            filters=filters,
            stride=stride,
            bottleneck=bottleneck,
            weight_normalised=weight_normalised,
            **kwargs,
        )

    def _pair(self):
        return (
            self._resizing(self.channels, filters=self.filters),
            self._convolution(self.filters, filters=self.filters),
        )

    def _resizing(self, channels, *, filters):
        return self._convolution(channels, filters=filters, stride=self.stride)

    def _skip(self, x, residual):
        if self.stride > 1:  # nearest neighbours; on CPUs several times faster than a strided slice
            x = tf.image.resize(x, tf.shape(residual)[1:3], method="nearest")
        return self._projected(x)


class UpsamplingResidualBlock(_Residual):
    """The mirror image of a `ResidualBlock` with a stride: its last 3x3 convolution is transposed and enlarges.

    y = nearest(skip(x)) + 0.1 * conv_transposed(elu(conv(elu(x))))
    y = nearest(skip(x)) + 0.1 * conv_1x1(elu(conv_transposed(elu(conv_1x1(elu(x))))))    with a bottleneck

    Args:
        channels: Number C of channels of the input.
        filters: Number of channels of the output, and of the convolutions outside a bottleneck.
        stride: Factor by which the output is larger than the input.
        bottleneck: Whether a single 3x3 convolution works on a quarter of the filters, between 1x1 convolutions.
        weight_normalised: Whether the convolutions have weight normalisation, to be set by `initialise_from_data`.

    Call:
        x [B, H, W, C] -> [B, H * stride, W * stride, filters]

    Raises:
        ValueError: for a bottleneck of filters that are not divisible by 4.

    Example:
        >>> UpsamplingResidualBlock(64, filters=64)(tf.zeros([2, 7, 7, 64])).shape
        TensorShape([2, 14, 14, 64])
    """

    def __init__(self, channels, *, filters, stride=2, bottleneck=False, weight_normalised=True, **kwargs):
        super().__init__(
            channels,
            filters=filters,
            stride=stride,
            bottleneck=bottleneck,
            weight_normalised=weight_normalised,
            **kwargs,
        )

    def _pair(self):
        return (
            self._convolution(self.channels, filters=self.filters),
            self._resizing(self.filters, filters=self.filters),
        )

    def _resizing(self, channels, *, filters):
        layer = transposed_convolution(channels, filters=filters, kernel=3, stride=self.stride, dtype=self.dtype_policy)
        return self._built(layer, channels)

    def _skip(self, x, residual):
        return _enlarged(self._projected(x), self.stride)


def _quarter(filters):
    if filters % 4:
        raise ValueError(
            f"`filters` must be divisible by 4 for a bottleneck block. Received: filters={filters}. "
            "Change the number, or build the block with bottleneck=False."
        )
    return filters // 4


def _enlarged(x, factor):
    """Nearest neighbours, [B, H, W, C] -> [B, H * factor, W * factor, C]; `tf.image.resize` has no second derivative."""

    @tf.custom_gradient
    def enlarge(x):
        return tf.image.resize(x, factor * tf.shape(x)[1:3], method="nearest"), gather

    @tf.custom_gradient
    def gather(y):
        return factor**2 * tf.nn.avg_pool2d(y, factor, factor, "VALID"), enlarge

    return enlarge(x) if factor > 1 else x
