"""What a model must know of its images."""

import dataclasses

__all__ = ["ImageSpec"]


@dataclasses.dataclass(frozen=True)
class ImageSpec:
    """Shape and number of grey levels of a set of images.

    Args:
        shape: (height, width, channels).
        levels: Number of values a channel can take; pixels are integers 0 .. levels - 1.

    Raises:
        ValueError: if the shape is not three positive integers or levels < 2.

    Example:
        >>> ImageSpec((28, 28, 1)).pixels
        784
    """

    shape: tuple[int, int, int]
    levels: int = 256

    def __post_init__(self):
        shape = tuple(int(size) for size in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(
                f"`shape` must be (height, width, channels), each at least 1. Received: shape={self.shape}."
            )
        if not 2 <= self.levels <= 256:
            raise ValueError(f"`levels` must be between 2 and 256. Received: levels={self.levels}.")
        object.__setattr__(self, "shape", shape)

    @property
    def pixels(self):
        """Number of dimensions: height * width * channels."""
        height, width, channels = self.shape
        return height * width * channels
