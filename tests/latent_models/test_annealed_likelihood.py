"""Annealing of VAEs with a flow posterior and a flow prior, against quadrature over the two latents."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Bernoulli, Conditional, DiagonalNormal, StandardNormal
from vae_flows.encoders import DenseEncoder
from vae_flows.estimators import HamiltonianAIS, sigmoid_schedule
from vae_flows.flows import Affine, Autoregressive, Flow, Invert, premade, with_reversals
from vae_flows.latent_models import VAE

IMAGE, D = (2, 3, 1), 2


def model(kind):
    """A small VAE whose weights are far from their start."""
    keras.utils.set_random_seed(0)
    posterior, prior = DiagonalNormal(D, context=8), StandardNormal(D)
    if kind == "flow posterior":
        posterior = premade.iaf(D, context=8, layers=2, hidden=(8,), step_context=4)
    else:
        steps = [Invert(Autoregressive(D, element=Affine(), hidden=(8,))) for _ in range(2)]
        prior = Flow(with_reversals(steps), StandardNormal(D))
    encoder = Conditional(DenseEncoder(IMAGE, hidden=(8,), activation="tanh"), posterior)
    decoder = Conditional(
        DenseDecoder(D, image_shape=IMAGE, outputs=1, hidden=(8,), activation="tanh"), Bernoulli(IMAGE)
    )
    vae = VAE(encoder, decoder, prior)
    generator = np.random.default_rng(1)
    for weight in vae.trainable_weights:
        weight.assign(weight.numpy() + 0.2 * generator.standard_normal(weight.shape))
    return vae


def quadrature(vae, x):
    """log p(x) = log of the integral of p(z) p(x | z) over a grid of z: [B]."""
    grid = np.linspace(-9.0, 9.0, 361)
    z = tf.constant(np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 1, D), tf.float32)  # [K, 1, D]
    log_joint = vae.decoder(z).log_prob(x) + vae.prior().log_prob(z)  # [K, B]
    return tf.reduce_logsumexp(tf.cast(log_joint, tf.float64), 0) + 2 * np.log(grid[1] - grid[0])


@pytest.mark.parametrize("kind", ["flow posterior", "flow prior"])
@pytest.mark.parametrize("start", ["prior", "posterior", "base"])
def test_annealed_estimate_is_that_of_quadrature(kind, start):
    vae = model(kind)
    x = tf.constant((np.random.default_rng(0).random((6, *IMAGE)) < 0.5).astype("float32"))
    hais = HamiltonianAIS(lambda x: vae.infer(x, start=start), schedule=sigmoid_schedule(40), chains=64, leapfrogs=5)
    estimate = hais(x, seed=[0, 1])
    exact = quadrature(vae, x).numpy()
    z_score = (estimate.values - exact) / estimate.errors
    assert np.abs(z_score).max() < 4.0, (estimate.values, exact, estimate.errors)
    assert estimate.errors.max() < 0.3
