"""HAIS on targets that are not Gaussian, against quadrature; targets that are refused."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp
from linear_gaussian import LinearGaussian

from vae_flows.estimators import BiasedAdaptation, HamiltonianAIS, linear_schedule, sigmoid_schedule
from vae_flows.estimators.hmc import standard_normal_log_prob

tfd = tfp.distributions
SEED = [1, 2]
MODEL = LinearGaussian(3)


def log_joint(x, z):
    """p(z) = N(0, I) in two dimensions, p(x | z) = N(x; sin(2 z0) + z1^2, 0.3^2): a bent and split posterior."""
    mean = tf.sin(2.0 * z[..., 0]) + z[..., 1] ** 2
    return standard_normal_log_prob(z) + tfd.Normal(mean, tf.constant(0.3, z.dtype)).log_prob(x[:, 0])


def quadrature(x):
    """log p(x) [N] on a grid that is fine and wide enough for 1e-6."""
    line = np.linspace(-7.0, 7.0, 1401)
    grid = tf.constant(np.stack(np.meshgrid(line, line), -1).reshape(-1, 1, 2))
    values = tf.reduce_logsumexp(log_joint(tf.constant(x), tf.repeat(grid, len(x), 1)), 0)
    return values.numpy() + 2.0 * np.log(line[1] - line[0])


def prior(u):
    return u, 0.0


def flow(u):
    """A posterior flow: an affine map, then a shear that depends on the first coordinate in a nonlinear way."""
    first, second = 1.3 * u[..., 0] + 0.2, 1.4 * u[..., 1]
    scale = 0.3 * tf.tanh(first)
    return tf.stack([first, second * tf.exp(scale) + 0.5 * tf.sin(first)], -1), np.log(1.3 * 1.4) + scale


def through(change):
    class Annealing:
        features = 2

        def __init__(self, x):
            self.x = x

        def log_target(self, u):
            z, log_det = change(u)
            return log_joint(self.x, z) + log_det

    return Annealing


@pytest.mark.parametrize("change", [prior, flow])
def test_agrees_with_quadrature_in_two_dimensions(change):
    x = np.array([[-1.0], [0.5], [3.0]])
    truth = quadrature(x)
    estimator = HamiltonianAIS(through(change), schedule=sigmoid_schedule(50), chains=4)
    values = estimator(np.repeat(x, 500, 0), seed=SEED).values.reshape(3, 500)
    ratio = np.exp(values - truth[:, None])
    assert np.all(np.abs(ratio.mean(1) - 1.0) < 3.0 * ratio.std(1) / np.sqrt(500))
    assert np.all(ratio.std(1) < 1.0)


def test_a_chain_that_meets_nan_rejects_the_move_and_counts_it():
    """A standard normal around 2.5 that is NaN beyond 3.2: its integral is that of the part below, Phi(0.7)."""

    class Broken:
        features = 1

        def __init__(self, x):
            self.x = x

        def log_target(self, u):
            value = standard_normal_log_prob(u - self.x)
            return tf.where(u[..., 0] > 3.2, tf.constant(np.nan, u.dtype), value)

    x = np.full([4, 1], 2.5)
    estimate = HamiltonianAIS(Broken, schedule=sigmoid_schedule(100), chains=100)(x, seed=SEED)
    assert np.all(estimate.non_finite > 100)
    assert np.all(np.isfinite(estimate.acceptance))
    assert np.all(np.abs(estimate.values - scipy.stats.norm.logcdf(0.7)) < 3.5 * estimate.errors)
    assert np.all(estimate.errors < 0.1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_a_target_that_is_not_finite_where_chains_begin(bad):
    class Broken(MODEL.annealing("prior")):
        def log_target(self, u):
            return super().log_target(u) + tf.constant([0.0, bad], u.dtype)

    with pytest.raises(ValueError, match=r"`log_target` must be finite.*for 1 of 2 images, first \[8\]"):
        HamiltonianAIS(Broken, schedule=linear_schedule(3), chains=2)(MODEL.simulate(2)[0], seed=SEED, first=7)


def test_refuses_a_target_of_the_wrong_shape():
    class Unsummed(MODEL.annealing("prior")):
        def log_target(self, u):
            return -(u**2)

    with pytest.raises(ValueError, match="`log_target` must give one number for each chain and image"):
        HamiltonianAIS(Unsummed, schedule=linear_schedule(3), chains=2)(MODEL.simulate(5)[0], seed=SEED)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"chains": 0}, ValueError, "`chains` must be at least 1. Received: chains=0"),
        ({"leapfrogs": 0}, ValueError, "`leapfrogs` must be at least 1. Received: leapfrogs=0"),
        ({"chunk": -1}, ValueError, "`chunk` must be at least 1"),
        ({"schedule": [0.0, 0.9]}, ValueError, "`schedule` must rise strictly from 0 to 1"),
        ({"schedule": [1.0, 0.0]}, ValueError, "`schedule` must rise strictly from 0 to 1"),
        ({"momentum_persistence": 1.0}, ValueError, r"`momentum_persistence` must be in \[0, 1\)"),
        ({"step_size": 0.0}, ValueError, "`step_size` must be positive"),
        ({"tuning": "pilot"}, TypeError, "`tuning` must be PilotTuning, BiasedAdaptation or None. Received: str"),
        ({"tuning": BiasedAdaptation}, TypeError, "`tuning` must be"),
    ],
)
def test_refuses_bad_settings(options, error, message):
    with pytest.raises(error, match=message):
        HamiltonianAIS(MODEL.annealing("prior"), **({"schedule": linear_schedule(3), "chains": 2} | options))


def test_refuses_step_sizes_for_other_images():
    estimator = HamiltonianAIS(MODEL.annealing("prior"), schedule=linear_schedule(3), chains=2, step_size=[0.1, 0.2])
    with pytest.raises(ValueError, match="`step_size` must be one number or one for each image"):
        estimator(MODEL.simulate(3)[0], seed=SEED)
