"""What single TFDS sets need before their images are what their literature uses."""

import dataclasses

import tensorflow as tf

__all__ = ["CORRECTIONS", "Correction"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Correction:
    """Changes to the images of one set, made in this order while it is read.

    Args:
        crop: Side of the central square that is kept; None keeps the largest.
        size: Side that the square is resized to; None keeps the images as they are, uncropped.
        grey: Whether colour is averaged away.
        invert: Whether bright and dark are exchanged, so that ink is bright.
        transpose: Whether rows and columns are exchanged.
        levels: Number of values of a pixel.
    """

    crop: int | None = None
    size: int | None = None
    grey: bool = False
    invert: bool = False
    transpose: bool = False
    levels: int = 256

    def shape_after(self, shape):
        """(H, W, C) of images that had the given one, of which H and W may be None if `size` is given."""
        height, width, channels = shape
        if self.size is not None:
            height = width = self.size
        if self.transpose:
            height, width = width, height
        return height, width, 1 if self.grey else channels

    def __call__(self, image):
        """uint8 [H, W, C] -> uint8 [H', W', C']"""
        if self.size is not None:
            image = _central_square(image, crop=self.crop, size=self.size)
        if self.grey:
            image = _rounded(tf.reduce_mean(tf.cast(image, tf.float32), axis=-1, keepdims=True))
        if self.invert:
            image = 255 - image
        return tf.transpose(image, [1, 0, 2]) if self.transpose else image


def _central_square(image, *, crop, size):
    shape = tf.shape(image)[:2]
    side = tf.reduce_min(shape) if crop is None else crop
    top, left = tf.unstack((shape - side) // 2)
    square = image[top : top + side, left : left + side]
    return _rounded(tf.image.resize(square, [size, size], antialias=True))


def _rounded(image):
    return tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)


CORRECTIONS = {
    "binarized_mnist": Correction(levels=2),
    "celeb_a": Correction(crop=140, size=64),  # the crop of 64 x 64 figures in the literature: faces without background
    "emnist": Correction(transpose=True),  # stored with rows and columns exchanged
    "omniglot": Correction(size=28, grey=True, invert=True),  # black ink on white paper, 105 x 105
}
