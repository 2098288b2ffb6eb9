"""Fully connected decoder."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.feature_net import FeatureNet
from vae_flows.blocks.shapes import check_image_shape, check_last_axis

__all__ = ["DenseDecoder"]


class DenseDecoder(Configured, keras.layers.Layer):
    """Dense layers from a latent vector, and a linear one to the parameters of every pixel.

    Args:
        features: Size D of the latent vector.
        image_shape: (height, width, channels) of the image.
        outputs: Parameters at each pixel position, as the pixel law needs.
        hidden: Widths of the hidden layers, from the latent vector outwards.
        activation: Keras activation of the hidden layers, or "gated": a linear map times the sigmoid of another one.
        refed: Whether the latent vector is concatenated to the input of every layer.

    Call:
        z [B, D] -> [B, H, W, outputs]

    Raises:
        ValueError: for latent vectors of another size.

    Example:
        >>> DenseDecoder(20, image_shape=(28, 28, 1), outputs=2)(tf.zeros([3, 20])).shape
        TensorShape([3, 28, 28, 2])
    """

    input_rank = 1

    def __init__(self, features, *, image_shape, outputs, hidden=(500, 500), activation="relu", refed=False, **kwargs):
        super().__init__(**kwargs)
        self.features, self.image_shape, self.outputs = features, check_image_shape(image_shape), outputs
        self.hidden, self.activation, self.refed = hidden, activation, refed
        height, width, _ = self.image_shape
        self.net = FeatureNet(
            features,
            hidden=hidden,
            outputs=height * width * outputs,
            activation=activation,
            refed=refed,
            dtype=self.dtype_policy,
        )
        self.built = True

    def call(self, latents):
        check_last_axis(latents, self.features, name="latents")
        height, width, _ = self.image_shape
        return tf.reshape(self.net(latents), [-1, height, width, self.outputs])
