"""Runs whose state and figures are not of one time: judged anew, left in training, or unable to go on."""

import contextlib
import json

import keras
import numpy as np
import pytest

from vae_flows import experiment
from vae_flows.reports import FinishedRun
from vae_flows.reports.__main__ import run as reports
from vae_flows.reports.comparison import compare
from vae_flows.run_folder.configuration import told_hyperparameters


def test_annealing_is_set_against_the_importance_estimate_that_stands_in_front(run, capsys):
    before = json.loads((run / "results.json").read_text())
    assert reports(["evaluate", str(run), "--samples", "80"]) == 0
    after = json.loads((run / "results.json").read_text())
    assert "kept under `further`" in capsys.readouterr().out and after["further"] == [{"test": before["test"]}]
    over = [each["hais"].pop("over_importance") for each in (before, after)]
    with np.load(run / "test_images.npz") as each:
        gains = each["nll"][:2] - each["hais"]
    assert over[1] == {**over[1], "images": 2, "samples": 80, "log_likelihood": pytest.approx(gains.mean(), rel=1e-12)}
    assert over[0]["samples"] == 50 and over[0] != over[1] and after["hais"] == before["hais"]
    assert "NLL of the same 2 images, 80 samples each" in (run / "report.html").read_text()


def test_a_run_that_cannot_go_on_keeps_its_configuration(run, forget):
    before, kept = json.loads((run / "config.json").read_text()), run / "checkpoints"
    kept.rename(run / "elsewhere")
    forget()
    longer = experiment.take_up(run, steps=20, hyperparameters={"learning_rate": "1e-3"})
    with pytest.raises(OSError, match="checkpoints are gone"), longer.recorded(quiet=True):
        longer.train()
    assert json.loads((run / "config.json").read_text()) == before
    (run / "elsewhere").rename(kept)
    forget()
    assert not experiment.take_up(run).changed


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16"])
def test_another_precision_is_another_run(run, forget, policy):
    forget()
    with (
        using(policy),
        pytest.raises(ValueError, match=f'float32. Received: {policy}. Call .*policy."float32"'),
    ):
        experiment.take_up(run)


@contextlib.contextmanager
def using(policy):
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_model_whose_training_has_gone_on_says_so(run, capsys):
    FinishedRun.open(run)
    assert "in training" not in capsys.readouterr().out
    (run / "progress.json").write_text('{"step": 6}')
    FinishedRun.open(run)
    assert "run is in training, at step 6. What follows is of its model of 8 steps" in capsys.readouterr().out
    assert "run is in training, at step 6; its figures are of 8 steps." in " ".join(compare([run]).notes)


def test_more_images_than_there_are_are_all_of_them(run, capsys):
    assert reports(["evaluate", str(run), "--images", "100000"]) == 0
    assert json.loads((run / "results.json").read_text())["settings"]["importance"]["images"] == 4
    capsys.readouterr()
    assert reports(["evaluate", str(run), "--images", "4"]) == 0
    assert "found before with the same settings" in capsys.readouterr().out


def test_views_of_a_model_without_any_are_refused_and_leave_no_folder(run, tmp_path, capsys):
    assert reports(["views", str(run), "--out", str(tmp_path / "new" / "views")]) == 1
    assert "no views of its own. Expected a posterior that is refined" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_figures_of_weights_that_have_gone_are_not_shown(run, forget):
    assert (run / "figures/hais.png").is_file()  # as the preset asks
    forget()
    longer = experiment.take_up(run, steps=12)
    with longer.recorded(quiet=True):
        longer.train()
        longer.report()  # a trial, without the further estimates
    assert json.loads((run / "results.json").read_text())["hais"] is None
    assert not (run / "figures/hais.png").exists() and "Annealed" not in (run / "report.html").read_text()


def test_a_precision_that_is_not_the_usual_is_told(run):
    config = json.loads((run / "config.json").read_text())
    assert "precision" not in told_hyperparameters(config)
    config["model"]["config"]["dtype"]["config"]["name"] = "float64"
    assert told_hyperparameters(config)["precision"] == "float64"
