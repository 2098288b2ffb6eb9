"""Runs that begin, go on, and are read again: what they are stands in their config.json."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from vae_flows import experiment, image_data
from vae_flows.reports import FinishedRun
from vae_flows.reports.__main__ import run as reports


def config_of(run):
    return json.loads((run / "config.json").read_text())


def change_config(run, **changes):
    (run / "config.json").write_text(json.dumps({**config_of(run), **changes}))


def test_a_run_says_what_it_is(place):
    config = config_of(place / "run")
    assert config["hyperparameters"] == {"latent": 2, "hidden": [8], "batch": 4, "learning_rate": 0.01}
    assert (config["preset"], config["seed"], config["test_images"]) == ("tiny", 7, 3)
    assert (config["epochs"], config["steps"]) == (1, None)
    assert config["preset_file"]["path"] == str(place / "own.py")
    assert (config["dataset"], config["data_dir"]) == (str(place / "images.npz"), None)
    assert config["data"] == image_data.fingerprint(image_data.load(str(place / "images.npz")))
    assert "history" not in config
    log = (place / "run" / "log.txt").read_text()
    assert "32 training images of 6 x 6 x 1, seed 7" in log and "Report: run/report.html" in log
    (logged,) = (place / "run" / "tensorboard").glob("*.hparams")
    assert b"latent=2" in logged.read_bytes()


def test_it_ends_with_the_evaluation_of_its_preset(place):
    hais = json.loads((place / "run" / "results.json").read_text())["hais"]
    assert (hais["images"], hais["temperatures"]) == (2, 8)
    assert (place / "run" / "figures" / "hais.png").is_file()
    assert "HAIS, first 2 images: NLL" in (place / "run" / "log.txt").read_text()


def test_it_goes_on_from_anywhere_longer_and_at_another_rate(run, forget, capsys):
    forget()
    gone_on = experiment.take_up(run, steps=20, hyperparameters={"learning_rate": "1e-3"})
    assert "tiny on " in capsys.readouterr().out
    with gone_on.recorded(quiet=True):
        gone_on.train()
    assert capsys.readouterr().out == ""
    assert gone_on.outcome.steps == 20
    assert float(gone_on.recipe.optimizer.learning_rate) == pytest.approx(1e-3)
    config = config_of(run)
    assert config["hyperparameters"] == {"latent": 2, "hidden": [8], "batch": 4, "learning_rate": 1e-3}
    assert config["optimizer"]["config"]["learning_rate"] == pytest.approx(1e-3)
    assert (config["steps"], config["epochs"], config["test_images"]) == (20, 3, 3)
    changes = config["history"][0]["changes"]
    assert changes == {"learning_rate": [0.01, 1e-3], "steps": [None, 20], "epochs": [1, 3]}
    assert config["history"][0]["step"] == 8
    log = (run / "log.txt").read_text()
    assert "Continuing after step 8" in log


def test_repeating_what_it_is_changes_nothing(run, place, monkeypatch):
    before = (run / "config.json").read_bytes()
    monkeypatch.chdir(place)
    said = {"preset": "own.py:tiny", "dataset": "images.npz", "seed": 7, "epochs": 1, "latent": 2, "hidden": [8]}
    hyperparameters = {name: said.pop(name) for name in ("latent", "hidden")}
    taken_up = experiment.take_up(run, **said, hyperparameters=hyperparameters)
    assert taken_up.resumed and taken_up.recipe.epochs == 1
    assert (run / "config.json").read_bytes() == before


REFUSED = {
    "preset": ({"preset": "mnist_vae"}, "Expected: preset=tiny. Received: preset=mnist_vae"),
    "preset of another file": (
        {"preset": "other.py:tiny"},
        "Expected: preset_file/path=.*/own.py. Received: .*/other.py",
    ),
    "data": ({"dataset": "digits"}, r"Expected: dataset=.*images\.npz. Received: dataset=digits"),
    "data and seed": (
        {"data_dir": "/nowhere", "seed": 8},
        "Expected: seed=7, data_dir=none. Received: seed=8, data_dir=/nowhere",
    ),
    "hyperparameter": ({"hyperparameters": {"latent": 3}}, "Expected: latent=2. Received: latent=3"),
    "no hyperparameter": ({"hyperparameters": {"latnt": 3}}, "no such hyperparameter.*latnt. Did you mean latent"),
    "fewer steps": ({"steps": 4}, "Expected: steps=8 or more. Received: steps=4"),
    "fewer test images": ({"test_images": 2}, "Expected: test images=3 or more. Received: test images=2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_another_run_is_refused_before_anything_is_written(case, run):
    said, message = REFUSED[case]
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    with pytest.raises(ValueError, match=message):
        experiment.take_up(run, **said)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_preset_that_was_edited_is_refused(run):
    config = config_of(run)
    config["model"]["config"]["prior"]["config"]["features"] = 9
    change_config(run, model=config["model"], batch=5)
    with pytest.raises(ValueError, match="Expected: batch=5, model/prior/features=9. Received: batch=4, .*features=2"):
        experiment.take_up(run)


def test_other_images_in_the_same_place_are_refused(run, tmp_path, place, capsys):
    images = np.load(place / "images.npz")["images"]
    images[0] = 255 - images[0]
    np.savez(tmp_path / "images.npz", images=images)
    change_config(run, dataset=str(tmp_path / "images.npz"))
    message = r"not those of the run. Expected: {'train': .*'checksum': .*Received: {'train': .*'checksum'"
    with pytest.raises(ValueError, match=message):
        experiment.take_up(run)
    with pytest.raises(ValueError, match=message):
        _ = FinishedRun.open(run).data
    results = (run / "results.json").read_bytes()
    assert reports(["evaluate", str(run)]) == 1
    assert "not those of the run" in capsys.readouterr().err and (run / "results.json").read_bytes() == results


def test_own_layers_are_imported_again_by_who_reads_the_run(run, forget, tmp_path, capsys):
    forget()
    assert reports(["sample", str(run), "--count", "1", "--out", str(tmp_path / "pictures")]) == 0
    forget()
    assert reports(["evaluate", str(run), "--samples", "4"]) == 0
    assert f"Importing {config_of(run)['preset_file']['path']}" in capsys.readouterr().out
    assert reports(["compare", str(run), "--out", str(tmp_path / "page.html")]) == 0


def test_a_file_that_is_gone_or_has_changed_is_told(run, forget, tmp_path, capsys):
    own = config_of(run)["preset_file"]
    change_config(run, preset_file={**own, "checksum": "00000000"})
    with pytest.warns(UserWarning, match=f"own.py has changed.*00000000 then, {own['checksum']} now"):
        _ = FinishedRun.open(run).model
    change_config(run, preset_file={**own, "path": str(tmp_path / "gone.py")})
    assert reports(["sample", str(run), "--out", str(tmp_path / "pictures")]) == 1
    error = capsys.readouterr().err
    assert "There is no file" in error and "gone.py" in error and error.count("\n") == 1
    assert "Put it back: the run's config.json records that it was there" in error
    with pytest.raises(FileNotFoundError, match=r"gone\.py.* Put it back: "):
        experiment.take_up(run)


def test_no_run_is_no_run_to_resume(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(FileNotFoundError, match="There is no run in"):
            experiment.take_up(folder)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "config.json").write_text('{"preset": "tiny"}')
    with pytest.raises(ValueError, match="not complete. Expected the keys .* Received: no .*'seed'"):
        experiment.take_up(tmp_path)


def test_functions_and_arrays_of_a_notebook(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build = experiment.find(f"{place / 'own.py'}:tiny").build
    data = image_data.from_arrays(
        np.random.default_rng(1).integers(0, 256, (40, 6, 6, 1)).astype("uint8"), name="noise"
    )
    begun = experiment.begin(build, dataset=data, out="run", steps=9, hyperparameters={"batch": 8})
    assert (begun.config["dataset"], begun.config["preset"], begun.recipe.batch) == ("noise", "tiny", 8)
    assert begun.recipe.epochs == 3  # enough for nine steps
    assert experiment.take_up("run", preset=build, dataset=data).data is data
    with pytest.raises(ValueError, match="Unknown data set.*'noise'"):
        experiment.take_up("run")


def test_schedules_over_all_epochs_know_how_many_there_are(place, tmp_path):
    tiny = experiment.find(f"{place / 'own.py'}:tiny").build

    def scheduled(data, *, epochs=50, batch=8):
        return dataclasses.replace(tiny(data, batch=batch), epochs=epochs, log_every=epochs)

    data = image_data.from_arrays(np.zeros((40, 6, 6, 1), "uint8"), name="black")
    begun = experiment.begin(scheduled, dataset=data, out=tmp_path / "run", epochs=3)
    assert (begun.recipe.epochs, begun.recipe.log_every, begun.config["hyperparameters"]["epochs"]) == (3, 3, 3)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"hyperparameters": {"batch": 33}}, "Expected: at least batch=33. Received: images with 32"),
        ({"dataset": "absent.npz"}, r"There is no file .*absent\.npz"),
        ({"out": "images.npz"}, r"cannot be written.*images\.npz, which is a file"),
        ({"out": "run"}, "already holds a run.*--resume"),
    ],
)
def test_a_run_that_cannot_begin_leaves_nothing(said, message, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(place, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((ValueError, OSError), match=message):
        experiment.begin(f"{place / 'own.py'}:tiny", **{"dataset": "images.npz", **said})
    assert sorted(tmp_path.rglob("*")) == before


def test_a_training_that_was_left_may_end_where_it_is(run, forget):
    """As if Ctrl-C had come after step 8 of 16: no model yet, and a checkpoint."""
    change_config(run, epochs=4)
    for name in ("model.keras", "results.json", "test_images.npz"):
        (run / name).unlink()
    forget()
    with pytest.raises(ValueError, match="Expected: steps=8 or more. Received: steps=7"):
        experiment.take_up(run, steps=7)
    ended = experiment.take_up(run, steps=8)
    with ended.recorded(quiet=True):
        ended.train()
        ended.report()
    assert ended.outcome.steps == ended.results["steps"] == 8
    with pytest.raises(ValueError, match="Expected: steps=8 or more. Received: steps=6"):
        experiment.take_up(run, steps=6)


def test_a_run_that_would_become_shorter_is_told_in_the_unit_that_was_said(run, forget):
    change_config(run, epochs=4)
    for said, message in (({"epochs": 1}, "epochs=4 or more. Received: epochs=1"), ({"steps": 7}, "steps=32 or more")):
        with pytest.raises(ValueError, match=f"Expected: {message}"):
            experiment.take_up(run, **said)
    (run / "model.keras").unlink()  # left after step 12, in its second epoch
    (run / "progress.json").write_text('{"step": 12}')
    with pytest.raises(ValueError, match=r"Expected: epochs=2 or more\. Received: epochs=1\."):
        experiment.take_up(run, epochs=1)
    change_config(run, steps=20)
    with pytest.raises(ValueError, match=r"Expected: epochs=2 or more\. Received: epochs=1\."):
        experiment.take_up(run, epochs=1)
    with pytest.raises(ValueError, match=r"Expected: steps=12 or more\. Received: steps=11\."):
        experiment.take_up(run, epochs=9, steps=11)
