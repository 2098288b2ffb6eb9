"""Couplings, splines and their like against TFP, on shared parameters."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.flows import (
    Affine,
    Autoregressive,
    Coupling,
    DiagonalScaling,
    InvertibleLinear,
    Permutation,
    RationalQuadratic,
    Shift,
)

tfb = tfp.bijectors
D, C = 4, 3


def normal(*shape, seed=0, dtype="float32"):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), dtype)


def shaken(layer, strength=0.5):
    for k, weight in enumerate(layer.trainable_weights):
        weight.assign(weight + strength * normal(*weight.shape, seed=k + 5, dtype=weight.dtype))
    return layer


def agree(ours, theirs, x):
    np.testing.assert_allclose(ours.forward(x), theirs.forward(x), atol=1e-5)
    np.testing.assert_allclose(
        ours.forward_log_det_jacobian(x, 1), theirs.forward_log_det_jacobian(tf.identity(x), 1), atol=1e-5
    )
    y = ours.forward(x)
    np.testing.assert_allclose(ours.inverse(tf.identity(y)), theirs.inverse(tf.identity(y)), atol=1e-5)
    np.testing.assert_allclose(
        ours.inverse_log_det_jacobian(y, 1), theirs.inverse_log_det_jacobian(tf.identity(y), 1), atol=1e-5
    )


@pytest.mark.parametrize("kind", [Affine, Shift])
def test_equals_tfp_real_nvp(kind):
    layer, context = shaken(Coupling(D, element=kind(), hidden=(8, 8), context=C)), normal(5, C, seed=1)

    def shift_and_log_scale(kept, outputs, **_):
        parameters = layer.conditioner(kept, context)
        if kind is Shift:
            return parameters[..., 0], None
        return parameters[..., 0], 2.0 * tf.tanh(parameters[..., 1] / 2.0)

    theirs = tfb.RealNVP(num_masked=D // 2, shift_and_log_scale_fn=shift_and_log_scale)
    agree(layer(context), theirs, normal(5, D))


def tfp_spline(spline, parameters):
    widths, heights, slopes = spline.shape(parameters)
    return tfb.RationalQuadraticSpline(widths, heights, slopes[..., 1:-1], range_min=-spline.bound)


def test_spline_equals_that_of_tfp():
    spline = RationalQuadratic(bins=6, bound=3.0)
    parameters = 2.0 * normal(50, D, 17, dtype="float64", seed=1)
    theirs = tfp_spline(spline, parameters)
    x = 2.5 * normal(50, D, dtype="float64")  # some beyond the bound
    assert np.any(np.abs(x) > 3) and np.any(np.abs(x) < 3)
    y, log_derivative = spline.forward(x, parameters)
    np.testing.assert_allclose(y, theirs.forward(x), atol=1e-10)
    np.testing.assert_allclose(log_derivative, theirs.forward_log_det_jacobian(tf.identity(x), 0), atol=1e-9)
    np.testing.assert_allclose(spline.inverse(x, parameters), theirs.inverse(tf.identity(x)), atol=1e-10)
    np.testing.assert_allclose(spline.inverse(y, parameters), x, atol=1e-9)


def test_spline_coupling_equals_that_of_tfp():
    layer = shaken(Coupling(D, element=RationalQuadratic(bins=5), hidden=(8,), dtype="float64"))
    theirs = tfb.RealNVP(
        num_masked=D // 2, bijector_fn=lambda kept, _, **__: tfp_spline(layer.element, layer.conditioner(kept))
    )
    agree(layer(), theirs, 2.0 * normal(5, D, dtype="float64"))


def test_autoregressive_spline_applies_the_spline_to_each_feature():
    layer = shaken(Autoregressive(D, element=RationalQuadratic(bins=5), hidden=(8,), dtype="float64"))
    x = 2.0 * normal(5, D, dtype="float64")
    theirs = tfp_spline(layer.element, layer.made(x))
    np.testing.assert_allclose(layer().forward(x), theirs.forward(x), atol=1e-9)
    log_det = tf.reduce_sum(theirs.forward_log_det_jacobian(tf.identity(x), 0), -1)
    np.testing.assert_allclose(layer().forward_log_det_jacobian(x, 1), log_det, atol=1e-9)


def test_spline_meets_its_tails_and_starts_as_the_identity():
    spline = RationalQuadratic(bins=4, bound=2.0)
    x = tf.constant(np.linspace(-3, 3, 601)[:, None])
    start, log_derivative = spline.forward(x, tf.zeros([1, 11], "float64"))
    np.testing.assert_allclose(start, x, atol=1e-12)
    np.testing.assert_allclose(log_derivative, 0.0, atol=1e-12)
    y, log_derivative = spline.forward(x, 3.0 * normal(1, 11, dtype="float64"))
    assert np.all(np.diff(y[:, 0]) > 0)
    np.testing.assert_array_equal(y[np.abs(x[:, 0]) > 2], x[np.abs(x[:, 0]) > 2])
    edges = tf.constant([[-2.0], [2.0]], "float64") * (1 - 1e-9)
    np.testing.assert_allclose(spline.forward(edges, normal(1, 11, dtype="float64"))[1], 0.0, atol=1e-6)


def test_invertible_linear_equals_tfp_with_the_same_matrices():
    layer = shaken(InvertibleLinear(D), strength=0.3)
    bijector = layer()
    matrix = bijector.lower.numpy() @ bijector.upper.numpy()
    theirs = tfb.Chain(
        [tfb.Shift(bijector.shift), tfb.ScaleMatvecLinearOperator(tf.linalg.LinearOperatorFullMatrix(matrix))]
    )
    agree(bijector, theirs, normal(5, D))
    np.testing.assert_allclose(bijector.forward_log_det_jacobian(normal(D), 1), np.linalg.slogdet(matrix)[1], atol=1e-5)


def test_permutation_equals_that_of_tfp():
    order = (2, 0, 3, 1)
    x = normal(5, D)
    np.testing.assert_array_equal(Permutation(D, order=order)().forward(x), tfb.Permute(order).forward(x))
    assert Permutation.shuffled(50, seed=1).order == Permutation.shuffled(50, seed=1).order
    assert Permutation.shuffled(50, seed=1).order != Permutation.shuffled(50, seed=2).order


def test_scaling_is_diagonal():
    layer = shaken(DiagonalScaling(D))
    np.testing.assert_allclose(layer().forward(tf.ones([D])), tf.exp(layer.parameters.values), rtol=1e-6)


def test_residual_blocks_of_a_made_matter_and_keep_the_order():
    layer = shaken(Autoregressive(D, element=Affine(), hidden=(12,), residual_blocks=2, dtype="float64"))
    x = normal(1, D, dtype="float64")
    before = layer.made(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        parameters = layer.made(x)
    seen = np.abs(tape.batch_jacobian(parameters, x))[0] > 0  # [D, 2, D]
    np.testing.assert_array_equal(seen, np.broadcast_to(np.tril(np.ones((D, D)), -1)[:, None] > 0, seen.shape))
    for block in layer.made.blocks:
        block.second.kernel.assign(0.0 * block.second.kernel)
    assert np.abs(layer.made(x) - before).max() > 1e-3


def test_bad_arguments_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match="`features` must be even.*features=7.*Use `Autoregressive`"):
        Coupling(7, element=Shift(), hidden=(8,))
    with pytest.raises(ValueError, match="`hidden` must hold the width of at least one layer"):
        Coupling(4, element=Shift(), hidden=())
    with pytest.raises(ValueError, match="`hidden` must be at least 4.*hidden=\\(3,\\).*Widen"):
        Autoregressive(5, element=Shift(), hidden=(3,))
    with pytest.raises(ValueError, match="`residual_blocks` follow a hidden layer.*hidden=\\(\\)"):
        Autoregressive(5, element=Shift(), hidden=(), residual_blocks=1)
    for layer in (Coupling, Autoregressive):
        with pytest.raises(TypeError, match="`element` must be an `Element`, such as Affine.*the class Affine"):
            layer(4, element=Affine, hidden=(8,))
    with pytest.raises(ValueError, match="`order` must hold each of 0 .. 2 once.*order=\\(0, 1, 1\\)"):
        Permutation(3, order=(0, 1, 1))
