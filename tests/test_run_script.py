"""The command line as a user meets it: a short run, and every mistake in one line."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
TFDS = ROOT.parent / "shared" / "tfds"


def run(*words, timeout=240):
    return subprocess.run(
        [sys.executable, "run_script.py", *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=timeout
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of 30 steps, judged on 20 images."""
    out = tmp_path_factory.mktemp("runs") / "short"
    done = run("--steps", 30, "--test-images", 20, "--out", out, "--seed", 3)
    assert done.returncode == 0, done.stderr
    return out, done


def test_a_run_leaves_all_that_is_promised(finished):
    out, done = finished
    for name in ("config.json", "log.txt", "model.keras", "results.json", "report.html", "saved_model/saved_model.pb"):
        assert (out / name).is_file(), name
    for name in ("data", "samples", "reconstructions", "training_curves", "latent_space"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 5000, name
    assert list((out / "checkpoints").glob("*.index"))
    assert list((out / "tensorboard").rglob("events*"))
    assert "Report:" in done.stdout
    assert "Report:" in (out / "log.txt").read_text()


def test_results_say_what_was_run(finished):
    results = json.loads((finished[0] / "results.json").read_text())
    assert (results["preset"], results["dataset"], results["seed"], results["steps"]) == ("quickstart", "digits", 3, 30)
    assert results["test"]["images"] == 20
    nll = results["test"]["nll"]
    assert nll["method"] == "importance"
    assert nll["samples"] == 1000
    assert 0 < nll["value"] < results["test"]["neg_elbo"]
    assert nll["standard_error"] > 0


def test_a_whole_training_ends_with_the_evaluation_of_its_preset(tmp_path):
    done = run("--epochs", 1, "--test-images", 1, "--out", tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    hais = json.loads((tmp_path / "whole" / "results.json").read_text())["hais"]
    assert (hais["images"], hais["temperatures"]) == (1, 100)
    assert (tmp_path / "whole" / "figures" / "hais.png").is_file()
    assert "1 test images, HAIS" in done.stdout


def test_nothing_but_the_run_is_printed(finished):
    assert "oneDNN" not in finished[1].stderr
    assert "Traceback" not in finished[1].stderr


def test_occupied_folder_is_refused_and_resumed(finished):
    out, _ = finished
    before = (out / "results.json").read_text()
    refused = run("--steps", 30, "--out", out)
    assert refused.returncode == 1
    assert "already holds a run" in refused.stderr
    assert "--resume" in refused.stderr
    assert (out / "results.json").read_text() == before
    resumed = run("--steps", 40, "--test-images", 20, "--out", out, "--seed", 3, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "Continuing after step 30" in resumed.stdout
    assert json.loads((out / "results.json").read_text())["steps"] == 40


def write(path, content):
    path.write_text(content)
    return path


MISTAKES = {
    "unknown preset": (lambda tmp: ["mnist_ivae"], "Unknown preset.*Expected one of: quickstart.*Received: mnist_ivae"),
    "unknown option": (lambda tmp: ["--step", "3"], "No such option"),
    "no number": (lambda tmp: ["--steps", "many"], "many"),
    "no steps": (lambda tmp: ["--steps", "0"], "0 is not in the range"),
    "unknown data set": (lambda tmp: ["--dataset", "mnst", "--out", tmp / "new"], "digits.*mnst.*Did you mean mnist"),
    "folder of nothing": (lambda tmp: ["--dataset", tmp, "--out", tmp / "new"], "image"),
    "out is a file": (lambda tmp: ["--out", write(tmp / "file", "mine")], "must be a folder"),
    "out holds something": (lambda tmp: ["--out", write(tmp / "thesis.tex", "mine").parent], "holds something else"),
    "out is unwritable": (lambda tmp: ["--out", "/proc/run"], "/proc/run"),
    "data directory holds something else": (
        lambda tmp: ["mnist_vae", "--data-dir", write(tmp / "mnist", "mine").parent, "--out", tmp / "new"],
        "mnist",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_one_line(mistake, tmp_path):
    import re

    words, message = MISTAKES[mistake]
    done = run(*words(tmp_path))
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert re.search(message, lines[0]), lines[0]
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").rglob("*.json"))


def test_images_of_another_shape_are_refused_before_training(tmp_path):
    np.savez(tmp_path / "odd.npz", images=np.random.default_rng(0).integers(0, 256, (400, 9, 9, 1), dtype="uint8"))
    done = run("mnist_iaf", "--dataset", tmp_path / "odd.npz", "--out", tmp_path / "new")
    assert done.returncode == 1
    assert "9" in done.stderr
    assert len(done.stderr.splitlines()) == 1


PROBE = """
import runpy, sys
try:
    runpy.run_path("run_script.py", run_name="__main__")
except SystemExit:
    print("tensorflow" in sys.modules)
"""


@pytest.mark.parametrize("word", ["--list", "--help"])
def test_help_needs_no_tensorflow(word):
    began = time.perf_counter()
    done = run(word)
    assert done.returncode == 0
    assert time.perf_counter() - began < 1.5
    assert "quickstart" in done.stdout
    done = subprocess.run([sys.executable, "-c", PROBE, word], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.skipif(not TFDS.is_dir(), reason="no prepared TFDS directory beside the checkout")
@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_prepared_data_sets_train(dataset, tmp_path):
    out = tmp_path / "run"
    done = run("mnist_vae", "--dataset", dataset, "--data-dir", TFDS, "--steps", 5, "--test-images", 4, "--out", out)
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "results.json").read_text())["dataset"] == dataset


def photographs(folder, count):
    """Crops of mixed sizes of the two photographs that scikit-learn ships, as JPEG files in class folders."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(0)
    for index in range(count):
        kind = ("china", "flower")[index % 2]
        photograph = load_sample_images().images[index % 2]
        size = generator.integers(40, 120, 2)
        top, left = generator.integers(0, photograph.shape[:2] - size)
        (folder / kind).mkdir(parents=True, exist_ok=True)
        crop = photograph[top : top + size[0], left : left + size[1]]
        Image.fromarray(crop).save(folder / kind / f"{index:03d}.jpg")


@pytest.mark.parametrize("preset", ["mnist_logistic", "mnist_gaussian_shared"])
def test_a_folder_of_photographs_trains_samples_and_reports(preset, tmp_path):
    photographs(tmp_path / "photos", 200)
    out = tmp_path / "run"
    done = run(preset, "--dataset", tmp_path / "photos", "--steps", 3, "--test-images", 4, "--out", out)
    assert done.returncode == 0, done.stderr
    results = json.loads((out / "results.json").read_text())
    assert results["test"]["images"] == 4
    assert 0 < results["test"]["bits_per_dim"] < 60
    assert (out / "figures" / "samples.png").is_file()
    (tmp_path / "photos" / "china" / "broken.jpg").write_bytes(b"no picture")
    refused = run(preset, "--dataset", tmp_path / "photos", "--out", tmp_path / "other")
    assert refused.returncode == 1
    assert "broken.jpg" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
