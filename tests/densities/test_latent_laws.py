"""Gaussian laws and the noise map, against scipy and TFP."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities import DiagonalNormal, pull, push

tfd = tfp.distributions


def test_diagonal_normal_is_that_of_scipy():
    layer = DiagonalNormal(3, context=2, log_scale_offset=-3.0)
    context = tf.constant([[0.5, -1.0], [2.0, 0.1]])
    law = layer(context)
    kernel, bias = layer.head.get_weights()
    loc, log_scale = np.split(context.numpy() @ kernel + bias, 2, -1)
    z = tf.random.stateless_normal([4, 2, 3], [0, 1])
    expected = scipy.stats.norm(loc, np.exp(log_scale - 3.0)).logpdf(z).sum(-1)
    np.testing.assert_allclose(law.log_prob(z), expected, rtol=1e-5)


def test_a_small_gain_starts_near_one_law_for_all_contexts():
    layer = DiagonalNormal(8, context=450, log_scale_offset=-1.0, gain=0.1)
    law = layer(tf.random.stateless_normal([64, 450], [0, 1]))
    assert 0.1 * np.exp(-1) < np.min(law.stddev()) and np.max(law.stddev()) < 10 * np.exp(-1)
    np.testing.assert_allclose(np.std(layer.head.kernel), 0.1 * np.sqrt(2 / (450 + 16)), rtol=0.03)


@pytest.mark.parametrize(
    "law",
    [
        tfd.MultivariateNormalDiag([1.0, -2.0], [0.5, 3.0]),
        tfd.MultivariateNormalTriL([1.0, -2.0], [[2.0, 0.0], [0.7, 0.3]]),
    ],
    ids=["diagonal", "full"],
)
def test_push_gives_the_law_and_its_density(law):
    noise = tf.random.stateless_normal([20000, 2], [0, 1])
    z, log_prob = push(law, noise)
    np.testing.assert_allclose(log_prob, law.log_prob(z), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.cov(z.numpy().T), law.covariance(), atol=0.15)
    behind, again = pull(law, z)
    np.testing.assert_allclose(behind, noise, atol=1e-5)
    np.testing.assert_allclose(again, log_prob, rtol=1e-5)


def test_laws_without_a_noise_map_are_refused():
    with pytest.raises(TypeError, match="map of standard normal noise.*Received: Bernoulli"):
        push(tfd.Bernoulli(0.0), tf.zeros([1]))
