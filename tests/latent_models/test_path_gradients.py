"""Gradients that leave out the score, in a linear Gaussian model: unbiased, and with less noise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Conditional, DiagonalNormal, FixedScaleGaussian, StandardNormal
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import premade
from vae_flows.latent_models import VAE, DoublyReparameterised, Elbo, Iwae, LinearWarmup, StickingTheLanding

IMAGE, D, SCALE = (2, 3, 1), 2, 0.5
X = np.random.default_rng(0).standard_normal((1, *IMAGE)).astype("float32")


def model_of(objective, posterior=None):
    """A decoder with orthogonal rows and an encoder without hidden layers, which can be the exact posterior."""
    keras.utils.set_random_seed(0)
    encoder = DenseEncoder(IMAGE, hidden=(D,), activation="linear")
    law = FixedScaleGaussian(IMAGE, scale=SCALE)
    decoder = DenseDecoder(D, image_shape=IMAGE, outputs=law.context, hidden=())
    kernel = np.linalg.qr(np.random.default_rng(1).standard_normal((6, D)))[0].T
    decoder.set_weights([kernel, np.full(6, 0.3)])
    return VAE(
        Conditional(encoder, posterior or DiagonalNormal(D, context=D)),
        Conditional(decoder, law),
        StandardNormal(D),
        objective=objective,
    )


def gradients(objective, *, batches=30, repeats=1000, posterior=None):
    """Gradients of so many batches of one image, each with its own noise: {part: [batches, weights]}."""
    model, x = model_of(objective, posterior), tf.constant(np.repeat(X, repeats, 0))

    @tf.function(autograph=False)
    def gradient(seed):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.minimised(x, x, seed=seed, step=tf.constant(0), training=True).loss)
        parts = (model.encoder.trainable_weights, model.decoder.trainable_weights)
        found = tape.gradient(loss, parts)
        return [tf.concat([tf.reshape(each, [-1]) for each in part], 0) for part in found]

    return (np.stack(each) for each in zip(*(gradient(tf.constant([5, i])) for i in range(batches)), strict=True))


def noise(values):
    return np.sqrt(values.var(0).sum())


@pytest.mark.parametrize(
    ("plain", "path"),
    [(Elbo(), StickingTheLanding()), (Iwae(1), DoublyReparameterised(1)), (Iwae(20), DoublyReparameterised(20))],
    ids=["elbo", "iwae 1", "iwae 20"],
)
def test_the_mean_gradient_is_that_of_the_bound(plain, path):
    for expected, found in zip(gradients(plain), gradients(path), strict=True):
        error = np.sqrt((expected.var(0) + found.var(0)) / (len(found) - 1)) + 1e-6
        assert np.all(np.abs(expected.mean(0) - found.mean(0)) < 4.5 * error)
        assert np.abs(expected.mean(0)).max() > 20 * error.max()


def test_the_encoder_s_gradient_has_less_noise():
    for samples in (20, 50):
        (plain, _), (path, _) = (gradients(kind(samples), batches=15) for kind in (Iwae, DoublyReparameterised))
        assert noise(path) < 0.7 * noise(plain)


def test_values_are_those_of_the_bounds():
    x, seed = tf.constant(X), tf.constant([1, 2])
    losses = {}
    for objective in (Elbo(kl_weight=LinearWarmup(10)), StickingTheLanding(kl_weight=LinearWarmup(10))):
        model = model_of(objective)
        u = tf.ones([1, D]) if objective.samples is None else tf.ones([1, 1, D])
        losses[type(objective)] = float(objective(model.infer(x), u, tf.constant(5)).loss[0])
    assert losses[Elbo] == pytest.approx(losses[StickingTheLanding], rel=1e-6)
    bounds = [
        float(model_of(kind(7)).minimised(x, x, seed=seed, step=None, training=False).loss[0])
        for kind in (Iwae, DoublyReparameterised)
    ]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-6)


def test_at_the_true_posterior_the_gradient_of_the_encoder_has_no_noise():
    model, x = model_of(StickingTheLanding()), tf.constant(np.repeat(X, 64, 0))
    kernel, bias = model.decoder.network.get_weights()
    variance = 1.0 / (1.0 + 1.0 / SCALE**2)
    gain = (variance / SCALE**2 * kernel.T).astype("float32")  # [6, D]
    model.encoder.network.set_weights([gain, -bias @ gain])
    head = np.hstack([np.eye(D), np.zeros((D, D))])
    model.encoder.density.set_weights([head, np.r_[np.zeros(D), np.full(D, 0.5 * np.log(variance))]])
    greatest = {}
    for objective in (StickingTheLanding(), Elbo()):
        u = tf.random.stateless_normal([1, 64, D][objective.samples is None :], [1, 2])
        with tf.GradientTape() as tape:
            loss = objective(model.infer(x), u, tf.constant(0)).loss
        found = tape.jacobian(loss, model.encoder.trainable_weights)  # of each draw
        greatest[type(objective)] = max(float(tf.reduce_max(tf.abs(each))) for each in found)
    assert greatest[StickingTheLanding] < 1e-4 < 0.1 < greatest[Elbo]


def test_a_posterior_with_a_flow_has_the_same_mean_gradient():
    keras.utils.set_random_seed(0)
    flow = [premade.iaf(D, context=D, layers=2, hidden=(4,), step_context=2) for _ in range(2)]
    flow[1].set_weights(flow[0].get_weights())
    (expected, _), (found, _) = (
        gradients(each(5), batches=15, posterior=posterior)
        for each, posterior in zip((Iwae, DoublyReparameterised), flow, strict=True)
    )
    error = np.sqrt((expected.var(0) + found.var(0)) / 14) + 1e-6
    assert np.all(np.abs(expected.mean(0) - found.mean(0)) < 5 * error)
