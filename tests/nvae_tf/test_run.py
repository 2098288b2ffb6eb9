"""A whole run of a hierarchy: resumed exactly, judged, shown, exported."""

import keras
import numpy as np
import pytest
import small_run
import tensorflow as tf
from PIL import Image

from vae_flows.latent_models.latent_use import LatentUseMeter
from vae_flows.nvae_tf.readjusted import readjusted
from vae_flows.reports.annealing import bracketed
from vae_flows.reports.history import read_history
from vae_flows.reports.sampling import draw_images, write_views
from vae_flows.reports.subject import Subject
from vae_flows.run_folder import RunFolder
from vae_flows.training import Adamax, fit

SEED = tf.constant([3, 4])


def train(path, *steps):
    """A run of the registry's NVAE with averaged weights, in so many parts."""
    for end in steps:
        recipe = small_run.recipe("NVAE", optimizer=Adamax(0.02, use_ema=True), steps_per_execution=1, picture_every=2)
        fit(recipe, small_run.data(), RunFolder(path), seed=3, steps=end, resume=True)
    return recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("nvae") / "run"
    return train(path, 14), RunFolder(path)


def test_it_is_resumed_bit_for_bit_with_averages_and_singular_vectors(finished, tmp_path):
    whole, parts = finished[0], train(tmp_path / "parts", 3, 14)
    for one, other in zip(whole.optimizer.variables, parts.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    checkpoints = [folder / "checkpoints" / "ckpt-14" / "state" for folder in (finished[1].path, tmp_path / "parts")]
    one, other = (tf.train.load_checkpoint(str(path)) for path in checkpoints)
    names = [name for name in one.get_variable_to_shape_map() if name.startswith(("model/", "optimizer/"))]
    assert sum("every_weight" in name for name in names) >= len(whole.model.non_trainable_weights)
    for name in names:
        np.testing.assert_array_equal(one.get_tensor(name), other.get_tensor(name), err_msg=name)


def test_tensorboard_has_the_kl_and_the_active_units_of_each_group(finished):
    history = read_history(finished[1].tensorboard)
    assert {"groups_kl", "groups_active_units", "spectral_penalty"} <= set(history)
    assert set(history["groups_kl"]) == {"000", "001"}
    model, x = finished[0].model, tf.constant(np.eye(6, dtype="float32")[None, ..., None].repeat(4, 0))
    use = LatentUseMeter(model)(x, SEED)
    assert use.group_kl.shape == use.active_units.shape == (2,) and use.kl is None
    kl = model.infer(x).expected_terms(tf.zeros([4, model.noise_features])).kl
    assert use.group_kl[0] == pytest.approx(float(tf.reduce_mean(kl, 0)[0]), abs=1.0)


def test_views_show_what_each_group_does(finished, tmp_path):
    recipe, _ = finished
    subject = Subject(recipe.model, small_run.data(), recipe.preparation, seed=0)
    written = write_views(subject, tmp_path, images=3)
    assert set(written) == {path.name for path in tmp_path.iterdir()}
    assert set(written) >= {"kept_groups.png", "traversal_of_scale_2.png", "interpolation_of_scale_1.png"}
    picture = Image.open(tmp_path / "kept_groups.png")
    assert picture.info["Description"] == written["kept_groups.png"] and min(picture.size) > 100  # with its labels
    views = recipe.model.views(tf.constant(subject.prepared(3)), 1)
    decoded = recipe.model.decode(recipe.model.encode(tf.constant(subject.prepared(3))))
    for view in views.values():
        unchanged = 3 if "kept" in view.caption or "keep" in view.caption else 1
        np.testing.assert_allclose(view.pictures[:, unchanged], decoded, atol=1e-4)


def distance(one, other):
    """Between the moving statistics of two top-down towers."""
    pairs = zip(one.top_down.non_trainable_weights, other.top_down.non_trainable_weights, strict=True)
    return np.sqrt(sum(np.square(np.subtract(a, b)).sum() for a, b in pairs))


def test_batch_norms_are_readjusted_on_a_copy(finished):
    model = finished[0].model
    weights = model.get_weights()
    copy = readjusted(model, 0.5, passes=60, batch=64)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(model.trainable_weights, copy.trainable_weights, strict=True):
        np.testing.assert_array_equal(before, after)
    again = readjusted(copy, 0.5, passes=60, batch=64, seed=1)
    moved, noise = (distance(one, other) for one, other in ((model, copy), (copy, again)))
    assert moved > 3 * noise
    assert model.at_temperature(1.0) is model
    assert draw_images(model, 3).shape == (3, 6, 6, 1)


def test_bidirectional_monte_carlo_brackets_log_p(finished):
    recipe, _ = finished
    subject = Subject(recipe.model, small_run.data(), recipe.preparation, seed=1)
    settings = {"chains": 8, "temperatures": 32, "leapfrogs": 3, "start": "posterior", "gradients": "float32"}
    brackets, importance = bracketed(subject, images=6, samples=400, **settings)
    for steps, bracket in brackets.items():
        gaps = bracket.upper.values - bracket.lower.values
        error = np.std(gaps, ddof=1) / np.sqrt(6)  # the chains of an upper bound share their start, which is noise, too
        assert bracket.upper.mean > bracket.lower.mean - 3 * error, steps
        assert bracket.lower.mean - 4 * error < importance.mean < bracket.upper.mean + 4 * error, steps
    assert brackets[32].gap < 1.0


def test_mixed_precision_trains_with_float32_densities(build, images):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build(flows=1)
    finally:
        keras.config.set_dtype_policy("float32")
    exact = build(flows=1)
    found = mixed.terms(images, SEED)
    assert found.log_likelihood.dtype == found.kl.dtype == tf.float32
    np.testing.assert_allclose(found.elbo, exact.terms(images, SEED).elbo, atol=1.0)
    noise = tf.random.stateless_normal([4, mixed.noise_features], SEED)
    inference = mixed.infer(images)
    np.testing.assert_allclose(inference.noise(inference.latent(noise)), noise, atol=1e-4)
