"""Deep bottleneck blocks without normalisation."""

import keras

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built

__all__ = ["BottleneckBlock"]


class BottleneckBlock(Configured, keras.layers.Layer):
    """Four convolutions around a narrow middle, added to a skip connection.

    y = x + conv_1x1(gelu(conv_3x3(gelu(conv_3x3(gelu(conv_1x1(gelu(x))))))))

    Args:
        channels: Number C of channels of input and output.
        middle: Channels between the 1x1 convolutions.
        depth: Number of such blocks in the network: the last convolution starts smaller by its root, so that the sum of
            all branches does not grow with it.

    Call:
        x [B, H, W, C] -> [B, H, W, C]

    Example:
        >>> BottleneckBlock(8, middle=2)(keras.ops.zeros([2, 7, 7, 8])).shape
        TensorShape([2, 7, 7, 8])

    Reference: Child. Very Deep VAEs Generalize Autoregressive Models. 2021. arXiv:2011.10650
    """

    def __init__(self, channels, *, middle, depth=1, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.middle, self.depth = channels, middle, depth
        sizes = [(channels, middle, 1), (middle, middle, 3), (middle, middle, 3), (middle, channels, 1)]
        self.convolutions = [self._convolution(*size, last=k == 3) for k, size in enumerate(sizes)]
        self.built = True

    def call(self, x):
        h = x
        for convolution in self.convolutions:
            h = convolution(keras.ops.gelu(h, approximate=False))
        return x + h

    def _convolution(self, channels, filters, kernel, *, last):
        layer = keras.layers.Conv2D(
            filters,
            kernel,
            padding="same",
            data_format="channels_last",
            kernel_initializer=keras.initializers.VarianceScaling(1.0 / self.depth if last else 1.0),
            dtype=self.dtype_policy,
        )
        return built(layer, (None, None, None, channels))
