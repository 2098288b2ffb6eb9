"""Distances of restored images in the features of a classifier."""

import urllib.error

import keras
import numpy as np
import pytest
import small_run
import tensorflow as tf

from vae_flows.latent_models import restored
from vae_flows.reports import FinishedRun, as_csv, compare, judge
from vae_flows.reports.__main__ import run as command
from vae_flows.reports.features import feature_distances, inception, judge_features
from vae_flows.reports.restoration import corrupted_batches


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a model that learned to restore images."""
    return small_run.restoring(tmp_path_factory.mktemp("restoring"))


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return keras.applications.InceptionV3(include_top=False, weights=None, pooling="avg", input_shape=(299, 299, 3))


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "inception.weights.h5"
    network.save_weights(path)
    return path


def test_the_distance_is_the_mean_squared_difference_of_features(run):
    def features(x):
        return tf.stack([tf.reduce_mean(x, [1, 2, 3]), tf.reduce_max(x, [1, 2, 3]), x[:, 0, 0, 0]], -1)

    found = feature_distances(features, run.subject.model, corrupted_batches(run.subject, run.config, 7, batch=3))
    corrupted, x = next(iter(corrupted_batches(run.subject, run.config, 7)))
    for place, each in enumerate((restored(run.subject.model, corrupted), corrupted)):
        by_hand = np.square(features(each).numpy() - features(x).numpy()).mean(-1)
        np.testing.assert_allclose(found[:, place], by_hand, rtol=1e-4, atol=1e-9)


def test_features_are_those_of_keras_s_network_and_preparation(network, weights):
    grey = np.random.default_rng(0).uniform(size=(2, 28, 28, 1)).astype(np.float32)
    colours = np.repeat(tf.image.resize(grey, (299, 299)), 3, -1)
    expected = network(keras.applications.inception_v3.preprocess_input(colours * 255.0), training=False)
    found = inception(weights)(tf.constant(grey))
    assert found.shape == (2, 2048)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_what_is_found_stands_in_results_page_and_comparison_and_stays(run, weights, capsys, monkeypatch):
    monkeypatch.setattr("vae_flows.reports.__main__._opened", lambda path: run)  # its data are in memory alone
    assert command(["features", str(run.folder.path), "--weights", str(weights), "--images", "5"]) == 0
    said, found = capsys.readouterr().out, run.results["features"]
    assert found["images"] == 5 and found["weights"].startswith("file ")
    assert f"{found['distance']:.5f} restored, {found['corrupted_distance']:.5f} corrupted" in said
    assert f">{found['distance']:.5f}<" in run.folder.report.read_text()
    assert "distance of features" in as_csv(compare([run.folder.path]))
    (judged,) = compare([run.folder.path]).runs
    assert judged.values["features"].mean() == pytest.approx(found["distance"])
    before = run.results
    judge(run, facts={name: before[name] for name in ("preset", "dataset", "steps", "training", "restoration")})
    assert run.results["features"] == found and "distance of features" in run.folder.report.read_text()


def test_a_run_that_restores_nothing_is_refused(run, weights):
    plain = FinishedRun(run.folder, {**run.config, "corruption": None})
    plain.__dict__["subject"] = run.subject
    with pytest.raises(ValueError, match="restores nothing. Expected: one that was trained on corrupted images"):
        judge_features(plain, weights=weights)


def test_weights_of_something_else_are_refused_and_those_out_of_reach_told(tmp_path, monkeypatch):
    other = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(other)
    with pytest.raises(ValueError, match="cannot be read as weights of Inception v3"):
        inception(other)

    def unreachable(*_):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", unreachable)
    monkeypatch.setattr("keras.src.utils.file_utils.config.KERAS_HOME", str(tmp_path), raising=False)
    with pytest.raises(OSError, match=r"could not be downloaded: .*notop.h5.*no network.*give it by --weights"):
        inception()
