"""Views that every model has: what it draws at other temperatures, between two images, and of a corrupted one."""

import tensorflow as tf

from vae_flows.latent_models.seeds import as_seed
from vae_flows.latent_models.terms import View

__all__ = ["interpolations", "restorations", "restored", "temperatures"]

_TEMPERATURES = (0.6, 0.7, 0.8, 0.9, 1.0)


def temperatures(model, count, seed=None):
    """The `View` of the same draws of the prior at five temperatures.

    Args:
        model: `ImageModel`.
        count: How many draws.
        seed: None for new noise, an integer, or int32 [2].
    """
    seed = as_seed(seed)
    pictures = [model.sample(count, seed, temperature=each) for each in _TEMPERATURES]
    labels = tuple(f"T = {each:g}" for each in _TEMPERATURES)
    return View.of(pictures, labels, "Samples whose noise in the latent space is multiplied by a temperature T.")


def interpolations(model, x, steps=7):
    """The `View` of the straight lines from the code of each image to that of the next one.

    Args:
        model: `ImageModel`.
        x: Prepared images [N, H, W, C].
        steps: Pictures on each line, its ends included.
    """
    following = tf.roll(x, -1, 0)
    line = tf.unstack(model.interpolate(x, following, steps))  # steps x [N, H, W, C]
    labels = ("image", *(f"{step / (steps - 1):.0%}" for step in range(steps)), "image")
    caption = "What codes on the straight line between those of two images decode to."
    return View.of([x, *line, following], labels, caption)


def restored(model, corrupted):
    """What a model makes of corrupted images: their central codes, decoded. [B, H, W, C] -> the same, in their precision."""
    return tf.cast(model.decode(model.encode(corrupted)), corrupted.dtype)


def restorations(model, corrupted, x):
    """The `View` of clean images x, of the same corrupted, and of these restored: [N, H, W, C] each."""
    caption = "Images, what was done to them, and what the model makes of that."
    return View.of([x, corrupted, restored(model, corrupted)], ("clean", "corrupted", "restored"), caption)
