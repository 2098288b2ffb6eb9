"""Planar and radial maps against their formulas, and their invertibility where the parameters are extreme."""

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.flows import Chain, Planar, Radial
from vae_flows.flows.monotone import increasing_root
from vae_flows.flows.planar import _PlanarBijector
from vae_flows.flows.radial import _RadialBijector


def normal(*shape, seed=0, dtype="float64"):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), dtype)


def planar_parameters(scale, layers=3, features=4):
    return [scale * normal(layers, features, seed=1), normal(layers, features, seed=2), scale * normal(layers, seed=3)]


def test_planar_equals_its_formula():
    u, w, b = planar_parameters(1.0, layers=1)
    x = normal(5, 4)
    y, log_det = _PlanarBijector(u, w, b, dtype="float64").forward_and_log_det(x)
    u, w, b = u[0].numpy(), w[0].numpy(), b[0].numpy()
    constrained = u + (np.log1p(np.exp(w @ u)) - 1 - w @ u) * w / (w @ w)
    h = np.tanh(x.numpy() @ w + b)
    np.testing.assert_allclose(y, x + constrained * h[:, None], atol=1e-12)
    np.testing.assert_allclose(log_det, np.log(1 + (1 - h**2) * (constrained @ w)), atol=1e-12)


def test_radial_equals_its_formula():
    centre, a, b, x = normal(1, 4, seed=1), normal(1, seed=2), normal(1, seed=3), normal(5, 4)
    y, log_det = _RadialBijector(centre, tf.exp(a), tf.nn.softplus(b), dtype="float64").forward_and_log_det(x)
    away = x.numpy() - centre.numpy()
    r, alpha = np.linalg.norm(away, axis=-1), np.exp(a.numpy())
    beta, h = -alpha + np.log1p(np.exp(b.numpy())), 1 / (alpha + r)
    np.testing.assert_allclose(y, x + (beta * h)[:, None] * away, atol=1e-12)
    np.testing.assert_allclose(log_det, 3 * np.log(1 + beta * h) + np.log(1 + beta * h - beta * r * h**2), atol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_planar_inverts_at_extreme_parameters(scale):
    bijector = _PlanarBijector(*planar_parameters(scale), dtype="float64")
    x = 3.0 * normal(200, 4)
    y, log_det = bijector.forward_and_log_det(x)
    assert np.all(np.isfinite(log_det))
    assert np.all(bijector.slopes > 0)
    # An error of rounding in y is one of rounding / slope in x; the solver adds nothing to it.
    np.testing.assert_allclose(bijector.forward(tf.identity(bijector.inverse(tf.identity(y)))), y, rtol=1e-9, atol=1e-9)
    if scale <= 1:
        np.testing.assert_allclose(bijector.inverse(tf.identity(y)), x, atol=1e-6)


@pytest.mark.parametrize("product", [-60.0, -3.0, 200.0])
def test_planar_bump_keeps_the_order_along_its_direction(product):
    """1 + w.u^ > 0 whatever u: points on the line of w stay in order, and the slope of the constraint is softplus."""
    w = tf.constant([[0.6, 0.8]], "float64")
    bijector = _PlanarBijector(product * w, w, tf.zeros([1], "float64"), dtype="float64")
    steps = np.linspace(-4.0, 4.0, 401)
    along = bijector.forward(tf.constant(steps[:, None] * w.numpy())).numpy() @ w[0].numpy()
    assert np.all(np.diff(along) > 0)
    np.testing.assert_allclose(bijector.slopes, [np.logaddexp(0.0, product)], rtol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_radial_inverts_at_extreme_parameters(scale):
    a, b = scale * normal(3, seed=2), scale * normal(3, seed=3)
    bijector = _RadialBijector(normal(3, 4, seed=1), tf.exp(a), tf.nn.softplus(b), dtype="float64")
    x = 3.0 * normal(200, 4)
    y, log_det = bijector.forward_and_log_det(x)
    assert np.all(np.isfinite(log_det))
    np.testing.assert_allclose(bijector.forward(tf.identity(bijector.inverse(tf.identity(y)))), y, rtol=1e-8, atol=1e-8)


def test_radial_is_smooth_at_its_centre():
    centre = normal(1, 3, dtype="float32")
    with tf.GradientTape() as tape:
        tape.watch(centre)
        bijector = _RadialBijector(centre, tf.ones([1]), 2.0 * tf.ones([1]), dtype="float32")
        y, log_det = bijector.forward_and_log_det(tf.identity(centre))
        loss = tf.reduce_sum(y) + tf.reduce_sum(log_det)
    assert np.all(np.isfinite(tape.gradient(loss, centre)))
    np.testing.assert_allclose(bijector.inverse(tf.identity(y)), centre, atol=1e-6)


@pytest.mark.parametrize("kind", [Planar, Radial])
def test_layers_are_a_chain_and_start_as_the_identity(kind):
    together = kind(4, layers=3)
    x = normal(5, 4, dtype="float32")
    np.testing.assert_allclose(together().forward(x), x, atol=1e-5)
    together.parameters.values.assign(together.parameters.values + 0.5 * normal(*together.parameters.values.shape))
    whole = together.parameters.values.numpy()
    sizes = {Planar: (12, 12, 3), Radial: (12, 3, 3)}[kind]
    parts = [part.reshape(3, -1) for part in np.split(whole, np.cumsum(sizes)[:-1])]
    single = [kind(4) for _ in range(3)]
    for k, layer in enumerate(single):
        layer.parameters.values.assign(np.concatenate([part[k] for part in parts]))
    y, log_det = together().forward_and_log_det(x)
    expected, expected_log_det = Chain(single)().forward_and_log_det(x)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    np.testing.assert_allclose(log_det, expected_log_det, atol=1e-5)
    assert np.abs(y - x).max() > 0.1


@pytest.mark.parametrize("kind", [Planar, Radial])
def test_no_layers_are_refused(kind):
    with pytest.raises(ValueError, match="`layers` must be at least 1.*layers=0"):
        kind(4, layers=0)


def test_root_says_when_it_does_not_converge():
    def flat_then_steep(a):
        return a**9 - 0.5, 9.0 * a**8

    lower, upper = tf.constant([-1e3, -1e3]), tf.constant([1e3, np.nan])
    root = increasing_root(flat_then_steep, lower, upper).numpy()
    assert root[0] == pytest.approx(0.5 ** (1 / 9), abs=1e-5)
    assert np.isnan(root[1])
    assert np.isnan(increasing_root(flat_then_steep, lower[:1], upper[:1], iterations=5).numpy()).all()
    planar = Planar(3)
    inverse = planar().inverse(tf.constant([[0.0, np.inf, 0.0], [1.0, 1.0, 1.0]]))
    assert np.isnan(inverse[0]).any()
    assert np.isfinite(inverse[1]).all()


def test_derivative_of_a_root_is_that_of_the_implicit_function():
    target = tf.constant([0.3, 5.0], "float64")
    with tf.GradientTape() as tape:
        tape.watch(target)
        root = increasing_root(lambda a: (a**3 + a - target, 3 * a**2 + 1), -target - 1.0, target + 1.0)
    np.testing.assert_allclose(tape.gradient(root, target), 1 / (3 * root**2 + 1), rtol=1e-9)
