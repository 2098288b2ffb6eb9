import numpy as np
import pytest
from linear_gaussian import LinearGaussian

from vae_flows.estimators import AdaptiveTemperatures, HamiltonianAIS, sigmoid_schedule

MODEL = LinearGaussian(6, variance=0.2)
SEED = [1, 2]


def adaptive(temperatures=20, tolerance=0.3, limit=160, chains=8):
    hais = HamiltonianAIS(MODEL.annealing("prior"), schedule=sigmoid_schedule(temperatures), chains=chains)
    return AdaptiveTemperatures(hais, tolerance=tolerance, limit=limit)


def test_each_image_stops_when_its_error_is_small_enough():
    x = MODEL.simulate(30)[0]
    estimate = adaptive()(x, seed=SEED)
    assert set(estimate.temperatures) <= {20, 40, 80, 160} and len(set(estimate.temperatures)) > 1
    assert np.all((estimate.errors <= 0.3) | (estimate.temperatures == 160))
    assert np.mean(np.abs(estimate.values - MODEL.log_prob(x))) < 0.6


def test_stops_at_the_limit():
    estimate = adaptive(tolerance=1e-9, limit=50)(MODEL.simulate(2)[0], seed=SEED)
    assert estimate.temperatures.tolist() == [40, 40]


def test_does_not_depend_on_batches():
    x, estimator = MODEL.simulate(8)[0], adaptive()
    whole = estimator(x, seed=SEED)
    parts = [estimator(x[a:b], seed=SEED, first=a) for a, b in ((0, 3), (3, 8))]
    for name in ("values", "temperatures", "acceptance"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 0.0}, "`tolerance` must be positive"),
        ({"chains": 1}, "`hais` must have at least 2 chains"),
        ({"limit": 19}, "`limit` must be at least 20"),
        ({"temperatures": 10}, "`hais` must begin with more than 10 temperatures"),
    ],
)
def test_refuses_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        adaptive(**options)
