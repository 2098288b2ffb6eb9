"""Autoencoding flows with a core that is a function of the image, against autodiff and quadrature."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows import densities, flows
from vae_flows.aef import CoreEncoder, CorePixels, ExtendedSpace, centre
from vae_flows.decoders import DenseDecoder
from vae_flows.densities.pushforward import push
from vae_flows.encoders import DenseEncoder
from vae_flows.estimators import HamiltonianAIS, ImportanceSampling, sigmoid_schedule
from vae_flows.latent_models import VAE

SHAPE = (4, 4, 1)
SEED = tf.constant([1, 2])


def build(network=None):
    """A small model with weights away from where they start."""
    keras.utils.set_random_seed(0)
    law = flows.TransformedPixels(densities.FixedScaleGaussian(SHAPE), [flows.LogitPixels(alpha=0.05)])
    encoder = densities.Conditional(DenseEncoder(SHAPE, hidden=(12,)), densities.DiagonalNormal(2, context=12))
    decoder = DenseDecoder(2, image_shape=SHAPE, outputs=1, hidden=(12,), activation="tanh")
    network = network or DenseEncoder(SHAPE, hidden=(2,), activation="linear")
    model = VAE(
        encoder=CoreEncoder(encoder, core=flows.premade.maf(2, layers=2, hidden=(8,)), network=network),
        decoder=densities.Conditional(decoder, law),
        prior=flows.premade.maf(2, layers=2, hidden=(8,)),
        objective=ExtendedSpace(settling_images=6, settling_samples=128),
    )
    for k, weight in enumerate(model.trainable_weights):
        weight.assign(weight + 0.2 * np.random.default_rng(k).standard_normal(weight.shape))
    return model


@pytest.fixture(scope="module")
def trained():
    """Model and images; its posterior is near the true one: where the core of an image puts its code."""
    model, x = build(), images()
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(tf.repeat(x, 20, 0), batch_size=6, epochs=5, verbose=0)
    model.settle(x, SEED)
    return model, x


def images(count=6):
    return tf.constant(np.random.default_rng(0).uniform(0.02, 0.98, (count, *SHAPE)), tf.float32)


def by_quadrature(model, x):
    """log of the integral of p(x, z) over z."""
    grid = np.linspace(-9.0, 9.0, 161)
    z = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 1, 2).astype("float32")
    joint = np.concatenate([model.infer(x).log_joint(tf.constant(part)) for part in np.array_split(z, 20)])
    return np.logaddexp.reduce(joint.astype(float), 0) + 2 * np.log(grid[1] - grid[0])


def test_the_loss_is_the_density_of_image_and_core_by_autodiff():
    model, x = build(), images()
    encoder = model.encoder
    w = encoder.network(x)
    with tf.GradientTape() as tape:
        tape.watch(w)
        u, _ = densities.pull(encoder.core(), w)
        z, _ = densities.push(encoder.encoder(x), u)
    log_det = tf.linalg.slogdet(tape.batch_jacobian(z, w))[1]
    expected = -(model.decoder(z).log_prob(x) + model.prior().log_prob(z) + log_det)
    for step in (None, tf.constant(3)):  # whatever the proposal's scale
        model.encoder.log_scale.assign_sub(1.0)
        np.testing.assert_allclose(
            model.minimised(x, x, seed=SEED, step=step, training=False).loss, expected, rtol=1e-4
        )
    np.testing.assert_allclose(model.encode(x), z, rtol=1e-4, atol=1e-4)


def test_importance_sampling_and_annealing_find_the_likelihood(trained):
    model, x = trained
    truth = by_quadrature(model, x)
    sampler = ImportanceSampling(lambda x, noise: model.infer(x).log_weight(noise), features=2, samples=4000)
    weighed = sampler(x, seed=[0, 0])
    np.testing.assert_allclose(weighed.values, truth, atol=0.3)  # without log K they were 8.3 too high
    hais = HamiltonianAIS(model.infer, schedule=sigmoid_schedule(40), chains=64, leapfrogs=5)
    annealed = hais(x, seed=[0, 1])
    assert np.abs((annealed.values - truth) / annealed.errors).max() < 4.0
    assert annealed.errors.max() < 0.3
    loss = model.minimised(x, x, seed=SEED, step=tf.constant(0), training=False).loss
    assert np.abs(-loss - truth).max() > 0.3  # the loss is no likelihood


def test_the_scale_is_the_one_of_the_highest_estimate(trained):
    model, x = trained
    chosen = float(model.encoder.log_scale)
    values = {}
    for shift in (-2.0, 0.0, 2.0):
        model.encoder.log_scale.assign(chosen + shift)
        values[shift] = float(tf.reduce_mean(model.log_likelihood(x, 128, SEED)))
    assert max(values, key=values.get) == 0.0
    model.encoder.log_scale.assign(0.3)
    model.settle(x, SEED)
    assert float(model.encoder.log_scale) == chosen


def test_code_and_noise_are_one_to_one_with_the_law_of_autodiff():
    model, x = build(), images(2)
    law = model.encoder(x)
    noise = tf.random.stateless_normal([5, 2, 2], SEED)
    z, log_q = densities.push(law, noise)
    again, log_again = densities.pull(law, tf.identity(z))
    np.testing.assert_allclose(again, noise, atol=1e-3)
    np.testing.assert_allclose(log_again, log_q, atol=1e-3)
    noise = noise[0]
    with tf.GradientTape() as tape:
        tape.watch(noise)
        z, log_q = densities.push(law, noise)
    log_det = tf.linalg.slogdet(tape.batch_jacobian(z, noise))[1]
    np.testing.assert_allclose(log_q, densities.standard_normal_log_prob(noise) - log_det, atol=1e-3)


def test_a_core_of_pixels_learns_to_restore_images():
    model, x = build(CorePixels(centre(SHAPE, features=2))), images()
    corrupted = tf.clip_by_value(x + 0.2 * tf.random.stateless_normal(x.shape, SEED), 0.0, 1.0)
    z = model.encode(corrupted)
    found = model.minimised(corrupted, x, seed=SEED, step=tf.constant(0), training=False).loss
    law = model.encoder(corrupted)
    log_det = -law.log_prob(z) + densities.push(law.near, tf.zeros([6, 2]))[1]
    expected = -(model.decoder(z).log_prob(x) + model.prior().log_prob(z) + log_det)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_parts_that_do_not_fit_are_refused():
    encoder = densities.Conditional(DenseEncoder(SHAPE, hidden=(12,)), densities.DiagonalNormal(2, context=12))
    core, network = densities.StandardNormal(2), DenseEncoder(SHAPE, hidden=(3,))
    with pytest.raises(ValueError, match="one latent size. Received: .*'network': 3"):
        CoreEncoder(encoder, core=core, network=network)
    with pytest.raises(ValueError, match="images of one shape. Received: .*4, 5, 1"):
        CoreEncoder(encoder, core=core, network=DenseEncoder((4, 5, 1), hidden=(2,)))
    with pytest.raises(ValueError, match="`scale` must be positive.*scale=0"):
        CoreEncoder(encoder, core=core, network=DenseEncoder(SHAPE, hidden=(2,)), scale=0)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_posterior_is_one_under_mixed_precision_too(policy):
    keras.config.set_dtype_policy(policy)
    try:
        law = build().encoder(images())
    finally:
        keras.config.set_dtype_policy("float32")
    z, log_q = push(law, tf.zeros([6, 2]))
    assert z.dtype == log_q.dtype == tf.float32 and np.all(np.isfinite(z)) and np.all(np.isfinite(log_q))


def test_the_core_s_law_must_be_static():
    encoder = densities.Conditional(DenseEncoder(SHAPE, hidden=(12,)), densities.DiagonalNormal(2, context=12))
    linear = DenseEncoder(SHAPE, hidden=(2,), activation="linear")
    with pytest.raises(ValueError, match="`core` must be static. Expected: context=0. Received: context=3"):
        CoreEncoder(encoder, core=densities.DiagonalNormal(2, context=3), network=linear)
