"""The KL term takes the prior at the transformed code: what goes wrong otherwise, on a model whose log p(x) is known.

A decoder of two latents, one image of 2 x 2 pixels, and a planar posterior: log p(x) and the ELBO are integrals over the
plane. The objective of the code that this package replaces took the closed-form KL of z_0 and subtracted the
log-determinant; it bounds nothing.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Bernoulli, Conditional, DiagonalNormal, StandardNormal, standard_normal
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import Chain, DiagonalScaling, Flow, Planar
from vae_flows.latent_models import VAE

IMAGE, SAMPLES = (2, 2, 1), 20_000
X = tf.constant([1.0, 0.0, 0.0, 1.0], shape=[1, *IMAGE])
GRID = np.linspace(-10.0, 10.0, 801)
CELL = (GRID[1] - GRID[0]) ** 2
POINTS = tf.constant(np.stack(np.meshgrid(GRID, GRID), -1).reshape(-1, 1, 2), tf.float32)


@pytest.fixture
def vae():
    keras.utils.set_random_seed(3)
    law = Bernoulli(IMAGE)
    posterior = Flow(Chain([Planar(2, context=6, layers=4), DiagonalScaling(2)]), DiagonalNormal(2, context=6))
    model = VAE(
        encoder=Conditional(DenseEncoder(IMAGE, hidden=(6,)), posterior),
        decoder=Conditional(DenseDecoder(2, image_shape=IMAGE, outputs=1, hidden=(8,), activation="tanh"), law),
        prior=StandardNormal(2),
    )
    generator = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(weight + 0.3 * generator.standard_normal(weight.shape))
    return model


def log_likelihood(vae, z):
    return vae.decoder(z).log_prob(X)


def log_evidence(vae):
    """log p(x) by quadrature."""
    return float(tf.reduce_logsumexp(log_likelihood(vae, POINTS) + vae.prior().log_prob(POINTS)) + np.log(CELL))


def quadrature_elbo(vae):
    """The integral of q (log p(x, z) - log q), with q from the flow's inverse."""
    log_q = vae.encoder(X).log_prob(POINTS)
    q = tf.exp(log_q) * CELL
    assert float(tf.reduce_sum(q)) == pytest.approx(1.0, abs=1e-3)
    return float(tf.reduce_sum(q * (log_likelihood(vae, POINTS) + vae.prior().log_prob(POINTS) - log_q)))


def our_elbo(vae):
    """Mean and standard error of the model's own terms."""
    terms = vae.infer(X).terms(standard_normal([SAMPLES, 1, 2], seed=[0, 1]))
    return float(tf.reduce_mean(terms.elbo)), float(tf.math.reduce_std(terms.elbo)) / np.sqrt(SAMPLES)


def faulty_objective(vae):
    """log p(x | z_T) - KL(q(z_0) || p) + log|det dz_T / dz_0|: log p(z_T) is missing."""
    q = vae.encoder(X)
    base = q.distribution
    z_0 = base.mean() + base.stddev() * standard_normal([SAMPLES, 1, 2], seed=[0, 1])
    z_t, log_det = q.bijector.forward_and_log_det(z_0)
    return float(tf.reduce_mean(log_likelihood(vae, z_t) + log_det) - base.kl_divergence(vae.prior())[0])


def stretch(vae, factor):
    """Multiplies the codes by a factor."""
    scaling = vae.encoder.density.transform.parts[-1].parameters.values
    scaling.assign(scaling + np.log(factor))


def test_our_terms_equal_the_quadrature_and_stay_below_the_evidence(vae):
    mean, error = our_elbo(vae)
    assert mean == pytest.approx(quadrature_elbo(vae), abs=4 * error)
    assert mean < log_evidence(vae)


def test_the_faulty_objective_exceeds_the_evidence_and_rises_without_bound(vae):
    evidence, faulty, ours = log_evidence(vae), [], []
    for factor in (1.0, 10.0, 1e4):
        stretch(vae, factor)
        faulty.append(faulty_objective(vae))
        ours.append(our_elbo(vae)[0])
    stretches = 2 * np.log([10.0, 1e4])  # two latents
    assert np.all(np.array(faulty[1:]) > evidence + 1)
    # The decoder saturates, so in the end each further stretch is pure gain: volume for nothing.
    assert faulty[2] - faulty[1] == pytest.approx(stretches[1], abs=2.0)
    assert ours[0] > ours[1] > ours[2]
    assert ours[0] < evidence


def test_training_the_faulty_objective_inflates_the_codes(vae):
    """Gradient ascent on it passes the evidence and goes on; on ours it approaches the evidence from below."""
    weights = vae.encoder.trainable_weights
    start = [weight.numpy() for weight in weights]

    def climb(objective):
        for weight, value in zip(weights, start, strict=True):
            weight.assign(value)
        optimizer = keras.optimizers.Adam(0.05)

        @tf.function
        def step(noise):
            with tf.GradientTape() as tape:
                loss = -objective(noise)
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

        optimizer.build(weights)
        for k in range(200):
            step(standard_normal([32, 1, 2], seed=[1, k]))
        return float(tf.reduce_mean(tf.abs(vae.encoder(X).sample(500, seed=[0, 0]))))

    def faulty(noise):
        q = vae.encoder(X)
        z_t, log_det = q.bijector.forward_and_log_det(q.distribution.mean() + q.distribution.stddev() * noise)
        return tf.reduce_mean(log_likelihood(vae, z_t) + log_det) - q.distribution.kl_divergence(vae.prior())[0]

    evidence = log_evidence(vae)
    size = climb(lambda noise: tf.reduce_mean(vae.infer(X).log_weight(noise)))
    ours, error = our_elbo(vae)
    assert evidence - 0.1 < ours < evidence + 4 * error
    inflated = climb(faulty)
    assert faulty_objective(vae) > evidence + 5
    assert inflated > 10 * size
