"""Figures of merit of a model on a split of the data: every image once, each with the same weight."""

import math
import sys

import numpy as np
import tensorflow as tf

from vae_flows.estimators.compiled import for_any_batch
from vae_flows.estimators.importance import RELIABLE, ImportanceSampling
from vae_flows.estimators.noise import PlacedNoise
from vae_flows.estimators.sweep import sweep
from vae_flows.image_data.pipeline import evaluation_batches
from vae_flows.run_folder.atomic import replacing

__all__ = ["bits_per_dim", "elbo_terms", "evaluate", "image_batches", "image_by_image", "importance", "weighed"]

_DRAWS = 16  # posterior samples per test image for the ELBO, which cost little beside those for the likelihood
IMAGES, _CHUNK = 16, 64  # images and samples evaluated together: enough work for one call, little memory
_BOUND, _WEIGHTS = 1, 2  # what a seed is for


def image_batches(split, preparation, *, seed, images=None, batch=100):
    """The first `images` (all by default) of `split`, prepared with noise that (seed, image) fixes: [B, H, W, C] each."""
    return evaluation_batches(split.first(images or split.count), batch=batch, preparation=preparation, seed=seed)


def elbo_terms(model, split, preparation, *, seed, images=None, draws=1, batch=100):
    """The negative ELBO of each image and its two parts, as means over posterior samples.

    neg_elbo = kl + neg_log_likelihood_given_z, nats

    Args:
        model: `ImageModel`.
        split: `Split` of uint8 images.
        preparation: How they become what the model sees.
        seed: Fixes the noise of each image, whatever the batch.
        images: How many images N, from the first on; all by default.
        draws: Posterior samples per image.
        batch: Images per batch.

    Returns:
        {"neg_elbo", "kl", "neg_log_likelihood_given_z"}, float64 arrays [N].
    """

    @tf.autograph.experimental.do_not_convert
    def terms(x, first):
        noise = PlacedNoise.of(tf.constant([seed, _BOUND]), images=tf.shape(x)[0], first=first)
        drawn = model.elbo_terms(x, noise.normal(count=draws, features=model.noise_features))
        values = -drawn.elbo, tf.reduce_sum(drawn.kl, -1), -drawn.log_likelihood  # [draws, B] each
        return tf.stack([tf.reduce_mean(tf.cast(value, tf.float64), 0) for value in values], -1)  # [B, 3]

    values = image_by_image(terms, image_batches(split, preparation, seed=seed, images=images, batch=batch))
    return dict(zip(("neg_elbo", "kl", "neg_log_likelihood_given_z"), values.T, strict=True))


def image_by_image(function, batches):
    """The results of `function` (x [B, H, W, C], number of the first image -> [B, ...]) for all batches, [N, ...]."""
    compiled = for_any_batch(function, lambda dtype: [tf.TensorSpec([], tf.int64)])
    first, parts = 0, []
    for x in batches:
        parts.append(compiled(x, tf.constant(first, tf.int64)).numpy())
        first += len(x)
    return np.concatenate(parts)


def bits_per_dim(nll, *, spec, preparation):
    """A negative log-likelihood in nats per image as bits per pixel and channel; None for binary images.

    bits = nll / (H W C ln 2), for the probability of discrete pixels
    bits = nll / (H W C ln 2) + log2(levels), for a density on continuous pixels, in which a level has width 1 / levels

    Example:
        >>> round(bits_per_dim(2.0 * 12 * math.log(2), spec=ImageSpec((2, 2, 3)), preparation=GreyLevels()), 6)
        2.0
    """
    if preparation.spec_after(spec).levels == 2:
        return None
    width = math.log2(spec.levels) if preparation.continuous else 0.0
    return nll / (spec.pixels * math.log(2.0)) + width


def evaluate(model, split, preparation, *, spec, samples, seed, images=None, batch=100, file=None, values=None):
    """The `test` section of `results.json`: the bound with its parts, and log p(x) by importance sampling.

    Args:
        model: `ImageModel`.
        split: `Split` of uint8 images.
        preparation: How they become what the model sees.
        spec: `ImageSpec` of the split's images.
        samples: Importance samples K per image.
        seed: Fixes the noise of each image, whatever the batch.
        images: How many images, from the first on; all by default.
        batch: Images per batch, for the bound.
        file: Where the likelihood of each image is kept while the others are computed, for an interrupted evaluation to
            go on from; None keeps nothing.
        values: Where each image's `neg_elbo`, `nll` and `nll_error` (Monte-Carlo alone) are written (.npz), for comparing
            models image by image; None writes nothing.

    Returns:
        Dictionary as the run's `results.json` has it. `nll["value"]` is minus the mean over images of the log of the mean
        weight. `nll["standard_error"]` is that of this mean over images *and* Monte-Carlo noise, std(values) / sqrt(images):
        each image's value carries its own noise, so their spread holds both. `neg_elbo_standard_error` is of the same kind.
        `unreliable_images` counts those whose weights have a Pareto's k above 0.7, or of fewer than 21 samples an unknown
        one, so that neither value nor error holds.
    """
    images = min(images or split.count, split.count)
    terms = elbo_terms(model, split, preparation, seed=seed, images=images, draws=min(samples, _DRAWS), batch=batch)
    estimate = importance(model, split, preparation, samples=samples, seed=seed, images=images, file=file)
    nll = {
        "method": "importance",
        "value": -estimate.mean,
        "standard_error": estimate.to_dict()["standard_error"],
        "samples": estimate.samples,
        "effective_sample_size": float(np.mean(estimate.effective_sample_size)),
        "unreliable_images": int(np.sum(~(estimate.pareto_k <= RELIABLE))),
    }
    if values is not None:
        with replacing(values) as partial, partial.open("wb") as stream:
            np.savez(stream, neg_elbo=terms["neg_elbo"], nll=-estimate.values, nll_error=estimate.errors)
    bound = {name: float(each.mean()) for name, each in terms.items()}
    error = float(terms["neg_elbo"].std(ddof=1) / math.sqrt(images)) if images > 1 else None
    bits = bits_per_dim(nll["value"], spec=spec, preparation=preparation)
    return {"images": images, **bound, "neg_elbo_standard_error": error, "nll": nll, "bits_per_dim": bits}


def importance(model, split, preparation, *, samples, seed, images=None, file=None):
    """`Estimate` of log p(x) of the first `images` of a split, by importance sampling from the model's posterior."""
    images = min(images or split.count, split.count)
    batches = image_batches(split, preparation, seed=seed, images=images, batch=IMAGES)
    return weighed(model, batches, samples=samples, seed=seed, images=images, file=file)


def weighed(model, batches, *, samples, seed, images, file=None):
    """The same for batches of prepared images."""
    sampler = ImportanceSampling(
        tf.autograph.experimental.do_not_convert(lambda x, noise: model.elbo_terms(x, noise).elbo),
        features=model.noise_features,
        samples=samples,
        chunk=_CHUNK,
    )
    return sweep(sampler, batches, seed=[seed, _WEIGHTS], file=file, images=images, progress=sys.stderr.isatty())
