"""Autoencoding flows through training, report, export and comparison, like every model."""

import numpy as np
import pytest
import small_run
import tensorflow as tf

from vae_flows.image_data import Dequantise
from vae_flows.latent_models import load_model
from vae_flows.reports import FinishedRun, Subject, as_text, compare, write_report
from vae_flows.run_folder import RunFolder, write_json
from vae_flows.training import export, fit, run_config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of an exact autoencoding flow."""
    folder, data = RunFolder.create(tmp_path_factory.mktemp("aef")), small_run.data()
    recipe = small_run.recipe("AutoencodingFlow", preparation=Dequantise(), validate_every=5)
    fit(recipe, data, folder, seed=3, steps=10)
    write_json(folder.config, run_config(recipe, preset="aef", dataset="ramps", seed=3))
    export(recipe.model, recipe.preparation, folder.saved_model)
    finished = FinishedRun.trained(folder, Subject(recipe.model, data, recipe.preparation, seed=3))
    write_report(finished, training={"seconds": 1.0, "images_per_second": 1.0}, steps=10)
    return finished


def test_results_are_exact_and_in_bits(run):
    test = run.results["test"]
    x = run.subject.prepared(7)
    assert test["nll"]["method"] == "exact" and test["images"] == 7
    assert test["nll"]["value"] == pytest.approx(-run.subject.model.log_prob(x).numpy().mean(), rel=1e-5)
    assert test["bits_per_dim"] == pytest.approx(test["nll"]["value"] / (36 * np.log(2)) + 8, rel=1e-6)
    assert "exact" in run.folder.report.read_text() and "aef" in as_text(compare([run.folder.path]))
    pictures = {path.stem for path in run.folder.figures.glob("view_*.png")}
    assert pictures == {"view_deviations", "view_interpolations", "view_temperatures"}


def test_what_is_exported_gives_the_model_s_likelihood(run):
    exported = tf.saved_model.load(run.folder.saved_model)
    images, seed = tf.constant(run.subject.data.test.images), tf.constant([1, 2])
    values = exported.log_likelihood(images, tf.constant(1), seed)
    assert values.shape == (7,) and np.all(np.isfinite(values))
    x = run.subject.prepared(3)
    again = run.subject.model.decode(run.subject.model.encode(x))
    np.testing.assert_allclose(exported.decode(run.subject.model.encode(x)), again, atol=1e-4)
    assert exported.sample(tf.constant(5), seed, tf.constant(0.7)).shape == (5, 6, 6, 1)


def test_a_proposal_is_settled_when_the_training_ends(tmp_path):
    name = "VAE that is an autoencoding flow with a linear core"
    recipe, folder = small_run.recipe(name, epochs=1), RunFolder.create(tmp_path / "linear")
    before = recipe.model.encoder.scale
    fit(recipe, small_run.data(), folder, seed=3)
    kept = load_model(folder.model)
    assert float(tf.exp(kept.encoder.log_scale)) != pytest.approx(before, rel=1e-3)
    assert float(kept.encoder.log_scale) == float(recipe.model.encoder.log_scale)
