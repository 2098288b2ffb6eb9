"""Steps up each image's own ELBO."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Bernoulli, Conditional, DiagonalNormal, StandardNormal
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import premade
from vae_flows.latent_models import VAE, VectorInference
from vae_flows.vlae import SemiAmortised

IMAGE, D = (5, 5, 1), 3


def images(count, seed):
    """Crossing bars with a little noise."""
    generator = np.random.default_rng(seed)
    rows, columns = (np.eye(5)[generator.integers(0, 5, count)] for _ in range(2))
    clean = np.maximum(rows[:, :, None], columns[:, None, :])
    return np.abs(clean - (generator.random(clean.shape) < 0.05))[..., None].astype("float32")


def model_of(refine, posterior=None):
    keras.utils.set_random_seed(0)
    encoder = Conditional(DenseEncoder(IMAGE, hidden=(16,)), posterior or DiagonalNormal(D, context=16))
    decoder = Conditional(DenseDecoder(D, image_shape=IMAGE, outputs=1, hidden=(16,)), Bernoulli(IMAGE))
    return VAE(encoder, decoder, StandardNormal(D), refine=refine)


@pytest.fixture(scope="module")
def trained():
    model = model_of(SemiAmortised())
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(images(2000, 0), batch_size=50, epochs=12, verbose=0)
    return model


@pytest.mark.parametrize("refine", [SemiAmortised(), SemiAmortised(steps=8, momentum=0.0, rate=0.02, draws=8)])
def test_the_elbo_of_images_not_seen_rises_with_every_step(trained, refine):
    x, u = tf.constant(images(300, 1)), tf.random.stateless_normal([400, 300, D], [1, 2])
    path = refine.path(trained.encoder(x), x, trained.decoder, trained.prior())
    assert len(path) == refine.steps + 1
    elbos = []
    for law in path:
        inference = VectorInference(x, law=law, prior=trained.prior(), decoder=trained.decoder)
        elbos.append(float(tf.reduce_mean(inference.log_weight(u))))
    assert np.all(np.diff(elbos) > 0), elbos


def test_the_last_law_of_the_path_is_q(trained):
    x = tf.constant(images(4, 1))
    arguments = trained.encoder(x), x, trained.decoder, trained.prior()
    last, q = SemiAmortised().path(*arguments)[-1], SemiAmortised()(*arguments)
    np.testing.assert_allclose(last.mean(), q.mean(), rtol=1e-5)
    np.testing.assert_allclose(last.stddev(), q.stddev(), rtol=1e-5)


def test_an_image_s_steps_do_not_depend_on_its_batch(trained):
    x = tf.constant(images(6, 1))
    alone, together = trained.proposal(x[2:3]), trained.proposal(x)
    for one, all_of_them in zip(alone, together, strict=True):
        np.testing.assert_allclose(one[0], all_of_them[2], rtol=1e-4, atol=1e-6)
    again = trained.proposal(x)
    np.testing.assert_array_equal(together[0], again[0])
    in_training = trained.proposal(x, training=True)
    assert np.any(in_training[0] != together[0])
    np.testing.assert_array_equal(in_training[0], trained.proposal(x, training=True)[0])


def test_no_step_is_longer_than_the_clip(trained):
    x = tf.constant(images(20, 1))
    refine = SemiAmortised(steps=1, rate=0.5, clip=0.1)
    before, after = refine._ascent(trained.encoder(x), x, trained.decoder, trained.prior(), False)
    moved = tf.norm(tf.concat(after, -1) - tf.concat(before, -1), axis=-1)
    np.testing.assert_allclose(moved, 0.05, rtol=1e-3)  # every gradient is longer than 0.1


def test_the_gradient_flows_through_the_steps(trained):
    x, u = tf.constant(images(8, 1)), tf.zeros([8, D])
    with tf.GradientTape() as tape:
        z = trained.inference(x, trained.proposal(x)).latent(u)
    for gradient in tape.gradient(z, [trained.encoder.density.head.kernel.value, trained.decoder.weights[0].value]):
        assert gradient is not None and np.abs(gradient).max() > 0


def test_what_it_cannot_start_from_is_refused():
    model = model_of(SemiAmortised(), posterior=premade.planar(D, context=16, layers=2))
    with pytest.raises(TypeError, match="independent features.*Received: FlowDistribution"):
        model.proposal(tf.constant(images(2, 0)))
    with pytest.raises(ValueError, match="`draws` must be even.*draws=3"):
        SemiAmortised(draws=3)
    with pytest.raises(ValueError, match="`momentum` must lie.*momentum=1"):
        SemiAmortised(momentum=1.0)


def test_batches_of_black_and_white_have_noise_of_their_own():
    """Sums of the bits of 0s and 1s alone would be few numbers."""
    refiner, generator = SemiAmortised(steps=1), np.random.default_rng(0)
    batches = [tf.constant(generator.integers(0, 2, (8, 14, 14, 1)), tf.float32) for _ in range(200)]
    draws = {refiner._draws(x, 1, True).numpy().tobytes() for x in batches}
    counts = {int(tf.reduce_sum(x)) for x in batches}
    assert len(draws) == len(counts)
