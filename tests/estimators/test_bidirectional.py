import json

import numpy as np
import pytest
from linear_gaussian import LinearGaussian

from vae_flows.estimators import (
    BiasedAdaptation,
    BidirectionalMonteCarlo,
    Bracket,
    HamiltonianAIS,
    linear_schedule,
    sigmoid_schedule,
)

SEED = [1, 2]
MODEL = LinearGaussian(10)


def bidirectional(start, temperatures, model=MODEL, chains=8, **options):
    hais = HamiltonianAIS(model.annealing(start), schedule=sigmoid_schedule(temperatures), chains=chains, **options)
    return BidirectionalMonteCarlo(hais)


def simulated(count, start, model=MODEL):
    x, z = model.simulate(count)
    return x, model.noise(x, z, start), model.log_prob(x)


@pytest.mark.parametrize("start", ["prior", "base", "flow"])
def test_brackets_the_truth_in_every_repetition_and_closes(start):
    """1,000 temperatures, D = 10: each of 40 repetitions within its error, and a gap below 0.05 nats."""
    x, exact, truth = simulated(40, start)
    bracket = bidirectional(start, 1000, chains=32, leapfrogs=5)(x.astype("float32"), exact, seed=SEED)
    assert np.all(bracket.lower.interval(0.9999)[0] < truth)
    assert np.all(truth < bracket.upper.interval(0.9999)[1])
    error = np.std(bracket.gaps) / np.sqrt(40)
    assert -3.0 * error < bracket.gap < 0.05 and error < 0.02


def test_backward_weights_are_unbiased_for_the_inverse():
    """E[exp(-upper)] = 1 / p(x) over images simulated from the model and their exact samples."""
    model = LinearGaussian(2)
    x, exact, truth = simulated(4000, "prior", model)
    upper = bidirectional("prior", 30, model, chains=2)(x, exact, seed=SEED).upper
    ratio = np.exp(truth - upper.values)
    assert abs(ratio.mean() - 1.0) < 3.0 * ratio.std() / np.sqrt(4000) < 0.1


def test_partial_momentum_keeps_the_bracket():
    x, exact, truth = simulated(200, "prior")
    bracket = bidirectional("prior", 300, momentum_persistence=0.7, leapfrogs=2)(x, exact, seed=SEED)
    for sign, side in ((1.0, bracket.lower), (-1.0, bracket.upper)):
        ratio = np.exp(sign * (side.values - truth))
        assert abs(ratio.mean() - 1.0) < 3.5 * ratio.std() / np.sqrt(200)
    assert 0.0 < bracket.gap < 1.0


def test_gap_closes_with_temperatures():
    x, exact, truth = simulated(400, "prior")
    first = bidirectional("prior", 20)
    brackets = [first.with_temperatures(count)(x, exact, seed=SEED) for count in (20, 80, 320)]
    assert brackets[0].gap > brackets[1].gap > brackets[2].gap > 0.0
    assert all(bracket.lower.mean < truth.mean() < bracket.upper.mean for bracket in brackets)


def test_does_not_depend_on_batches():
    x, exact, _ = simulated(6, "prior")
    whole = bidirectional("prior", 30)(x, exact, seed=SEED)
    cut = bidirectional("prior", 30, chunk=4)
    parts = [cut(x[a:b], exact[a:b], seed=SEED, first=a) for a, b in ((0, 1), (1, 6))]
    joined = Bracket.concatenate(parts)
    np.testing.assert_allclose(joined.gaps, whole.gaps, rtol=1e-9)
    np.testing.assert_allclose(joined.errors, whole.errors, rtol=1e-9)


def test_arrays_and_dictionary():
    x, exact, _ = simulated(3, "prior")
    bracket = bidirectional("prior", 12)(x, exact, seed=SEED)
    again = Bracket.from_arrays(bracket.to_arrays())
    np.testing.assert_array_equal(again.gaps, bracket.gaps)
    numbers = json.loads(json.dumps(bracket.to_dict(), allow_nan=False))
    assert numbers["gap"] == pytest.approx(numbers["upper"] - numbers["lower"])
    assert numbers["gap_standard_error"] == pytest.approx(np.std(bracket.gaps, ddof=1) / np.sqrt(3))


def test_refuses_samples_that_do_not_fit_and_a_biased_run():
    x, exact, _ = simulated(3, "prior")
    for wrong in (exact[:2], exact[:, :9], exact[None]):
        with pytest.raises(
            ValueError, match=r"`exact` must hold the noise behind each image. Expected: shape \(3, 10\)"
        ):
            bidirectional("prior", 12)(x, wrong, seed=SEED)
    biased = HamiltonianAIS(MODEL.annealing("prior"), schedule=linear_schedule(3), chains=2, tuning=BiasedAdaptation())
    with pytest.raises(ValueError, match="`hais` must be unbiased"):
        BidirectionalMonteCarlo(biased)
