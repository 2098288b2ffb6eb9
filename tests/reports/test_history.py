import numpy as np
import tensorflow as tf

from vae_flows.reports.history import read_history, write_metrics


def write(directory, values):
    with tf.summary.create_file_writer(str(directory)).as_default():
        for tag, step, value in values:
            tf.summary.scalar(tag, value, step=step)
        tf.summary.image("samples", tf.zeros([1, 4, 4, 1]), step=0)
        tf.summary.text("config", "text", step=0)


def test_scalars_by_series_and_part(tmp_path):
    write(tmp_path, [("neg_elbo/train", 0, 5.0), ("neg_elbo/train", 10, 4.0), ("learning_rate/train", 0, 1e-3)])
    write(tmp_path, [("neg_elbo/validation", 10, 4.5)])
    history = read_history(tmp_path)
    assert sorted(history) == ["learning_rate", "neg_elbo"]
    assert sorted(history["neg_elbo"]) == ["train", "validation"]
    steps, values = history["neg_elbo"]["train"]
    np.testing.assert_array_equal(steps, [0, 10])
    np.testing.assert_array_equal(values, [5.0, 4.0])


def test_a_resumed_run_overwrites_the_steps_it_repeats(tmp_path):
    write(tmp_path, [("kl/train", 1, 9.0), ("kl/train", 2, 8.0)])
    write(tmp_path, [("kl/train", 2, 7.0), ("kl/train", 3, 6.0)])
    steps, values = read_history(tmp_path)["kl"]["train"]
    np.testing.assert_array_equal(steps, [1, 2, 3])
    np.testing.assert_array_equal(values, [9.0, 7.0, 6.0])


def test_the_record_that_a_kill_cut_short_is_left_out(tmp_path):
    write(tmp_path, [("kl/train", step, float(step)) for step in range(20)])
    (file,) = tmp_path.glob("*tfevents*")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    steps, _ = read_history(tmp_path)["kl"]["train"]
    assert 2 < len(steps) < 20


def test_metrics_replace_those_of_before(tmp_path, results):
    write_metrics(tmp_path, results)
    results["test"]["nll"]["value"] = 99.5
    write_metrics(tmp_path, results)
    history = read_history(tmp_path)["test"]
    assert sorted(history) == ["-ELBO", "KL", "NLL"] and len(list(tmp_path.iterdir())) == 1
    assert history["NLL"][1].tolist() == [99.5] and history["NLL"][0].tolist() == [results["steps"]]


def test_nothing_logged(tmp_path):
    assert read_history(tmp_path / "absent") == {}
