"""Gated convolutional decoder of the Sylvester-flow paper."""

import math

import keras

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.gated import GatedConv2D, GatedConv2DTranspose
from vae_flows.blocks.shapes import check_image_shape, check_last_axis, divided, integers

__all__ = ["GatedConvDecoder"]


class GatedConvDecoder(Configured, keras.layers.Layer):
    """Gated transposed convolutions from a single position, and a linear 1x1 convolution.

    Args:
        features: Size D of the latent vector.
        image_shape: (height, width, channels); height and width divisible by the product of the strides.
        outputs: Parameters at each pixel position, as the pixel law needs.
        filters: Filters of each gated layer; the first grows from one position to the smallest feature map.
        strides: Factor by which each gated layer after the first enlarges.
        kernel: Height and width of the kernels after the first.

    Call:
        z [B, D] -> [B, H, W, outputs]

    Raises:
        ValueError: for sizes that the strides do not divide, and for latent vectors of another size.

    Example:
        >>> GatedConvDecoder(20, image_shape=(28, 28, 1), outputs=1)(keras.ops.zeros([2, 20])).shape
        TensorShape([2, 28, 28, 1])

    Reference: van den Berg et al. Sylvester Normalizing Flows. 2018. arXiv:1803.05649
    """

    input_rank = 1

    def __init__(
        self,
        features,
        *,
        image_shape,
        outputs,
        filters=(64, 64, 32, 32, 32, 32),
        strides=(1, 2, 1, 2, 1),
        kernel=5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.features, self.image_shape, self.outputs = features, check_image_shape(image_shape), outputs
        self.filters, self.strides = integers(filters, name="filters"), integers(strides, name="strides")
        self.kernel = kernel
        if len(self.filters) != len(self.strides) + 1:
            raise ValueError(
                "`filters` must have one entry more than `strides`, for the layer that makes the smallest feature map. "
                f"Received: filters={self.filters}, strides={self.strides}."
            )
        self.convolutions = self._convolutions()
        self.pixels = keras.layers.Conv2D(outputs, 1, data_format="channels_last", dtype=self.dtype_policy)
        self.pixels.build((None, None, None, self.filters[-1]))
        self.built = True

    def call(self, latents):
        check_last_axis(latents, self.features, name="latents")
        h = latents[:, None, None, :]  # [B, 1, 1, D]
        for convolution in self.convolutions:
            h = convolution(h)  # [B, H * stride, W * stride, filters]
        return self.pixels(h)

    def _convolutions(self):
        size = divided(
            self.image_shape, math.prod(self.strides), network="GatedConvDecoder", remedy="`decoders.Cropped`"
        )
        dtype = self.dtype_policy
        first = GatedConv2DTranspose(self.features, filters=self.filters[0], kernel=size, padding="valid", dtype=dtype)
        layers = [first]
        for channels, filters, stride in zip(self.filters, self.filters[1:], self.strides, strict=False):
            kind = GatedConv2D if stride == 1 else GatedConv2DTranspose
            layers.append(kind(channels, filters=filters, kernel=self.kernel, stride=stride, dtype=dtype))
        return layers
