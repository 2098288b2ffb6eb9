import json

import numpy as np
import pytest

from vae_flows.estimators import Estimate


def estimate(images, *, samples=8, seed=0, **changes):
    random = np.random.default_rng(seed)
    fields = {
        "values": random.normal(size=images) - 80.0,
        "errors": random.uniform(0.1, 0.2, images),
        "effective_sample_size": random.uniform(1, samples, images),
        "non_finite": np.arange(images),
        "samples": samples,
        "seconds": 1.5,
    }
    annealed = {"acceptance": random.uniform(size=(images, 3)), "step_size": random.uniform(size=(images, 3))}
    return Estimate(**(fields | annealed | {"temperatures": np.full(images, 100)} | changes))


def same(a, b):
    return a.to_arrays().keys() == b.to_arrays().keys() and all(
        np.array_equal(value, b.to_arrays()[name]) for name, value in a.to_arrays().items()
    )


def test_arrays_give_back_the_same():
    for one in (estimate(5), estimate(5, acceptance=None, step_size=None, temperatures=None, pareto_k=np.ones(5))):
        assert same(Estimate.from_arrays(one.to_arrays()), one)


def test_joining_keeps_order_and_adds_seconds():
    parts = estimate(2, seed=1), estimate(3, seed=2)
    joined = Estimate.concatenate(parts)
    assert joined.images == 5 and joined.seconds == 3.0 and joined.samples == 8
    np.testing.assert_array_equal(joined.values[2:], parts[1].values)
    np.testing.assert_array_equal(joined.acceptance[:2], parts[0].acceptance)
    assert joined.pareto_k is None


def test_joining_refuses_nothing_and_unequal_samples():
    with pytest.raises(ValueError, match="no estimates to join"):
        Estimate.concatenate([])
    with pytest.raises(ValueError, match=r"equally many samples.*samples=\[8, 9\]"):
        Estimate.concatenate([estimate(1), estimate(1, samples=9)])


def test_standard_error_covers_images_and_monte_carlo_noise():
    """Over repetitions with new images and new noise, the mean spreads as `standard_error` says."""
    random = np.random.default_rng(3)
    truths, noise = 2.0 * random.normal(size=(4000, 25)), random.normal(size=(4000, 25))
    repetitions = [estimate(25, values=truth + e, errors=np.ones(25)) for truth, e in zip(truths, noise, strict=True)]
    spread = np.std([each.mean for each in repetitions])
    assert np.sqrt(np.mean([each.standard_error**2 for each in repetitions])) == pytest.approx(spread, rel=0.05)
    given_images = np.std(noise.mean(1))
    assert repetitions[0].monte_carlo_error == pytest.approx(given_images, rel=0.05)


def test_one_image_has_its_monte_carlo_error():
    one = estimate(1)
    assert one.standard_error == one.monte_carlo_error == one.errors[0]


def test_interval_is_students():
    low, high = estimate(1, values=np.array([0.0]), errors=np.array([1.0]), samples=5).interval(0.95)
    assert high[0] == -low[0] == pytest.approx(2.776, abs=1e-3)


def test_dictionary_is_strict_json():
    unknown = estimate(2, samples=1, errors=np.full(2, np.inf), pareto_k=np.full(2, np.nan))
    for one in (estimate(4), unknown, estimate(2, acceptance=np.zeros([2, 0]), step_size=np.zeros([2, 0]))):
        numbers = json.loads(json.dumps(one.to_dict(), allow_nan=False))
        assert numbers["nll"] == -numbers["log_likelihood"] == -one.mean
        assert numbers["images"] == one.images
    assert unknown.to_dict()["monte_carlo_error"] is None
    assert unknown.to_dict()["pareto_k"] is None
