"""The exact autoencoding flow against autodiff, quadrature and its own inverse."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import in_float64

from vae_flows import densities, flows
from vae_flows.aef import AutoencodingFlow, CoreMask, centre, corners
from vae_flows.blocks import initialise_from_data
from vae_flows.decoders import DenseDecoder
from vae_flows.encoders import DenseEncoder

LAWS = {
    "fixed": lambda shape: densities.FixedScaleGaussian(shape, scale=0.7),
    "per pixel": lambda shape: densities.PixelScaleGaussian(shape),
    "latent-dependent": lambda shape: densities.LatentScaleGaussian(shape, floor=0.3),
}


def build(mask, law="latent-dependent", *, transforms=None, flow=True):
    """A small model with weights away from where they start."""
    keras.utils.set_random_seed(0)
    shape, features = mask.image_shape, mask.features
    law = LAWS[law](shape)

    def static():
        if not flow:
            return densities.StandardNormal(features)
        return flows.premade.maf(features, layers=2, hidden=(8,), residual_blocks=1, normalised=True)

    usual = [flows.LogitPixels(alpha=0.05), flows.ActivationNormalisedPixels(shape[-1])]
    encoder = DenseEncoder(shape, hidden=(12,), activation="tanh")
    decoder = DenseDecoder(features, image_shape=shape, outputs=law.context, hidden=(12,), activation="tanh")
    model = AutoencodingFlow(
        encoder=densities.Conditional(encoder, densities.DiagonalNormal(features, context=12)),
        decoder=densities.Conditional(decoder, law),
        prior=static(),
        core=static(),
        mask=mask,
        transforms=usual if transforms is None else transforms,
    )
    for k, weight in enumerate(model.trainable_weights):
        weight.assign(weight + 0.2 * np.random.default_rng(k).standard_normal(weight.shape))
    return model


def images(shape, count=3):
    return tf.constant(np.random.default_rng(0).uniform(0.02, 0.98, (count, *shape)), tf.float32)


MASKS = {
    "centre 4x4": centre((4, 4, 1), features=3),
    "corners 5x5": corners((5, 5, 1), features=4),
    "centre 4x4 colour": centre((4, 4, 3), features=4),
    "any 5x5": CoreMask((5, 5, 1), core=(20, 3, 11)),
}
CASES = [(mask, law) for mask, law in zip(MASKS, [*LAWS, "per pixel"], strict=True)] + [
    ("centre 4x4", "latent-dependent")
]


@pytest.mark.parametrize(
    "precision", [("float64", "float64"), ("float32", "float32")], indirect=True, ids=["float64", "float32"]
)
@pytest.mark.parametrize(("mask", "law"), CASES)
def test_the_density_is_that_of_the_whole_map_by_autodiff(precision, mask, law):
    model = build(MASKS[mask], law)
    x = tf.cast(images(model.image_shape), precision)
    with tf.GradientTape() as tape:
        tape.watch(x)
        noise = tf.concat(model.to_noise(x), -1)  # [B, P]
    pixels = noise.shape[-1]
    jacobian = tf.reshape(tape.batch_jacobian(noise, x), [-1, pixels, pixels])
    log_det = tf.linalg.slogdet(tf.cast(jacobian, tf.float64))[1]
    log_det_of_ours = model.log_prob(x) - densities.standard_normal_log_prob(noise)
    np.testing.assert_allclose(log_det_of_ours, log_det, rtol={"float64": 1e-9, "float32": 1e-5}[precision])


@in_float64  # in float32 the last bit of a pixel near the law's edge is 0.02 of its noise
@pytest.mark.parametrize(("mask", "law"), CASES)
def test_noise_and_images_are_one_to_one(precision, mask, law):
    model = build(MASKS[mask], law)
    x = tf.cast(images(model.image_shape), precision)
    z0, d = (tf.identity(part) for part in model.to_noise(x))
    assert d.shape == (3, x[0].shape.num_elements() - z0.shape[1])
    np.testing.assert_allclose(model.from_noise(z0, d), x, atol=1e-12)
    z0, d = (0.3 * part for part in noise(model, 3))  # far out, the pixels of float32 are all 0 and 1
    for given, found in zip((z0, d), model.to_noise(model.from_noise(z0, d)), strict=True):
        np.testing.assert_allclose(found, given, atol=1e-7)


def test_a_density_over_two_pixels_integrates_to_one():
    model = build(CoreMask((1, 2, 1), core=(1,)), transforms=[flows.LogitPixels(alpha=1e-3)])
    edge = 1e-3 / (1 - 2e-3)  # the squeeze leaves the law a little more than [0, 1]
    low, high = -edge + 1e-6, 1 + edge - 1e-6
    y = np.linspace(-16.0, 16.0, 600)
    grid = low + (high - low) / (1 + np.exp(-y))  # dense at the ends, where logits put much
    x = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 1, 2, 1)
    density = np.exp(model.log_prob(tf.constant(x, tf.float32)).numpy().astype(float)).reshape(600, 600)
    assert np.trapezoid(np.trapezoid(density, grid), grid) == pytest.approx(1.0, abs=5e-3)


def test_samples_have_the_density_of_the_model():
    """E over samples of p(x) h(x) / p(x) = integral of h: here, of a box of known volume."""
    model = build(CoreMask((1, 2, 1), core=(0,)), "fixed", transforms=())
    x = tf.reshape(model.from_noise(*noise(model, 40_000)), [-1, 2]).numpy()
    centre_, half = np.median(x, 0), 0.5 * x.std(0)
    inside = np.all(np.abs(x - centre_) < half, 1)
    weights = inside / np.exp(model.log_prob(tf.reshape(x, [-1, 1, 2, 1])).numpy().astype(float))
    assert weights.mean() == pytest.approx(np.prod(2 * half), rel=0.05)


def noise(model, count):
    sizes = (model.latent_features, model.mask.shell_features)
    return [tf.random.stateless_normal([count, size], [7, k]) for k, size in enumerate(sizes)]


def test_without_flows_the_density_is_that_of_hand():
    """u = core, z = loc + scale u, log p = log N(z) + log N(shell) + sum log scale, in NumPy."""
    model = build(centre((4, 4, 1), features=2), "fixed", transforms=(), flow=False)
    x = images((4, 4, 1))
    q = model.encoder(model.mask.shell_alone(x))
    core, shell = model.mask.split(x)
    z = q.mean() + q.stddev() * core
    loc = model.mask.split(model.decoder(z).mean())[1]
    expected = -0.5 * (z**2).numpy().sum(-1) - 0.5 * (((shell - loc) / 0.7) ** 2).numpy().sum(-1)
    expected += np.log(q.stddev()).sum(-1) - 14 * np.log(0.7) - 8 * np.log(2 * np.pi)
    np.testing.assert_allclose(model.log_prob(x), expected, rtol=1e-5)
    np.testing.assert_allclose(model.encode(x), z, rtol=1e-5)


def test_deviations_are_each_image_s_own_and_leave_the_code_alone():
    model = build(centre((4, 4, 1), features=2), "fixed", transforms=())
    means, drawn = model.sample(50, 3), model.sample(50, 3, deviations=1.0)
    cold = model.sample(50, 3, temperature=0.0, deviations=1.0)
    shells = model.mask.split(cold)[1].numpy()
    assert np.ptp(model.sample(5, 3, temperature=0.0).numpy(), axis=0).max() < 1e-6
    assert len(np.unique(shells[:, 3])) > 20  # not one draw for the batch
    assert np.abs(means - drawn).mean() > 0.0
    np.testing.assert_array_equal(model.sample(50, 3, deviations=0.0), means)


def test_the_mean_image_has_the_code_that_it_was_decoded_from():
    model = build(centre((4, 4, 1), features=2), "fixed")
    z = tf.random.stateless_normal([2, 5, 2], [0, 1])
    pictures = model.decode(z)
    assert pictures.shape == (2, 5, 4, 4, 1)
    again = model.encode(tf.reshape(pictures, [10, 4, 4, 1]))
    np.testing.assert_allclose(again, tf.reshape(z, [10, 2]), atol=1e-3)


def test_first_images_normalise_what_passes_through():
    model = build(centre((4, 4, 1), features=3), "fixed")
    x = images((4, 4, 1), 500)
    assert initialise_from_data(model, lambda: model.log_prob(x)) == 5  # pixels, 2 core steps, 2 prior steps
    z0, _ = model.to_noise(x)
    assert float(tf.math.reduce_std(z0)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("wrong", [255.0 * images((4, 4, 1)), tf.zeros([2, 4, 4, 1], tf.uint8), tf.zeros([2, 4, 5, 1])])
def test_images_that_are_none_of_the_law_s_are_refused(wrong):
    model = build(centre((4, 4, 1), features=3))
    for call in (model.log_prob, model.log_likelihood, model.encode):
        with pytest.raises(ValueError, match="Pixels must lie in|must be floating|model's shape"):
            call(wrong)


def test_parts_that_do_not_fit_are_refused():
    parts = build(centre((4, 4, 1), features=3)).get_config()
    parts = {
        name: keras.saving.deserialize_keras_object(parts[name]) for name in ("encoder", "decoder", "prior", "core")
    }
    with pytest.raises(ValueError, match="share one latent size. Received: .*'mask': 2"):
        AutoencodingFlow(**parts, mask=centre((4, 4, 1), features=2))
    with pytest.raises(ValueError, match="share one image shape. Received: .*'mask': \\(4, 5, 1\\)"):
        AutoencodingFlow(**parts, mask=centre((4, 5, 1), features=3))
    law = densities.Bernoulli((4, 4, 1))
    parts["decoder"] = densities.Conditional(DenseDecoder(3, image_shape=(4, 4, 1), outputs=1), law)
    with pytest.raises(TypeError, match="end in a Gaussian law.*Received: Bernoulli"):
        AutoencodingFlow(**parts, mask=centre((4, 4, 1), features=3))
