"""Which images a model is a model of."""

__all__ = ["check_images"]


def check_images(model, preparation, data):
    """Refuses images that a model is no model of, be it for their shape or for what their preparation makes of them.

    Args:
        model: `ImageModel`.
        preparation: `Preparation`.
        data: `ImageSet`.

    Raises:
        ValueError: if the images have another shape than the model's or other levels than the preparation's, or if the
            preparation makes of them what the model's pixel law is no law of.
    """
    if tuple(data.spec.shape) != tuple(model.image_shape):
        raise ValueError(
            f"The data set does not fit the model. Expected: images of shape {tuple(model.image_shape)}. "
            f"Received: {data.name} with images of shape {tuple(data.spec.shape)}. "
            "Choose another data set, or build the model for this shape."
        )
    law, levels = model.pixel_levels, data.spec.levels
    prepared = preparation.spec_after(data.spec).levels
    given = None if preparation.continuous else prepared
    if law == given:
        return
    kind = {None: "Dequantise", 2: "Binarise", levels: "GreyLevels"}.get(law)
    remedies = [f"image_data.{kind}(levels={levels})"] if kind else []
    remedies += ["a density" if given is None else f"a law of {given} levels"]
    raise ValueError(
        f"The model's pixel law does not fit the prepared images. Expected: {_pixels(law)}"
        f"{', as a density is unbounded on discrete ones' if law is None else ''}. Received: {_pixels(given)}, which "
        f"{type(preparation).__name__} makes of {data.name}. Use {', or '.join(remedies)}."
    )


def _pixels(levels):
    return "continuous pixels" if levels is None else f"pixels of {levels} levels"
