"""Everything a finished training leaves behind for its readers: figures, `results.json`, `report.html`."""

import numpy as np
import tensorflow as tf

from vae_flows.estimators.noise import PlacedNoise
from vae_flows.latent_models.latent_use import latent_use
from vae_flows.reports.curves import training_curves
from vae_flows.reports.evaluation import elbo_terms, evaluate, image_batches, image_by_image
from vae_flows.reports.figure_style import save
from vae_flows.reports.history import read_history
from vae_flows.reports.images import image_grid, reconstruction_pairs
from vae_flows.reports.latent_space import latent_map
from vae_flows.reports.likelihood_table import assemble
from vae_flows.reports.page import write_page
from vae_flows.reports.posterior import posterior_contours, posterior_planes, spread_of_fits
from vae_flows.reports.unfinished import unfinished

__all__ = ["write_figures", "write_report"]

_SHOWN = 96
_PAIRS = 36
_USING = 500
_JUDGED, _TOGETHER = 200, 16
_MAPPED = 5000


def write_report(
    folder,
    *,
    model,
    data,
    preparation,
    preset,
    seed,
    steps,
    seconds,
    images_per_second,
    samples,
    test_images=None,
    batch=100,
):
    """Write `figures/`, `results.json` and `report.html` of a trained model into its run's folder.

    Args:
        folder: `RunFolder`; its `config.json` and `model.keras` must be there.
        model: `ImageModel` with the weights to be judged.
        data: `ImageSet`; the bound is computed on all its validation images, the likelihood on its test images.
        preparation: How uint8 images become what the model sees.
        preset: Name of the preset.
        seed: The run's seed; fixes all noise of the evaluation.
        steps: Optimizer steps taken.
        seconds, images_per_second: Time and speed of the training.
        samples: Importance samples per test image.
        test_images: How many test images, from the first on; all by default.
        batch: Images per batch.

    Returns:
        The contents of `results.json`.
    """
    write_figures(
        folder, model=model, data=data, preparation=preparation, seed=seed, test_images=test_images, batch=batch
    )
    validation = elbo_terms(model, data.validation, preparation, seed=seed, batch=batch)
    settings = {"dataset": data.name, "seed": seed, "samples": samples, "images": test_images}
    with unfinished(folder, "importance", settings) as file:
        test = evaluate(
            model,
            data.test,
            preparation,
            spec=data.spec,
            samples=samples,
            seed=seed,
            images=test_images,
            batch=batch,
            file=file(),
            values=folder.test_images,
        )
    results = assemble(
        preset=preset,
        dataset=data.name,
        seed=seed,
        steps=steps,
        parameters=model.count_params(),
        training={"seconds": seconds, "images_per_second": images_per_second},
        validation={"neg_elbo": float(validation["neg_elbo"].mean())},
        test=test,
        latents=_latents(model, data, preparation, seed=seed, test_images=test_images),
    )
    folder.write_json("results.json", results)
    for method in ("hais", "bidirectional"):
        (folder.figures / f"{method}.png").unlink(missing_ok=True)  # of an earlier state of the model
    write_page(folder)
    return results


def write_figures(folder, *, model, data, preparation, seed, test_images=None, batch=100):
    """Write `data.png`, `samples.png`, `reconstructions.png`, `latent_space.png`, `posterior.png` and `training_curves.png`.

    The latent space needs at least two latent features, the posterior exactly two, the curves a logged history; without,
    that figure is left out.
    """
    folder.figures.mkdir(parents=True, exist_ok=True)
    white = np.float32(data.spec.levels - 1)
    save(image_grid(data.train.images[:_SHOWN] / white), folder.figures / "data.png")
    save(image_grid(model.sample(_SHOWN, seed=_seed(seed, 1))), folder.figures / "samples.png")
    count = min(data.test.count, test_images or data.test.count)
    shown = next(iter(image_batches(data.test, preparation, seed=seed, images=min(_PAIRS, count), batch=_PAIRS)))
    pairs = reconstruction_pairs(data.test.images[: len(shown)] / white, model.reconstruct(shown, seed=_seed(seed, 2)))
    save(pairs, folder.figures / "reconstructions.png")
    if model.latent_features >= 2:
        batches = image_batches(data.test, preparation, seed=seed, images=min(_MAPPED, count), batch=batch)
        before, codes = _posterior_samples(model, batches, seed=seed)
        labels = None if data.test.labels is None else data.test.labels[: len(codes)]
        before = None if np.allclose(before, codes) else before
        save(latent_map(codes, before=before, labels=labels, decode=model.decode), folder.figures / "latent_space.png")
    if model.latent_features == 2:
        judged = min(_JUDGED, count)
        batches = image_batches(data.test, preparation, seed=seed, images=judged, batch=_TOGETHER)
        chosen = spread_of_fits(model, batches, seed=seed)
        x = np.concatenate([x.numpy() for x in batches])[chosen]
        planes = posterior_planes(model, tf.constant(x), seed=seed)
        save(posterior_contours(data.test.images[chosen] / white, planes), folder.figures / "posterior.png")
    history = read_history(folder.tensorboard)
    if "neg_elbo" in history:
        save(training_curves(history), folder.figures / "training_curves.png")


def _latents(model, data, preparation, *, seed, test_images):
    """How many latents there are and are used, and the KL of each, on at most `_USING` test images; None of one image."""
    images = min(_USING, data.test.count, test_images or _USING)
    if images < 2:
        return None
    x = next(iter(image_batches(data.test, preparation, seed=seed, images=images, batch=images)))
    use = tf.function(lambda x: latent_use(model, x, _seed(seed, 4)), autograph=False)(x)
    return {"features": model.latent_features, "active_units": int(use.active_units), "kl": use.kl.numpy().tolist()}


def _posterior_samples(model, batches, *, seed):
    """One sample for each image, before and after the posterior's flow: [N, D] each, of the same noise."""

    @tf.autograph.experimental.do_not_convert
    def samples(x, first):
        noise = PlacedNoise.of(_seed(seed, 3), images=tf.shape(x)[0], first=first)
        u = noise.normal(count=1, features=model.noise_features)
        return tf.stack([model.annealing(x, start).latent(u)[0] for start in ("base", "posterior")], 1)  # [B, 2, D]

    return np.moveaxis(image_by_image(samples, batches), 1, 0)


def _seed(seed, purpose):
    return tf.constant([seed, purpose], tf.int32)
