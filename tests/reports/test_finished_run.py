"""The whole way on a tiny run: report, the three methods from the command line, samples."""

import json
import warnings

import numpy as np
import PIL.Image
import pytest
import registry
import scipy.stats
import tensorflow as tf
from google.protobuf import text_format
from tensorboard.plugins import projector

from vae_flows.estimators.importance import UnreliableWeights
from vae_flows.image_data.preparations import Binarise
from vae_flows.image_data.sources import load
from vae_flows.reports import judging, run_report
from vae_flows.reports.__main__ import run
from vae_flows.reports.finished_run import FinishedRun
from vae_flows.reports.likelihood_table import headline
from vae_flows.reports.run_report import write_report
from vae_flows.reports.subject import Subject
from vae_flows.run_folder import RunFolder, read_json, write_json

IMAGES = {"dataset": str, "data_dir": type(None), "preparation": {"name": str, "levels": int}, "seed": int}
SCHEMA = {
    **dict.fromkeys(("hais", "bidirectional", "restoration"), type(None)),
    **dict.fromkeys(("model", "preset", "dataset"), str),
    **dict.fromkeys(("seed", "steps", "parameters"), int),
    "training": {"seconds": float, "images_per_second": float, "best_step": int},
    "settings": {"importance": {**IMAGES, "images": int, "samples": int}},
    "validation": {"neg_elbo": float},
    "test": {
        **{"images": int, "neg_elbo": float, "kl": float, "neg_log_likelihood_given_z": float},
        "neg_elbo_standard_error": float,
        "nll": {
            **{"method": str, "value": float, "standard_error": float, "samples": int},
            **{"effective_sample_size": float, "unreliable_images": int, "untrained_prior": bool},
        },
        **dict.fromkeys(("bits_per_dim", "bits_per_dim_standard_error"), type(None)),
    },
    "latents": {"images": int, "features": int, "active_units": int, "kl": list},
}
TRAINED = {"seconds": 1.5, "images_per_second": 100.0, "best_step": 0}
HAIS = {
    **{"nll": float, "standard_error": float, "images": int, "chains": int, "temperatures": int},
    **{"acceptance": float, "step_size": float, "seconds": float},
    **{"effective_chains": float, "unreliable_images": int, "half_gain": float},
    "over_importance": {"log_likelihood": float, "standard_error": float, "images": int, "samples": int},
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
    config = {"preset": "tiny", "dataset": str(place / "noise.npz"), "seed": 1}
    config["evaluation"] = {"importance": {"samples": 8}}
    write_json(folder.config, {**config, "preparation": Binarise().to_config()})
    model.save(folder.model)
    with tf.summary.create_file_writer(str(folder.tensorboard)).as_default():
        for step in range(5):
            tf.summary.scalar("neg_elbo/train", 10.0 - step, step=step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreliableWeights)
        run = FinishedRun.trained(folder, Subject(model, data, Binarise(), seed=1))
        write_report(run, training=TRAINED, steps=0, test_images=4)
    return folder


def read(folder):
    return json.loads(folder.results.read_text())


def test_report_leaves_the_contract_s_files(folder):
    results = read(folder)
    assert kinds(results) == SCHEMA
    assert results["test"]["images"] == 4 and results["test"]["nll"]["samples"] == 8
    names = {"data.png", "samples.png", "reconstructions.png", "training_curves.png", "latent_space.png"}
    names |= {"view_interpolations.png", "view_temperatures.png"}
    assert {path.name for path in folder.figures.iterdir()} == names
    assert folder.report.read_text().count("data:image/png") == 7


def test_the_projector_has_codes_labels_and_pictures(folder):
    place = folder.tensorboard
    codes = np.fromfile(place / "codes.bytes", "float32").reshape(4, -1)
    assert np.isfinite(codes).all() and codes.shape[1] == registry.MODELS["VAE"].build().latent_features
    assert len((place / "codes.tsv").read_text().split()) == 4
    assert PIL.Image.open(place / "codes.png").size == (2 * 6, 2 * 6)
    config = text_format.Parse((place / "projector_config.pbtxt").read_text(), projector.ProjectorConfig())
    (shown,) = config.embeddings
    assert (shown.tensor_path, list(shown.tensor_shape)) == ("codes.bytes", list(codes.shape))
    assert (shown.metadata_path, shown.sprite.image_path) == ("codes.tsv", "codes.png")
    assert list(shown.sprite.single_image_dim) == [6, 6]


def test_a_smaller_evaluation_does_not_replace_a_larger_one(folder, capsys):
    before = read(folder)
    with np.load(folder.test_images) as each:
        assert each["nll"].mean() == pytest.approx(before["test"]["nll"]["value"], rel=1e-12)
        assert each["neg_elbo"].mean() == pytest.approx(before["test"]["neg_elbo"], rel=1e-12)
        spread = scipy.stats.sem(each["neg_elbo"])
        assert before["test"]["neg_elbo_standard_error"] == pytest.approx(spread, rel=1e-12)
        assert each["nll_error"].shape == (4,) and np.all(each["nll_error"] > 0)
    assert run(["evaluate", str(folder.path), "--samples", "16", "--images", "3"]) == 0
    said = capsys.readouterr().out
    assert "3 test images, 16 samples each" in said and "stays in front" in said
    after = read(folder)
    (further,) = after.pop("further")
    assert further["test"]["images"] == 3 and further["test"]["nll"]["samples"] == 16
    assert after == before
    with np.load(folder.test_images) as each:
        assert each["nll"].shape == (4,)


def test_default_samples_are_those_of_the_training(folder, capsys):
    assert run(["evaluate", str(folder.path)]) == 0
    assert read(folder)["test"]["nll"]["samples"] == 8
    assert read(folder)["test"]["images"] == 5
    assert "5 test images, 8 samples each" in folder.report.read_text()


def test_hais(folder, capsys, monkeypatch):
    seen, drawn = [], judging.annealing_diagnostics
    monkeypatch.setattr(judging, "annealing_diagnostics", lambda *both: seen.extend(both) or drawn(*both))
    options = ["--images", "2", "--chains", "4", "--temperatures", "12", "--start", "prior"]
    options += ["--leapfrogs", "3", "--gradients", "bfloat16"]
    assert run(["evaluate", str(folder.path), "--method", "hais", *options]) == 0
    assert "HAIS" in capsys.readouterr().out
    hais = read(folder)["hais"]
    assert kinds(hais) == HAIS
    assert hais["over_importance"]["standard_error"] == pytest.approx(scipy.stats.sem(seen[0].values - seen[1].values))
    assert (hais["images"], hais["chains"], hais["temperatures"]) == (2, 4, 12)
    with np.load(folder.test_images) as each:  # beside what was there
        assert each["hais"].mean() == pytest.approx(hais["nll"], rel=1e-12) and "nll" in each
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
    assert "Bidirectional Monte Carlo" in page and f"{-found['importance']:,.3f}" in page
    said = capsys.readouterr().out.splitlines()
    assert f"forward, gap {found['gap']:.2f} ± {found['gap_standard_error']:.2f}" in said[1]
    assert said[2] == headline(read(folder))  # the last line is the figure to believe


def test_ctrl_c_says_how_to_go_on(folder, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_flows.reports.judging.importance", interrupted)
    assert run(["evaluate", str(folder.path), "--images", "3"]) == 130
    expected = f"Go on with:\n  python -m vae_flows.reports evaluate {folder.path} --method importance --images 3\n"
    assert expected in capsys.readouterr().err


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
    config = read_json(folder.config)
    try:
        write_json(folder.config, {**config, "dataset": "/nowhere/images.npz"})
        assert run(["evaluate", str(folder.path)]) == 1
        assert "/nowhere/images.npz" in capsys.readouterr().err
    finally:
        write_json(folder.config, config)


@pytest.mark.parametrize("name", ["VAE with a refined posterior", "mixture, exact"])
def test_the_whole_way_of_other_kinds_of_model(folder, name, tmp_path, capsys, monkeypatch):
    """Views are in the report; an exact model is judged without samples, and by nothing else."""
    other = RunFolder.create(tmp_path / "run")
    write_json(other.config, read_json(folder.config))
    model = registry.MODELS[name].build()
    model.save(other.model)
    named, drawn = [], run_report.latent_map
    watched = lambda *args, **given: named.append(given["change"]) or drawn(*args, **given)  # noqa: E731
    monkeypatch.setattr(run_report, "latent_map", watched)
    subject = Subject(model, load(read_json(folder.config)["dataset"]), Binarise(), seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreliableWeights)
        write_report(FinishedRun.trained(other, subject), training=TRAINED, steps=0, test_images=4)
    page = other.report.read_text()
    assert run(["compare", str(folder.path), str(other.path), "--out", str(tmp_path / "page.html")]) == 0
    if name == "mixture, exact":
        nll = read(other)["test"]["nll"]
        assert nll["method"] == "exact" and "exact" in page and "NLL, validation" in page
        assert nll["value"] == pytest.approx(-np.mean(model.log_prob(subject.prepared(4))), rel=1e-6)
        assert run(["evaluate", str(other.path)]) == 0 and "5 test images, exact" in capsys.readouterr().out
        assert run(["evaluate", str(other.path), "--method", "hais"]) == 1
        assert "gives log p(x) itself" in capsys.readouterr().err
    else:
        assert named == ["refinement"]
        assert ">Refinement<" in page and "each refined one decodes to" in page


def test_results_of_other_weights_are_neither_added_to_nor_replaced(folder, capsys):
    """As after a kill between the new model and its report."""
    there = folder.results.read_text()
    write_json(folder.results, {**read(folder), "model": "00000000"})
    stale = folder.results.read_text()
    try:
        for method in ("importance", "hais"):
            assert run(["evaluate", str(folder.path), "--method", method, "--images", "2"]) == 1
            assert "of other weights than model.keras" in capsys.readouterr().err
        assert folder.results.read_text() == stale
    finally:
        folder.results.write_text(there)


def test_a_smaller_annealed_result_leaves_the_figure_of_the_larger(folder, capsys):
    options = ["evaluate", str(folder.path), "--method", "hais", "--temperatures", "6", "--start", "prior"]
    larger = read(folder)["hais"] or {"images": 0}
    if larger["images"] < 2:
        assert run([*options, "--images", "2"]) == 0
    figure = (folder.figures / "hais.png").read_bytes()
    assert run([*options, "--images", "1"]) == 0
    assert "stays in front" in capsys.readouterr().out
    assert (folder.figures / "hais.png").read_bytes() == figure
