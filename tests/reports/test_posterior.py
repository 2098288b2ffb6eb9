"""The densities that the pictures of the latent plane show."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from vae_flows.decoders.dense import DenseDecoder
from vae_flows.densities.base import Conditional
from vae_flows.densities.gaussian import DiagonalNormal, StandardNormal
from vae_flows.densities.pixels import Bernoulli
from vae_flows.encoders.dense import DenseEncoder
from vae_flows.estimators.placed_noise import PlacedNoise
from vae_flows.flows import premade
from vae_flows.image_data import GreyLevels, ImageSet, ImageSpec, Split
from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.latent_models.vae import VAE
from vae_flows.reports.latent_space import latent_map
from vae_flows.reports.posterior import Plane, posterior_contours, posterior_planes, spread_of_fits
from vae_flows.reports.run_report import _codes
from vae_flows.reports.subject import Subject
from vae_flows.vlae import Laplace

SHAPE, SEED = (4, 4, 1), key(1, Purpose.POSTERIORS)
X = tf.constant(np.random.default_rng(0).binomial(1, 0.4, (9, *SHAPE)), tf.float32)
POSTERIORS = {
    "no flow": lambda: DiagonalNormal(2, context=8),
    "planar": lambda: premade.planar(2, context=8, layers=3, step_context=4),
    "IAF": lambda: premade.iaf(2, context=8, layers=2, hidden=(8,), step_context=4),
}


def subject(model, seed):
    split = Split(X.numpy().astype(np.uint8))
    data = ImageSet(name="noise", spec=ImageSpec(SHAPE, levels=2), train=split, validation=split, test=split)
    return Subject(model, data, GreyLevels(levels=2), seed=seed)


def vae(name):
    law = Bernoulli(SHAPE)
    return VAE(
        encoder=Conditional(DenseEncoder(SHAPE, hidden=(8,)), POSTERIORS[name]()),
        decoder=Conditional(
            DenseDecoder(2, image_shape=SHAPE, outputs=law.context, hidden=(8,), activation="elu"), law
        ),
        prior=StandardNormal(2),
    )


@pytest.mark.parametrize("name", POSTERIORS)
def test_the_divergence_on_the_plane_is_what_the_bound_lacks(name):
    model = vae(name)
    ((both, base),) = posterior_planes(model, X[:1], seed=SEED)
    assert (base is None) == (name == "no flow")
    for density in both.densities.values():
        assert density.sum() * both.cell == pytest.approx(1.0, abs=0.02)
    if base:
        assert base.densities["base"].sum() * base.cell == pytest.approx(1.0, abs=0.02)
    line = np.linspace(-7.0, 7.0, 400)
    grid = tf.constant(np.dstack(np.meshgrid(line, line)).reshape(-1, 1, 2), tf.float32)
    log_joint = model.infer(X[:1], start="prior").log_joint(grid).numpy().astype(np.float64)
    log_p = scipy.special.logsumexp(log_joint) + 2.0 * np.log(line[1] - line[0])
    elbo = model.log_weights(X[:1], 100_000, tf.constant([3, 4])).numpy().astype(np.float64)
    error = elbo.std() / np.sqrt(100_000)
    assert both.divergence("posterior", "true") == pytest.approx(log_p - elbo.mean(), abs=0.03 + 4.0 * error)


def test_images_are_chosen_by_how_well_the_posterior_fits():
    model = vae("IAF")
    chosen = spread_of_fits(subject(model, 1), None)
    planes = posterior_planes(model, tf.gather(X, chosen), seed=SEED)
    best, middle, worst = (both.divergence("posterior", "true") for both, _ in planes)
    assert best < middle < worst
    figure = posterior_contours(tf.gather(X, chosen).numpy(), planes)
    assert len(figure.axes) == 3 * 3
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles.count("q before its flow") == 3
    both = titles.index(f"KL(q || p) = {worst:.2f}")
    shades, lines = figure.axes[both].collections  # one over the other
    assert shades.filled and not lines.filled


def test_a_posterior_far_from_the_true_one_is_shown_with_it():
    model = vae("no flow")
    head = model.encoder.density
    bias = max((w for w in head.weights if w.shape.rank == 1), key=lambda w: w.shape[0])
    bias.assign(tf.constant([6.0, -6.0, -3.0, -3.0]))  # locations far out, narrow
    ((both, _),) = posterior_planes(model, X[:1], seed=SEED)
    for density in both.densities.values():
        edge = np.concatenate([density[0], density[-1], density[:, 0], density[:, -1]])
        assert edge.max() < 0.01 * density.max()


def test_densities_that_overflow_or_vanish_are_left_blank():
    line = np.linspace(-1.0, 1.0, 5)
    nothing = Plane(line, line, {"true": np.zeros([5, 5]), "posterior": np.zeros([5, 5])})
    figure = posterior_contours(np.zeros([1, 4, 4, 4], np.uint8), [(nothing, None)])
    assert len(figure.axes) == 2
    model = vae("IAF")
    for weight in model.encoder.trainable_weights:
        weight.assign(6.0 * tf.random.stateless_normal(weight.shape, [1, 2]))
    for both, base in posterior_planes(model, X[:2], seed=SEED):
        for density in [*both.densities.values(), *base.densities.values()]:
            assert np.isfinite(density).all()


def test_samples_before_the_flow_are_the_gaussian_s():
    model = vae("planar")
    before, after = _codes(subject(model, 3), 9)
    noise = PlacedNoise.of(key(3, Purpose.CODES), images=9).normal(count=1, features=2)
    q = model.encoder(X)
    expected = q.distribution.mean() + q.distribution.stddev() * noise[0]
    np.testing.assert_allclose(before, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after, q.bijector.forward(expected), rtol=1e-5, atol=1e-5)
    figure = latent_map(after, before=before, labels=np.arange(9) % 3)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Before the flow", "After the flow"]
    shown = [axes.collections[0].get_offsets() for axes in figure.axes]
    np.testing.assert_allclose(shown[0], before[::3], rtol=1e-5)
    np.testing.assert_allclose(shown[1], after[::3], rtol=1e-5)


@pytest.mark.parametrize("features", [2, 5])
def test_a_single_code_is_shown(features):
    assert len(latent_map(np.ones([1, features])).axes) == 1


def test_a_refined_posterior_comes_with_the_laws_that_lead_to_it():
    model = vae("no flow")
    model.refine = Laplace(steps=2)
    planes = posterior_planes(model, X[:2], seed=SEED)
    for both, base in planes:
        assert base is None and list(both.densities) == ["true", "posterior", "encoder", "step 1"]
        for name, density in both.densities.items():
            assert density.sum() * both.cell == pytest.approx(1.0, abs=0.02), name
        assert both.divergence("posterior", "true") < both.divergence("encoder", "true")
    figure = posterior_contours(X[:2], planes)
    titles = [axes.get_title("left").split(" = ")[0] for axes in figure.axes[:4]]
    assert titles == ["", "encoder, KL(r || p)", "step 1, KL(r || p)", "KL(q || p)"]
