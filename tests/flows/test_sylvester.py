"""Sylvester flows and reflections against explicit matrices."""

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.flows import GramSchmidtBasis, Householder, HouseholderBasis, StandardBasis, Sylvester

D = 5
BASES = {
    "orthogonal": GramSchmidtBasis(columns=3),
    "Householder": HouseholderBasis(reflections=4),
    "triangular": StandardBasis(),
    "reversed": StandardBasis(reverse=True),
}
bases = pytest.mark.parametrize("basis", BASES.values(), ids=BASES)


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), "float64")


def shaken(layer, strength=0.5):
    for k, weight in enumerate(layer.trainable_weights):
        weight.assign(weight + strength * normal(*weight.shape, seed=k + 5))
    return layer


def columns(basis, rank):
    """Q [D, M]: what the basis lifts the unit vectors to."""
    return np.stack([basis.lift(tf.constant(unit)).numpy() for unit in np.eye(rank)], -1)


@bases
def test_equals_the_explicit_matrices(basis):
    layer = shaken(Sylvester(D, basis=basis, dtype="float64"))
    bijector, x = layer(), normal(D)
    q, outer, inner = columns(bijector.basis, layer.rank), bijector.outer.numpy(), bijector.inner.numpy()
    np.testing.assert_allclose(q.T @ q, np.eye(layer.rank), atol=1e-12)
    np.testing.assert_allclose(bijector.basis.project(x), q.T @ x.numpy(), atol=1e-12)
    for matrix in (outer, inner):
        np.testing.assert_array_equal(matrix, np.triu(matrix))
        assert np.all(np.abs(np.triu(matrix, 1)[np.triu_indices(layer.rank, 1)]) > 0)
    y, log_det = bijector.forward_and_log_det(x)
    h = np.tanh(inner @ q.T @ x.numpy() + bijector.bias.numpy())
    np.testing.assert_allclose(y, x + q @ outer @ h, atol=1e-12)
    jacobian = np.eye(D) + q @ outer @ np.diag(1 - h**2) @ inner @ q.T
    sign, expected = np.linalg.slogdet(jacobian)
    assert sign == 1
    np.testing.assert_allclose(log_det, expected, atol=1e-12)


@bases
def test_inverts_at_extreme_parameters(basis):
    bijector = shaken(Sylvester(D, basis=basis, dtype="float64"), strength=4.0)()
    y = 3.0 * normal(50, D)
    x = bijector.inverse(y)
    np.testing.assert_allclose(bijector.forward(tf.identity(x)), y, atol=1e-9)


@bases
def test_starts_near_the_identity(basis):
    x = normal(20, D)
    np.testing.assert_allclose(Sylvester(D, basis=basis, dtype="float64")().forward(x), x, atol=0.2)


def test_columns_vary_smoothly_where_a_sign_changes():
    basis = GramSchmidtBasis(columns=2)
    before = normal(D * 2).numpy()
    after = before.copy()
    before[0], after[0] = -1e-9, 1e-9
    pair = [columns(basis(tf.constant(values), D), 2) for values in (before, after)]
    np.testing.assert_allclose(*pair, atol=1e-7)


def test_householder_is_orthogonal_and_reflects():
    layer = Householder(D, reflections=3, dtype="float64")
    matrix = layer().forward(tf.eye(D, dtype="float64")).numpy()  # rows are images of the unit vectors
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(D), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(-1.0)  # three reflections
    vectors = layer.parameters.values.numpy().reshape(3, D)
    product = np.eye(D)
    for v in vectors:
        product = (np.eye(D) - 2 * np.outer(v, v) / (v @ v)) @ product
    np.testing.assert_allclose(matrix.T, product, atol=1e-12)


def test_chained_vectors_are_linear_in_each_other():
    layer = Householder(D, context=2, reflections=2, chained=True, dtype="float64")
    context = normal(1, 2)
    v1 = (context @ layer.parameters.head.kernel + layer.parameters.head.bias).numpy()[0]
    v2 = v1 @ layer.links[0].kernel.numpy() + layer.links[0].bias.numpy()
    x = normal(1, D)
    expected = x.numpy()[0]
    for v in (v1, v2):
        expected = expected - 2 * v * (v @ expected) / (v @ v)
    np.testing.assert_allclose(layer(context).forward(x)[0], expected, atol=1e-12)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`columns` must be at most features=3.*columns=4.*fewer"):
        Sylvester(3, basis=GramSchmidtBasis(columns=4))
    with pytest.raises(ValueError, match="`columns` must be at least 1"):
        GramSchmidtBasis(columns=0)
    with pytest.raises(ValueError, match="`reflections` must be at least 1"):
        HouseholderBasis(reflections=0)
    with pytest.raises(ValueError, match="`reflections` must be at least 1"):
        Householder(3, reflections=0)
    with pytest.raises(ValueError, match="`chained` vectors start from a context.*context=0"):
        Householder(3, chained=True)
