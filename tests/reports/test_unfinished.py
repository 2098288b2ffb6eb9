"""What is judged stays judged: files of unfinished estimates, and results merged when they are written."""

import types

import numpy as np
import pytest
from linear_gaussian import LinearGaussian

from vae_flows.estimators import ImportanceSampling, sweep
from vae_flows.reports import FinishedRun, judging
from vae_flows.reports.unfinished import Unfinished
from vae_flows.run_folder import write_json

MINE, THEIRS = "0000abcd", "12345678"


def file(folder, weights, chains):
    unfinished = Unfinished(folder, weights)
    return unfinished, unfinished.files("hais", {"chains": chains})()


def test_what_is_done_stays_until_its_results_are_written(make_run):
    folder = make_run("run")
    unfinished, ours = file(folder, MINE, 4)
    others = [file(folder, MINE, 8)[1], file(folder, THEIRS, 4)[1]]
    for each in (ours, *others):
        each.write({"values": np.arange(3)})
    assert file(folder, MINE, 4)[1].path == ours.path
    (ours.path.parent / f"unreadable-{ours.path.name}").write_bytes(b"")
    (ours.path.parent / f".partial-999999999-{others[0].path.name}").write_bytes(b"half")
    (ours.path.parent / "notes.npz").write_bytes(b"a user's own")
    unfinished.tidy()
    assert {path.name for path in ours.path.parent.iterdir()} == {others[0].path.name, "notes.npz"}
    (ours.path.parent / "notes.npz").unlink()
    others[0].path.unlink()
    unfinished.tidy()
    assert not ours.path.parent.exists()
    unfinished.tidy()


@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: whole[:200], lambda whole: whole.replace(b"record", b"recorb")]
)
def test_a_damaged_file_is_set_aside_and_its_part_computed_again(damage, make_run, capsys):
    model, kept = LinearGaussian(3), file(make_run("run"), MINE, 4)[1]
    x = model.simulate(6)[0]
    estimator = ImportanceSampling(model.log_weight("base"), features=3, samples=10)
    first = sweep(estimator, [x[:4], x[4:]], seed=[1, 2], kept=kept)
    kept.path.write_bytes(damage(kept.path.read_bytes()))
    again = sweep(estimator, [x[:4], x[4:]], seed=[1, 2], kept=kept)
    np.testing.assert_array_equal(again.values, first.values)
    said = capsys.readouterr().out
    assert said.startswith(f"Warning: {kept.path} cannot be read (") and said.count("\n") == 1
    assert {path.name for path in kept.path.parent.iterdir()} == {kept.path.name, f"unreadable-{kept.path.name}"}


@pytest.fixture
def judged(make_run, results, monkeypatch):
    """A run to judge, and what happens in the place of a method's computing."""
    folder = make_run("run", results=False)
    write_json(folder.results, {**results, "model": MINE})

    run, computed = FinishedRun(folder, {}), []
    run.__dict__.update(subject=types.SimpleNamespace(mark=MINE, exact=False), computed=computed)
    folder.figures.mkdir(exist_ok=True)
    meanwhile = []

    def method(name):
        def estimate(run, settings):
            run.unfinished.files(name, settings)().write({"values": np.zeros(2)})
            for each in meanwhile:
                each()
            computed.append(name)
            picture = folder.figures / f"{name}.png"
            return {name: {"images": settings["images"], "chains": settings["chains"]}}, picture.touch

        return estimate

    monkeypatch.setattr(judging, "_METHODS", {name: method(name) for name in ("hais", "bidirectional")})
    monkeypatch.setattr(judging, "_said", lambda found: f"{next(iter(found))} found.")
    monkeypatch.setattr(judging, "write_page", lambda folder: None)
    monkeypatch.setattr(judging, "write_metrics", lambda folder, results: None)
    return run, meanwhile


def test_of_two_evaluations_at_once_both_results_stay(judged):
    run, meanwhile = judged
    meanwhile.append(lambda: meanwhile.clear() or judging.judge(run, "bidirectional"))
    assert judging.judge(run, "hais") == "hais found."
    assert run.results["hais"] and run.results["bidirectional"]
    assert not run.unfinished.place.exists()


def test_what_was_found_with_the_same_settings_is_not_computed_again(judged, capsys):
    run, _ = judged
    judging.judge(run, "hais", chains=4)
    before = run.results
    assert judging.judge(run, "hais", chains=4, facts={"steps": 9}) == "hais found."
    assert run.computed == ["hais"] and run.results == {**before, "steps": 9}
    assert "found before with the same settings" in capsys.readouterr().out
    judging.judge(run, "hais", chains=8)
    (run.folder.figures / "hais.png").unlink()
    judging.judge(run, "hais", chains=8)
    run.__dict__["config"] = {"seed": 3}
    judging.judge(run, "hais", chains=8)
    run.subject.mark = THEIRS
    judging.judge(run, "hais", chains=8, facts={})
    assert run.computed == ["hais"] * 5


def test_results_that_cannot_be_written_cost_nothing_that_was_computed(judged, monkeypatch):
    run, _ = judged
    monkeypatch.setattr(judging, "write_json", lambda path, value: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        judging.judge(run, "hais")
    assert len(list(run.unfinished.place.iterdir())) == 1


def test_results_of_a_training_that_ended_meanwhile_are_not_replaced(judged, results):
    run, meanwhile = judged
    meanwhile.append(lambda: write_json(run.folder.results, {**results, "model": THEIRS}))
    with pytest.raises(OSError, match="of other weights"):
        judging.judge(run, "hais")
    assert run.results["model"] == THEIRS and run.results["hais"] is None


def test_broken_results_stop_an_evaluation_and_are_replaced_by_a_training(judged, capsys):
    run, _ = judged
    run.folder.results.write_text("{")
    with pytest.raises(ValueError, match=r"results\.json is broken"):
        judging.judge(run, "hais")
    judging.judge(run, "hais", facts={"steps": 3})
    assert "results.json is broken" in capsys.readouterr().out
    assert (run.results["steps"], run.results["hais"]["images"]) == (3, 50)
