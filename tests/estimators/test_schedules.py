import numpy as np
import pytest

from vae_flows.estimators import linear_schedule, sigmoid_schedule
from vae_flows.estimators.schedules import checked_schedule, refined


@pytest.mark.parametrize("schedule", [linear_schedule, sigmoid_schedule])
@pytest.mark.parametrize("temperatures", [1, 2, 7, 1000])
def test_schedules_rise_from_0_to_1(schedule, temperatures):
    betas = schedule(temperatures)
    assert betas.shape == (temperatures + 1,)
    assert betas[0] == 0.0 and betas[-1] == 1.0 and np.all(np.diff(betas) > 0.0)


def test_sigmoid_is_the_sigmoid():
    betas, s = sigmoid_schedule(8, radius=4.0), lambda v: 1.0 / (1.0 + np.exp(-v))
    np.testing.assert_allclose(betas[6], (s(2.0) - s(-4.0)) / (s(4.0) - s(-4.0)))
    np.testing.assert_allclose(betas, 1.0 - betas[::-1], atol=1e-15)


def test_refined_keeps_the_curve():
    betas = sigmoid_schedule(50)
    np.testing.assert_allclose(refined(betas, 100)[::2], betas)
    np.testing.assert_allclose(refined(betas, 10), sigmoid_schedule(10), atol=1e-12)


@pytest.mark.parametrize(
    "schedule",
    [
        [],
        [0.0],
        [1.0, 0.0],
        [0.0, 0.5],
        [0.1, 1.0],
        [0.0, 0.6, 0.5, 1.0],
        [0.0, 0.5, 0.5, 1.0],
        [0.0, np.nan, 1.0],
        [[0.0, 1.0]],
    ],
)
def test_refuses_what_does_not_run_from_0_to_1(schedule):
    with pytest.raises(ValueError, match="`schedule` must rise strictly from 0 to 1"):
        checked_schedule(schedule)


@pytest.mark.parametrize("schedule", [linear_schedule, sigmoid_schedule])
def test_refuses_no_temperatures(schedule):
    with pytest.raises(ValueError, match="`temperatures` must be at least 1. Received: temperatures=0"):
        schedule(0)
