import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.nvae_tf.autoregressive import AutoregressiveCell, AutoregressivePair

SEED = tf.constant([3, 4])


def jacobian(function, z):
    """Of a map of one latent [1, h, w, L]: row by row, each from a copy of it."""
    size = int(tf.size(z))
    copies = tf.repeat(z, size, 0)
    with tf.GradientTape() as tape:
        tape.watch(copies)
        total = tf.linalg.trace(tf.reshape(function(copies), [size, size]))
    return tf.reshape(tape.gradient(total, copies), [size, size]).numpy()


def cell(**options):
    keras.utils.set_random_seed(0)
    made = AutoregressiveCell(2, **options)
    made.third.log_scale.assign(tf.ones(2))  # the first weights are too small to tell zeros from small numbers
    return made


@pytest.mark.parametrize("reversed_order", [False, True])
def test_each_latent_is_shifted_by_those_before_it_and_by_all_of_them(reversed_order):
    """Rows, columns, then channels: a triangular Jacobian with ones on its diagonal."""
    z = tf.random.stateless_normal([1, 3, 3, 2], SEED)
    matrix = jacobian(cell(reversed_order=reversed_order), z)
    matrix = matrix.T if reversed_order else matrix
    np.testing.assert_array_equal(np.triu(matrix), np.eye(18))
    below = np.tril(matrix, -1)
    assert np.all(below[4, :4] != 0) and np.all(below[17, 8:17] != 0)  # within reach of the kernels


def test_the_pair_preserves_volume_and_is_inverted():
    pair = AutoregressivePair(2)
    z = tf.random.stateless_normal([1, 3, 3, 2], SEED)
    assert np.linalg.slogdet(jacobian(pair, z))[1] == pytest.approx(0.0, abs=1e-5)
    moved = pair(z)
    assert np.abs(moved - z).max() > 1e-3
    np.testing.assert_allclose(pair.inverse(tf.identity(moved)), z, atol=1e-5)


def test_the_feature_is_seen_when_asked(flow_nvae, nvae, images):
    deaf, hearing = cell(), cell(context=3)
    z, feature = tf.random.stateless_normal([2, 3, 3, 2], SEED), tf.random.stateless_normal([2, 3, 3, 3], SEED)
    assert np.abs(hearing(z, feature) - hearing(z, -feature)).max() > 1e-3
    np.testing.assert_array_equal(deaf(z, feature), deaf(z, -feature))
    inference = flow_nvae.infer(images)
    noise = tf.random.stateless_normal([4, flow_nvae.noise_features], SEED)
    z = inference.latent(noise)
    np.testing.assert_allclose(inference.noise(tf.identity(z)), noise, atol=1e-3)
    np.testing.assert_allclose(inference.log_joint(z) - inference.log_prob(z), inference.terms(noise).elbo, rtol=1e-4)
    np.testing.assert_allclose(
        flow_nvae.infer(images, start="prior").log_prob(z), log_prior(flow_nvae, images, z), rtol=1e-5
    )


def log_prior(model, images, z):
    inference = model.infer(images)
    terms = inference.terms(inference.noise(z))
    return inference.log_prob(z) - tf.reduce_sum(terms.kl, -1)
