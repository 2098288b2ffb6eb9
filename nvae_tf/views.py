"""Pictures of what each group of latents does."""

import math

import numpy as np
import tensorflow as tf

from vae_flows.densities.pushforward import standard_normal
from vae_flows.latent_models.seeds import as_seed
from vae_flows.latent_models.terms import View

__all__ = ["group_interpolation", "group_traversal", "group_views", "kept_groups"]

_COLUMNS = 8


def group_views(model, x, seed=None):
    """The `View`s of an NVAE: kept groups, and for the first group of each scale a traversal and an interpolation.

    Args:
        model: `NVAE`.
        x: Prepared images [N, H, W, C].
        seed: None, an integer, or int32 [2].
    """
    seed = as_seed(seed)
    views = {"kept_groups": kept_groups(model, x, seed=seed)}
    for scale, group in enumerate(np.cumsum((0, *model.groups[:-1])).tolist(), 1):
        views[f"traversal_of_scale_{scale}"] = group_traversal(model, x, group=group, seed=seed)
        views[f"interpolation_of_scale_{scale}"] = group_interpolation(model, x, tf.roll(x, -1, 0), group=group)
    return views


def kept_groups(model, x, *, seed=None, temperature=1.0):
    """The first groups from the image, the rest from the prior: from none to all of them."""
    total = len(model.group_features)
    numbers = sorted({round(total * k / (_COLUMNS - 1)) for k in range(_COLUMNS)})
    code = model.encode(x)
    pictures = [model.resample(code, keep=keep, seed=seed, temperature=temperature) for keep in numbers]
    labels = ("image", *(f"{keep} of {total}" for keep in numbers))
    caption = (
        f"Images, and pictures that keep the first groups of their codes; temperature {temperature:g} for the rest."
    )
    return View.of([x, *pictures], labels, caption)


def group_traversal(model, x, *, group, seed=None, steps=_COLUMNS):
    """The noise of one group turned from the image's own to a fresh draw, u' = cos(a) u + sin(a) e.

    The noise is the prior's, so the groups below follow.
    """
    shape = [tf.shape(x)[0], model.noise_features]
    fresh = standard_normal(shape, seed=as_seed(seed), dtype=model.variable_dtype)
    angles = np.linspace(0.0, math.pi / 2, steps)
    pictures = _mixed(model, x, fresh, group, [(math.cos(angle), math.sin(angle)) for angle in angles])
    labels = ("image", *(f"{math.degrees(angle):.0f}°" for angle in angles))
    caption = f"Images, and what happens when the noise of group {group + 1} alone turns to fresh noise."
    return View.of([x, *pictures], labels, caption)


def group_interpolation(model, x, other, *, group, steps=_COLUMNS):
    """The noise of one group on the straight line from that of the image to that of another one."""
    shares = np.linspace(0.0, 1.0, steps)
    noise = _prior_noise(model, other)
    pictures = _mixed(model, x, noise, group, [(1.0 - share, share) for share in shares])
    labels = ("image", *(f"{share:.0%}" for share in shares), "other")
    caption = f"Images, and what happens when the noise of group {group + 1} alone goes to that of another image."
    return View.of([x, *pictures, other], labels, caption)


def _prior_noise(model, x):
    """The prior's noise behind the central codes of images."""
    return model.infer(x, start="prior").noise(model.encode(x))


def _mixed(model, x, other, group, weights):
    """Pictures of the noise of images x whose part of one group is mixed with `other`, for each pair of weights."""
    prior, noise = model.infer(x, start="prior"), _prior_noise(model, x)
    within = tf.constant(np.repeat(np.arange(len(model.group_features)) == group, model.group_features))
    mixtures = [tf.where(within, own * noise + new * other, noise) for own, new in weights]
    return tf.unstack(model.decode(prior.latent(tf.stack(mixtures))))
