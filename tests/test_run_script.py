"""The command line as a user meets it: a short run, and mistakes in one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import run_script
from vae_flows import experiment
from vae_flows.experiment.command_line import main
from vae_flows.run_folder import exit_status

ROOT = Path(__file__).parent.parent
TFDS = ROOT.parent / "shared" / "tfds"


def run(*words):
    """The command in this process; its exit status."""
    return exit_status(main, arguments=list(map(str, words)), name="python run_script.py", obj=run_script.PRESETS)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of 30 steps, judged on 20 images, by the command itself."""
    out = tmp_path_factory.mktemp("runs") / "short"
    words = ["quickstart", "latent=8", "--steps", "30", "--test-images", "20", "--out", str(out), "--seed", "3"]
    done = subprocess.run(
        [sys.executable, ROOT / "run_script.py", *words], cwd=out.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return out, done


def test_a_run_leaves_all_that_is_promised(finished):
    out, done = finished
    for name in ("config.json", "log.txt", "model.keras", "results.json", "report.html", "saved_model/saved_model.pb"):
        assert (out / name).is_file(), name
    for name in ("data", "samples", "reconstructions", "training_curves", "latent_space"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 5000, name
    assert list((out / "checkpoints").glob("ckpt-*/*.index"))
    assert list((out / "tensorboard").rglob("events*"))
    assert done.stdout.splitlines()[0].startswith("quickstart on digits")
    place, figure = done.stdout.splitlines()[-2:]
    assert place.startswith("Report:") and figure.startswith("NLL ")
    assert "Report:" in (out / "log.txt").read_text()
    assert "oneDNN" not in done.stderr and "Traceback" not in done.stderr


def test_results_say_what_was_run(finished):
    results = json.loads((finished[0] / "results.json").read_text())
    assert (results["preset"], results["dataset"], results["seed"], results["steps"]) == ("quickstart", "digits", 3, 30)
    assert results["test"]["images"] == 20
    assert results["latents"]["features"] == 8
    nll = results["test"]["nll"]
    assert nll["method"] == "importance"
    assert nll["samples"] == 1000
    assert 0 < nll["value"] < results["test"]["neg_elbo"]
    assert nll["standard_error"] > 0


def test_occupied_folder_is_refused_and_resumed(finished, capfd):
    out, _ = finished
    before = (out / "results.json").read_text()
    assert run("--steps", 30, "--out", out) == 1
    assert "already holds a run" in (refusal := capfd.readouterr().err) and "--resume" in refusal
    assert (out / "results.json").read_text() == before
    assert run("--steps", 40, "--out", out, "--resume", "--quiet") == 0
    said, warned = capfd.readouterr()
    assert said.startswith("Report:") and "\nNLL " in said and said.count("\n") == 2
    assert "Pareto" in warned
    assert "Continuing after step 30" in (out / "log.txt").read_text()
    assert json.loads((out / "results.json").read_text())["steps"] == 40


MISTAKES = {
    "unknown data set": (["--dataset", "mnst"], "digits.*mnst.*Did you mean mnist"),
    "folder of nothing": (["--dataset", "{tmp}"], "image"),
    "data directory holds something else": (["mnist_vae", "--data-dir", "{tmp}"], "holds something else.*--data-dir"),
    "images of another shape": (["mnist_iaf", "--dataset", "{tmp}/odd.npz"], "9"),
    "fewer images than a batch": (
        ["--dataset", "{tmp}/few.npz"],
        "training images must fill a batch.*batch=50.*few with 24.*batch=24 or less",
    ),
    "a size for arrays": (["--dataset", "{tmp}/odd.npz", "--image-size", "8"], "Arrays are not resized"),
    "files that are no images": (["--dataset", "{tmp}/photos"], "Received: broken.png.*--skip-unreadable"),
    "a value out of range": (["quickstart", "latent=0"], "at least 1, as 16 is"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_one_line_and_nothing_is_written(mistake, tmp_path, capfd):
    import re

    np.savez(tmp_path / "odd.npz", images=np.random.default_rng(0).integers(0, 256, (400, 9, 9, 1), dtype="uint8"))
    np.savez(tmp_path / "few.npz", images=np.zeros((30, 28, 28, 1), "uint8"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.png").write_bytes(b"no image")
    words, message = MISTAKES[mistake]
    assert run(*(word.format(tmp=tmp_path) for word in words), "--out", tmp_path / "new") == 1
    lines = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert re.search(message, lines[0]), lines[0]
    assert not (tmp_path / "new").exists()


def test_photos_of_one_s_own(tmp_path, capsys):
    """What the command line says of them is in the config, by which they are found again as they were."""
    for number in range(20):
        folder = tmp_path / "photos" / ("cat" if number % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        picture = np.random.default_rng(number).integers(0, 256, (30 + number, 40, 3), dtype="uint8")
        PIL.Image.fromarray(picture).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no image")
    arguments = {"latent": 2, "hidden": 8, "width": 8, "batch": 16}
    options = {"presets": run_script.PRESETS, "hyperparameters": arguments, "skip_unreadable": True}
    begun = experiment.begin("quickstart", dataset=str(tmp_path / "photos"), out=tmp_path / "run", **options)
    said = capsys.readouterr().out
    assert "images of 20 sizes, cropped to squares and resized to 32 x 32. Another size: --image-size N" in said
    assert "photos is binarised" in said and "mnist_grey" in said and "cifar10_vae" in said
    assert (begun.data.classes, begun.data.train.count) == (["cat", "dog"], 16)
    again = experiment.take_up(tmp_path / "run", presets=run_script.PRESETS)
    np.testing.assert_array_equal(again.data.test.images, begun.data.test.images)
    experiment.begin("quickstart", out=tmp_path / "digits", presets=run_script.PRESETS)
    assert "binarised" not in capsys.readouterr().out


PROBE = """
import builtins, runpy, sys
say = builtins.print
builtins.print = lambda *words, **more: (say(*words), sys.exit())  # the first words
try:
    runpy.run_path("run_script.py", run_name="__main__")
except SystemExit:
    say("tensorflow" in sys.modules)
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--list"], "quickstart"),
        (["--help", "mnist_planar"], "step_context=64"),
        (["mnist_ivae"], "Did you mean mnist_vae"),
        (["--out", __file__], "is a file"),
        (["--out", "absent", "--resume"], "no run in absent"),
        ([], "quickstart on digits, in runs/quickstart/"),
    ],
)
def test_first_words_and_refusals_need_no_tensorflow(words, said):
    done = subprocess.run([sys.executable, "-c", PROBE, *words], cwd=ROOT, capture_output=True, text=True)
    assert said in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.skipif(not TFDS.is_dir(), reason="no prepared TFDS directory beside the checkout")
def test_prepared_data_sets_train(tmp_path):
    out = tmp_path / "run"
    words = ["mnist_vae", "--dataset", "fashion_mnist", "--data-dir", TFDS, "--steps", 5, "--test-images", 4]
    assert run(*words, "--out", out) == 0
    assert json.loads((out / "results.json").read_text())["dataset"] == "fashion_mnist"
    config = json.loads((out / "config.json").read_text())
    assert (config["dataset"], config["data_dir"], config["data"]["test"]["images"]) == (
        "fashion_mnist",
        str(TFDS),
        10_000,
    )


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


def test_a_folder_of_photographs_trains_samples_and_reports(tmp_path, capfd):
    photographs(tmp_path / "photos", 200)
    out = tmp_path / "run"
    words = ["mnist_grey", "pixels=gaussian_shared", "--dataset", tmp_path / "photos"]
    assert run(*words, "--steps", 3, "--test-images", 4, "--out", out) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["test"]["images"] == 4
    assert 0 < results["test"]["bits_per_dim"] < 60
    assert (out / "figures" / "samples.png").is_file()
    capfd.readouterr()
    (tmp_path / "photos" / "china" / "broken.jpg").write_bytes(b"no picture")
    assert run(*words, "--out", tmp_path / "other") == 1
    error = capfd.readouterr().err
    assert "broken.jpg" in error and error.count("\n") == 1
