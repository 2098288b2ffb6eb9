"""The whole way on a tiny run: report, the three methods from the command line, samples."""

import json
import warnings

import numpy as np
import PIL.Image
import pytest
import registry
import tensorflow as tf

from vae_flows.estimators.importance import UnreliableWeights
from vae_flows.image_data.prepare import Binarise
from vae_flows.image_data.sources import load
from vae_flows.reports.__main__ import run
from vae_flows.reports.run_report import write_report
from vae_flows.run_folder.layout import RunFolder

SCHEMA = {
    **{"preset": str, "dataset": str, "seed": int, "steps": int, "parameters": int},
    "training": {"seconds": float, "images_per_second": float},
    "validation": {"neg_elbo": float},
    "test": {
        **{"images": int, "neg_elbo": float, "kl": float, "neg_log_likelihood_given_z": float},
        "neg_elbo_standard_error": float,
        "nll": {
            **{"method": str, "value": float, "standard_error": float, "samples": int},
            "effective_sample_size": float,
            "unreliable_images": int,
        },
        "bits_per_dim": type(None),
    },
    "latents": {"features": int, "active_units": int, "kl": list},
    "hais": type(None),
    "bidirectional": type(None),
}
HAIS = {
    **{"nll": float, "standard_error": float, "images": int, "chains": int, "temperatures": int},
    **{"acceptance": float, "step_size": float, "seconds": float},
    "over_importance": {"log_likelihood": float, "standard_error": float},
}


def kinds(value):
    return {name: kinds(part) for name, part in value.items()} if isinstance(value, dict) else type(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of an untrained model on a few random images, with its report written."""
    place = tmp_path_factory.mktemp("finished")
    images = np.random.default_rng(0).integers(0, 256, (50, *registry.IMAGE)).astype(np.uint8)
    np.savez(place / "noise.npz", images=images, labels=np.arange(50) % 5)
    data = load(str(place / "noise.npz"))
    model = registry.MODELS["VAE"].build()
    folder = RunFolder.create(place / "run")
    config = {"preset": "tiny", "dataset": str(place / "noise.npz"), "seed": 1, "importance_samples": 8}
    folder.write_json("config.json", {**config, "preparation": Binarise().to_config()})
    model.save(folder.model)
    with tf.summary.create_file_writer(str(folder.tensorboard / "train")).as_default():
        for step in range(5):
            tf.summary.scalar("neg_elbo", 10.0 - step, step=step)
    (folder.figures / "hais.png").write_bytes(b"of an earlier model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreliableWeights)
        write_report(
            folder,
            model=model,
            data=data,
            preparation=Binarise(),
            preset="tiny",
            seed=1,
            steps=0,
            seconds=1.5,
            images_per_second=100.0,
            samples=8,
            test_images=4,
        )
    return folder


def read(folder):
    return json.loads(folder.results.read_text())


def test_report_leaves_the_contract_s_files(folder):
    results = read(folder)
    assert kinds(results) == SCHEMA
    assert results["test"]["images"] == 4 and results["test"]["nll"]["samples"] == 8
    names = {"data.png", "samples.png", "reconstructions.png", "training_curves.png", "latent_space.png"}
    assert {path.name for path in folder.figures.iterdir()} == names
    assert folder.report.read_text().count("data:image/png") == 5


def test_importance_again_with_other_settings(folder, capsys):
    before = read(folder)
    assert run(["evaluate", str(folder.path), "--samples", "16", "--images", "3"]) == 0
    assert "3 test images, 16 importance samples" in capsys.readouterr().out
    after = read(folder)
    assert after["test"]["nll"]["samples"] == 16 and after["test"]["images"] == 3
    assert {**after, "test": None} == {**before, "test": None}
    assert "3 test images, 16 samples each" in folder.report.read_text()


def test_default_samples_are_those_of_the_training(folder, capsys):
    assert run(["evaluate", str(folder.path)]) == 0
    assert read(folder)["test"]["nll"]["samples"] == 8
    assert read(folder)["test"]["images"] == 5


def test_hais(folder, capsys):
    options = ["--images", "2", "--chains", "4", "--temperatures", "12", "--start", "prior"]
    options += ["--leapfrogs", "3", "--gradients", "bfloat16"]
    assert run(["evaluate", str(folder.path), "--method", "hais", *options]) == 0
    assert "HAIS" in capsys.readouterr().out
    hais = read(folder)["hais"]
    assert kinds(hais) == HAIS
    assert (hais["images"], hais["chains"], hais["temperatures"]) == (2, 4, 12)
    assert (folder.figures / "hais.png").is_file()
    page = folder.report.read_text()
    assert "Annealed importance sampling" in page and f"{-hais['over_importance']['log_likelihood']:+,.2f}" in page
    assert not (folder.path / "evaluation").exists()


def test_bidirectional(folder, capsys):
    options = ["--images", "3", "--chains", "4", "--temperatures", "8", "--start", "prior"]
    assert run(["evaluate", str(folder.path), "--method", "bidirectional", *options]) == 0
    found = read(folder)["bidirectional"]
    assert found["gap"] == pytest.approx(found["upper"] - found["lower"])
    assert (found["images"], found["chains"], found["temperatures"], found["start"]) == (3, 4, 8, "prior")
    assert [point["temperatures"] for point in found["curve"]] == [2, 4, 8]
    page = folder.report.read_text()
    assert "Bidirectional Monte Carlo" in page and f"{found['importance']:,.3f}" in page


def test_samples_as_files(folder, tmp_path):
    out = tmp_path / "new" / "samples"
    assert run(["sample", str(folder.path), "--count", "3", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["0000.png", "0001.png", "0002.png", "samples.png"]
    first = np.asarray(PIL.Image.open(out / "0000.png"))
    assert first.shape == registry.IMAGE[:2] and first.dtype == np.uint8
    more, cold = tmp_path / "more", tmp_path / "cold"
    assert run(["sample", str(folder.path), "--count", "5", "--out", str(more)]) == 0
    assert (more / "0000.png").read_bytes() == (out / "0000.png").read_bytes()
    assert run(["sample", str(folder.path), "--count", "2", "--temperature", "0", "--out", str(cold)]) == 0
    assert (cold / "0000.png").read_bytes() == (cold / "0001.png").read_bytes() != (out / "0000.png").read_bytes()


def test_a_vanished_data_set_is_refused(folder, capsys):
    config = folder.read_json("config.json")
    try:
        folder.write_json("config.json", {**config, "dataset": "/nowhere/images.npz"})
        assert run(["evaluate", str(folder.path)]) == 1
        assert "/nowhere/images.npz" in capsys.readouterr().err
    finally:
        folder.write_json("config.json", config)
