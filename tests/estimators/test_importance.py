import warnings

import numpy as np
import pytest
import tensorflow as tf
from linear_gaussian import LinearGaussian

from vae_flows.estimators import ImportanceSampling, UnreliableWeights

MODEL = LinearGaussian(4)
X, _ = MODEL.simulate(30)
SEED = [1, 2]


def importance(model=MODEL, start="base", samples=500, **options):
    return ImportanceSampling(model.log_weight(start), features=model.features, samples=samples, **options)


@pytest.mark.parametrize("features", [2, 10, 50])
def test_exact_posterior_gives_the_exact_log_likelihood(features):
    model = LinearGaussian(features)
    x, _ = model.simulate(3)
    estimate = importance(model, "exact", samples=20)(x, seed=SEED)
    np.testing.assert_allclose(estimate.values, model.log_prob(x), rtol=1e-10)
    np.testing.assert_allclose(estimate.effective_sample_size, 20.0)
    assert np.all(estimate.errors < 1e-6)


@pytest.mark.filterwarnings("ignore::estimators.UnreliableWeights")
def test_bound_rises_with_samples_and_stays_below_the_truth():
    """E[log p^] over 400 repetitions of each image: rising in K, and at K = 1 the ELBO."""
    x = np.repeat(X[:2], 400, 0)
    bounds = []
    for samples in (1, 4, 16, 64, 256):
        values = importance(start="prior", samples=samples)(x, seed=SEED).values.reshape(2, 400)
        bounds.append((values.mean(1) - MODEL.log_prob(X[:2]), values.std(1, ddof=1) / 20.0))
    for (low, low_error), (high, high_error) in zip(bounds, bounds[1:], strict=False):
        assert np.all(high > low - 3.0 * np.hypot(low_error, high_error))
    assert np.all(bounds[-1][0] - bounds[0][0] > 1.0)
    assert all(np.all(mean < 3.0 * error) for mean, error in bounds)


@pytest.mark.filterwarnings("ignore::estimators.UnreliableWeights")
def test_weight_is_unbiased_and_intervals_cover():
    x = np.repeat(X[:1], 2000, 0)
    estimate = importance(samples=50)(x, seed=SEED)
    ratio = np.exp(estimate.values - MODEL.log_prob(X[:1]))
    assert abs(ratio.mean() - 1.0) < 3.0 * ratio.std() / np.sqrt(2000)
    low, high = estimate.interval(0.95)
    assert 0.9 < np.mean((low < MODEL.log_prob(X[:1])) & (MODEL.log_prob(X[:1]) < high)) < 0.99


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_result_does_not_depend_on_batches_or_chunks(dtype):
    x = X.astype(dtype)
    whole = importance(chunk=512)(x, seed=SEED)
    tolerance = {"rtol": 1e-5 if dtype == "float32" else 1e-12}
    for chunk, cuts in ((16, []), (48, [1, 7]), (100, [29])):
        estimator = importance(chunk=chunk)
        firsts = [0, *cuts]
        parts = [estimator(part, seed=SEED, first=first) for part, first in zip(np.split(x, cuts), firsts, strict=True)]
        np.testing.assert_allclose(np.concatenate([part.values for part in parts]), whole.values, **tolerance)
        np.testing.assert_allclose(np.concatenate([part.errors for part in parts]), whole.errors, rtol=1e-3)
        np.testing.assert_allclose(np.concatenate([part.pareto_k for part in parts]), whole.pareto_k, atol=2e-3)


def test_a_million_samples_in_small_chunks_are_exact():
    estimate = importance(start="base", samples=1_000_000, chunk=4096)(X[:1], seed=SEED)
    assert abs(estimate.values[0] - MODEL.log_prob(X[:1])[0]) < 4.0 * estimate.errors[0] < 0.01
    assert estimate.pareto_k[0] < 0.5


def test_exactly_the_samples_asked_for_are_evaluated():
    count = tf.Variable(0)

    def log_weight(x, noise):
        count.assign_add(tf.shape(noise)[0])
        return noise[..., 0]

    estimate = ImportanceSampling(log_weight, features=1, samples=101, chunk=32)(tf.zeros([2, 1]), seed=SEED)
    assert int(count) == estimate.samples == 101


def test_is_compiled_once_for_all_batches():
    traces = []

    def log_weight(x, noise):
        traces.append(x.shape)
        return noise[..., 0] * x[:, 0]

    estimator = ImportanceSampling(log_weight, features=1, samples=10)
    for count in (5, 3, 1, 8):
        estimator(tf.ones([count, 2]), seed=[0, count], first=count)
    assert len(traces) == 1


def test_sees_weights_that_change():
    level = tf.Variable(1.0)
    estimator = ImportanceSampling(lambda x, noise: level + 0.0 * noise[..., 0], features=1, samples=3)
    before = estimator(tf.zeros([1, 1]), seed=SEED).mean
    level.assign(-5.0)
    assert (before, estimator(tf.zeros([1, 1]), seed=SEED).mean) == (1.0, -5.0)


def test_weights_that_are_not_finite_count_as_zero_and_are_counted():
    def log_weight(x, noise):
        return tf.where(noise[..., 0] > 0.0, noise[..., 0] * 0.0, x[:, 0])

    x = tf.constant([[np.nan], [np.inf], [-np.inf], [0.0]])
    estimate = ImportanceSampling(log_weight, features=1, samples=4000)(x, seed=SEED)
    np.testing.assert_allclose(np.exp(estimate.values), [0.5, 0.5, 0.5, 1.0], atol=0.05)
    assert estimate.non_finite[0] == pytest.approx(2000, abs=150)
    assert estimate.non_finite[2:].tolist() == [0, 0]


def test_refuses_images_without_any_finite_weight():
    estimator = ImportanceSampling(lambda x, noise: x[:, 0] + 0.0 * noise[..., 0], features=1, samples=4)
    with pytest.raises(ValueError, match=r"must be finite.*among 4 samples for 1 of 3 images, first \[11\]"):
        estimator(tf.constant([[0.0], [np.nan], [0.0]]), seed=SEED, first=10)


def test_warns_of_heavy_tails_and_only_of_them():
    wide = ImportanceSampling(lambda x, noise: 4.0 * noise[..., 0] + x[:, 0], features=1, samples=1000)
    with pytest.warns(
        UnreliableWeights, match="Pareto's k is above 0.*for 2 of 2 images.*is too high by an unknown amount"
    ):
        assert np.all(wide(tf.zeros([2, 1]), seed=SEED).pareto_k > 0.7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importance()(X, seed=SEED)


@pytest.mark.parametrize("name", ["features", "samples", "chunk"])
def test_refuses_sizes_below_one(name):
    sizes = {"features": 1, "samples": 1, "chunk": 1} | {name: 0}
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1. Received: {name}=0"):
        ImportanceSampling(lambda x, noise: noise[..., 0], **sizes)


@pytest.mark.parametrize(
    ("x", "seed", "error", "message"),
    [
        (np.zeros([2, 1], np.uint8), SEED, TypeError, "`x` must be floating. Received: dtype=uint8"),
        (np.zeros([0, 1]), SEED, ValueError, "`x` must hold at least one image"),
        (np.zeros([2, 1]), 3, ValueError, "`seed` must be two integers"),
    ],
)
def test_refuses_bad_input(x, seed, error, message):
    with pytest.raises(error, match=message):
        ImportanceSampling(lambda x, noise: noise[..., 0], features=1, samples=1)(x, seed=seed)
