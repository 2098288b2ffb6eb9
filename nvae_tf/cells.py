"""The residual cells of the two towers."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.nvae_tf.batch_norm import BatchNorm, again
from vae_flows.nvae_tf.convolutions import Convolution, DepthwiseConvolution

__all__ = ["DecoderCell", "EncoderCell", "SqueezeExcite", "run"]

RESIDUAL_SCALE = 0.1  # of the residual branch; the skip has weight 1


def run(cells, x, *, training, recompute):
    """Cells one after the other.

    Args:
        cells: Layers.
        x: [N, H, W, C].
        training: Whether the networks are in training.
        recompute: Whether only the cells' inputs are kept for the gradient, and the rest is computed again: less memory for
            a third more time.
    """
    for cell in cells:
        x = _recomputed(cell, x) if training and recompute else cell(x, training=training)
    return x


def _recomputed(cell, x):
    calls = itertools.count()

    def body(x):
        if next(calls) == 0:
            return cell(x, training=True)
        with again():
            return cell(x, training=True)

    return tf.recompute_grad(body)(x)


class SqueezeExcite(Configured, keras.layers.Layer):
    """Scales each channel by a function of the means of all channels.

    y = x * sigmoid(W2 relu(W1 mean(x)))

    Args:
        channels: Number of channels; the hidden layer has a sixteenth of them, at least 4.

    Call:
        x [N, H, W, channels] -> the same shape

    Reference: Hu et al. Squeeze-and-Excitation Networks. 2018. arXiv:1709.01507
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        hidden = max(channels // 16, 4)
        self.squeeze = keras.layers.Dense(hidden, "relu", kernel_initializer=_uniform(), dtype=self.dtype_policy)
        self.excite = keras.layers.Dense(channels, "sigmoid", kernel_initializer=_uniform(), dtype=self.dtype_policy)
        self.squeeze.build((None, channels))
        self.excite.build((None, hidden))
        self.built = True

    def call(self, x):
        weights = self.excite(self.squeeze(tf.reduce_mean(x, [1, 2])))  # [N, C]
        return x * weights[:, None, None, :]


def _uniform():
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


class FactorisedReduction(Configured, keras.layers.Layer):
    """Halves the size: the four pixels of each 2 x 2 square have a 1x1 convolution each, after a swish.

    Args:
        channels: Channels of the input.
        filters: Channels of the output, divisible by 4.

    Call:
        x [N, H, W, channels] -> [N, H / 2, W / 2, filters]
    """

    def __init__(self, channels, *, filters, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.filters = channels, filters
        quarter = {"filters": filters // 4, "dtype": self.dtype_policy}
        self.quarters = [Convolution(channels, **quarter) for _ in range(4)]
        self.built = True

    def call(self, x):
        corners = tf.split(tf.nn.space_to_depth(tf.nn.silu(x), 2), 4, axis=-1)
        return tf.concat([each(corner) for each, corner in zip(self.quarters, corners, strict=True)], -1)


class EncoderCell(Configured, keras.layers.Layer):
    """Residual cell of the bottom-up tower: two 3x3 convolutions, each after batch normalisation and swish.

    y = skip(x) + 0.1 * squeeze_excite(conv(swish(bn(conv(swish(bn(x)))))))

    Args:
        channels: Channels of the input.
        halves: Whether the output has half the height and width, and twice the channels.

    Call:
        x [N, H, W, C] -> [N, H, W, C], or [N, H / 2, W / 2, 2 C]

    Example:
        >>> EncoderCell(4, halves=True)(tf.zeros([2, 8, 8, 4])).shape
        TensorShape([2, 4, 4, 8])
    """

    def __init__(self, channels, *, halves=False, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.halves = channels, halves
        stride, policy = (2 if halves else 1), {"dtype": self.dtype_policy}
        filters = stride * channels
        self.norms = [BatchNorm(each, swish=True, **policy) for each in (channels, filters)]
        self.first = Convolution(channels, filters=filters, kernel_size=3, stride=stride, **policy)
        self.second = Convolution(filters, filters=filters, kernel_size=3, **policy)
        self.squeeze_excite = SqueezeExcite(filters, **policy)
        self.skip = FactorisedReduction(channels, filters=filters, **policy) if halves else None
        self.built = True

    def call(self, x, training=False):
        residual = self.first(self.norms[0](x, training=training))
        residual = self.squeeze_excite(self.second(self.norms[1](residual, training=training)))
        return (self.skip(x) if self.halves else x) + RESIDUAL_SCALE * residual


class DecoderCell(Configured, keras.layers.Layer):
    """Residual cell of the top-down tower: a wide depthwise 5x5 convolution between 1x1 convolutions.

    y = skip(x) + 0.1 * squeeze_excite(bn(conv_1x1(swish(bn(depthwise(swish(bn(conv_1x1(bn(x)))))))))

    Where the size doubles, the branch is enlarged to nearest neighbours right before the depthwise convolution: what stands
    before works pixel by pixel, so a quarter of the work gives the same. The skip is enlarged bilinearly.

    Args:
        channels: Channels of the input.
        expansion: Channels of the depthwise convolution over those of the input.
        doubles: Whether the output has twice the height and width, and half the channels.

    Call:
        x [N, H, W, C] -> [N, H, W, C], or [N, 2 H, 2 W, C / 2]

    Example:
        >>> DecoderCell(4, doubles=True)(tf.zeros([2, 4, 4, 4])).shape
        TensorShape([2, 8, 8, 2])

    Reference: Sandler et al. MobileNetV2. 2018. arXiv:1801.04381
    Differs from the official code: bilinear enlargement keeps the centres of the pixels, not those of the corners.
    """

    def __init__(self, channels, *, expansion=6, doubles=False, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.expansion, self.doubles = channels, expansion, doubles
        wide, filters, policy = expansion * channels, channels // (1 + doubles), {"dtype": self.dtype_policy}
        bare = {"normalised": False, "biased": False, **policy}
        self.before = BatchNorm(channels, **policy)
        self.expand = Convolution(channels, filters=wide, **bare)
        self.norms = [BatchNorm(wide, swish=True, **policy) for _ in range(2)]
        self.depthwise = DepthwiseConvolution(wide, **policy)
        self.contract = Convolution(wide, filters=filters, **bare)
        self.after = BatchNorm(filters, **policy)
        self.squeeze_excite = SqueezeExcite(filters, **policy)
        self.skip = Convolution(channels, filters=filters, **policy) if doubles else None
        self.built = True

    def call(self, x, training=False):
        residual = self.norms[0](self.expand(self.before(x, training=training)), training=training)
        residual = _enlarged(residual, "nearest") if self.doubles else residual
        residual = self.contract(self.norms[1](self.depthwise(residual), training=training))
        residual = self.squeeze_excite(self.after(residual, training=training))
        return (_enlarged(self.skip(x), "bilinear") if self.doubles else x) + RESIDUAL_SCALE * residual


def _enlarged(x, method):
    """Twice the height and width."""
    if method == "bilinear" and x.dtype == tf.float64:  # of which TensorFlow's own gives float32
        down, across = (tf.constant(_doubling(size)) for size in x.shape[1:3])
        return tf.einsum("yh,xw,nhwc->nyxc", down, across, x)
    return tf.cast(tf.image.resize(x, [2 * x.shape[1], 2 * x.shape[2]], method=method), x.dtype)


def _doubling(size):
    """The matrix [2 size, size] of linear interpolation at a quarter and three quarters of each cell, flat at the ends."""
    places = np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1)
    return np.maximum(1.0 - np.abs(places[:, None] - np.arange(size)), 0.0)
