import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.decoders.dense import DenseDecoder
from vae_flows.densities.base import Conditional
from vae_flows.densities.gaussian import DiagonalNormal, StandardNormal
from vae_flows.densities.pixels import Bernoulli
from vae_flows.encoders.dense import DenseEncoder
from vae_flows.flows.autoregressive import Autoregressive
from vae_flows.flows.base import Chain
from vae_flows.flows.elements import Gated
from vae_flows.flows.flow import Flow
from vae_flows.latent_models.latent_use import LatentUseMeter
from vae_flows.latent_models.vae import VAE

SHAPE, FEATURES = (4, 4, 1), 3
X = tf.constant(np.random.default_rng(0).binomial(1, 0.4, (40, *SHAPE)), tf.float32)
SEED = tf.constant([1, 2])


def vae(posterior, prior=None):
    law = Bernoulli(SHAPE)
    return VAE(
        encoder=Conditional(DenseEncoder(SHAPE, hidden=(8,)), posterior),
        decoder=Conditional(DenseDecoder(FEATURES, image_shape=SHAPE, outputs=law.context, hidden=(8,)), law),
        prior=prior or StandardNormal(FEATURES),
    )


def test_gaussians_have_their_closed_form():
    model = vae(DiagonalNormal(FEATURES, context=8))
    q = model.encoder(X)
    loc, scale = q.mean().numpy(), q.stddev().numpy()
    use = LatentUseMeter(model, samples=20_000)(X, SEED)
    closed = 0.5 * (scale**2 + loc**2 - 1.0) - np.log(scale)
    np.testing.assert_allclose(use.kl, closed.mean(0), atol=0.05)
    np.testing.assert_allclose(use.activity, loc.var(0), rtol=1e-4, atol=1e-6)


def test_a_flow_s_marginals_are_taken_as_gaussians():
    flow = Flow(
        Chain([Autoregressive(FEATURES, element=Gated(), hidden=(8,), context=8)]), DiagonalNormal(FEATURES, context=8)
    )
    model = vae(
        flow, prior=Flow(Chain([Autoregressive(FEATURES, element=Gated(), hidden=(8,))]), StandardNormal(FEATURES))
    )
    use = LatentUseMeter(model, samples=20_000)(X, SEED)
    z = model.encoder(X).sample(20_000, seed=[3, 4]).numpy()
    prior = model.prior().sample(100_000, seed=[5, 6]).numpy()
    mean, variance, center, spread = z.mean(0), z.var(0), prior.mean(0), prior.var(0)
    expected = 0.5 * (variance / spread - 1.0 - np.log(variance / spread) + (mean - center) ** 2 / spread)
    np.testing.assert_allclose(use.kl, expected.mean(0), atol=0.05)


def test_features_that_ignore_the_images_are_not_active():
    model = vae(DiagonalNormal(FEATURES, context=8))
    head = model.encoder.density
    for weight in head.weights:
        kernel = weight.numpy()
        if kernel.ndim == 2:
            kernel[:, 1] = 0.0  # the mean of the second feature
            kernel[:, 0] *= 10.0
            weight.assign(kernel)
    loc = model.encoder(X).mean().numpy()
    assert loc[:, 1].std() == 0.0  # the weights changed are those of the means
    use = LatentUseMeter(model)(X, SEED)
    assert use.activity[1] < 1e-3 < 0.01 < use.activity[0]
    assert use.active_units.sum() == np.sum(loc.var(0) > 0.01)


@pytest.mark.parametrize("samples", [0, 2, 7])
def test_samples_without_their_opposites_are_refused(samples):
    with pytest.raises(ValueError, match=f"`samples` must be even.* Received: samples={samples}"):
        LatentUseMeter(vae(DiagonalNormal(FEATURES, context=8)), samples=samples)


def test_a_posterior_narrower_than_float32_can_tell_has_a_finite_kl():
    model = vae(DiagonalNormal(FEATURES, context=8, log_scale_offset=-40.0))
    for weight in model.encoder.density.weights:
        weight.assign(30.0 * weight + 5.0)
    use = LatentUseMeter(model)(X, SEED)
    assert np.all(np.isfinite(use.kl)) and np.all(use.kl > 10.0)


def test_it_is_compiled_once_and_sees_new_weights():
    model = vae(DiagonalNormal(FEATURES, context=8))
    meter = LatentUseMeter(model)
    before = meter(X, SEED)
    traces = meter._moments.experimental_get_tracing_count()
    for weight in model.encoder.density.weights:
        weight.assign(3.0 * weight)
    assert np.all(meter(X, SEED).activity > before.activity)
    assert meter._moments.experimental_get_tracing_count() == traces
    assert meter._prior_sums.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("offset", [0.0, -1.0])
def test_the_noise_of_a_kl_is_what_it_says(offset):
    """Where all images shared their noise it was 0.13 nats, of however many images."""
    model = vae(DiagonalNormal(FEATURES, context=8, log_scale_offset=offset))
    for weight in model.encoder.density.weights:
        weight.assign(tf.zeros_like(weight))
    meter, images, pairs = LatentUseMeter(model, samples=16), len(X), 8
    kl = np.concatenate([meter(X, seed).kl for seed in range(40)])
    stated = (
        1.0 / (pairs * np.sqrt(2.0 * images))
        if not offset
        else (1.0 - np.exp(2 * offset)) / np.sqrt(2.0 * images * pairs)
    )
    closed = 0.5 * (np.exp(2 * offset) - 1.0) - offset
    assert 0.8 * stated < np.std(kl) < 1.25 * stated and np.mean(kl) == pytest.approx(closed, abs=0.01)


MANY = """
import resource
import tensorflow as tf
from vae_flows import VAE, decoders, densities, encoders
from vae_flows.latent_models.latent_use import LatentUseMeter

shape, features = (2, 2, 1), 10_000
law = densities.Bernoulli(shape)
encoder = densities.Conditional(encoders.DenseEncoder(shape, hidden=(2,)), densities.DiagonalNormal(features, context=2))
decoder = decoders.DenseDecoder(features, image_shape=shape, outputs=law.context, hidden=())
model = VAE(encoder, densities.Conditional(decoder, law), densities.StandardNormal(features))
x = tf.ones([100, *shape])
LatentUseMeter(model, samples=4)(x, 0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
LatentUseMeter(model, samples=64)(tf.concat([x, x], 0), 0)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_grow_with_the_samples_nor_the_images():
    """[64 samples, 100 images, 10,000 features] of float64 would be 512 MB."""
    run = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 256
