"""Images drawn from a model, as files."""

import numpy as np
import PIL.Image
import tensorflow as tf

from vae_flows.reports.figure_style import save
from vae_flows.reports.images import image_grid, labelled_rows, to_bytes

__all__ = ["draw_images", "write_samples", "write_views"]

_BATCH = 100


def draw_images(model, count, *, temperature=1.0, seed=0):
    """`count` images from the model's prior at a temperature: uint8 [count, H, W, C]."""
    model = model.at_temperature(temperature)

    @tf.function(autograph=False)
    def draw(number):
        return model.sample(_BATCH, seed=tf.stack([seed, number]), temperature=temperature)

    batches = [draw(tf.constant(number, tf.int32)).numpy() for number in range(-(-count // _BATCH))]
    return to_bytes(np.concatenate(batches)[:count])


def write_samples(model, folder, *, count, temperature=1.0, seed=0):
    """Draw images and write each as a PNG file, `0000.png` on, and all of them as `samples.png`, into `folder`."""
    images = draw_images(model, count, temperature=temperature, seed=seed)
    for number, image in enumerate(images):
        PIL.Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(folder / f"{number:04}.png")
    save(image_grid(images), folder / "samples.png")


def write_views(subject, folder, *, images, seed=0):
    """Write the model's own views of the first test images, each as a PNG file with a column for every image, into `folder`.

    The folder is made if there is none.

    Returns:
        {file name: what it shows}.

    Raises:
        ValueError: if the model has no views.
    """
    views = subject.model.views(tf.constant(subject.prepared(images)), seed)
    if not views:
        raise ValueError(
            "This model has no views of its own. Expected a posterior that is refined in steps, groups of latents, or an "
            f"autoencoding flow. Received: {type(subject.model).__name__} without these. Draw from it with `sample`."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, view in views.items():
        save(labelled_rows(view.pictures, view.labels), folder / f"{name}.png", caption=view.caption)
    return {f"{name}.png": view.caption for name, view in views.items()}
