"""Pixel transforms: their volume is in the density, and honest bits follow."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logit
from scipy.stats import kstest, norm, truncnorm

from vae_flows.blocks import initialise_from_data
from vae_flows.densities import FixedScaleGaussian, LatentScaleGaussian
from vae_flows.flows import ActivationNormalisedPixels, CentredPixels, LogitPixels, TransformedPixels

SHAPE = (2, 3, 3)
X = tf.constant(np.random.default_rng(0).uniform(0.01, 0.99, (5, *SHAPE)), tf.float32)


def transforms():
    centred = CentredPixels(SHAPE)
    centred.centre_on(X)
    normalised = ActivationNormalisedPixels(3)
    normalised.log_scale.assign([0.3, -0.2, 1.0])
    normalised.shift.assign([0.1, 0.2, -0.3])
    return {
        "logit": [LogitPixels(alpha=0.05)],
        "nearly all logit": [LogitPixels(alpha=1e-6)],
        "centred": [centred],
        "activation normalisation": [normalised],
        "all": [LogitPixels(alpha=0.05), normalised, centred],
    }


@pytest.mark.parametrize("kind", transforms())
def test_log_density_has_the_volume_of_the_transform(kind):
    parts = transforms()[kind]
    law = TransformedPixels(FixedScaleGaussian(SHAPE, scale=2.0), parts)
    loc = tf.zeros_like(X)
    with tf.GradientTape() as tape:
        tape.watch(X)
        y = X
        for part in parts:
            y = part().forward(tf.identity(y))
    derivative = tape.gradient(y, X)  # element by element
    expected = FixedScaleGaussian(SHAPE, scale=2.0)(loc).log_prob(y) + tf.reduce_sum(tf.math.log(derivative), [1, 2, 3])
    np.testing.assert_allclose(law(loc).log_prob(X), expected, rtol=1e-4)


@pytest.mark.parametrize("alpha", [1e-6, 0.05])
def test_logit_keeps_the_digits_of_float32_up_to_both_ends(alpha):
    x = tf.constant([0.0, 1e-7, 0.1, 0.5, 0.9, 1 - 2.0**-23, 1.0])
    p, q = (alpha + (1 - 2 * alpha) * part for part in (np.float64(x), 1 - np.float64(x)))
    y, log_derivative = np.log(p) - np.log(q), np.log(1 - 2 * alpha) - np.log(p) - np.log(q)
    bijector = LogitPixels(alpha=alpha)()
    np.testing.assert_allclose(bijector.forward(x), y, rtol=3e-7, atol=1e-7)
    np.testing.assert_allclose(bijector.forward_log_det_jacobian(x), log_derivative, rtol=3e-7, atol=1e-6)
    far = tf.constant(y, tf.float32)  # a tensor of its own: no value kept from forward
    np.testing.assert_allclose(bijector.inverse(far), x, atol=2e-7)
    np.testing.assert_allclose(bijector.inverse_log_det_jacobian(far), -log_derivative, rtol=3e-7, atol=1e-6)


@pytest.mark.parametrize("alpha", [1e-6, 0.05])
def test_density_on_pixels_integrates_to_the_mass_inside(alpha):
    """The squeezed logit keeps the mass between logit(alpha) and logit(1 - alpha)."""
    law = TransformedPixels(FixedScaleGaussian((1, 1, 1), scale=1.0), [LogitPixels(alpha=alpha)])
    edges = np.linspace(0, 1, 200001)
    x = tf.constant((edges[1:] + edges[:-1]) / 2, tf.float32)[:, None, None, None]
    mass = float(tf.reduce_mean(tf.exp(law(tf.zeros([1, 1, 1, 1])).log_prob(x))))
    bound = np.log((1 - alpha) / alpha)
    assert mass == pytest.approx(norm.cdf(bound) - norm.cdf(-bound), abs=2e-3)


def test_mass_inside_is_told_and_simulated_images_stay_there():
    law = TransformedPixels(FixedScaleGaussian((1, 1, 1), scale=1.0), [LogitPixels(alpha=0.05)])
    loc = np.array([-100.0, -4.0, 0.0, 2.0], "float32")
    distribution, (low, high) = law(tf.constant(np.tile(loc, [5000, 1]))[..., None, None, None]), logit([0.05, 0.95])
    inside = law.inside(distribution)[0].numpy().ravel()
    np.testing.assert_allclose(inside, norm.cdf(high, loc) - norm.cdf(low, loc), atol=1e-5)
    np.testing.assert_allclose(inside, [0.0, 0.1456, 0.9968, 0.8275], atol=1e-4)  # as the docstring says
    x = law.simulate(distribution, [0, 1]).numpy()
    assert x.min() >= 0 and x.max() <= 1 and np.isfinite(x).all()
    for place in (1, 2, 3):
        y = logit(0.05 + 0.9 * x[:, place].ravel().astype("float64"))
        expected = truncnorm(low - loc[place], high - loc[place], loc=loc[place])
        assert kstest(y, expected.cdf).statistic < 0.03
    assert x[:, 0].max() < 0.01


def test_simulated_pixels_of_other_laws_are_clipped():
    class Wide(FixedScaleGaussian):
        def given(self, context):
            return tfp.distributions.Independent(tfp.distributions.Laplace(context, 50.0), 3)

    law = TransformedPixels(Wide(SHAPE), [LogitPixels(alpha=0.05)])
    x = law.simulate(law(tf.zeros([4, *SHAPE])), [0, 1]).numpy()
    assert x.min() == 0 and x.max() == 1 and (x > 0).any()


def test_dequantised_density_bounds_the_discrete_law():
    """E_u log p((k + u) / levels) - log levels <= log P(k), with P(k) the integral over k's bin; P sums to 1."""
    levels = 4
    law = TransformedPixels(LatentScaleGaussian((1, 1, 1)), [LogitPixels(alpha=0.02)])
    context = tf.constant([[[[0.3, 0.2]]]])
    u = (np.arange(5000) + 0.5) / 5000
    k = np.arange(levels)[:, None]
    log_p = law(context).log_prob(tf.constant((k + u) / levels, tf.float32).numpy().reshape(-1, 1, 1, 1))
    log_p = log_p.numpy().reshape(levels, -1) - np.log(levels)  # density of k + u
    masses, bounds = np.exp(log_p).mean(1), log_p.mean(1)
    assert masses.sum() == pytest.approx(1.0, abs=0.02)  # the squeeze leaves a little outside
    assert np.all(bounds <= np.log(masses))


def test_first_batch_sets_the_activation_normalisation_in_place():
    normalised = ActivationNormalisedPixels(3)
    law = TransformedPixels(FixedScaleGaussian(SHAPE), [LogitPixels(alpha=0.05), normalised])
    assert initialise_from_data(law, lambda: law(tf.zeros_like(X)).log_prob(X)) == 1
    y = normalised().forward(LogitPixels(alpha=0.05)().forward(X))
    np.testing.assert_allclose(tf.reduce_mean(y, [0, 1, 2]), np.zeros(3), atol=1e-5)
    np.testing.assert_allclose(tf.math.reduce_std(y, [0, 1, 2]), np.ones(3), atol=1e-3)


def test_pictures_come_back_to_the_unit_interval():
    law = TransformedPixels(FixedScaleGaussian(SHAPE), [LogitPixels(alpha=0.05)])
    pictures = law.display(law(tf.constant([[[[-40.0, 0.0, 40.0]]]]) * tf.ones([1, *SHAPE])))
    np.testing.assert_allclose(pictures[0, 0, 0], [0.0, 0.5, 1.0], atol=1e-6)


def test_a_squeeze_of_nothing_or_all_is_refused():
    with pytest.raises(ValueError, match=r"`alpha` must lie in \(0, 0.5\).*alpha=0"):
        LogitPixels(alpha=0)
