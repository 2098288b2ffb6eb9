"""Which pixels of an image are its core: those that carry the code's noise."""

import itertools

import numpy as np
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.shapes import check_image_shape, integers

__all__ = ["CoreMask", "centre", "corners"]


class CoreMask(Configured):
    """Splits the numbers of an image into a core of D and a shell of the rest.

    Args:
        image_shape: (height, width, channels).
        core: Places of the core's numbers in the flattened image, row by row, the channels of a pixel together; in any
            order, which is the order of the core's features. `centre` and `corners` give the paper's.

    Attributes:
        features: D.
        shell_features: H W C - D.

    Raises:
        ValueError: for places outside the image or given twice, and for a core that leaves no shell.

    Example:
        >>> mask = CoreMask((2, 2, 1), core=(3, 0))
        >>> core, shell = mask.split(tf.constant([[[1.0], [2.0]], [[3.0], [4.0]]]))
        >>> core.numpy(), shell.numpy()
        (array([4., 1.], dtype=float32), array([2., 3.], dtype=float32))
    """

    def __init__(self, image_shape, *, core):
        self.image_shape = check_image_shape(image_shape)
        self.core = integers(core, name="core", least=0)
        pixels = int(np.prod(self.image_shape))
        self.features, self.shell_features = len(self.core), pixels - len(self.core)
        if not self.core or not self.shell_features or len(set(self.core)) < len(self.core) or max(self.core) >= pixels:
            raise ValueError(
                f"`core` must name each of its places once and leave a shell. Expected: 1 to {pixels - 1} different "
                f"integers below {pixels}. Received: {self.features}, of which {len(set(self.core))} differ, the largest "
                f"{max(self.core, default=None)}. Use `aef.centre({self.image_shape}, features=2)`."
            )
        shell = np.setdiff1d(np.arange(pixels), self.core)
        self._order = np.concatenate([self.core, shell])
        self._places = np.argsort(self._order)
        self._shell = np.ones(pixels)
        self._shell[list(self.core)] = 0.0

    def shell_alone(self, images):
        """The images with 0 in the core: [..., H, W, C]."""
        return tf.cast(self._shell.reshape(self.image_shape), images.dtype) * images

    def split(self, images):
        """Core and shell of images: [..., H, W, C] -> [..., D], [..., H W C - D]."""
        flat = tf.reshape(images, tf.concat([tf.shape(images)[:-3], [-1]], 0))
        return tf.split(tf.gather(flat, self._order, axis=-1), [self.features, self.shell_features], -1)

    def core_of(self, images):
        """The core alone, to the last bit, with a gradient that is a gather too: [..., H, W, C] -> [..., D]."""
        flat = tf.reshape(images, tf.concat([tf.shape(images)[:-3], [self.features + self.shell_features]], 0))

        @tf.custom_gradient
        def taken(flat):
            def gradient(upstream):
                rest = tf.zeros(tf.concat([tf.shape(upstream)[:-1], [self.shell_features]], 0), upstream.dtype)
                return tf.gather(tf.concat([upstream, rest], -1), self._places, axis=-1)

            return tf.gather(flat, self.core, axis=-1), gradient

        return taken(flat)

    def join(self, core, shell):
        """The images of these parts: [..., D], [..., H W C - D] -> [..., H, W, C]."""
        flat = tf.gather(tf.concat([core, shell], -1), self._places, axis=-1)
        return tf.reshape(flat, tf.concat([tf.shape(flat)[:-1], self.image_shape], 0))


def centre(image_shape, *, features):
    """The mask whose core winds outwards from the middle of the image.

    One step down, one right, two up, two left, three down, ...; all channels of a pixel before the next pixel.

    Args:
        image_shape: (height, width, channels).
        features: Size D of the core.

    Returns:
        `CoreMask`.

    Example:
        >>> centre((5, 5, 1), features=4).core
        (12, 13, 17, 18)

    Reference: Silvestri et al. Closing the gap: exact maximum likelihood training of generative autoencoders using
    invertible layers. 2022. arXiv:2205.09546
    """
    height, width, _ = check_image_shape(image_shape)
    return _of_pixels(_spiral(height, width), image_shape, features)


def corners(image_shape, *, features):
    """The mask whose core fills the four corners in turn, one number at a time.

    In a corner, pixels come along the image's edges, vertically and horizontally in turn, then along the next line
    inwards; all channels of a pixel before the next pixel.

    Args:
        image_shape: (height, width, channels).
        features: Size D of the core.

    Returns:
        `CoreMask`.

    Example:
        >>> corners((5, 5, 1), features=6).core
        (0, 4, 5, 9, 20, 24)

    Reference: Silvestri et al. 2022. arXiv:2205.09546
    """
    height, width, channels = check_image_shape(image_shape)
    pixels = list(_angles((height + 1) // 2, (width + 1) // 2))
    turns = (
        _index(place, image_shape)
        for row, column in pixels
        for channel in range(channels)
        for place in itertools.product((row, height - 1 - row), (column, width - 1 - column), (channel,))
    )
    return _mask(turns, image_shape, features)


def _of_pixels(pixels, image_shape, features):
    channels = range(image_shape[2])
    return _mask((_index((*pixel, c), image_shape) for pixel in pixels for c in channels), image_shape, features)


def _mask(places, image_shape, features):
    """The mask of the first of the places, each counted once."""
    total = int(np.prod(image_shape))
    if not 1 <= features < total:
        raise ValueError(
            f"`features` must leave a shell. Expected: 1 to {total - 1}, of {total} numbers in an image. "
            f"Received: features={features}."
        )
    return CoreMask(image_shape, core=sorted(itertools.islice(dict.fromkeys(places), features)))


def _index(place, image_shape):
    return int(np.ravel_multi_index(place, image_shape))


def _spiral(height, width):
    """Pixels of an image from its middle outwards."""
    row, column = (height - 1) // 2, (width - 1) // 2
    steps = itertools.cycle([(1, 0), (0, 1), (-1, 0), (0, -1)])
    for turn in range(2 * max(height, width) + 1):
        down, right = next(steps)
        for _ in range(turn // 2 + 1):
            if 0 <= row < height and 0 <= column < width:
                yield row, column
            row, column = row + down, column + right


def _angles(height, width):
    """Pixels of a corner: line after line, each from its own corner along both sides in turn."""
    for k in range(min(height, width)):
        yield k, k
        for step in range(1, max(height, width) - k):
            if k + step < height:
                yield k + step, k
            if k + step < width:
                yield k, k + step
