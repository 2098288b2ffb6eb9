"""The folder of a run: never half-written, never overwritten by mistake."""

import errno
import os
import subprocess
import sys

import click
import numpy as np
import pytest

from vae_flows.run_folder import RunFolder, read_json, replacing, told_in_one_line, write_json


def test_names_are_those_of_the_contract(tmp_path):
    names = {path.name for name, path in vars(RunFolder(tmp_path)).items() if name != "path"}
    assert names == {
        *(
            "config.json",
            "log.txt",
            "tensorboard",
            "checkpoints",
            "progress.json",
            "model.keras",
            "saved_model",
            "figures",
            "results.json",
        ),
        *("test_images.npz", "report.html"),
    }


@pytest.mark.parametrize("exists", ["", ".", "figures"])  # empty folders are what a kill left of a beginning
def test_new_and_empty_folders_start(tmp_path, exists):
    path = tmp_path / "runs" / "first"
    if exists:
        (path / exists).mkdir(parents=True)
    run = RunFolder.create(path)
    assert run.checkpoints.is_dir() and run.figures.is_dir() and run.tensorboard.is_dir()
    assert not any(entry.is_file() for entry in path.iterdir())


def test_a_run_is_not_begun_twice(tmp_path):
    run = RunFolder.create(tmp_path / "run")
    write_json(run.config, {"seed": 3})
    with pytest.raises(FileExistsError, match=r"already holds a run.*Received: .*config\.json.*--resume"):
        RunFolder.create(run.path)
    assert RunFolder.open(run.path).path == run.path


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(FileExistsError, match=r"something else.*thesis\.tex.*--out"):
        RunFolder.create(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_unusable_places_are_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for path in (file, file / "run"):
        with pytest.raises(OSError, match=r"cannot be written.*file, which is a file.*--out"):
            RunFolder(path).check_new()
    with pytest.raises(OSError, match=r"cannot be written.*--out"):
        RunFolder.create("/proc/run")
    with pytest.raises(FileNotFoundError, match=r"no run in .*config\.json"):
        RunFolder.open(tmp_path)
    write_json(tmp_path / "config.json", {})
    (tmp_path / "config.json").write_text('{"seed": ')
    with pytest.raises(ValueError, match=r"config\.json is broken\. Expected JSON"):
        RunFolder.open(tmp_path)


def test_errors_are_one_line(tmp_path):
    (tmp_path / "other").write_text("")
    with pytest.raises(OSError) as caught:
        RunFolder.create(tmp_path)
    assert "\n" not in str(caught.value)


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        assert partial.suffix == ".keras" and partial.parent == tmp_path
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_replacing_a_file(tmp_path):
    path = tmp_path / "model.keras"
    for text in ("first", "second"):
        with replacing(path) as partial:
            partial.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_a_folder(tmp_path):
    path = tmp_path / "saved_model"
    for name in ("first", "second"):
        with replacing(path) as partial:
            partial.mkdir()
            (partial / name).write_text("")
    assert [entry.name for entry in path.iterdir()] == ["second"] and list(tmp_path.iterdir()) == [path]


def test_replacing_needs_a_result(tmp_path):
    with pytest.raises(FileNotFoundError, match="Nothing was written"), replacing(tmp_path / "results.json"):
        pass


def test_json_takes_arrays_and_paths(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"nll": np.float32(1.5), "per_image": np.arange(2), "run": tmp_path, "hais": None})
    assert read_json(path) == {"nll": 1.5, "per_image": [0, 1], "run": str(tmp_path), "hais": None}


def test_json_refuses_what_others_could_not_read(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"nll": 1.0})
    with pytest.raises(ValueError, match="Expected finite numbers"):
        write_json(path, {"nll": float("nan")})
    with pytest.raises(TypeError, match="no form in JSON"):
        write_json(path, {"nll": object()})
    assert read_json(path) == {"nll": 1.0}
    with pytest.raises(FileNotFoundError, match="no file"):
        read_json(tmp_path / "config.json")


def test_import_needs_no_tensorflow():
    code = "import sys; from vae_flows.run_folder import RunFolder; print({'tensorflow', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_a_full_disk_is_told_with_the_file_s_name(tmp_path):
    with (
        pytest.raises(click.ClickException, match=r"^.*a\.txt cannot be read or written: No space left on device\.$"),
        told_in_one_line(),
        replacing(tmp_path / "a.txt"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("name", "fits"), [("lr=[1,2]", False), ("a b ü {x} 100% #é", True), ("a[", True)])
def test_a_path_that_tensorflow_takes_for_a_pattern_is_refused(tmp_path, name, fits):
    folder = RunFolder(tmp_path / name / "run")
    if fits:
        return folder.check_new()
    with pytest.raises(OSError, match="Expected a path without .*Choose another --out"):
        folder.check_new()
    assert not folder.path.exists()
