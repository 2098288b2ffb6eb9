import math
import warnings

import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows.estimators.importance import UnreliableWeights
from vae_flows.estimators.placed_noise import PlacedNoise
from vae_flows.image_data.arrays import ImageSet, Split
from vae_flows.image_data.preparations import Binarise, Dequantise, GreyLevels
from vae_flows.image_data.spec import ImageSpec
from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.reports.annealing import annealed, bracketed, ladder
from vae_flows.reports.evaluation import bits_per_dim, elbo_terms, exact_log_prob, importance
from vae_flows.reports.settings import check_evaluation, check_method
from vae_flows.reports.subject import Subject

IMAGES = np.random.default_rng(0).integers(0, 256, (11, *registry.IMAGE)).astype(np.uint8)
SPEC = ImageSpec(registry.IMAGE)
DATA = ImageSet(name="noise", spec=SPEC, train=Split(IMAGES), validation=Split(IMAGES[:3]), test=Split(IMAGES))


def subject(model, seed):
    return Subject(model, DATA, Binarise(), seed=seed)


def small(name):
    """A model of the registry whose posterior is near the truth, because nothing in it depends on much."""
    model = registry.MODELS[name].build()
    for weight in model.trainable_weights:
        weight.assign(0.4 * weight)
    return model


@pytest.fixture(scope="module", params=["VAE", "VAE with IAF posterior, flow prior, IWAE"])
def model(request):
    return small(request.param)


@pytest.fixture(autouse=True)
def untrained_models_have_unreliable_weights():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreliableWeights)
        yield


def test_each_image_has_its_own_noise_whatever_the_batch(model):
    judged = subject(model, 3)
    whole = elbo_terms(judged, batch=11, draws=4)
    for name, values in elbo_terms(judged, batch=4, draws=4).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-5, atol=1e-5)
        assert values.shape == (11,)
    noise = PlacedNoise.of(key(3, Purpose.BOUND), images=11).normal(count=4, features=model.noise_features)
    expected = -tf.reduce_mean(model.infer(judged.prepared()).terms(noise).log_likelihood, 0)
    np.testing.assert_allclose(whole["neg_log_likelihood_given_z"], expected, rtol=1e-5, atol=1e-5)


def test_the_bound_is_the_sum_of_its_terms_and_the_mean_of_the_model_s(model):
    judged = subject(model, 3)
    found = {name: values.mean() for name, values in elbo_terms(judged, draws=512).items()}
    assert found["neg_elbo"] == pytest.approx(found["kl"] + found["neg_log_likelihood_given_z"], rel=1e-6)
    noise = tf.random.stateless_normal([256, 11, model.noise_features], [9, 9])
    elbos = tf.reduce_mean(model.infer(judged.prepared()).log_weight(noise), 1).numpy()  # [256]
    assert abs(found["neg_elbo"] + elbos.mean()) < 4.0 * elbos.std() * math.sqrt(1 / 256 + 1 / 512)


def test_images_are_prepared_the_same_however_many_are_asked_for_and_whatever_the_seed(model):
    few, many = subject(model, 3), subject(model, 3)
    np.testing.assert_array_equal(few.prepared(4), many.prepared()[:4])
    np.testing.assert_array_equal(few.prepared(9), many.prepared()[:9])  # more than were prepared before
    assert few.count() == 11 and few.count(500) == 11 and few.count(split="validation") == 3
    np.testing.assert_array_equal(few.originals(2), IMAGES[:2] / np.float32(255))
    np.testing.assert_array_equal(subject(model, 4).prepared(), subject(model, 3).prepared())


def test_the_likelihood_is_the_log_of_the_mean_weight(model):
    judged = subject(model, 1)
    estimate = importance(judged, samples=80)
    noise = PlacedNoise.of(key(1, Purpose.WEIGHTS), images=11).normal(count=80, features=model.noise_features)
    weights = tf.cast(model.infer(judged.prepared()).log_weight(noise), tf.float64)  # [80, 11]
    np.testing.assert_allclose(estimate.values, tf.reduce_logsumexp(weights, 0) - math.log(80), atol=1e-3)


def test_an_exact_model_needs_no_samples():
    model = registry.MODELS["mixture, exact"].build()
    judged = subject(model, 1)
    assert judged.exact
    np.testing.assert_allclose(exact_log_prob(judged, batch=4), model.log_prob(judged.prepared()), rtol=1e-6)
    assert check_method(None, exact=True) == "exact" and check_method(None, exact=False) == "importance"
    with pytest.raises(ValueError, match="gives log p.x. itself. Expected: exact. Received: hais"):
        check_method("hais", exact=True)


@pytest.mark.parametrize(("name", "method"), [("VAE", elbo_terms), ("mixture, exact", exact_log_prob)])
def test_what_is_not_finite_is_told_with_its_images(name, method):
    model = registry.MODELS[name].build()
    model.trainable_weights[-1].assign(np.nan * model.trainable_weights[-1])
    with pytest.raises(ValueError, match=r"The validation .* must be finite.*for 3 of 3 images, first \[0, 1, 2\]"):
        method(subject(model, 1), split="validation")


@pytest.mark.parametrize("gradients", ["float32", "bfloat16"])
def test_annealing_agrees_and_the_bracket_closes(gradients):
    judged = subject(small("VAE"), 1)
    reference = importance(judged, 4, samples=4000)
    settings = {"chains": 8, "temperatures": 40, "leapfrogs": 5, "start": "prior", "gradients": gradients}
    estimate = annealed(judged, **settings, images=4)
    assert estimate.images == 4
    assert abs(estimate.mean - reference.mean) < 4.0 * math.hypot(
        estimate.monte_carlo_error, reference.monte_carlo_error
    )
    brackets, weighed = bracketed(judged, **settings, images=6, samples=4000)
    assert list(brackets) == ladder(40) == [2, 5, 10, 20, 40]
    last = brackets[40]
    error = math.hypot(last.lower.monte_carlo_error, last.upper.monte_carlo_error)
    assert last.images == weighed.images == 6 and -4.0 * error < last.gap < 4.0 * error + 0.1
    assert abs(weighed.mean - last.lower.mean) < 4.0 * math.hypot(error, weighed.monte_carlo_error)


def test_what_an_evaluation_cannot_be_told_is_refused():
    check_evaluation({"hais": {"temperatures": 10, "gradients": "bfloat16"}, "importance": {"samples": 5}})
    with pytest.raises(
        ValueError, match=r"Unknown method .* Expected one of: exact, importance, hais.* Received: 'ais'"
    ):
        check_evaluation({"ais": {}})
    with pytest.raises(ValueError, match=r"`evaluation\['hais'\]`. Expected .*temperatures.* Received: 'samples'"):
        check_evaluation({"hais": {"samples": 10}})
    for name, value in {
        "start": "bse",
        "chains": 0,
        "gradients": "float16",
        "images": "all",
        "temperatures": 1,
    }.items():
        with pytest.raises(ValueError, match=rf"'{name}'\]` is out of range. Expected .* Received: {value!r}"):
            check_evaluation({"hais": {name: value}})
    check_evaluation({"importance": {"images": None}})


def test_bits_count_a_grey_level_as_one():
    spec = ImageSpec((2, 2, 3))
    nll = 12 * math.log(256)  # uniform over 256 levels; as a density on [0, 1) that is 1
    eight = {"bits_per_dim": pytest.approx(8.0), "bits_per_dim_standard_error": pytest.approx(0.25)}
    nothing = {"bits_per_dim": None, "bits_per_dim_standard_error": None}
    error = 3 * math.log(2)
    assert bits_per_dim(nll, error, spec=spec, preparation=GreyLevels()) == eight
    assert bits_per_dim(0.0, error, spec=spec, preparation=Dequantise()) == eight
    assert bits_per_dim(nll, error, spec=spec, preparation=Binarise()) == nothing
    assert bits_per_dim(nll, spec=ImageSpec((2, 2, 3), levels=2), preparation=GreyLevels(levels=2)) == nothing
