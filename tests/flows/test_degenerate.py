"""Parameters where a formula divides by nothing or overflows: the log-determinant is right, or not a number."""

import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows import densities
from vae_flows.blocks import initialise_from_data
from vae_flows.flows import Flow, GramSchmidtBasis, Householder, Planar, Radial, Sylvester, premade


def normal(*shape, seed=0, dtype="float32"):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), dtype)


def slogdet(function, x):
    """log|det dy/dx| of each event by autodiff."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        results = tf.unstack(function(x), axis=-1)
    return np.linalg.slogdet(np.stack([tape.gradient(result, x) for result in results], 1).astype("float64"))[1]


@pytest.mark.parametrize("length", [1e-3, 1e-5, 1e-7, 1e-12, 1e-19, 1e-25, 0.0])
def test_planar_with_a_w_that_vanishes(length):
    layer = Planar(4, layers=2)
    u, b = normal(8, seed=1), normal(2, seed=3)
    w = length * tf.reshape(tf.math.l2_normalize(normal(2, 4, seed=2), -1), [-1])
    layer.parameters.values.assign(tf.concat([u, w, b], 0))
    x = normal(5, 4)
    y, log_det = layer().forward_and_log_det(x)
    np.testing.assert_allclose(log_det, slogdet(layer().forward, x), atol=1e-5)
    back, inverse_log_det = layer().inverse_and_log_det(tf.identity(y))
    np.testing.assert_allclose(back, x, atol=1e-4)  # u^ is at most 300 |u|: x survives its addition
    np.testing.assert_allclose(inverse_log_det, -log_det, atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer().forward_and_log_det(x)[1])
    assert np.isfinite(tape.gradient(loss, layer.parameters.values)).all()


@pytest.mark.parametrize("length", [1e25, 1e-3, 1e-6, 1e-7, 1e-12, 1e-25, 0.0])
def test_reflections_along_vectors_of_any_length(length):
    layer, x = Householder(4), normal(5, 4)
    v = tf.math.l2_normalize(normal(4, seed=1), -1)
    layer.parameters.values.assign(length * v)
    y, log_det = layer().forward_and_log_det(x)
    np.testing.assert_allclose(slogdet(layer().forward, x), log_det, atol=1e-6)
    expected = x - 2.0 * tf.tensordot(x, v, 1)[:, None] * v if length else x
    np.testing.assert_allclose(y, expected, atol=1e-6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer().forward(x) ** 2)
    assert np.isfinite(tape.gradient(loss, layer.parameters.values)).all()


@pytest.mark.parametrize("kind", ["a column of zeros", "equal columns", "all zeros"])
def test_gram_schmidt_without_full_rank(kind):
    layer, x = Sylvester(5, basis=GramSchmidtBasis(columns=3)), normal(6, 5)
    matrix = normal(5, 3).numpy()
    matrix[:, 1] = matrix[:, 0] if kind == "equal columns" else 0.0
    matrix *= kind != "all zeros"
    rest = normal(layer.parameters.values.shape[0] - 15, seed=1)
    layer.parameters.values.assign(tf.concat([matrix.ravel(), rest], 0))
    y, log_det = layer().forward_and_log_det(x)
    np.testing.assert_allclose(log_det, slogdet(layer().forward, x), atol=1e-5)
    np.testing.assert_allclose(layer().inverse(tf.identity(y)), x, atol=1e-4)


@pytest.mark.parametrize("a", [-100.0, -20.0, 20.0, 30.0, 50.0, 100.0])
@pytest.mark.parametrize("b", [-100.0, 0.5, 20.0])
def test_radial_with_a_centre_that_swallows_all_or_nothing(a, b):
    """Against the formula in NumPy's longest floats, at the centre too; the inverse at a given y, not a rounded one."""
    layer = Radial(4)
    centre = normal(4, seed=1)
    layer.parameters.values.assign(tf.concat([centre, [a, b]], 0))
    x = tf.concat([normal(5, 4), centre[None]], 0)
    alpha, gamma = np.exp(np.longdouble(np.clip(a, -30, 30))), np.log1p(np.exp(np.longdouble(max(b, -30))))

    def expected(r):
        slope = (r * r + 2 * alpha * r + alpha * gamma) / (alpha + r) ** 2
        return (3 * np.log((gamma + r) / (alpha + r)) + np.log(slope)).astype("float64")

    away = np.linalg.norm(x.numpy().astype(np.longdouble) - centre.numpy(), axis=-1)
    np.testing.assert_allclose(layer().forward_and_log_det(x)[1], expected(away), rtol=1e-5, atol=1e-5)
    p, q = (gamma - away) / 2, alpha * away
    before = np.sqrt(p * p + q) - p
    before = np.where(p > 0, q / (np.sqrt(p * p + q) + p), before)
    np.testing.assert_allclose(layer().inverse_and_log_det(x)[1], -expected(before), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["Planar x3", "Radial x3", "Sylvester orthogonal", "Sylvester Householder"])
@pytest.mark.parametrize("strength", [30.0, 1e3])
def test_density_at_a_given_point_is_that_of_double_precision(name, strength):
    """The inverse states the log-determinant at its own roots: a second pass forward would amplify their rounding."""
    layers = [registry.FLOWS[name].build(3, context=0, dtype=dtype) for dtype in ("float32", "float64")]
    values = strength * normal(*layers[0].weights[0].shape, seed=2)
    for layer in layers:
        layer.weights[0].assign(values)
    y = normal(200, 3)
    single, double = (layer().inverse_and_log_det(tf.cast(y, layer.dtype))[1].numpy() for layer in layers)
    assert np.isfinite(double).all()
    right = np.abs(single - double) < 1e-3 * (1.0 + np.abs(double))
    assert np.all(right | np.isnan(single))
    assert right.mean() > 0.95


@pytest.mark.parametrize("name", registry.FLOWS)
def test_flows_follow_the_policy(precision, name):
    case = registry.FLOWS[name]
    size, context = case.features or 3, 4 if "amortised" in case.properties else 0
    flow = Flow(case.build(size, context=context, dtype=None), densities.StandardNormal(size))
    law = flow(normal(2, 4, dtype=precision)) if context else flow()
    values = *densities.push(law, normal(2, size, dtype=precision)), law.log_prob(law.sample(2, seed=[0, 1]))
    assert {value.dtype.name for value in values} == {precision}
    if "data-initialised" in case.properties:
        assert initialise_from_data(flow, lambda: flow().log_prob(normal(9, size, dtype=precision))) == 1


@pytest.mark.parametrize("name", premade.__all__)
def test_premade_flows_follow_the_policy(precision, name):
    q = getattr(premade, name)(4, context=5, layers=2)(normal(2, 5, dtype=precision))
    assert {value.dtype.name for value in densities.push(q, normal(2, 4, dtype=precision))} == {precision}


def test_laws_follow_the_policy(precision):
    values = []
    for case in registry.DENSITIES.values():
        law = case.build(3, context=0 if "static" in case.properties else 4, dtype=None)
        q = law(normal(2, 4, dtype=precision)) if law.context else law()
        values += [*densities.push(q, normal(2, 3, dtype=precision)), q.log_prob(q.sample(seed=[0, 1]))]
    for case in registry.PIXEL_LAWS.values():
        law = case.build(dtype=None)
        p = law(normal(2, *registry.PIXELS[:2], law.context, dtype=precision))
        values += [p.log_prob(p.sample(seed=[0, 1])), law.display(p)]
        assert tf.function(p.log_prob)(p.sample(seed=[0, 1])).dtype == precision  # where a bare 0.0 is float32
    for case in registry.PIXEL_TRANSFORMS.values():
        x = tf.fill([2, *registry.PIXELS], tf.constant(0.3, precision))
        values += [case.build()().forward(x), case.build()().forward_log_det_jacobian(x, event_ndims=3)]
    assert {value.dtype.name for value in values} == {precision}
