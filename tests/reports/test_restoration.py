"""Restored images in a run's results and report."""

import copy
import dataclasses

import numpy as np
import pytest
import small_run

from vae_flows.latent_models import restored
from vae_flows.reports import as_csv, compare
from vae_flows.reports.likelihood_table import headline
from vae_flows.reports.page import run_page
from vae_flows.reports.restoration import corrupted_batches, restoration


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a model that learned to restore images."""
    return small_run.restoring(tmp_path_factory.mktemp("restoring"))


def test_the_error_is_that_of_the_images_by_hand(run):
    corrupted, x = next(iter(corrupted_batches(run.subject, run.config, 7)))
    np.testing.assert_array_equal(x, run.subject.prepared(7))
    found = run.results["restoration"]
    each = np.square(restored(run.subject.model, corrupted) - x).mean((1, 2, 3))
    assert found["images"] == 7
    assert found["mse"] == pytest.approx(each.mean(), rel=1e-5)
    assert found["standard_error"] == pytest.approx(each.std(ddof=1) / np.sqrt(7), rel=1e-4)
    assert found["corrupted_mse"] == pytest.approx(np.square(corrupted - x).mean(), rel=1e-5)


def test_the_report_shows_the_triples_and_comparisons_the_error(run):
    assert (run.folder.figures / "view_restorations.png").is_file()
    page, found = run.folder.report.read_text(), run.results["restoration"]
    assert "Restorations" in page and ">Restoration<" in page
    assert f">{found['mse']:.5f}<" in page and f">{found['corrupted_mse']:.5f}<" in page
    told = f"Mean squared error {found['mse']:.5f} restored, {found['corrupted_mse']:.5f} corrupted"
    assert headline(run.results).startswith(f"{told}, which is no better. NLL ")
    better = {**run.results, "restoration": {**found, "corrupted_mse": found["mse"] + 0.1}}
    assert "corrupted. NLL" in headline(better).replace(f"{found['mse'] + 0.1:.5f} ", "")
    assert "restoration MSE" in as_csv(compare([run.folder.path]))


def test_comparisons_pair_the_error_image_by_image(run):
    (judged,) = compare([run.folder.path]).runs
    assert judged.values["restoration"].shape == (run.results["restoration"]["images"],)
    worse = dataclasses.replace(judged, values={"restoration": judged.values["restoration"] + 0.25})
    (cell,) = (
        cell
        for cell in compare([run.folder.path]).rows[0]
        if cell.text.startswith(f"{run.results['restoration']['mse']:.5f}")
    )
    assert cell.flagged  # it is worse than to do nothing
    mean, error, images = worse.minus(judged, "restoration")
    assert (mean, error, images) == (
        pytest.approx(0.25),
        pytest.approx(0.0, abs=1e-9),
        run.results["restoration"]["images"],
    )


def test_an_untrained_prior_is_told_beside_its_likelihood(run):
    results = copy.deepcopy(run.results)
    assert results["test"]["nll"]["untrained_prior"] is False
    results["test"]["nll"] |= {"untrained_prior": True, "unreliable_images": 3}
    assert "nats of an untrained prior, which say nothing: " in headline(results)
    assert "too high" not in headline(results)
    assert "untrained prior" in run_page(results, run.config, figures=run.folder.figures)


def test_a_run_that_corrupts_nothing_has_none(run):
    assert restoration(run.subject, {**run.config, "corruption": None}, 7) is None
