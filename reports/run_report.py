"""Everything a finished training leaves behind for its readers: figures, `results.json`, `report.html`."""

import numpy as np
import tensorflow as tf

from vae_flows.estimators.placed_noise import PlacedNoise
from vae_flows.latent_models.latent_use import LatentUseMeter
from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.latent_models.views import interpolations, restorations, temperatures
from vae_flows.reports.curves import training_curves
from vae_flows.reports.evaluation import elbo_terms, exact_log_prob
from vae_flows.reports.figure_style import save
from vae_flows.reports.history import read_history
from vae_flows.reports.images import image_grid, labelled_rows, reconstruction_pairs
from vae_flows.reports.judging import judge
from vae_flows.reports.latent_space import latent_map
from vae_flows.reports.posterior import posterior_contours, posterior_planes, spread_of_fits
from vae_flows.reports.projector import write_projector
from vae_flows.reports.restoration import corrupted_batches, restoration

__all__ = ["write_figures", "write_report"]

_SHOWN = 96
_PAIRS = 36
_VIEWED = 8
_USING = 500
_JUDGED = 200
_MAPPED = 5000
_NAMED = 64  # latent features whose KL is told one by one


def write_report(run, *, training, steps, test_images=None, further=()):
    """Write `figures/`, `results.json` and `report.html` of a trained model into its run's folder.

    Args:
        run: `FinishedRun` of the model to be judged.
        training: {"seconds", "images_per_second", "best_step": that of the weights}.
        steps: Optimizer steps taken.
        test_images: How many test images, from the first on; all by default.
        further: Methods of estimating log p(x) beside the first. When all are done, what was kept of each is removed.

    Returns:
        One line that says what log p(x) was found.
    """
    subject = run.subject
    print(f"Judging {subject.count(test_images):,} test images.", flush=True)
    write_figures(run, test_images=test_images)
    if subject.exact:
        validation = {"nll": float(-exact_log_prob(subject, split="validation").mean())}
    else:
        validation = {"neg_elbo": float(elbo_terms(subject, split="validation")["neg_elbo"].mean())}
    facts = {
        "preset": str(run.config["preset"]),
        "dataset": str(subject.data.name),
        "seed": subject.seed,
        "steps": int(steps),
        "parameters": int(subject.model.count_params()),
        "training": training,
        "validation": validation,
        "latents": _latents(subject, test_images),
        "restoration": _restored(run, subject.count(test_images)),
    }
    said = judge(run, at_most=test_images, facts=facts, tidy=not further)
    for method in further:
        print(judge(run, method, at_most=test_images, tidy=method == further[-1]))
    return said


def _restored(run, images):
    """What `results.json` is to hold of restored images; the error of each is kept."""
    found = restoration(run.subject, run.config, images)
    if found is None:
        return None
    summary, errors = found
    run.keep_values(restoration=errors)
    return summary


def write_figures(run, *, test_images=None):
    """Write the pictures: data, samples, reconstructions, the model's own views, latent space, posteriors, curves.

    The latent space needs at least two latent features, the posterior exactly two and a `LatentModel`, the curves a logged
    history; without, that figure is left out.
    """
    subject, figures = run.subject, run.folder.figures
    model, white = subject.model, np.float32(subject.data.spec.levels - 1)
    figures.mkdir(parents=True, exist_ok=True)
    save(image_grid(subject.data.train.images[:_SHOWN] / white), figures / "data.png")
    save(image_grid(model.sample(_SHOWN, seed=key(subject.seed, Purpose.SAMPLES))), figures / "samples.png")
    pairs = min(_PAIRS, test_images or _PAIRS)
    rebuilt = model.reconstruct(_first(subject, pairs), seed=key(subject.seed, Purpose.RECONSTRUCTIONS))
    save(reconstruction_pairs(subject.originals(pairs), rebuilt), figures / "reconstructions.png")
    for name, view in _views(run, subject.count(min(_VIEWED, test_images or _VIEWED))).items():
        save(labelled_rows(view.pictures, view.labels), figures / f"view_{name}.png", caption=view.caption)
    _write_latent_figures(run, test_images)
    history = read_history(run.folder.tensorboard)
    if model.validated_by in history:
        save(training_curves(history, model.validated_by), figures / "training_curves.png")


def _views(run, images):
    """Every model's views, and the model's own, of the first test images."""
    subject, seed = run.subject, key(run.subject.seed, Purpose.VIEWS)
    x = _first(subject, images)
    views = {
        "temperatures": temperatures(subject.model, images, seed),
        "interpolations": interpolations(subject.model, x),
    }
    batches = corrupted_batches(subject, run.config, images)
    if batches is not None:
        views["restorations"] = restorations(subject.model, *next(iter(batches)))
    return {**views, **subject.model.views(x, seed=seed)}


def _write_latent_figures(run, test_images):
    subject, figures, model = run.subject, run.folder.figures, run.subject.model
    if model.latent_features < 2:
        return
    mapped = subject.count(min(_MAPPED, test_images or _MAPPED))
    before, codes = _codes(subject, mapped)
    labels = None if subject.data.test.labels is None else subject.data.test.labels[:mapped]
    before = None if before is None or np.allclose(before, codes) else before
    change = "refinement" if before is not None and model.path(_first(subject, 1)) else "flow"
    named = {"labels": labels, "classes": subject.data.classes}
    write_projector(run.folder.tensorboard, codes, subject.originals(mapped), **named)
    save(latent_map(codes, before=before, change=change, decode=model.decode, **named), figures / "latent_space.png")
    if model.latent_features == 2 and not subject.exact:
        chosen = spread_of_fits(subject, min(_JUDGED, test_images or _JUDGED))
        planes = posterior_planes(
            model, tf.constant(subject.prepared()[chosen]), seed=key(subject.seed, Purpose.POSTERIORS)
        )
        save(posterior_contours(subject.originals()[chosen], planes), figures / "posterior.png")


def _first(subject, images):
    return tf.constant(subject.prepared(images))


def _latents(subject, test_images):
    """How many latents there are and are used, and the KL of each, on at most `_USING` test images; None of one image."""
    images = subject.count(min(_USING, test_images or _USING))
    if images < 2 or subject.exact:
        return None
    use = LatentUseMeter(subject.model)(_first(subject, images), key(subject.seed, Purpose.LATENT_USE))
    found = {"images": images, "features": subject.model.latent_features, "active_units": int(use.active_units.sum())}
    if use.kl is not None and len(use.kl) <= _NAMED:
        found["kl"] = use.kl.tolist()
    if len(use.group_kl) > 1:
        found["groups"] = {"kl": use.group_kl.tolist(), "active_units": use.active_units.tolist()}
    return found


def _codes(subject, images):
    """Codes of the first images, of one noise, before and after the posterior's flow or refinement; or exact ones: [N, D]."""
    model = subject.model
    if subject.exact:
        return None, subject.image_by_image(lambda x, first: model.encode(x), images, label="codes")

    def samples(x, first):
        seed = key(subject.seed, Purpose.CODES)
        noise = PlacedNoise.of(seed, images=tf.shape(x)[0], first=first, dtype=x.dtype)
        u = noise.normal(count=1, features=model.noise_features)
        return tf.stack([model.infer(x, start=start).latent(u)[0] for start in ("base", "posterior")], 1)  # [B, 2, D]

    return np.moveaxis(subject.image_by_image(samples, images, label="codes"), 1, 0)
