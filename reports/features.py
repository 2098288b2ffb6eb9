"""How far restored images are from the clean ones in the features of an image classifier."""

import pathlib
import warnings
import zlib

import keras
import numpy as np
import tensorflow as tf

from vae_flows.estimators.bars import Bar
from vae_flows.latent_models.views import restored
from vae_flows.reports.evaluation import standard_error
from vae_flows.reports.page import write_page
from vae_flows.reports.restoration import corrupted_batches
from vae_flows.run_folder.atomic import write_json
from vae_flows.run_folder.locks import results_lock

__all__ = ["feature_distances", "inception", "judge_features"]

_SIDE, _TOGETHER = 299, 20


def inception(weights=None):
    """Inception v3 without its head: a map of images [B, H, W, C] in [0, 1] to features [B, 2048].

    Images are resized to 299 x 299 (bilinear) and brought to [-1, 1]; grey ones take all three colours. The features are the
    means over the last maps. The weights are Keras's, of ImageNet; those of the Frechet inception distance are others.

    Args:
        weights: File of weights without the head (.h5 or .weights.h5); None for Keras's, which are downloaded once (88 MB).

    Raises:
        OSError: if the weights cannot be had.
        ValueError: if they are not Inception's.

    Reference: Szegedy and others. Rethinking the Inception Architecture for Computer Vision. 2016. arXiv:1512.00567
    """
    shape = {"include_top": False, "pooling": "avg", "input_shape": (_SIDE, _SIDE, 3)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of containers that hold nothing
            network = keras.applications.InceptionV3(weights=str(weights) if weights else "imagenet", **shape)
    except Exception as error:  # a failed download is a bare Exception
        if weights:
            raise ValueError(
                f"{weights} cannot be read as weights of Inception v3. Expected: those that keras.applications.InceptionV3("
                f"include_top=False) saves. Received: {str(error).splitlines()[0]}"
            ) from error
        raise OSError(
            f"The weights of Inception v3 could not be downloaded: {error}. Take the file of that address where there is a "
            "network, and give it by --weights."
        ) from error

    def features(images):
        colours = tf.repeat(images, 3, -1) if images.shape[-1] == 1 else images
        return network(2.0 * tf.image.resize(colours, (_SIDE, _SIDE)) - 1.0, training=False)

    return features


def feature_distances(features, model, batches, images=None):
    """The mean squared difference of features from the clean image's, of restored and of corrupted images.

    d(y, x) = mean over features of (f(y) - f(x))^2

    Args:
        features: f, a map of images [B, H, W, C] in [0, 1] to [B, F].
        model: `ImageModel` that restores images.
        batches: Pairs (corrupted, clean) of prepared images.
        images: How many there are, for the progress bar.

    Returns:
        float64 [N, 2], restored and corrupted.
    """

    @tf.function(autograph=False, reduce_retracing=True)
    def distances(corrupted, x):
        clean, others = features(x), [features(each) for each in (restored(model, corrupted), corrupted)]
        return tf.stack([tf.reduce_mean(tf.math.squared_difference(each, clean), -1) for each in others], 1)

    parts = []
    with Bar("features", total=images) as bar:
        for corrupted, x in batches:
            parts.append(distances(corrupted, x).numpy())
            bar.update(len(parts[-1]))
    return np.concatenate(parts).astype(np.float64)


def judge_features(run, *, weights=None, images=None):
    """Finds the distances of a run's restored and corrupted test images; writes them to `results.json` and `report.html`.

    Args:
        run: `FinishedRun`.
        weights: As in `inception`.
        images: The first N test images; by default those of which the mean squared error is known.

    Returns:
        One line that says what was found.

    Raises:
        ValueError: if the run restores nothing, or the weights are not Inception's.
        OSError: if the weights cannot be had, or the results are of another model or cannot be written.
    """
    there = run.checked_results()
    images = run.subject.count(images or (there.get("restoration") or {}).get("images"))
    batches = corrupted_batches(run.subject, run.config, images, batch=_TOGETHER)
    if batches is None:
        raise ValueError(
            f"The run {run.folder.path} restores nothing. Expected: one that was trained on corrupted images. "
            "Train one: python run_script.py mnist_restore."
        )
    values = feature_distances(inception(weights), run.subject.model, batches, images)
    found = {"network": "inception_v3", "weights": _name(weights), "images": len(values)}
    found |= dict(zip(("distance", "corrupted_distance"), values.mean(0).tolist(), strict=True))
    found["standard_error"] = standard_error(values[:, 0])
    with results_lock(run.folder.path):
        write_json(run.folder.results, {**run.checked_results(), "features": found})
        run.keep_values(features=values[:, 0])
        write_page(run.folder)
    worse = ", which is no better" if found["distance"] >= found["corrupted_distance"] else ""
    told = f"{found['distance']:.5f} restored, {found['corrupted_distance']:.5f} corrupted{worse}"
    return f"Distance of features {told}: {len(values):,} test images, Inception v3 ({found['weights']})."


def _name(weights):
    """What tells weights from others, wherever their file is."""
    return f"file {zlib.crc32(pathlib.Path(weights).read_bytes()):08x}" if weights else "ImageNet"
