"""An encoder built for larger images."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.shapes import check_images, margins, without_margins

__all__ = ["Padded"]


class Padded(Configured, keras.layers.Layer):
    """Surrounds images with zeros before an encoder that was built for the larger shape.

    Args:
        encoder: Encoder of images of the larger shape.
        padding: Zeros to add: one number for all sides, (vertical, horizontal) or ((top, bottom), (left, right)).

    Attributes:
        image_shape: Shape of the images before padding.
        features: Size F of the output.

    Call:
        images [B, H, W, C] -> [B, F]

    Raises:
        ValueError: for a padding that leaves no image, and for images of another shape.

    Example:
        >>> from vae_flows.encoders.dense import DenseEncoder
        >>> Padded(DenseEncoder((32, 32, 1)), padding=2).image_shape
        (28, 28, 1)
    """

    input_rank = 3

    def __init__(self, encoder, *, padding, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.padding = encoder, margins(padding, name="padding")
        self.image_shape = without_margins(encoder.image_shape, self.padding, name="padding")
        self.features = encoder.features
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        return self.encoder(tf.pad(images, [(0, 0), *self.padding, (0, 0)]))
