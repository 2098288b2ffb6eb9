"""Plain convolutional decoder: strides, and nothing else."""

import math

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.shapes import check_image_shape, check_last_axis, divided, integers
from vae_flows.blocks.transposed import transposed_convolution

__all__ = ["StridedDecoder"]


class StridedDecoder(Configured, keras.layers.Layer):
    """A dense layer to the smallest feature maps, then transposed convolutions that each double height and width.

    The last one is linear and gives the parameters of the pixels; an even kernel covers every pixel equally often.

    Args:
        features: Size D of the latent vector.
        image_shape: (height, width, channels); height and width divisible by 2^(number of filters).
        outputs: Parameters at each pixel position, as the pixel law needs.
        filters: Channels of the feature maps, from the smallest on.
        kernel: Height and width of the kernels.
        activation: Keras activation.

    Call:
        z [B, D] -> [B, H, W, outputs]

    Raises:
        ValueError: for sizes that cannot be halved so often, and for latent vectors of another size.

    Example:
        >>> StridedDecoder(32, image_shape=(28, 28, 1), outputs=1)(tf.zeros([2, 32])).shape
        TensorShape([2, 28, 28, 1])

    Reference: Silvestri et al. Closing the gap: exact maximum likelihood training of generative autoencoders using
    invertible layers. 2022. arXiv:2205.09546
    """

    input_rank = 1

    def __init__(self, features, *, image_shape, outputs, filters=(128, 64), kernel=4, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.features, self.image_shape, self.outputs = features, check_image_shape(image_shape), outputs
        self.filters, self.kernel, self.activation = integers(filters, name="filters"), kernel, activation
        self._activate = keras.activations.get(activation)
        size = divided(self.image_shape, 2 ** len(self.filters), network="StridedDecoder", remedy="`decoders.Cropped`")
        self.smallest = (*size, self.filters[0])
        dense = keras.layers.Dense(
            math.prod(self.smallest), kernel_initializer="he_normal", dtype=self.dtype_policy, name="dense"
        )
        self.dense = built(dense, (None, features))
        self.convolutions = [
            built(
                transposed_convolution(channels, filters=each, kernel=kernel, stride=2, dtype=self.dtype_policy),
                (None, None, None, channels),
            )
            for channels, each in zip(self.filters, (*self.filters[1:], outputs), strict=True)
        ]
        self.built = True

    def call(self, latents):
        check_last_axis(latents, self.features, name="latents")
        h = tf.reshape(self.dense(latents), [-1, *self.smallest])
        for convolution in self.convolutions:
            h = convolution(self._activate(h))  # twice as high and wide each time
        return h
