"""Checks of shapes at the door: what, expected, received, remedy."""

__all__ = ["check_image_shape", "check_images", "check_last_axis", "divided", "integers", "margins", "without_margins"]


def integers(values, *, name, least=1):
    """`values` as a tuple of integers >= `least`.

    Example:
        >>> integers([400, 400], name="hidden")
        (400, 400)
    """
    if isinstance(values, int):
        raise TypeError(f"`{name}` must be a sequence of integers. Received: {name}={values}. Write ({values},).")
    values = tuple(values)
    if any(isinstance(value, bool) or int(value) != value or value < least for value in values):
        raise ValueError(f"`{name}` must hold integers of at least {least}. Received: {name}={values}.")
    return tuple(int(value) for value in values)


def check_image_shape(image_shape):
    """`image_shape` as a tuple (height, width, channels).

    Example:
        >>> check_image_shape([28, 28, 1])
        (28, 28, 1)
    """
    shape = integers(image_shape, name="image_shape")
    if len(shape) != 3:
        raise ValueError(f"`image_shape` must be (height, width, channels). Received: image_shape={shape}.")
    return shape


def check_images(images, image_shape):
    """Refuses a tensor that is not a batch [B, H, W, C] of images of this shape."""
    if not images.shape.is_compatible_with([None, *image_shape]):
        expected = ", ".join(str(size) for size in image_shape)
        raise ValueError(
            f"Images do not have the shape that this network was built for. Expected: [batch, {expected}]. "
            f"Received: shape={tuple(images.shape)}."
        )


def check_last_axis(values, size, *, name):
    """Refuses a tensor whose last axis does not have `size` entries."""
    if not values.shape[-1:].is_compatible_with([size]):
        raise ValueError(
            f"The last axis of `{name}` does not have the size that this layer was built for. Expected: {size}. "
            f"Received: shape={tuple(values.shape)}."
        )


def divided(image_shape, divisor, *, network, remedy):
    """(height, width) of the smallest feature maps: the image's size over the product of all strides.

    Example:
        >>> divided((28, 28, 1), 4, network="ResNetEncoder", remedy="`Padded`")
        (7, 7)
    """
    height, width, _ = image_shape
    if height % divisor or width % divisor:
        raise ValueError(
            f"`{network}` needs a height and a width divisible by {divisor}, the product of its strides. "
            f"Received: image_shape={image_shape}. Resize the images, which --image-size N does for folders and TFDS, or "
            f"build it for a larger image and wrap it in {remedy}."
        )
    return height // divisor, width // divisor


def margins(value, *, name):
    """Margins around an image as ((top, bottom), (left, right)).

    Args:
        value: One number for all sides, (vertical, horizontal), or ((top, bottom), (left, right)).
        name: What the caller's argument is called.

    Example:
        >>> margins((2, 3), name="padding")
        ((2, 2), (3, 3))
    """
    pair = (value, value) if isinstance(value, int) else tuple(value)
    sides = [(side, side) if isinstance(side, int) else tuple(side) for side in pair]
    if len(sides) != 2 or any(len(side) != 2 for side in sides):
        raise ValueError(
            f"`{name}` must be a number, (vertical, horizontal) or ((top, bottom), (left, right)). "
            f"Received: {name}={value}."
        )
    return tuple(integers(side, name=name, least=0) for side in sides)


def without_margins(image_shape, sides, *, name):
    """Shape of what is left of an image inside its margins.

    Example:
        >>> without_margins((32, 32, 1), ((2, 2), (2, 2)), name="padding")
        (28, 28, 1)
    """
    (top, bottom), (left, right) = sides
    height, width = image_shape[0] - top - bottom, image_shape[1] - left - right
    if min(height, width) < 1:
        raise ValueError(
            f"`{name}` must leave at least one pixel of an image of {tuple(image_shape)}. Received: {name}={sides}. "
            "Use a smaller one."
        )
    return (height, width, image_shape[2])
