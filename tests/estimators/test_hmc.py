import numpy as np
import pytest
import tensorflow as tf

from vae_flows.estimators.hmc import Evaluation, refreshed, standard_normal_log_prob, transition

CHAINS, IMAGES, FEATURES = 2000, 2, 3
LOC = tf.constant([1.0, -1.0, 0.5], tf.float64)


def log_target(u):
    """A Gaussian of scale 1/2 around LOC, not normalised."""
    return -2.0 * tf.reduce_sum((u - LOC) ** 2, -1)


def tempered(b):
    """Moments of (1 - b) N(0, I) + b log_target, which is Gaussian."""
    precision = (1.0 - b) + 4.0 * b
    return 4.0 * b * LOC / precision, 1.0 / np.sqrt(precision)


def normals(seed, *shape):
    return tf.random.stateless_normal(shape, [seed, 0], dtype=tf.float64)


def move(evaluation, u, seed=0, b=0.7, step=0.3, leapfrogs=5, momentum=None, uniform=None):
    shape = tuple(u.shape)
    return transition(
        evaluation,
        evaluation.exact(evaluation.at(u)),
        normals(seed, *shape) if momentum is None else momentum,
        inverse_temperature=tf.constant(b, tf.float64),
        step_size=tf.fill(shape[1:2], tf.constant(step, tf.float64)),
        leapfrogs=leapfrogs,
        uniform=tf.random.stateless_uniform(shape[:2], [seed, 1], dtype=tf.float64) if uniform is None else uniform,
    )


@pytest.mark.parametrize("step", [0.2, 0.6])
@pytest.mark.parametrize("rough", [None, lambda u: 1.5 * log_target(u) + tf.reduce_sum(tf.sin(3.0 * u), -1)])
def test_keeps_the_tempered_density(step, rough):
    """Exact samples stay exact samples, with a wrong gradient too; without Metropolis these moments would move."""
    loc, scale = tempered(0.7)
    u = loc + scale * normals(1, CHAINS, IMAGES, FEATURES)
    evaluation, number = Evaluation(log_target, rough), CHAINS * IMAGES
    for seed in range(10):
        moved = move(evaluation, u, seed + 2, step=step)
        u = moved.point.position
    white = (u - loc) / scale
    assert np.all(np.abs(tf.reduce_mean(white, [0, 1])) < 4.0 / np.sqrt(number))
    assert np.all(np.abs(tf.reduce_mean(white**2, [0, 1]) - 1.0) < 4.0 * np.sqrt(2.0 / number))
    assert 0.05 < float(tf.reduce_mean(moved.acceptance)) < 1.0


def test_finds_the_tempered_density():
    loc, scale = tempered(0.7)
    u, evaluation = normals(0, CHAINS, IMAGES, FEATURES) + 3.0, Evaluation(log_target)
    for seed in range(40):
        u = move(evaluation, u, seed).point.position
    white = (u - loc) / scale
    assert np.all(np.abs(tf.reduce_mean(white, [0, 1])) < 4.0 / np.sqrt(CHAINS * IMAGES))
    assert np.all(np.abs(tf.reduce_mean(white**2, [0, 1]) - 1.0) < 4.0 * np.sqrt(2.0 / CHAINS / IMAGES))


def test_the_move_turned_round_leads_back():
    evaluation, u = Evaluation(log_target), normals(1, 10, IMAGES, FEATURES)
    always = tf.zeros([10, IMAGES], tf.float64)
    there = move(evaluation, u, uniform=always)
    back = move(evaluation, there.point.position, momentum=-there.momentum, uniform=always)
    np.testing.assert_allclose(back.point.position, u, atol=1e-12)


def test_energy_error_falls_with_the_square_of_the_step():
    evaluation, u = Evaluation(log_target), normals(1, 50, IMAGES, FEATURES)
    lost = [
        -np.log(move(evaluation, u, step=0.3 / count, leapfrogs=count).acceptance.numpy().min()) for count in (10, 20)
    ]
    assert lost[0] / lost[1] == pytest.approx(4.0, rel=0.1)


def test_point_carries_value_and_gradient_of_its_position():
    moved = move(Evaluation(log_target), normals(1, 50, IMAGES, FEATURES), step=0.9)
    assert 0.0 < float(tf.reduce_mean(moved.acceptance)) < 0.99
    fresh = Evaluation(log_target).at(moved.point.position)
    np.testing.assert_allclose(moved.point.log_target, fresh.log_target, rtol=1e-12)
    np.testing.assert_allclose(moved.point.gradient, fresh.gradient, rtol=1e-12)


def test_rejection_stays_and_turns_the_momentum_round():
    u, v = normals(1, 5, IMAGES, FEATURES), normals(2, 5, IMAGES, FEATURES)
    moved = move(Evaluation(log_target), u, momentum=v, uniform=tf.ones([5, IMAGES], tf.float64))
    np.testing.assert_array_equal(moved.point.position, u)
    np.testing.assert_array_equal(moved.momentum, -v)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_proposals_that_are_not_finite_are_rejected(bad):
    def broken(u):
        return tf.where(u[..., 0] > 0.2, tf.constant(bad, tf.float64), log_target(u))

    u = tf.zeros([200, IMAGES, FEATURES], tf.float64)
    moved = move(Evaluation(broken), u, leapfrogs=1, uniform=tf.zeros([200, IMAGES], tf.float64))
    stayed = tf.reduce_all(moved.point.position == 0.0, -1)
    np.testing.assert_array_equal(stayed, ~moved.finite)
    assert 0.1 < np.mean(stayed) < 0.9
    assert np.all(np.isfinite(moved.acceptance)) and np.all(moved.point.position[..., 0] <= 0.2)


def test_a_proposal_with_a_broken_gradient_is_rejected():
    """sqrt(|v|) at v = 0 has a finite value and an infinite slope: a chain could enter and never leave."""

    def cusp(u):
        return -tf.reduce_sum(tf.sqrt(tf.maximum(u, 0.0)), -1)

    u = tf.ones([1, 1, 1], tf.float64)
    always = tf.zeros([1, 1], tf.float64)
    evaluation = Evaluation(cusp)
    force = float((0.5 * evaluation.at(u).gradient - 0.5 * u)[0, 0, 0])
    momentum = tf.constant([[[-1.0 - 0.5 * force]]], tf.float64)  # one leapfrog of size 1 ends at 0 exactly
    moved = move(evaluation, u, b=0.5, step=1.0, leapfrogs=1, momentum=momentum, uniform=always)
    assert not bool(moved.finite[0, 0]) and float(moved.point.position[0, 0, 0]) == 1.0


def test_partial_refreshment_keeps_the_momentum_standard_normal():
    old, noise = normals(1, 50_000, 1, 1), normals(2, 50_000, 1, 1)
    new = refreshed(old, noise, 0.8)
    assert np.std(new) == pytest.approx(1.0, abs=0.02)
    assert np.corrcoef(np.ravel(new), np.ravel(old))[0, 1] == pytest.approx(0.8, abs=0.02)
    assert refreshed(old, noise, 0.0) is noise


def test_standard_normal_log_prob():
    expected = -0.5 * (1.0 + 4.0) - np.log(2 * np.pi)
    assert float(standard_normal_log_prob(tf.constant([1.0, 2.0]))) == pytest.approx(expected)


def test_refuses_a_target_without_gradient():
    with pytest.raises(ValueError, match="`log_target` must depend on u"):
        Evaluation(lambda u: tf.zeros(u.shape[:-1])).at(tf.zeros([1, 1, 1]))
