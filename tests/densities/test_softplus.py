import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from vae_flows.densities.softplus import sum_of_softplus

LOGITS = np.random.default_rng(0).normal(0.0, 6.0, (3, 5, 784))


@pytest.mark.parametrize("pixels", [1, 7, 24, 784])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_it_is_the_sum_and_its_gradient_the_sigmoid(pixels, dtype):
    logits = tf.constant(LOGITS[..., :pixels], dtype)
    with tf.GradientTape() as outer:
        outer.watch(logits)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            total = sum_of_softplus(logits)
        gradient = tape.gradient(total, logits)
    second = outer.gradient(gradient, logits)
    tolerance = 1e-6 if dtype == tf.float32 else 1e-12
    exact = logits.numpy().astype(np.float64)
    mean = scipy.special.expit(exact)
    np.testing.assert_allclose(total, np.logaddexp(0.0, exact).sum(-1), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, mean, rtol=2 * tolerance, atol=tolerance)
    np.testing.assert_allclose(second, mean * (1.0 - mean), rtol=1e-3, atol=tolerance)


def test_forward_derivatives_agree():
    logits, tangent = tf.constant(LOGITS[0], tf.float64), tf.constant(LOGITS[1], tf.float64)
    with tf.autodiff.ForwardAccumulator(logits, tangent) as accumulator:
        total = sum_of_softplus(logits)
    expected = np.sum(scipy.special.expit(LOGITS[0]) * LOGITS[1], -1)
    np.testing.assert_allclose(accumulator.jvp(total), expected, rtol=1e-10)


def test_far_logits_neither_overflow_nor_vanish():
    total = sum_of_softplus(tf.constant([[1e4] * 16, [-1e4] * 16, [-80.0] * 15 + [0.0]]))
    np.testing.assert_allclose(total, [16e4, 0.0, np.log(2.0)], rtol=1e-6)
