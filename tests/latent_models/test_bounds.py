"""Bounds of a VAE whose log p(x) is known: a linear decoder with Gaussian pixels."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Conditional, DiagonalNormal, FixedScaleGaussian, StandardNormal
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import Affine, Autoregressive, Chain, Flow, Invert, premade
from vae_flows.latent_models import VAE, Elbo, Iwae, LinearWarmup, Reconstruction

IMAGE, D, SCALE = (2, 3, 1), 2, 0.5


def linear_gaussian(posterior):
    """x = W z + b + 0.5 e: p(x) = N(b, W W' + 0.25 I); the posterior is q's own, and not exact."""
    law = FixedScaleGaussian(IMAGE, scale=SCALE)
    encoder = Conditional(DenseEncoder(IMAGE, hidden=(8,), activation="tanh"), posterior)
    decoder = Conditional(DenseDecoder(D, image_shape=IMAGE, outputs=law.context, hidden=()), law)
    vae = VAE(encoder, decoder, StandardNormal(D))
    generator = np.random.default_rng(0)
    vae.decoder.set_weights([0.7 * generator.standard_normal(w.shape) for w in vae.decoder.get_weights()])
    kernel, bias = vae.decoder.get_weights()
    return vae, scipy.stats.multivariate_normal(bias, kernel.T @ kernel + SCALE**2 * np.eye(6))


@pytest.mark.parametrize("kind", ["gaussian", "iaf"])
def test_importance_weighted_bounds_rise_to_the_exact_log_likelihood(kind):
    keras.utils.set_random_seed(0)
    posterior = (
        DiagonalNormal(D, context=8)
        if kind == "gaussian"
        else premade.iaf(D, context=8, layers=2, hidden=(8,), step_context=4)
    )
    vae, law = linear_gaussian(posterior)
    vae.decoder.trainable = False
    vae.compile(keras.optimizers.Adam(1e-2))
    vae.fit(law.rvs(2000, random_state=0).reshape(-1, *IMAGE).astype("float32"), batch_size=50, epochs=5, verbose=0)
    x = law.rvs(20, random_state=1).astype("float32")
    exact = law.logpdf(x)
    log_w = vae.log_weights(tf.constant(x.reshape(20, *IMAGE)), 100_000, [0, 1]).numpy().astype("float64")  # [K, B]
    bounds, errors = {}, {}
    for k in (1, 10, 100, 1000):
        groups = log_w.reshape(-1, k, 20)
        each = (np.logaddexp.reduce(groups, 1) - np.log(k)).mean(1)  # bound of one group, mean over images
        bounds[k], errors[k] = each.mean(), each.std() / np.sqrt(len(each))
    assert bounds[1] < bounds[10] < bounds[100] < bounds[1000]
    for k, bound in bounds.items():
        assert bound < exact.mean() + 3 * errors[k]
    estimate = np.logaddexp.reduce(log_w, 0) - np.log(len(log_w))
    np.testing.assert_allclose(estimate, exact, atol=0.02)


def test_elbo_of_the_exact_posterior_is_the_log_likelihood():
    """With q equal to the true posterior every log-weight is log p(x): nothing is left out of the terms."""
    vae, law = linear_gaussian(DiagonalNormal(D, context=8))
    kernel, bias = vae.decoder.get_weights()
    kernel = np.linalg.qr(kernel.T)[0].T  # orthogonal rows: the true posterior is diagonal
    vae.decoder.set_weights([kernel, bias])
    law = scipy.stats.multivariate_normal(bias, kernel.T @ kernel + SCALE**2 * np.eye(6))
    x = law.rvs(5, random_state=1).astype("float32")
    variance = 1 / (1 + 1 / SCALE**2)
    loc = variance / SCALE**2 * (x - bias) @ kernel.T
    import tensorflow_probability as tfp

    from vae_flows.densities import push

    q = tfp.distributions.MultivariateNormalDiag(
        tf.constant(loc, tf.float32), tf.fill([5, D], np.float32(variance**0.5))
    )
    z, log_q = push(q, tf.random.stateless_normal([7, 5, D], [0, 1]))
    log_joint = vae.decoder(z).log_prob(x.reshape(5, *IMAGE)) + vae.prior().log_prob(z)
    np.testing.assert_allclose(log_joint - log_q, np.tile(law.logpdf(x), [7, 1]), atol=1e-4)


def test_kl_uses_the_prior_at_the_transformed_code():
    """With a flow prior equal to the flow posterior's own law, the KL vanishes: both are taken at z = f(u)."""
    prior = Flow(Chain([Invert(Autoregressive(D, element=Affine(), hidden=(4,)))]), StandardNormal(D))
    for weight in prior.trainable_weights:
        weight.assign(weight.numpy() + 0.3)
    law = FixedScaleGaussian(IMAGE, scale=SCALE)
    encoder = Conditional(DenseEncoder(IMAGE, hidden=(8,)), DiagonalNormal(D, context=8))
    decoder = Conditional(DenseDecoder(D, image_shape=IMAGE, outputs=law.context, hidden=()), law)
    vae = VAE(encoder, decoder, prior)
    annealing = vae.infer(tf.zeros([3, *IMAGE]), start="prior")
    u = tf.random.stateless_normal([3, D], [0, 1])
    z = annealing.latent(u)
    log_likelihood = vae.decoder(z).log_prob(tf.zeros([3, *IMAGE]))
    np.testing.assert_allclose(annealing.log_target(u), log_likelihood + StandardNormal(D)().log_prob(u), atol=1e-4)


def test_objectives_are_what_they_say():
    from vae_flows.latent_models import ElboTerms

    terms = ElboTerms(tf.constant([-3.0, -5.0]), tf.constant([[1.0, 0.1], [3.0, 0.3]]))
    np.testing.assert_allclose(Elbo().loss(terms, 0), [4.1, 8.3], rtol=1e-6)
    np.testing.assert_allclose(Elbo(kl_weight=LinearWarmup(10)).loss(terms, 5), [3.55, 6.65], rtol=1e-6)
    with tf.GradientTape() as tape:
        kl = tf.constant([[1.0, 0.1], [3.0, 0.3]])
        tape.watch(kl)
        loss = Elbo(free_bits=0.5).loss(ElboTerms(tf.zeros(2), kl), 0)
    np.testing.assert_allclose(tape.gradient(loss, kl), [[1, 0], [1, 0]])  # the second group's mean is below 0.5
    weighted = ElboTerms(tf.constant([[-1.0], [-2.0]]), tf.zeros([2, 1, 1]))
    np.testing.assert_allclose(Iwae(2).loss(weighted, 0), [-np.log((np.exp(-1) + np.exp(-2)) / 2)], rtol=1e-6)
    np.testing.assert_allclose(Elbo(kl_weight=0.5).loss(terms, 5), [3.55, 6.65], rtol=1e-6)
    np.testing.assert_allclose(Elbo(kl_weight=LinearWarmup(0)).loss(terms, 0), [4.1, 8.3], rtol=1e-6)
    with pytest.raises(ValueError, match="`steps` must be at least 0.*steps=-1"):
        LinearWarmup(-1)
    with pytest.raises(TypeError, match="a number or a function of the step.*'beta'"):
        Elbo(kl_weight="beta")
    with pytest.raises(ValueError, match="`samples` must be at least 1"):
        Iwae(0)


def test_parts_that_do_not_fit_are_refused():
    law = FixedScaleGaussian(IMAGE)
    encoder = Conditional(DenseEncoder(IMAGE, hidden=(8,)), DiagonalNormal(3, context=8))
    decoder = Conditional(DenseDecoder(D, image_shape=IMAGE, outputs=1, hidden=()), law)
    with pytest.raises(ValueError, match="must share one latent size.*'encoder': 3, 'decoder': 2"):
        VAE(encoder, decoder, StandardNormal(D))
    with pytest.raises(ValueError, match="`density` must take what `network` gives.*context=8.*context=9"):
        Conditional(DenseEncoder(IMAGE, hidden=(8,)), DiagonalNormal(3, context=9))
    other = Conditional(DenseEncoder((2, 2, 1), hidden=(8,)), DiagonalNormal(D, context=8))
    with pytest.raises(ValueError, match=r"must share one image shape.*\(2, 2, 1\)"):
        VAE(other, decoder, StandardNormal(D))


def test_a_linear_autoencoder_finds_the_principal_components():
    """Its error is what the first two leave: the sum of the other eigenvalues of the covariance."""
    keras.utils.set_random_seed(0)
    x = (np.random.default_rng(0).standard_normal((1000, 6)) * [2.0, 1.5, 0.5, 0.4, 0.3, 0.2]).astype("float32")
    x = x @ np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0].astype("float32")
    law = FixedScaleGaussian(IMAGE, scale=SCALE)
    encoder = Conditional(DenseEncoder(IMAGE, hidden=(D,), activation="linear"), DiagonalNormal(D, context=D))
    decoder = Conditional(DenseDecoder(D, image_shape=IMAGE, outputs=law.context, hidden=()), law)
    model = VAE(encoder, decoder, StandardNormal(D), objective=Reconstruction())
    images = tf.constant(x.reshape(-1, *IMAGE))
    model.compile(keras.optimizers.Adam(2e-2))
    for _ in range(400):
        trained = model.train_on_batch(images, return_dict=True)
    assert set(trained) == {"loss", "reconstruction"}  # no bound of zero
    found = model.evaluate(images, verbose=0, batch_size=1000, return_dict=True)
    left = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))[: 6 - D].sum()
    expected = 0.5 * left / SCALE**2 + 6 * np.log(SCALE) + 3 * np.log(2 * np.pi)
    assert found["reconstruction"] == pytest.approx(expected, rel=1e-3)
    assert found["neg_elbo"] > expected
    assert not model.trains_prior
