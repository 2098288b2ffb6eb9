import numpy as np
import pytest
import small_run
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from vae_flows.reports.history import read_history
from vae_flows.training import fit, log_hyperparameters, run_config

EXPECTED = {
    *("loss", "neg_elbo", "kl", "neg_log_likelihood_given_z", "kl_weight", "learning_rate", "images_per_second"),
    *("latents", "latents_kl"),
}


def accumulated(folder):
    return EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()


def test_every_term_is_logged_by_step_with_the_mean_since_the_point_before(new_recipe, data, new_folder):
    fit(new_recipe("VAE with IAF posterior", epochs=2), data, new_folder("run"), seed=3)
    history = read_history(new_folder("run").tensorboard)
    assert set(history) == EXPECTED
    steps, values = history["neg_elbo"]["train"]
    np.testing.assert_array_equal(steps, [4, 8, 10, 12, 16, 20])
    np.testing.assert_array_equal(history["neg_elbo"]["validation"][0], [10, 20])
    assert "validation" not in history["kl_weight"]
    every_step = new_recipe("VAE with IAF posterior", epochs=2, steps_per_execution=1, log_every=1)
    fit(every_step, data, new_folder("each"), seed=3)
    each = read_history(new_folder("each").tensorboard)["neg_elbo"]["train"][1]
    expected = [part.mean() for part in np.split(each, steps)[:-1]]
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    # The KL weight of the steps 0 to 3 in a warm-up of 4 steps with floor 0.1.
    assert history["kl_weight"]["train"][1][0] == pytest.approx(np.mean([0.1, 0.25, 0.5, 0.75]))


def test_the_points_of_a_run_left_within_an_epoch_are_those_of_an_uninterrupted_one(
    new_recipe, data, new_folder, monkeypatch
):
    """Left between two points (6, 16), and in the validation at an epoch's end (10)."""
    settings = {"epochs": 2, "steps_per_execution": 1}
    fit(new_recipe(**settings), data, new_folder("whole"), seed=3)
    for hook, step in (("on_train_batch_end", 6), ("on_test_batch_end", 10), ("on_train_batch_end", 16)):
        small_run.stop_once(monkeypatch, hook, step)
        with pytest.raises(KeyboardInterrupt):
            fit(new_recipe(**settings), data, new_folder("parts"), seed=3, resume=True)
    fit(new_recipe(**settings), data, new_folder("parts"), seed=3, resume=True)
    whole, parts = (read_history(new_folder(name).tensorboard) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys() >= {"loss", "neg_elbo", "kl_weight"}
    for name in whole.keys() - {"images_per_second"}:
        assert whole[name].keys() == parts[name].keys()
        for writer, points in whole[name].items():
            np.testing.assert_array_equal(parts[name][writer], points, err_msg=name)


def test_a_resumed_run_goes_on_at_its_step(new_recipe, data, new_folder):
    for steps in (3, 10):
        fit(new_recipe(), data, new_folder(), seed=3, steps=steps, resume=True)
    history = read_history(new_folder().tensorboard)
    np.testing.assert_array_equal(history["kl"]["train"][0], [3, 5, 9, 10])
    np.testing.assert_array_equal(history["kl"]["validation"][0], [3, 10])


def test_pictures(new_recipe, data, new_folder):
    fit(new_recipe(picture_every=2), data, new_folder(), seed=3)
    pictures = accumulated(new_folder().tensorboard)
    assert {"reconstructions", "samples", "neg_elbo/train", "neg_elbo/validation"} <= set(pictures.Tags()["tensors"])
    assert [event.step for event in pictures.Tensors("samples")] == [20, 30]
    width, height, png = tf.make_ndarray(pictures.Tensors("reconstructions")[0].tensor_proto)
    assert (int(width), int(height)) == (8 * 6, 3 * 6)  # 9 pairs in rows of 4
    assert tf.io.decode_png(png).shape == (18, 48, 1)
    assert len(list(new_folder().tensorboard.iterdir())) == 1  # one run is one line


def test_hyperparameters_are_one_row_of_the_same_columns(new_recipe, new_folder):
    rows = []
    for name, rate in (("VAE with IAF posterior", 3e-3), ("NVAE", 1e-4)):
        config = run_config(new_recipe(name, learning_rate=rate), preset="tiny", dataset="ramps", seed=3)
        for epochs in (0, 2.5):  # at the beginning and at the end
            about = {"latent": 3, "overrides": {"hidden": "500,500", "width": "8"}}
            log_hyperparameters(new_folder().tensorboard, config, epochs=epochs, **about)
        metadata = accumulated(new_folder().tensorboard).SummaryMetadata("_hparams_/session_start_info")
        session = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content).session_start_info
        rows.append(session.hparams)
    first, second = rows
    assert set(first) == set(second) >= {"preset", "seed", "latent"}
    assert first["learning_rate"].number_value == pytest.approx(3e-3) and first["epochs"].number_value == 2.5
    assert first["posterior"].string_value == "Flow of 2 Autoregressive"
    assert first["prior"].string_value == "StandardNormal" and second["prior"].string_value == "NVAE"
    assert first["overrides"].string_value == "hidden=500,500 width=8"
    metadata = accumulated(new_folder().tensorboard).SummaryMetadata("_hparams_/experiment")
    experiment = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content).experiment
    assert experiment.metric_infos[0].display_name == "NLL"


def test_the_end_of_a_training_that_ends_early_has_its_pictures(new_recipe, data, new_folder):
    rate = tf.keras.optimizers.schedules.PiecewiseConstantDecay([5], [3e-3, 0.3])
    early = {"learning_rate": rate, "validate_every": 2, "patience": 3, "epochs": 100, "picture_every": 1000}
    outcome = fit(new_recipe(**early, steps_per_execution=1, log_every=1), data, new_folder(), seed=3)
    assert [event.step for event in accumulated(new_folder().tensorboard).Tensors("samples")] == [outcome.steps]
    steps, rates = read_history(new_folder().tensorboard)["learning_rate"]["train"]
    np.testing.assert_allclose(rates, np.where(steps <= 6, 3e-3, 0.3), rtol=1e-6)  # that of the step with this number
