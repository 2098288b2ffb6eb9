"""How well a model restores images, if it was trained to."""

import numpy as np
import tensorflow as tf

from vae_flows.image_data.corruption import GaussianNoise
from vae_flows.image_data.pipeline import evaluation_batches
from vae_flows.latent_models.views import restored
from vae_flows.reports.evaluation import standard_error

__all__ = ["corrupted_batches", "restoration"]

_TOGETHER = 100  # images


def corrupted_batches(subject, config, images, *, batch=_TOGETHER):
    """Pairs (corrupted, clean) of the first test images, as the run's `config.json` says; None if it corrupts nothing."""
    if not config.get("corruption"):
        return None
    corruption = GaussianNoise(**config["corruption"])
    given = {"preparation": subject.preparation, "seed": subject.pixel_seed, "corruption": corruption}
    return evaluation_batches(subject.data.test.first(images), batch=min(batch, images), **given)


def restoration(subject, config, images):
    """The mean squared error of restored test images; None of a run that corrupts nothing.

    mse = mean over images of the mean over pixels of (restored - clean)^2

    Returns:
        {"images", "mse", "standard_error", "corrupted_mse"} for `results.json`: the last is that of the images before they
        were restored. And the error of each image, [N].
    """
    batches = corrupted_batches(subject, config, images)
    if batches is None:
        return None

    @tf.function(autograph=False, reduce_retracing=True)
    def errors(corrupted, x):
        pairs = restored(subject.model, corrupted), corrupted
        return tf.stack([tf.reduce_mean(tf.square(each - x), [1, 2, 3]) for each in pairs], 1)  # [B, 2]

    values = np.concatenate([errors(*pair) for pair in batches]).astype(np.float64)
    error = standard_error(values[:, 0])
    mse, corrupted = values.mean(0).tolist()
    return {"images": len(values), "mse": mse, "standard_error": error, "corrupted_mse": corrupted}, values[:, 0]
