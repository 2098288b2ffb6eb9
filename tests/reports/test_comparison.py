import copy
import csv
import io

import numpy as np
import pytest

from vae_flows.reports.comparison import compare
from vae_flows.reports.comparison_files import as_csv, as_latex, as_markdown, as_text, write_comparison
from vae_flows.run_folder import read_json, write_json

NOISE = np.random.default_rng(0).normal(size=[2, 400])


@pytest.fixture
def judged(make_run, results):
    """Makes a run whose test images scored `nll` each; by default all of them can be believed."""

    def make(name, nll, *, flagged=0, dataset="digits", **changes):
        contents = copy.deepcopy({**results, **changes, "dataset": dataset})
        folder = make_run(name)
        contents["test"] |= {"images": len(nll), "neg_elbo": float(np.mean(nll)) + 5.0}
        error = float(np.std(nll) / np.sqrt(len(nll)))
        contents["test"]["nll"] |= {"value": float(np.mean(nll)), "unreliable_images": flagged, "standard_error": error}
        write_json(folder.results, contents)
        np.savez(folder.test_images, nll=nll, neg_elbo=np.asarray(nll) + 5.0)
        return folder.path

    return make


def marks(comparison, heading="NLL"):
    """{run: mark of its entry}."""
    place = 1 + [column.heading for column in comparison.columns].index(heading)
    return {row[0].text: row[place].mark for row in comparison.rows}


def test_differences_are_paired_and_ties_marked(judged):
    images = 100.0 + 20.0 * NOISE[0]
    paths = [
        judged("good", images),
        judged("as_good", images + 0.1 * NOISE[1] + 0.005),
        judged("worse", images + 0.1 * NOISE[1] + 0.1),
    ]
    comparison = compare(paths)
    assert marks(comparison) == marks(comparison, "-ELBO") == {"good": "best", "as_good": "tie", "worse": ""}
    best, tie, worse = comparison.runs
    gaps = 0.1 * NOISE[1] + 0.1
    assert worse.differences["nll"] == pytest.approx((gaps.mean(), gaps.std(ddof=1) / 20.0, 400))
    assert best.differences["nll"] == (0.0, None, 400)
    text = as_text(comparison, emphasise=lambda entry: f"[{entry}]")
    assert f"{images.mean():,.2f} ± 1.00*]" in text.splitlines()[1] and "+0.10 ± 0.01" in text.splitlines()[3]


def test_fewer_images_and_flagged_estimates_are_never_the_best_nor_leave_it_to_others(judged):
    images = 100.0 + 20.0 * NOISE[0]
    few = judged("few", images[:50] - 3.0)
    comparison = compare([few, judged("many", images)])
    assert set(marks(comparison).values()) == {""}
    assert {run.name: run.differences["nll"][0] for run in comparison.runs} == pytest.approx({"few": 0.0, "many": 3.0})
    assert any("fewer images" in note for note in comparison.notes)
    comparison = compare([judged("heavy", images - 3.0, flagged=1), judged("light", images)])
    assert set(marks(comparison).values()) == {""} and marks(comparison, "-ELBO")["heavy"] == "best"
    assert "†" in as_text(comparison) and any("†" in note for note in comparison.notes)
    comparison = compare([judged("sure", images - 4.0), judged("vague", images, flagged=1)])
    assert marks(comparison) == {"sure": "best", "vague": ""}


def test_a_trial_of_few_images_does_not_choose_the_best_of_the_others(judged):
    images = 100.0 + 20.0 * NOISE[0]
    better = images - 1.0
    better[:3] += [3.0, 2.0, 1.0]  # where the others are by chance
    comparison = compare([judged("better", better), judged("worse", images), judged("trial", images[:3] + 2.0)])
    assert marks(comparison) == marks(comparison, "-ELBO") == {"better": "best", "worse": "", "trial": ""}
    differences = {run.name: run.differences["nll"][0] for run in comparison.runs}
    assert differences == pytest.approx({"better": 0.0, "worse": (images - better).mean(), "trial": 1.0})


def test_other_images_and_other_preparations_have_their_own_best(judged):
    paths = [judged(name, value + NOISE[0], dataset=name[0]) for name, value in (("a1", 80), ("a2", 90), ("b1", 70))]
    comparison = compare(paths)
    assert marks(comparison) == {"a1": "best", "a2": "", "b1": ""}  # one alone is not the best
    assert any("do not compare" in note for note in comparison.notes)
    config = paths[1] / "config.json"
    write_json(config, {**read_json(config), "preparation": {"name": "GreyLevels"}})
    assert set(marks(compare(paths)).values()) == {""}


def test_without_values_of_single_images_errors_stand_for_the_pairs(judged, results):
    hais = {"standard_error": 0.5, "images": 20, "unreliable_images": 0}
    values = {"best": 80.0, "tie": 81.0, "worse": 82.0}
    paths = [judged(name, NOISE[0], hais={**hais, "nll": nll}) for name, nll in values.items()]
    assert marks(compare(paths), "HAIS") == {"best": "best", "tie": "tie", "worse": ""}
    for path, nll in zip(paths, values.values(), strict=True):
        images = nll + NOISE[0, :20] - NOISE[0, :20].mean()  # the same images: these are 1 apart, whatever their spread
        np.savez(path / "test_images.npz", nll=NOISE[0], neg_elbo=NOISE[0] + 5.0, hais=images)
    assert marks(compare(paths), "HAIS") == {"best": "best", "tie": "", "worse": ""}
    (paths[0] / "test_images.npz").write_bytes(b"no zip")
    np.savez(paths[1] / "test_images.npz", nll=NOISE[0] + 1.0)  # of another evaluation
    assert [run.values == {} for run in compare(paths).runs].count(True) == 2


def test_runs_are_found_at_any_depth_and_what_is_left_out_is_told(judged, make_run, tmp_path):
    judged("deep/down/a", NOISE[0])
    make_run("young", results=False)
    broken, other = make_run("broken"), make_run("other")
    broken.results.write_text('{"test": ')
    other.config.write_text('{"model_type": "bert"}')
    comparison = compare([tmp_path, tmp_path / "deep"])
    assert [run.name for run in comparison.runs] == ["deep/down/a"]
    reasons = {path.rsplit("/", 1)[-1]: why for path, why in comparison.left_out.items()}
    assert "no results.json" in reasons["young"]
    assert "broken" in reasons["broken"] and "not of this version" in reasons["other"]
    assert all(name in as_text(comparison) for name in reasons)
    with pytest.raises(ValueError, match="None of these runs can be compared.*young"):
        compare([tmp_path / "young"])
    with pytest.raises(FileNotFoundError, match="no folder.*absent"):
        compare([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no run in.*empty"):
        compare([tmp_path / "empty"])


def test_files_hold_the_table(judged, tmp_path):
    paths = [judged(name, nll + NOISE[0]) for name, nll in (("a_1~^", 9.5), ("longer", 1234.5))]
    comparison = compare(paths)
    heads, first, second = as_text(comparison).splitlines()[:3]
    assert "HAIS" not in heads and heads.index("NLL") + 4 == first.index("*") + 1 and len(second) <= 100
    rows = list(csv.DictReader(io.StringIO(as_csv(comparison))))
    assert float(rows[0]["NLL"]) == pytest.approx(9.5 + NOISE[0].mean()) and rows[0]["NLL mark"] == "best"
    assert float(rows[1]["difference"]) == pytest.approx(1225.0) and rows[1]["NLL mark"] == ""
    latex = as_latex(comparison)
    assert r"a\_1\textasciitilde{}\textasciicircum{} &" in latex and r"\textbf{" in latex and "$+$1,225.00" in latex
    assert as_markdown(comparison).splitlines()[1].count("|") == len(comparison.rows[0]) + 1
    write_comparison(comparison, tmp_path / "new" / "page.html")
    page = (tmp_path / "new" / "page.html").read_text()
    assert page.count("data:image/png") == 2 and "http" not in page
    assert {path.suffix for path in (tmp_path / "new").iterdir()} == {".html", ".csv", ".md", ".tex"}


def test_runs_of_one_preset_are_told_apart_by_the_hyperparameters_in_which_they_differ(judged):
    given = {"a": {"model": "vae", "hidden": [500, 500]}, "b": {"model": "iwae", "hidden": [500, 500]}, "c": {}}
    paths = [judged(name, 100.0 + NOISE[0], preset="other" if name == "c" else "mine") for name in given]
    for path, hyperparameters in zip(paths, given.values(), strict=True):
        config = read_json(path / "config.json")
        write_json(path / "config.json", {**config, "hyperparameters": hyperparameters})
    assert {row[0].text: row[1].text for row in compare(paths).rows} == {
        "a": "mine model=vae",
        "b": "mine model=iwae",
        "c": "other",
    }


def test_bits_per_dimension_tie_as_the_nll_does(judged, results):
    paths = [judged(name, 80.0 + shift + NOISE[0]) for name, shift in (("a", 0.0), ("b", 1e-3))]
    for path, bits in zip(paths, (2.0, 2.001), strict=True):
        found = read_json(path / "results.json")
        write_json(path / "results.json", {**found, "test": {**found["test"], "bits_per_dim": bits}})
    np.savez(paths[1] / "test_images.npz", nll=80.001 + NOISE[0], neg_elbo=NOISE[0])
    assert marks(compare(paths), "bits/dim") == marks(compare(paths)) == {"a": "best", "b": ""}
