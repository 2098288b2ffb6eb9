"""The words of a command line, without any run."""

import sys

import pytest

from vae_flows.experiment import catalogue
from vae_flows.experiment.command_line import main
from vae_flows.run_folder import exit_status


def small(data, *, latent=2, layers=4):
    """A small model

    And more of it.
    """


PRESETS = catalogue({"Begin here": {"digits": [small]}})


def run(*words):
    return exit_status(main, arguments=list(map(str, words)), name="python run_script.py", obj=PRESETS)


def refused(capsys, *words):
    assert run(*words) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1, error
    return error


@pytest.mark.parametrize("words", [("--help", "small"), ("small", "-h")])
def test_help_of_a_preset_prints_its_hyperparameters(words, capsys):
    assert run(*words) == 0
    assert capsys.readouterr().out == "small: A small model  [digits]\n  latent=2\n  layers=4\n"


def test_help_and_list(capsys):
    assert run("--help") == run("--list") == 0
    said = capsys.readouterr().out
    assert "NAME=VALUE" in said and "--resume" in said
    assert "Begin here\n  small " in said and "A small model  [digits]" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["smal"], "Unknown preset. Expected one of: small, FILE.py:FUNCTION. Received: smal. Did you mean small?"),
        (["--help", "smal"], "Did you mean small?"),
        (
            ["layer=3"],
            "small has no such hyperparameter. Expected some of: latent, layers. Received: layer. Did you mean",
        ),
        (["small", "layers=x"], "Received: layers=x"),
        (["small", "layers"], "NAME=VALUE, each name once. Received: layers"),
        (["small", "layers=3", "layers=4"], "each name once. Received: layers=3 layers=4"),
        (["--step", 3], "'--steps'"),
        (["--steps", "many"], "many"),
        (["--steps", 0], "0 is not in the range"),
        (["--resume"], "Expected --out RUN"),
        (["--out", "absent", "--resume"], "There is no run in absent"),
        (["absent.py:small"], "Expected the Python file with the preset and its layers. Check its path."),
    ],
)
def test_mistakes_are_told_in_one_line(words, message, capsys):
    assert message in refused(capsys, *words)


def test_folders_are_refused(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("precious")
    assert "holds something else" in refused(capsys, "--out", tmp_path)
    assert "which is a file" in refused(capsys, "--out", tmp_path / "thesis.tex")
    assert "which is a file" in refused(capsys, "--out", tmp_path / "thesis.tex" / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import absent_module\n", r"broken\.py, line 1: ModuleNotFoundError: No module named 'absent_module'"),
        ("def small(data):\n    return (\n", r"broken\.py, line 2: SyntaxError"),
        ("def smal(data):\n    pass\n", "Expected one of its functions: smal. Received: small. Did you mean smal?"),
    ],
)
def test_mistakes_in_an_own_file_are_told(text, message, tmp_path, capsys, monkeypatch):
    import re

    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "broken.py").write_text(text)
    assert re.search(message, refused(capsys, f"{tmp_path / 'broken.py'}:small"))
    sys.modules.pop("broken", None)


def test_an_own_file_does_not_stand_in_another_module_s_place(tmp_path, capsys):
    for name in ("keras", "wave", "not-a-name"):
        (tmp_path / f"{name}.py").write_text("def small(data): pass\n")
        assert "Rename it" in refused(capsys, f"{tmp_path / name}.py:small")
