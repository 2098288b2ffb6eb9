"""Laplace posteriors around parts whose mean, or whose Jacobian, has no short form."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Conditional, FixedScaleGaussian, StandardNormal
from vae_flows.densities.pushforward import push
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import premade
from vae_flows.vlae import Laplace
from vae_flows.vlae.linearised import linearised

IMAGE, D, B = (2, 3, 1), 2, 4
IMAGES = tf.constant(np.random.default_rng(0).uniform(0.1, 0.9, (B, *IMAGE)), tf.float32)


def decoder_of(activation):
    law = FixedScaleGaussian(IMAGE, scale=0.5)
    network = DenseDecoder(D, image_shape=IMAGE, outputs=law.context, hidden=(5,), activation=activation)
    network.set_weights([np.random.default_rng(1).standard_normal(w.shape) for w in network.get_weights()])
    return Conditional(network, law)


def test_steps_begin_where_a_flow_takes_the_centre_of_its_noise():
    """Its mean is not known in closed form."""
    keras.utils.set_random_seed(0)
    posterior = premade.iaf(D, context=8, layers=2, hidden=(8,))
    q = Conditional(DenseEncoder(IMAGE, hidden=(8,)), posterior)(IMAGES)
    arguments = q, IMAGES, decoder_of("tanh"), StandardNormal(D)()
    np.testing.assert_allclose(Laplace(steps=0)(*arguments).mean(), push(q, tf.zeros([B, D]))[0], rtol=1e-6)
    assert np.all(np.isfinite(Laplace(steps=4)(*arguments).mean()))


@pytest.mark.parametrize("activation", ["tanh", "softmax"])  # of the second each output depends on all inputs
def test_the_jacobian_is_that_of_the_network(activation):
    decoder, z = decoder_of(activation), tf.constant(np.random.default_rng(2).standard_normal((B, D)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        out = decoder.network(z)
    expected = tape.batch_jacobian(out, z).numpy()  # [B, H, W, P, D]
    network = linearised(decoder.network, z)
    for k in range(D):
        pushed = network.push(tf.one_hot(tf.fill([B], k), D)).numpy()
        np.testing.assert_allclose(pushed, expected[..., k], atol=1e-5)
