import math
import warnings

import numpy as np
import pytest
import registry
import scipy.stats
import tensorflow as tf

from vae_flows.estimators.importance import UnreliableWeights
from vae_flows.estimators.noise import PlacedNoise
from vae_flows.image_data.arrays import Split
from vae_flows.image_data.prepare import Binarise, Dequantise, GreyLevels
from vae_flows.image_data.spec import ImageSpec
from vae_flows.reports.annealing import annealed, bracketed, ladder
from vae_flows.reports.evaluation import _BOUND, _WEIGHTS, bits_per_dim, elbo_terms, evaluate, image_batches, importance
from vae_flows.reports.settings import check_evaluation

IMAGES = np.random.default_rng(0).integers(0, 256, (11, *registry.IMAGE)).astype(np.uint8)
SPEC = ImageSpec(registry.IMAGE)


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
    split, prepare = Split(IMAGES), Binarise()
    whole = elbo_terms(model, split, prepare, seed=3, batch=11, draws=4)
    for name, values in elbo_terms(model, split, prepare, seed=3, batch=4, draws=4).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-5, atol=1e-5)
        assert values.shape == (11,)
    (x,) = image_batches(split, prepare, seed=3, batch=11)
    noise = PlacedNoise.of([3, _BOUND], images=11).normal(count=4, features=model.noise_features)
    expected = -tf.reduce_mean(model.elbo_terms(x, noise).log_likelihood, 0)
    np.testing.assert_allclose(whole["neg_log_likelihood_given_z"], expected, rtol=1e-5, atol=1e-5)


def test_the_bound_is_the_sum_of_its_terms_and_the_mean_of_the_model_s(model):
    split, prepare = Split(IMAGES), Binarise()
    found = {name: values.mean() for name, values in elbo_terms(model, split, prepare, seed=3, draws=512).items()}
    assert found["neg_elbo"] == pytest.approx(found["kl"] + found["neg_log_likelihood_given_z"], rel=1e-6)
    (x,) = image_batches(split, prepare, seed=3)
    noise = tf.random.stateless_normal([256, 11, model.noise_features], [9, 9])
    elbos = tf.reduce_mean(model.elbo_terms(x, noise).elbo, 1).numpy()  # [256]
    assert abs(found["neg_elbo"] + elbos.mean()) < 4.0 * elbos.std() * math.sqrt(1 / 256 + 1 / 512)


def test_the_values_of_each_image_have_the_reported_means_and_errors(model, tmp_path):
    test = evaluate(
        model, Split(IMAGES), Binarise(), spec=SPEC, samples=32, seed=0, images=7, values=tmp_path / "each.npz"
    )
    with np.load(tmp_path / "each.npz") as each:
        assert each["nll"].mean() == pytest.approx(test["nll"]["value"], rel=1e-12)
        assert each["neg_elbo"].mean() == pytest.approx(test["neg_elbo"], rel=1e-12)
        spread = scipy.stats.sem(each["neg_elbo"])
        assert test["neg_elbo_standard_error"] == pytest.approx(spread, rel=1e-12)
        assert each["nll_error"].shape == (7,) and np.all(each["nll_error"] > 0)


def test_the_test_section_has_the_contract_s_keys_and_kinds(model):
    test = evaluate(model, Split(IMAGES), Binarise(), spec=SPEC, samples=32, seed=0, images=7)
    keys = ["images", "neg_elbo", "kl", "neg_log_likelihood_given_z", "neg_elbo_standard_error", "nll", "bits_per_dim"]
    assert list(test) == keys
    assert test["images"] == 7 and test["bits_per_dim"] is None
    kinds = {"method": str, "value": float, "standard_error": float, "samples": int, "effective_sample_size": float}
    kinds["unreliable_images"] = int
    assert {name: type(value) for name, value in test["nll"].items()} == kinds
    assert test["nll"]["method"] == "importance" and test["nll"]["samples"] == 32
    assert test["nll"]["value"] < test["neg_elbo"] + 3.0 * test["nll"]["standard_error"]


def test_the_likelihood_is_the_log_of_the_mean_weight(model):
    split = Split(IMAGES)
    estimate = importance(model, split, Binarise(), samples=80, seed=1)
    (x,) = image_batches(split, Binarise(), seed=1)
    noise = PlacedNoise.of([1, _WEIGHTS], images=11).normal(count=80, features=model.noise_features)
    weights = tf.cast(model.elbo_terms(x, noise).elbo, tf.float64)  # [80, 11]
    np.testing.assert_allclose(estimate.values, tf.reduce_logsumexp(weights, 0) - math.log(80), atol=1e-3)


@pytest.mark.parametrize("gradients", ["float32", "bfloat16"])
def test_annealing_agrees_and_the_bracket_closes(gradients):
    model, split = small("VAE"), Split(IMAGES)
    reference = importance(model, split, Binarise(), samples=4000, seed=1, images=4)
    settings = {"chains": 8, "temperatures": 40, "leapfrogs": 5, "start": "prior", "gradients": gradients, "seed": 1}
    estimate = annealed(model, split, Binarise(), **settings, images=4)
    assert estimate.images == 4
    assert abs(estimate.mean - reference.mean) < 4.0 * math.hypot(
        estimate.monte_carlo_error, reference.monte_carlo_error
    )
    brackets, weighed = bracketed(model, **settings, images=6, samples=4000)
    assert list(brackets) == ladder(40) == [2, 5, 10, 20, 40]
    last = brackets[40]
    error = math.hypot(last.lower.monte_carlo_error, last.upper.monte_carlo_error)
    assert last.images == weighed.images == 6 and -4.0 * error < last.gap < 4.0 * error + 0.1
    assert abs(weighed.mean - last.lower.mean) < 4.0 * math.hypot(error, weighed.monte_carlo_error)


def test_what_an_evaluation_cannot_be_told_is_refused():
    check_evaluation({"hais": {"temperatures": 10, "gradients": "bfloat16"}, "importance": {"samples": 5}})
    with pytest.raises(ValueError, match=r"Unknown method .* Expected one of: importance, hais.* Received: 'ais'"):
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
    assert bits_per_dim(nll, spec=spec, preparation=GreyLevels()) == pytest.approx(8.0)
    assert bits_per_dim(0.0, spec=spec, preparation=Dequantise()) == pytest.approx(8.0)
    assert bits_per_dim(nll, spec=spec, preparation=Binarise()) is None
    assert bits_per_dim(nll, spec=ImageSpec((2, 2, 3), levels=2), preparation=GreyLevels(levels=2)) is None
