"""A decoder built for larger images."""

import keras

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.shapes import margins, without_margins

__all__ = ["Cropped"]


class Cropped(Configured, keras.layers.Layer):
    """Cuts the margins off what a decoder of larger images returns, so that a pixel law sees the image alone.

    Args:
        decoder: Decoder to images of the larger shape.
        cropping: Pixels to cut: one number for all sides, (vertical, horizontal) or ((top, bottom), (left, right)).

    Attributes:
        image_shape: Shape of the image that is left.
        features: Size D of the latent vector.
        outputs: Parameters at each pixel position.

    Call:
        z [B, D] -> [B, H, W, outputs]

    Raises:
        ValueError: for a cropping that leaves no image.

    Example:
        >>> from vae_flows.decoders.dense import DenseDecoder
        >>> Cropped(DenseDecoder(20, image_shape=(32, 32, 1), outputs=1), cropping=2).image_shape
        (28, 28, 1)
    """

    input_rank = 1

    def __init__(self, decoder, *, cropping, **kwargs):
        super().__init__(**kwargs)
        self.decoder, self.cropping = decoder, margins(cropping, name="cropping")
        self.image_shape = without_margins(decoder.image_shape, self.cropping, name="cropping")
        self.features, self.outputs = decoder.features, decoder.outputs
        self.built = True

    def call(self, latents):
        (top, _), (left, _) = self.cropping
        height, width, _ = self.image_shape
        return self.decoder(latents)[:, top : top + height, left : left + width]
