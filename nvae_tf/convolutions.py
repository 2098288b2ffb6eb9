"""Convolutions whose kernels spectral regularisation can read as matrices."""

import keras
import numpy as np
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.nvae_tf.depthwise import depthwise

__all__ = ["Convolution", "DepthwiseConvolution", "MaskedConvolution", "weight_normalised"]


def weight_normalised(matrices, log_scale):
    """Columns of a given length: exp(log_scale) * v / |v|, for matrices [..., R, C] and log-scales [..., C].

    Reference: Salimans, Kingma. Weight Normalization. 2016. arXiv:1602.07868
    """
    lengths = tf.reduce_sum(tf.square(matrices), -2, keepdims=True)
    return matrices * (tf.exp(log_scale)[..., None, :] * tf.math.rsqrt(lengths + 1e-10))


class _Kernel(Configured, keras.layers.Layer):
    """Abstract layer with a kernel [h, w, inputs, outputs] that may be weight-normalised, and divided by its norm.

    Attributes:
        log_scale: Log-lengths of the kernel of each output, or None without weight normalisation.
        divisor: What spectral normalisation divides the kernel by: a function of its matrix, or None.
        depthwise: Whether each channel has a kernel of its own.
    """

    log_scale = divisor = None
    depthwise = False

    def _make(self, shape, *, normalised, biased, gain=1.0):
        """Creates the weights: kernels uniform with a variance of gain^2 / (3 * inputs), as in the official code."""
        bound = 1.0 / np.sqrt(np.prod(shape[:-1]))
        uniform = keras.initializers.RandomUniform(-bound, bound)
        exact = {"autocast": False}  # norms keep the weights' precision under mixed precision, too
        self.kernel = self.add_weight(shape=shape, initializer=uniform, name="kernel", **exact)
        if normalised:
            lengths = tf.sqrt(tf.reduce_sum(tf.square(self.raw_matrix()), 0))
            start = tf.math.log(gain * tf.maximum(lengths, 1e-2))
            given = {"shape": shape[-1:], "initializer": lambda shape, dtype: tf.cast(start, dtype)}
            self.log_scale = self.add_weight(**given, name="log_scale", **exact)
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias") if biased else None
        self.built = True

    def raw_matrix(self):
        """The kernel before normalisation as a matrix [h * w * inputs, outputs]."""
        kernel = tf.convert_to_tensor(self.kernel)
        return tf.reshape(kernel, [-1, kernel.shape[-1]])

    def matrix(self):
        """The kernel after weight normalisation as a matrix [h * w * inputs, outputs]."""
        matrix = self.raw_matrix()
        return matrix if self.log_scale is None else weight_normalised(matrix, tf.convert_to_tensor(self.log_scale))

    def _kernel_in_use(self):
        matrix = self.matrix()
        matrix = matrix if self.divisor is None else matrix / self.divisor(matrix)
        return tf.cast(tf.reshape(matrix, self.kernel.shape), self.compute_dtype)

    def _with_bias(self, y):
        return y if self.bias is None else tf.nn.bias_add(y, tf.cast(tf.convert_to_tensor(self.bias), y.dtype))


class Convolution(_Kernel):
    """A 2-D convolution, weight-normalised unless told otherwise.

    y = x * W + bias,  W[..., o] = exp(log_scale[o]) * v[..., o] / |v[..., o]|

    Args:
        channels: Channels of the input.
        filters: Channels of the output.
        kernel_size: Height and width of the kernel.
        stride: Factor by which the output is smaller.
        normalised: Whether the kernel has weight normalisation: wherever no batch normalisation follows.
        biased: Whether there is a bias.

    Call:
        x [N, H, W, channels] -> [N, H / stride, W / stride, filters]

    Example:
        >>> Convolution(3, filters=8, kernel_size=3, stride=2)(tf.zeros([2, 8, 8, 3])).shape
        TensorShape([2, 4, 4, 8])
    """

    def __init__(self, channels, *, filters, kernel_size=1, stride=1, normalised=True, biased=True, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.filters, self.kernel_size, self.stride = channels, filters, kernel_size, stride
        self.normalised, self.biased = normalised, biased
        self._make((kernel_size, kernel_size, channels, filters), normalised=normalised, biased=biased)

    def call(self, x):
        return self._with_bias(tf.nn.conv2d(x, self._kernel_in_use(), self.stride, "SAME"))


class DepthwiseConvolution(_Kernel):
    """A 2-D convolution of each channel with a kernel of its own, without bias: batch normalisation follows.

    y[..., c] = x[..., c] * W[:, :, c]

    Args:
        channels: Channels of input and output.
        kernel_size: Height and width of the kernels.

    Call:
        x [N, H, W, channels] -> [N, H, W, channels]

    Example:
        >>> DepthwiseConvolution(4, kernel_size=5)(tf.zeros([2, 8, 8, 4])).shape
        TensorShape([2, 8, 8, 4])
    """

    depthwise = True

    def __init__(self, channels, *, kernel_size=5, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.kernel_size = channels, kernel_size
        self._make((kernel_size, kernel_size, channels), normalised=False, biased=False)

    def call(self, x):
        return depthwise(x, self._kernel_in_use())


class MaskedConvolution(_Kernel):
    """A weight-normalised convolution that sees only what comes before in the order of rows, columns and channels.

    Of the pixel itself, an output sees the inputs of earlier channels, and those of its own unless `strict`. Inputs and
    outputs are blocks of channels, as many blocks as the latent has channels.

    Args:
        blocks: Number of blocks: the channels of the latent.
        channels: Channels of the input, a multiple of `blocks`.
        filters: Channels of the output, a multiple of `blocks`.
        kernel_size: Height and width of the kernel, odd.
        depthwise: Whether an output sees its own channel alone; filters must be the channels then.
        strict: Whether an output does not see its own block at its own pixel.
        reversed_order: Whether the order runs backwards.
        gain: Factor of the kernel's first length.

    Call:
        x [N, H, W, channels] -> [N, H, W, filters]

    Example:
        >>> first = MaskedConvolution(2, channels=2, filters=2, kernel_size=1, strict=True)
        >>> first.mask()[0, 0].tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """

    def __init__(
        self,
        blocks,
        *,
        channels,
        filters,
        kernel_size=1,
        depthwise=False,
        strict=False,
        reversed_order=False,
        gain=1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.blocks, self.channels, self.filters, self.kernel_size = blocks, channels, filters, kernel_size
        self.depthwise, self.strict, self.reversed_order, self.gain = depthwise, strict, reversed_order, gain
        shape = (kernel_size, kernel_size, *(() if depthwise else (channels,)), filters)
        self._make(shape, normalised=True, biased=True, gain=gain)

    def mask(self):
        """1 where a kernel's entry may be used, else 0; of the kernel's shape."""
        inputs, outputs = (np.arange(size) * self.blocks // size for size in (self.channels, self.filters))
        centre = inputs[:, None] + self.strict <= outputs
        centre = np.full(self.filters, not self.strict) if self.depthwise else centre
        mask, middle = np.zeros(self.kernel.shape, np.float32), self.kernel_size // 2
        mask[:middle] = mask[middle, :middle] = 1.0
        mask[middle, middle] = centre[::-1, ::-1] if self.reversed_order and not self.depthwise else centre
        return mask[::-1, ::-1] if self.reversed_order else mask

    def raw_matrix(self):
        kernel = tf.convert_to_tensor(self.kernel)
        return tf.reshape(kernel * tf.cast(self.mask(), kernel.dtype), [-1, kernel.shape[-1]])

    def call(self, x):
        kernel = self._kernel_in_use()
        if self.depthwise:
            return self._with_bias(depthwise(x, kernel))
        return self._with_bias(tf.nn.conv2d(x, kernel, 1, "SAME"))
