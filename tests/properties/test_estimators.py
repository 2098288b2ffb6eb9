"""What every estimator promises, on a model whose log p(x) is known."""

import json

import numpy as np
import pytest
import registry
from linear_gaussian import LinearGaussian

from vae_flows import estimators

MODEL = LinearGaussian(3)
X, Z = MODEL.simulate(8)
EXACT = MODEL.noise(X, Z, "base")
SEED = [4, 5]

every = pytest.mark.parametrize("name", registry.ESTIMATORS)


def built(name):
    return registry.ESTIMATORS[name].build(MODEL)


def run(estimator, name, rows=slice(None), first=0):
    pairs = "pairs" in registry.ESTIMATORS[name].properties
    arguments = (X[rows], EXACT[rows]) if pairs else (X[rows],)
    return estimator(*arguments, seed=SEED, first=first)


def sides(result):
    return (result.lower, result.upper) if isinstance(result, estimators.Bracket) else (result,)


@every
def test_is_near_the_truth_by_its_own_error(name):
    for side in sides(run(built(name), name)):
        assert np.all(np.abs(side.values - MODEL.log_prob(X)) < 5.0 * side.errors + 1e-9)
        assert np.all(side.errors < 0.5)
        assert np.all((side.effective_sample_size >= 1.0) & (side.effective_sample_size <= side.samples + 1e-9))


@every
def test_does_not_depend_on_batches_of_images(name):
    estimator = built(name)
    whole = run(estimator, name)
    joined = estimator.result.concatenate(
        [run(estimator, name, slice(0, 3)), run(estimator, name, slice(3, 8), first=3)]
    )
    for side, other in zip(sides(whole), sides(joined), strict=True):
        np.testing.assert_allclose(other.values, side.values, rtol=1e-9)
        np.testing.assert_allclose(other.errors, side.errors, rtol=1e-6)


@every
def test_is_a_function_of_the_seed_and_the_place(name):
    estimator = built(name)
    values = [sides(run(estimator, name, first=first))[0].values for first in (0, 0, 1)]
    np.testing.assert_array_equal(values[0], values[1])
    assert np.all(values[0] != values[2])


@every
def test_result_and_settings_are_plain(name):
    estimator = built(name)
    result = run(estimator, name)
    json.dumps(result.to_dict(), allow_nan=False)
    assert json.loads(json.dumps(estimator.settings))["estimator"] == type(estimator).__name__
    again = estimator.result.from_arrays(result.to_arrays())
    assert again.to_dict() == result.to_dict()


def test_every_estimator_is_registered():
    exported = {each for each in estimators.__all__ if hasattr(getattr(estimators, each), "settings")}
    assert exported == {type(built(each)).__name__ for each in registry.ESTIMATORS}
