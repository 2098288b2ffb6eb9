"""Fully connected encoder."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.feature_net import FeatureNet
from vae_flows.blocks.shapes import check_image_shape, check_images

__all__ = ["DenseEncoder"]


class DenseEncoder(Configured, keras.layers.Layer):
    """Dense layers on the flattened image.

    Args:
        image_shape: (height, width, channels).
        hidden: Widths of the layers; the last is the size of the output.
        activation: Keras activation of every layer, or "gated": a linear map times the sigmoid of another one.
        refed: Whether the flattened image is concatenated to the input of every layer.

    Attributes:
        features: Size F of the output.

    Call:
        images [B, H, W, C] -> [B, F]

    Raises:
        ValueError: for images of another shape.

    Example:
        >>> DenseEncoder((28, 28, 1), hidden=(400, 300))(tf.zeros([2, 28, 28, 1])).shape
        TensorShape([2, 300])
    """

    input_rank = 3

    def __init__(self, image_shape, *, hidden=(500, 500), activation="relu", refed=False, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.hidden, self.activation, self.refed = hidden, activation, refed
        self.pixels = self.image_shape[0] * self.image_shape[1] * self.image_shape[2]
        self.net = FeatureNet(self.pixels, hidden=hidden, activation=activation, refed=refed, dtype=self.dtype_policy)
        self.features = self.net.width
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        return self.net(tf.reshape(images, [-1, self.pixels]))
