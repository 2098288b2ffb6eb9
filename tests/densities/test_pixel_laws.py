"""Gaussian and logistic pixels against scipy, sums over all levels, and their own samples."""

import itertools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from vae_flows.densities import (
    FixedScaleGaussian,
    LatentScaleGaussian,
    LogisticMixture,
    PixelScaleGaussian,
    SharedScaleGaussian,
)
from vae_flows.densities.logistic import discretised_logistic_log_prob

SHAPE = (2, 3, 1)
RNG = np.random.default_rng(0)
LOC = RNG.normal(0.5, 0.3, (5, *SHAPE)).astype("float32")
X = RNG.random((5, *SHAPE)).astype("float32")


@pytest.mark.parametrize("kind", [FixedScaleGaussian, SharedScaleGaussian, PixelScaleGaussian])
def test_gaussian_is_that_of_scipy(kind):
    scale = {"scale": 0.3} if kind is FixedScaleGaussian else {"initial_scale": 0.3}
    law = kind(SHAPE, **scale)
    expected = scipy.stats.norm(LOC, 0.3).logpdf(X).sum((1, 2, 3))
    np.testing.assert_allclose(law(tf.constant(LOC)).log_prob(X), expected, rtol=1e-5)


def test_scales_from_the_latent_have_a_floor():
    raw = np.full_like(LOC, -100.0)
    law = LatentScaleGaussian(SHAPE, floor=0.2)(tf.constant(np.concatenate([LOC, raw], -1)))
    np.testing.assert_allclose(law.log_prob(X), scipy.stats.norm(LOC, 0.2).logpdf(X).sum((1, 2, 3)), rtol=1e-4)


def test_learned_scale_finds_that_of_the_data():
    law = SharedScaleGaussian(SHAPE, initial_scale=1.0)
    x = tf.constant(RNG.normal(0, 0.3, (2000, *SHAPE)), tf.float32)
    for _ in range(200):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(law(tf.zeros_like(x)).log_prob(x))
        law.log_scale.assign_sub(0.02 * tape.gradient(loss, law.log_scale.value))
    assert float(tf.exp(law.log_scale.value)) == pytest.approx(0.3, rel=0.03)


def logistic(shape, levels, components=3, spread=1.0, batch=1, **kwargs):
    law = LogisticMixture(shape, levels=levels, components=components, **kwargs)
    context = RNG.normal(0, spread, (batch, *shape[:2], law.context)).astype("float32")
    return law, tf.constant(context)


@pytest.mark.parametrize(("channels", "levels"), [(1, 2), (1, 5), (1, 256), (2, 4), (3, 4)])
@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_masses_of_all_colours_sum_to_one(channels, levels, spread):
    law, context = logistic((1, 1, channels), levels, spread=spread)
    colours = np.array(list(itertools.product(range(levels), repeat=channels)), "float32") / (levels - 1)
    log_prob = law(context).log_prob(colours[:, None, None, :])
    assert float(tf.reduce_sum(tf.exp(log_prob))) == pytest.approx(1.0, abs=2e-4)


def test_masses_are_those_of_scipy():
    law, context = logistic((1, 1, 1), 256, components=2)
    logits, loc, log_scale = context.numpy().reshape(3, 2).astype("float64")
    weights = scipy.special.softmax(logits)
    ends = (2 * np.arange(257) - 1) / 255 - 1  # on the scale [-1, 1]
    ends[0], ends[-1] = -np.inf, np.inf
    cdf = scipy.stats.logistic(loc, np.exp(log_scale)).cdf(ends[:, None])
    expected = np.log(np.diff(cdf, axis=0) @ weights)
    x = (np.arange(256) / 255).astype("float32").reshape(256, 1, 1, 1)
    np.testing.assert_allclose(law(context).log_prob(x), expected, atol=2e-3)


def test_mass_far_in_the_tail_is_finite_with_a_finite_gradient():
    law = LogisticMixture((1, 1, 1), components=1)
    context = tf.Variable([[[[0.0, 1.0, -7.0]]]])
    with tf.GradientTape() as tape:
        log_prob = law(context).log_prob(tf.fill([1, 1, 1, 1], 10.0 / 255.0))
    assert -3e3 < float(log_prob[0]) < -1e3
    assert np.all(np.isfinite(tape.gradient(log_prob, context)))


def test_red_acts_on_green_and_blue_but_not_back():
    law, context = logistic((1, 1, 3), 256)

    def locations(pixel):
        distribution = law(context)
        return [distribution._conditional_loc(c, tf.unstack(tf.constant(pixel), axis=-1)[:c]).numpy() for c in range(3)]

    dark, red = locations([[[[0.0, 0.0, 0.0]]]]), locations([[[[1.0, 0.0, 0.0]]]])
    blue = locations([[[[0.0, 0.0, 1.0]]]])
    assert np.abs(dark[1] - red[1]).min() > 0
    assert np.abs(dark[2] - red[2]).min() > 0
    for a, b in zip(dark, blue, strict=True):
        np.testing.assert_array_equal(a, b)


def test_samples_follow_the_masses_and_cool_down():
    law, context = logistic((1, 1, 1), 4, components=2)
    sample = law(context).sample(40000, seed=[0, 1]).numpy().ravel()
    levels = (np.arange(4) / 3).astype("float32")
    masses = np.exp(law(context).log_prob(levels.reshape(4, 1, 1, 1)))
    frequencies = [(np.abs(sample - level) < 1e-6).mean() for level in levels]
    np.testing.assert_allclose(frequencies, masses.ravel(), atol=0.01)
    cold = LogisticMixture((8, 8, 1), levels=256, components=1, temperature=0.1)
    warm = LogisticMixture((8, 8, 1), levels=256, components=1)
    context = tf.zeros([1, 8, 8, 3]) - tf.constant([0.0, 0.0, 2.0])
    assert np.std(cold(context).sample(9, seed=[0, 1])) < 0.2 * np.std(warm(context).sample(9, seed=[0, 1]))


def test_mean_is_near_that_of_samples_in_colour():
    law, context = logistic((2, 2, 3), 256, components=1, spread=0.5)
    context -= tf.concat([tf.zeros(4), 3.0 * tf.ones(3), tf.zeros(3)], 0)  # narrow: little is clipped
    distribution = law(context)
    np.testing.assert_allclose(
        tf.reduce_mean(distribution.sample(4000, seed=[0, 1]), 0), distribution.mean(), atol=0.02
    )


def test_what_makes_no_law_is_refused():
    with pytest.raises(ValueError, match="`components` must be at least 1.*Received: 0"):
        LogisticMixture(SHAPE, components=0)
    with pytest.raises(ValueError, match="`scale` must be positive.*Received: scale=0"):
        FixedScaleGaussian(SHAPE, scale=0)


def test_a_discretised_logistic_stays_finite_for_any_scale():
    log_scale = tf.Variable([[-200.0], [-7.0], [0.0], [13.0], [14.0], [19.0], [40.0], [200.0]])
    x, loc = tf.constant([[0.0, 0.2, 1.0]]), tf.constant(0.1)
    with tf.GradientTape() as tape:
        log_prob = discretised_logistic_log_prob(x, loc, tf.maximum(log_scale, -7.0), levels=256)
    gradient = tape.gradient(log_prob, log_scale)
    assert np.isfinite(log_prob).all() and np.isfinite(gradient).all()
    wide = log_scale.numpy()[3:].astype(
        np.float64
    )  # sigmoid'(0) = 1/4 times the width of the bin, in units of the scale
    np.testing.assert_allclose(log_prob[3:, 1:2], np.log(0.25 * 2.0 / 255.0) - wide, rtol=1e-5)
    np.testing.assert_allclose(log_prob[3:, 0:1], np.full([5, 1], np.log(0.5)), rtol=1e-5)
