"""Binary pixels against scipy and TFP."""

import itertools

import numpy as np
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities import Bernoulli

LOGITS = tf.constant(np.random.default_rng(0).normal(0, 3, (5, 2, 2, 3, 1)), tf.float32)


def test_log_prob_is_that_of_scipy_and_tfp():
    x = tf.cast(tf.random.stateless_uniform([2, 2, 3, 1], [0, 1]) < 0.5, tf.float32)
    ours = Bernoulli((2, 3, 1))(LOGITS).log_prob(x)
    assert ours.shape == (5, 2)
    scipys = scipy.stats.bernoulli(tf.sigmoid(tf.cast(LOGITS, tf.float64))).logpmf(x.numpy()).sum((-3, -2, -1))
    np.testing.assert_allclose(ours, scipys, rtol=1e-5)
    theirs = tfp.distributions.Independent(tfp.distributions.Bernoulli(LOGITS, dtype=tf.float32), 3).log_prob(x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_probabilities_of_all_images_sum_to_one():
    images = tf.constant(list(itertools.product([0.0, 1.0], repeat=6)))
    law = Bernoulli((2, 3, 1))(LOGITS[0, :1])
    total = tf.reduce_sum(tf.exp(law.log_prob(tf.reshape(images, [-1, 2, 3, 1]))))
    np.testing.assert_allclose(total, 1.0, rtol=1e-5)


def test_extreme_logits_stay_finite():
    law = Bernoulli((1, 1, 1))(tf.constant([[[[300.0]]], [[[-300.0]]]]))
    np.testing.assert_allclose(law.log_prob(tf.ones([1, 1, 1])), [0.0, -300.0])


def test_sure_pixels_that_are_right_cost_nothing_of_float32():
    """Two large sums, of x * logit and of softplus, would differ by 6e-3 nats of rounding here."""
    random = np.random.default_rng(1)
    x = tf.constant(random.integers(0, 2, (64, 64, 3)), tf.float32)
    logits = tf.constant(random.uniform(2.0, 75.0, (64, 64, 3)), tf.float32) * (2.0 * x - 1.0)
    exact = -np.logaddexp(0.0, np.float64((1 - 2 * x) * logits)).sum()
    np.testing.assert_allclose(Bernoulli((64, 64, 3))(logits).log_prob(x), exact, rtol=1e-6)


def test_samples_follow_the_mean():
    law = Bernoulli((2, 3, 1))(LOGITS[0])
    sample = law.sample(20000, seed=[0, 1])
    assert sample.shape == (20000, 2, 2, 3, 1)
    np.testing.assert_allclose(tf.reduce_mean(sample, 0), law.mean(), atol=0.02)
    np.testing.assert_array_equal(law.mode(), np.round(law.mean()))
