"""Laplace posteriors against closed forms, autodiff and scipy."""

import keras
import numpy as np
import pytest
import registry
import scipy.optimize
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows import flows
from vae_flows.decoders import DenseDecoder
from vae_flows.densities import (
    Bernoulli,
    Conditional,
    DiagonalNormal,
    FixedScaleGaussian,
    LatentScaleGaussian,
    LogisticMixture,
    PixelScaleGaussian,
    SharedScaleGaussian,
    StandardNormal,
)
from vae_flows.encoders import DenseEncoder
from vae_flows.latent_models import VAE, Iwae
from vae_flows.vlae import Laplace
from vae_flows.vlae.linearised import linearised

IMAGE, D, B = (2, 3, 1), 2, 4
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.uniform(0.1, 0.9, (B, *IMAGE)).astype("float32")


def decoder_of(law, hidden=()):
    network = DenseDecoder(D, image_shape=IMAGE, outputs=law.context, hidden=hidden, activation="tanh")
    network.set_weights([0.7 * np.random.default_rng(1).standard_normal(w.shape) for w in network.get_weights()])
    return Conditional(network, law)


def start(loc=0.3):
    return tfp.distributions.MultivariateNormalDiag(loc * tf.ones([B, D]), tf.ones([B, D]))


def affine_prior():
    """z = (u * scale) + shift, as a flow: N(shift, scale^2)."""
    layer = flows.ActivationNormalisation(D)
    for weight, value in zip(layer.weights, ([0.4, -0.2], [0.5, -0.3]), strict=False):
        weight.assign(value)
    return flows.Flow(flows.Chain([layer]), StandardNormal(D))


def gaussian_prior():
    prior = DiagonalNormal(D)
    prior.parameters.assign([0.5, -0.4, 0.3, -0.2])
    return prior


LAWS = {
    "fixed": lambda: FixedScaleGaussian(IMAGE, scale=0.5),
    "shared": lambda: SharedScaleGaussian(IMAGE, initial_scale=0.6),
    "pixel": lambda: PixelScaleGaussian(IMAGE, initial_scale=0.4),
    "logit": lambda: flows.TransformedPixels(FixedScaleGaussian(IMAGE, scale=0.7), [flows.LogitPixels(alpha=0.05)]),
}


@pytest.mark.parametrize("prior", [StandardNormal(D), gaussian_prior(), affine_prior()], ids=["N(0,I)", "N", "flow"])
@pytest.mark.parametrize("law", LAWS)
def test_one_whole_step_gives_the_exact_posterior_of_a_linear_decoder(law, prior):
    decoder, law = decoder_of(LAWS[law]()), law
    if law == "pixel":
        decoder.density.log_scale.assign(0.3 * RANDOM.standard_normal(IMAGE))
    kernel, bias = (np.float64(w) for w in decoder.network.get_weights())
    y = np.log((0.05 + 0.9 * IMAGES) / (0.95 - 0.9 * IMAGES)) if law == "logit" else IMAGES
    density = decoder.density.law if law == "logit" else decoder.density
    scale = np.broadcast_to(np.float64(density.loc_and_scale(tf.zeros([1, *IMAGE]))[1]), IMAGE).ravel()
    loc, spread = (0.0, 1.0)
    if prior.__class__ is not StandardNormal:
        sample = prior().sample(200_000, seed=[0, 1]).numpy() if isinstance(prior, flows.Flow) else None
        loc = prior().mean().numpy() if sample is None else sample.mean(0)
        spread = prior().stddev().numpy() if sample is None else sample.std(0)
    if isinstance(prior, flows.Flow):  # exactly, from two values of the affine map
        ends = prior().bijector.forward(tf.constant([[0.0, 0.0], [1.0, 1.0]])).numpy()
        loc, spread = ends[0], ends[1] - ends[0]
    precision = (kernel / scale**2) @ kernel.T + np.diag(np.ones(D) / spread**2)
    mean = np.linalg.solve(
        precision, (kernel / scale**2) @ (y.reshape(B, -1) - bias).T + (loc / spread**2 * np.ones(D))[:, None]
    ).T
    q = Laplace(steps=1, rate=1.0)(start(), tf.constant(IMAGES), decoder, prior())
    np.testing.assert_allclose(q.mean(), mean, atol=1e-4)
    np.testing.assert_allclose(q.covariance(), np.tile(np.linalg.inv(precision), [B, 1, 1]), atol=1e-4)


def test_log_q_integrates_to_one():
    q = Laplace()(start(), tf.constant(IMAGES), decoder_of(Bernoulli(IMAGE), hidden=(5,)), StandardNormal(D)())
    side = np.linspace(-8, 8, 401)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 1, D)
    mass = np.exp(q.log_prob(grid).numpy()).sum(0) * (side[1] - side[0]) ** 2
    np.testing.assert_allclose(mass, 1.0, atol=1e-4)


@pytest.mark.parametrize("name", registry.DECODERS)
def test_jacobian_and_its_products_are_those_of_autodiff(name):
    keras.utils.set_random_seed(0)
    network = registry.DECODERS[name].build()
    for weight in network.trainable_weights:
        weight.assign(weight + 0.1 * np.random.default_rng(1).standard_normal(weight.shape))
    z = tf.constant(RANDOM.standard_normal((3, 3)), tf.float32)

    @tf.function(autograph=False)
    def differentiated(z):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(z)
            outputs = network(z)
            flat = tf.reshape(outputs, [3, -1])
        return outputs, tape.batch_jacobian(flat, z, experimental_use_pfor=False)  # [B, size, D]

    outputs, expected = (each.numpy() for each in differentiated(z))
    near, r, d = linearised(network, z), tf.random.stateless_normal(outputs.shape, [1, 2]), z + 0.5
    flat = tf.reshape(r, [3, -1]).numpy()
    close = {"atol": 1e-4 * np.abs(expected).max(), "rtol": 1e-4}
    np.testing.assert_allclose(near.outputs, outputs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(near.jacobian(), expected.transpose(0, 2, 1), **close)
    np.testing.assert_allclose(tf.reshape(near.push(d), [3, -1]), np.einsum("bpd,bd->bp", expected, d), **close)
    np.testing.assert_allclose(near.pull(r), np.einsum("bpd,bp->bd", expected, flat), **close)
    close["atol"] *= np.abs(expected).max() * flat.shape[1]
    gram = np.einsum("bpd,bp,bpe->bde", expected, flat**2, expected)
    np.testing.assert_allclose(near.gram(tf.square(r)), gram, **close)
    np.testing.assert_allclose(near.gram(tf.constant(2.0)), 2 * np.einsum("bpd,bpe->bde", expected, expected), **close)


def test_mode_of_bernoulli_pixels_is_that_of_scipy():
    x = (IMAGES > 0.5).astype("float32")
    decoder = decoder_of(Bernoulli(IMAGE), hidden=(5,))
    q = start(0.0)
    for _ in range(60):  # whole steps near the mode, half ones on the way
        q = Laplace(steps=1, rate=0.5)(q, tf.constant(x), decoder, StandardNormal(D)())
    first, bias, second, last = (np.float64(w) for w in decoder.network.get_weights())

    def energy(z, x):
        logits = np.tanh(z @ first + bias) @ second + last
        return np.logaddexp(0, (1 - 2 * x) * logits).sum() + 0.5 * z @ z

    for image, mean in zip(x.reshape(B, -1), q.mean().numpy(), strict=True):
        found = scipy.optimize.minimize(energy, mean, args=(image,), tol=1e-10)
        np.testing.assert_allclose(mean, found.x, atol=1e-3)


@pytest.mark.parametrize("law", ["bernoulli", "latent"])
def test_curvature_is_the_mean_of_minus_the_second_derivative(law):
    """Over the law's own pixels; the gradient is autodiff's."""
    law = Bernoulli(IMAGE) if law == "bernoulli" else LatentScaleGaussian(IMAGE, floor=0.2)
    context = tf.constant(RANDOM.standard_normal((1, *IMAGE[:2], law.context)), tf.float32)
    x = law(context).sample(20_000, seed=[0, 1])[:, 0]
    with tf.GradientTape() as tape:
        tape.watch(context)
        log_prob = law(context).log_prob(x[:1])
    gradient, curvature = law.gradient_and_curvature(x, context)
    np.testing.assert_allclose(gradient[:1], tape.gradient(log_prob, context), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tf.reduce_mean(gradient**2, 0), curvature[0], rtol=0.1)  # Fisher's identity


def test_laws_without_a_known_curvature_are_refused():
    decoder = decoder_of(LogisticMixture(IMAGE, levels=4, components=2))
    with pytest.raises(TypeError, match="must know its curvature.*Received: LogisticMixture"):
        Laplace()(start(), tf.constant(IMAGES), decoder, StandardNormal(D)())


@pytest.fixture
def float64():
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def model_of(refine, objective=None):
    keras.utils.set_random_seed(0)
    encoder = Conditional(DenseEncoder(IMAGE, hidden=(4,), activation="tanh"), DiagonalNormal(D, context=4))
    decoder = decoder_of(SharedScaleGaussian(IMAGE, initial_scale=0.5), hidden=(5,))
    return VAE(encoder, decoder, StandardNormal(D), refine=refine, objective=objective)


def loss_of(model, x, noise):
    """The negative ELBO of given noise, with gradients by the factor itself."""
    return tf.reduce_mean(-model.inference(x, model.proposal(x)).terms(noise).elbo)


@pytest.mark.parametrize("refine", [Laplace(steps=3, iterations=None), Laplace(steps=1)], ids=["exact", "first step"])
def test_gradient_through_the_steps_is_that_of_finite_differences(refine, float64):
    model, x = model_of(refine), tf.constant(IMAGES, tf.float64)
    noise = tf.random.stateless_normal([B, D], [1, 2], dtype=tf.float64)
    with tf.GradientTape() as tape:
        loss = loss_of(model, x, noise)
    gradients = tape.gradient(loss, model.trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        direction, kept = RANDOM.standard_normal(weight.shape), weight.numpy()
        ends = []
        for sign in (1, -1):
            weight.assign(kept + sign * 1e-5 * direction)
            ends.append(float(loss_of(model, x, noise)))
        weight.assign(kept)
        expected = (ends[0] - ends[1]) / 2e-5
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(expected, rel=1e-4, abs=1e-7), weight.path


@pytest.mark.parametrize("refine", [Laplace(steps=2), Laplace(steps=2, iterations=None)], ids=["default", "exact"])
def test_gradient_by_products_is_that_by_the_factor_in_the_mean(refine, float64):
    model, repeats = model_of(refine), 20_000
    x = tf.repeat(tf.constant(IMAGES[:1], tf.float64), 2 * repeats, 0)
    half = tf.random.stateless_normal([repeats, D], [1, 2], dtype=tf.float64)
    noise, means = tf.concat([half, -half], 0), []
    for training in (False, True):
        with tf.GradientTape() as tape:
            inference = model.inference(x, model.proposal(x, training=training), training=training)
            loss = -tf.reduce_mean(inference.terms(noise).elbo)
        means.append([loss, *tape.gradient(loss, model.trainable_weights)])
    exact, found = means
    for one, other in zip(exact, found, strict=True):
        np.testing.assert_allclose(other, one, atol=0.02 * max(1.0, np.abs(one).max()))


def test_few_conjugate_gradients_come_near_the_exact_steps(float64):
    model, x = model_of(None), tf.constant(IMAGES, tf.float64)
    given, settings = (model.encoder(x), x, model.decoder, model.prior()), ((4, None), (4, 2), (0, None))
    exact, few, none = (Laplace(steps=T, iterations=c)(*given).mean().numpy() for T, c in settings)
    assert np.abs(few - exact).max() < 0.05 * np.abs(none - exact).max()


def test_steps_move_the_posterior_towards_the_images():
    model, x = model_of(None), tf.constant(IMAGES)
    path = Laplace()(*(arguments := (model.encoder(x), x, model.decoder, model.prior()))), Laplace().path(*arguments)
    np.testing.assert_allclose(path[0].mean(), path[1][-1].mean(), rtol=1e-5)
    joint = [float(tf.reduce_sum(model.infer(x).log_joint(law.mean()))) for law in path[1]]
    assert len(joint) == 5 and np.all(np.diff(joint) > 0)


def test_many_samples_have_gradients_too():
    model, x = model_of(Laplace(), objective=Iwae(5)), tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        loss = model.minimised(x, x, seed=tf.constant([1, 2]), step=tf.constant(0), training=True).loss
    assert all(np.all(np.isfinite(gradient.numpy())) for gradient in tape.gradient(loss, model.trainable_weights))


def test_arguments_that_make_no_sense_are_refused():
    for given in ({"iterations": 0}, {"steps": 1.5}):
        with pytest.raises(
            ValueError, match=r"must hold integers of at least \d. Received: (iterations=.0|steps=.1.5)"
        ):
            Laplace(**given)
    with pytest.raises(TypeError, match="`refine` must be a refiner.*Received: 4"):
        model_of(4)
