import numpy as np
import pytest
import scipy.stats

from vae_flows.estimators import pareto_k
from vae_flows.estimators.pareto import tail_length


def largest(log_weights):
    count = log_weights.shape[-1]
    return np.sort(log_weights, -1)[..., -tail_length(count) - 1 :]


@pytest.mark.parametrize("k", [0.2, 0.5, 0.9])
def test_finds_the_shape_of_pareto_tails(k):
    weights = scipy.stats.genpareto(k).rvs(size=(20, 20_000), random_state=0)
    found = pareto_k(largest(np.log(weights)))
    assert found.shape == (20,)
    assert np.mean(found) == pytest.approx(k, abs=0.06)


ARVIZ = {
    "normal": [0.10924108565511441, 0.2429092999964381, 0.17181818487365977],
    "wide": [1.8171227450361218, 1.8422515545118838, 1.388847871431157],
    "narrow": [-0.010770405314313461, 0.027377859681408215, -0.02490061383061782],
}


@pytest.mark.parametrize("law", ARVIZ)
def test_agrees_with_arviz(law):
    """Values of k that `arviz.psislw` 0.23.4 gives for the same log-weights."""
    random = np.random.default_rng(7)
    draws = {"normal": random.normal(size=(3, 1000)), "wide": 5.0 * random.normal(size=(3, 1000))}
    draws["narrow"] = 1e-3 * random.normal(size=(3, 400)) - 1000.0
    np.testing.assert_allclose(pareto_k(largest(draws[law])), ARVIZ[law], rtol=1e-6)


def test_does_not_depend_on_scale_or_order():
    log_weights = 2.0 * np.random.default_rng(1).normal(size=(1, 2000))
    tail = largest(log_weights)
    np.testing.assert_allclose(pareto_k(tail[:, ::-1] + 500.0), pareto_k(tail), rtol=1e-8)


def test_equal_weights_are_no_worry_and_few_tell_nothing():
    assert pareto_k(np.zeros([1, 100])).tolist() == [0.0]
    assert np.isnan(pareto_k(np.arange(4.0)[None])).all()
    assert np.isnan(pareto_k(np.full([1, 100], -np.inf))).all()


def test_a_weight_that_outweighs_all_others_is_an_alarm():
    assert pareto_k(np.array([[0.0] * 50 + [2000.0]])).tolist() == [np.inf]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert pareto_k(np.array([[*np.linspace(0.0, 40.0, 50), 740.0]])).tolist() == [np.inf]
