import subprocess
import sys
from pathlib import Path

import pytest

from vae_flows.reports.__main__ import main, run
from vae_flows.run_folder import write_json

ROOT = Path(__file__).parents[2]


def refused(arguments, capsys):
    """The one line with which a command line is refused."""
    assert run([str(argument) for argument in arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1, error
    return error


def test_help_is_fast_and_imports_no_tensorflow():
    script = "import sys; from reports.__main__ import run; run(['-h']); print({'tensorflow', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "set()"
    for command in ("evaluate", "sample", "views", "compare"):
        assert command in done.stdout


def test_module_runs_and_exits_with_the_status(tmp_path):
    command = [sys.executable, "-m", "vae_flows.reports", "compare", str(tmp_path / "absent")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "absent" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["evaluate", "compare", "sample", "views"])
def test_a_folder_without_a_run_is_refused(command, tmp_path, capsys):
    out = ["--out", tmp_path / "out"] if command in ("sample", "views") else []
    assert "nowhere" in refused([command, tmp_path / "nowhere", *out], capsys)


@pytest.mark.parametrize("command", ["evaluate", "sample", "views"])
def test_a_run_without_a_model_is_refused(command, make_run, tmp_path, capsys):
    out = ["--out", tmp_path / "out"] if command in ("sample", "views") else []
    error = refused([command, make_run("young").path, *out], capsys)
    assert "young has no model yet" in error and "--resume" in error
    assert not (tmp_path / "out").exists()


def test_a_broken_model_is_refused(make_run, tmp_path, capsys):
    folder = make_run("torn")
    folder.model.write_bytes(b"PK half a file")
    assert "model.keras" in refused(["sample", folder.path, "--out", tmp_path / "out"], capsys)


def test_an_incomplete_configuration_is_refused(make_run, capsys):
    folder = make_run("bare")
    write_json(folder.config, {"preset": "quickstart"})
    assert "dataset" in refused(["evaluate", folder.path], capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "RUN", "--method", "guess"], "importance"),
        (["evaluate", "RUN", "--images", "0"], "--images"),
        (["evaluate", "RUN", "--samples", "many"], "--samples"),
        (["evaluate", "RUN", "--chains", "4"], "--chains has no meaning for --method importance"),
        (["evaluate", "RUN", "--method", "hais", "--samples", "4"], "--samples has no meaning for --method hais"),
        (["evaluate", "RUN", "--method", "hais", "--start", "nowhere"], "posterior"),
        (["sample", "RUN", "--out", "x", "--temperature", "-1"], "--temperature"),
        (["sample", "RUN"], "--out"),
        (["compare"], "runs"),
        (["draw"], "draw"),
    ],
)
def test_options_are_refused_by_name(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where there are no runs
    assert words in refused(arguments, capsys)


def test_a_folder_with_files_is_not_sampled_into(make_run, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("dear")
    assert "full" in refused(["sample", make_run("a").path, "--out", tmp_path / "full"], capsys)


def test_compare_writes_all_forms_of_what_it_finds_in_runs(make_run, results, tmp_path, capsys, monkeypatch):
    results["test"]["nll"]["unreliable_images"] = 0
    for name, nll in (("runs/a", 9.0), ("runs/deep/down/b", 5.0)):
        make_run(name, nll=nll, test=results["test"])
    monkeypatch.chdir(tmp_path)
    assert run(["compare"]) == 0
    printed = capsys.readouterr().out
    assert "5.00 ± 1.21*" in printed and "runs/comparison.html" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]  # nothing beside what was there
    forms = {suffix: (tmp_path / f"runs/comparison.{suffix}").read_text() for suffix in ("html", "csv", "md", "tex")}
    assert "<strong>5.00 ±\u00a01.21</strong>" in forms["html"]
    assert "**5.00 ± 1.21**" in forms["md"] and r"\textbf{5.00 $\pm$ 1.21}" in forms["tex"]
    assert "deep/down/b" in forms["csv"].splitlines()[1]


def test_an_unwritable_page_is_refused(make_run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert "file" in refused(["compare", make_run("a").path, "--out", tmp_path / "file" / "page.html"], capsys)


def test_ctrl_c_gives_130(monkeypatch, make_run, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_flows.reports.comparison.compare", interrupted)
    assert run(["compare", str(make_run("a").path)]) == 130
    assert "Interrupted" in capsys.readouterr().err


def test_help_names_every_option():
    evaluate = main.commands["evaluate"]
    assert {parameter.name for parameter in evaluate.params} >= {
        "method",
        "images",
        "samples",
        "chains",
        "temperatures",
        "start",
    }
