"""Figures of merit of a model on a split of the data: every image once, each with the same weight."""

import math

import numpy as np
import tensorflow as tf

from vae_flows.estimators.importance import ImportanceSampling
from vae_flows.estimators.placed_noise import ROWS, PlacedNoise
from vae_flows.estimators.sweep import sweep
from vae_flows.latent_models.seeds import Purpose, key

__all__ = ["bits_per_dim", "elbo_terms", "exact_log_prob", "importance", "standard_error", "weighed"]

_IMAGES = 16  # evaluated together


def elbo_terms(subject, images=None, *, draws=1, split="test", batch=100):
    """The negative ELBO of each image and its two parts, as means over posterior samples.

    neg_elbo = kl + neg_log_likelihood_given_z, nats

    Args:
        subject: `Subject` with a `LatentModel`.
        images: How many images N, from the first on; all by default.
        draws: Posterior samples per image.
        split: "test" or "validation".
        batch: Images per batch; changes no result.

    Returns:
        {"neg_elbo", "kl", "neg_log_likelihood_given_z"}, float64 arrays [N].

    Raises:
        ValueError: if one is not finite, naming its images.
    """
    model, seed = subject.model, key(subject.seed, Purpose.BOUND)

    def terms(x, first):
        noise = PlacedNoise.of(seed, images=tf.shape(x)[0], first=first, dtype=x.dtype)
        drawn = model.infer(x).terms(noise.normal(count=draws, features=model.noise_features))
        values = -drawn.elbo, tf.reduce_sum(drawn.kl, -1), -drawn.log_likelihood  # [draws, B] each
        return tf.stack([tf.reduce_mean(tf.cast(value, tf.float64), 0) for value in values], -1)  # [B, 3]

    batch = min(batch, max(1, model.together // draws))
    values = _finite(subject.image_by_image(terms, images, split=split, batch=batch, label="ELBO"), f"The {split} ELBO")
    return dict(zip(("neg_elbo", "kl", "neg_log_likelihood_given_z"), values.T, strict=True))


def exact_log_prob(subject, images=None, *, split="test", batch=100):
    """log p(x) of each image by an `ExactModel`: float64 [N]; a `ValueError` names images of which it is not finite."""

    def values(x, first):
        return tf.cast(subject.model.log_prob(x), tf.float64)

    found = subject.image_by_image(values, images, split=split, batch=batch, label="log p(x)")
    return _finite(found, f"The {split} log p(x)")


def _finite(values, what):
    """The values [N, ...], refused if they are not finite: no mean could be told."""
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
    if len(bad):
        raise ValueError(
            f"{what} must be finite. Received: NaN or infinity for {len(bad)} of {len(values)} images, first "
            f"{bad[:3].tolist()}. Check the images' preparation and the model's weights."
        )
    return values


def importance(subject, images=None, *, samples, kept=None):
    """`Estimate` of log p(x) of the first `images`, by importance sampling from the model's posterior.

    Args:
        subject: `Subject` with a `LatentModel`.
        images: How many images, from the first on; all by default.
        samples: Importance samples K per image.
        kept: `ArrayFile` for the likelihood of each image while the others are computed, for an interrupted evaluation
            to go on from; None keeps nothing.
    """
    batches = subject.batches(images, batch=images_together(subject.model))
    return weighed(subject.model, batches, samples=samples, seed=subject.seed, images=subject.count(images), kept=kept)


def images_together(model):
    """How many images are weighed at once, each with a chunk of samples, which are at least 16."""
    return max(1, min(_IMAGES, model.together // ROWS))


def weighed(model, batches, *, samples, seed, images, kept=None):
    """The same for batches of prepared images."""
    sampler = ImportanceSampling(
        tf.autograph.experimental.do_not_convert(lambda x, noise, found: model.inference(x, found).log_weight(noise)),
        features=model.noise_features,
        samples=samples,
        prepare=tf.autograph.experimental.do_not_convert(model.proposal),
        chunk=model.together // images_together(model),
    )
    about = {"kept": kept, "images": images, "label": "importance sampling"}
    return sweep(sampler, batches, seed=key(seed, Purpose.WEIGHTS).numpy(), **about)


def bits_per_dim(nll, error=None, *, spec, preparation):
    """A negative log-likelihood in nats per image and its standard error as bits per pixel and channel; None for binary images.

    bits = nll / (H W C ln 2), for the probability of discrete pixels
    bits = nll / (H W C ln 2) + log2(levels), for a density on continuous pixels, in which a level has width 1 / levels

    Example:
        >>> bits_per_dim(2.0 * 12 * math.log(2), spec=ImageSpec((2, 2, 3)), preparation=GreyLevels())
        {'bits_per_dim': 2.0, 'bits_per_dim_standard_error': None}
    """
    nats, width = spec.pixels * math.log(2.0), math.log2(spec.levels) if preparation.continuous else 0.0
    found = (nll / nats + width, None if error is None else error / nats)
    found = (None, None) if preparation.spec_after(spec).levels == 2 else found
    return dict(zip(("bits_per_dim", "bits_per_dim_standard_error"), found, strict=True))


def standard_error(values):
    """Standard error of the mean over images, of values [N]; None of a single one."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
