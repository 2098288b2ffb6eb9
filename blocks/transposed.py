"""Transposed convolutions whose outputs start with the variance of their inputs."""

import math

import keras

__all__ = ["transposed_convolution"]


def transposed_convolution(channels, *, filters, kernel, stride=1, padding="same", dtype=None):
    """An unbuilt `keras.layers.Conv2DTranspose` whose kernel is scaled by the number of inputs that an output sees.

    Keras counts kernel * filters, which is the fan-in of the mirrored convolution, not of this one. Here an output sees
    channels * kernel / stride^2 inputs, or `channels` where a single position grows to the size of a "valid" kernel.

    Args:
        channels: Number of channels of the input.
        filters: Number of channels of the output.
        kernel: Size of the kernel, one number or (height, width).
        stride: Factor by which the output is larger than the input.
        padding: "same", or "valid" for an input of a single position.
        dtype: Keras dtype policy.

    Example:
        >>> transposed_convolution(64, filters=32, kernel=3, stride=2)(keras.ops.zeros([2, 7, 7, 64])).shape
        TensorShape([2, 14, 14, 32])
    """
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    seen = channels if padding == "valid" else max(channels * height * width / stride**2, 1)
    return keras.layers.Conv2DTranspose(
        filters,
        (height, width),
        stride,
        padding=padding,
        data_format="channels_last",
        kernel_initializer=keras.initializers.RandomNormal(stddev=math.sqrt(2 / seen)),
        dtype=dtype,
    )
