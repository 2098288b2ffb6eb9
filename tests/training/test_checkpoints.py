import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_run
import tensorflow as tf

from vae_flows.run_folder import RunFolder, read_json
from vae_flows.training import TrainingStopped, fit
from vae_flows.training.checkpoint import Checkpoints
from vae_flows.training.progress import Progress


def damage(path, how):
    if how == "removed":
        return path.unlink()
    whole = path.read_bytes()
    if how == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "emptied":
        path.write_bytes(b"")
    else:
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])


def names(folder):
    return sorted(path.name for path in folder.checkpoints.iterdir())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = RunFolder.create(tmp_path_factory.mktemp("finished"))
    fit(small_run.recipe(), small_run.data(), folder, seed=3, steps=13)
    return folder


@pytest.fixture
def trained(finished, tmp_path):
    """The folder of a run of 13 steps, with checkpoints at 10, 12 and 13."""
    shutil.copytree(finished.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.fixture
def restore(new_recipe, trained):
    """Reads the newest checkpoint of that run into a new model. Returns the step and the `Checkpoints`."""

    def run(folder=trained):
        recipe = new_recipe()
        recipe.model.compile(optimizer=recipe.optimizer)
        recipe.optimizer.build(recipe.model.trainable_variables)
        progress = Progress(recipe.model, seed=3, batch=4, images=43)
        checkpoints = Checkpoints(folder, model=recipe.model, progress=progress, keep=3)
        return checkpoints.restore(), checkpoints

    return run


DATA = "state.data-00000-of-00001"
PARTS = [DATA, "state.index"]


def test_the_newest_three_are_kept_each_in_a_folder_and_nothing_beside_them(trained):
    assert names(trained) == ["ckpt-10", "ckpt-12", "ckpt-13"]
    assert sorted(path.name for path in (trained.checkpoints / "ckpt-13").iterdir()) == PARTS
    assert read_json(trained.progress) == {"step": 13}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("how", ["truncated", "emptied", "flipped", "removed"])
def test_a_broken_newest_one_gives_way_to_the_one_before(part, how, trained, restore, capsys):
    damage(trained.checkpoints / "ckpt-13" / part, how)
    step, checkpoints = restore()
    assert (step, checkpoints.step) == (12, 12)
    said = capsys.readouterr().out
    assert said.startswith("Warning: ckpt-13 cannot be read (")
    assert said.endswith("It is set aside; ckpt-12 is taken.\n") and said.count("\n") == 1
    assert names(trained) == ["ckpt-10", "ckpt-12", "unreadable-13"]


def test_a_run_that_fell_back_writes_the_step_again_and_tidies_up(trained, new_recipe, data, restore):
    damage(trained.checkpoints / "ckpt-13" / "state.index", "truncated")
    fit(new_recipe(), data, trained, seed=3, steps=13, resume=True)
    assert names(trained) == ["ckpt-10", "ckpt-12", "ckpt-13"]
    assert restore()[0] == 13


def test_a_copy_under_another_number_is_refused(trained, restore, capsys):
    shutil.copytree(trained.checkpoints / "ckpt-12", trained.checkpoints / "ckpt-99")
    assert restore()[0] == 13
    assert "ckpt-99 cannot be read (it holds step 12)" in capsys.readouterr().out


def test_a_missing_newest_one_is_told(trained, restore, capsys):
    shutil.rmtree(trained.checkpoints / "ckpt-13")
    assert restore()[0] == 12
    assert capsys.readouterr().out == "Warning: ckpt-13, the last one saved, is gone; ckpt-12 is taken.\n"


@pytest.mark.parametrize("record", ['{"step": 12}', "{"])
def test_a_kill_between_a_checkpoint_and_its_record_loses_nothing(record, trained, restore, capsys):
    trained.progress.write_text(record)
    assert restore()[0] == 13
    assert capsys.readouterr().out == ""


def test_only_what_a_killed_writer_left_is_removed(trained, restore):
    for name in (".partial-7-ckpt-14", "ckpt-old", "ckpt-13-copy", "ckpt-014"):
        (trained.checkpoints / name).mkdir()
    (trained.checkpoints / "ckpt-old" / "notes.txt").write_text("mine")
    (trained.checkpoints / "ckpt-15").write_text("no folder")
    assert restore()[0] == 13
    ours = ["ckpt-10", "ckpt-12", "ckpt-13"]
    assert names(trained) == sorted([*ours, "ckpt-old", "ckpt-13-copy", "ckpt-014", "ckpt-15"])


def test_a_checkpoint_that_is_cut_short_while_it_is_written_does_not_appear(trained, restore, monkeypatch):
    _, checkpoints = restore()
    checkpoints.model.optimizer.iterations.assign(14)

    def cut_short(place):
        Path(f"{place}.index").write_bytes(b"half")
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(checkpoints._state, "write", cut_short)
    with pytest.raises(
        OSError, match="step 14 cannot be written.*Received: No space left.*ckpt-13.*then go on with --res"
    ):
        checkpoints.save()
    assert names(trained) == ["ckpt-10", "ckpt-12", "ckpt-13"]


@pytest.mark.parametrize("loss", ["damaged", "gone"])
def test_a_run_whose_checkpoints_are_lost_begins_again_only_when_told(loss, trained, new_recipe, data, capsys, restore):
    for step in (10, 12, 13):
        if loss == "gone":
            shutil.rmtree(trained.checkpoints / f"ckpt-{step}")
        else:
            damage(trained.checkpoints / f"ckpt-{step}" / DATA, "truncated")
    lost, before = {
        "damaged": (r"Received: ckpt-13, ckpt-12, ckpt-10; of ckpt-13: .*--restart", names(trained)),
        "gone": (r"checkpoints are gone. Expected: ckpt-13 in .*--restart", []),
    }[loss]
    with pytest.raises(OSError, match=lost):
        fit(new_recipe(), data, trained, seed=3, steps=13, resume=True)
    assert names(trained) == before
    capsys.readouterr()
    fit(new_recipe(), data, trained, seed=3, steps=3, resume=True, restart=True)
    assert "the run begins again at step 0." in capsys.readouterr().out
    assert names(trained) == ["ckpt-3"]
    _, again = restore()
    other = RunFolder.create(trained.path.parent / "other")
    fit(new_recipe(), data, other, seed=3, steps=3)
    _, first = restore(folder=other)
    for one, two in zip(again.model.variables, first.model.variables, strict=True):
        np.testing.assert_array_equal(one, two)  # nothing of what was read in vain is left


def test_another_model_is_refused(trained, new_recipe, data):
    with pytest.raises(OSError, match="Expected: a state of this model.*change it back"):
        fit(new_recipe("VAE with IAF posterior"), data, trained, seed=3, resume=True)


def test_a_run_that_was_never_saved_starts(restore, trained):
    for path in trained.checkpoints.iterdir():
        shutil.rmtree(path)
    trained.progress.unlink()
    assert restore()[0] is None


@pytest.mark.parametrize("owner", ["model", "optimizer"])
def test_a_state_that_is_not_finite_is_not_written(owner, trained, restore):
    _, checkpoints = restore()
    holder = checkpoints.model if owner == "model" else checkpoints.model.optimizer
    variable = [v for v in holder.variables if v.shape][-1]
    value = np.array(variable)
    value.flat[0] = math.nan
    variable.assign(value)
    checkpoints.model.optimizer.iterations.assign(14)
    with pytest.raises(TrainingStopped, match=rf"not finite after step 14.*{variable.path}.*ckpt-13"):
        checkpoints.save()
    assert checkpoints.steps() == [10, 12, 13]


def test_a_step_is_written_once(restore):
    _, checkpoints = restore()
    files = {path: path.stat().st_mtime_ns for path in checkpoints.folder.rglob("*")}
    checkpoints.save()
    assert {path: path.stat().st_mtime_ns for path in checkpoints.folder.rglob("*")} == files


LOCKED = """
import sys
from vae_flows.run_folder import training_lock
with training_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_trains_at_a_time_and_a_dead_one_leaves_no_lock(trained, new_recipe, data):
    child = subprocess.Popen(
        [sys.executable, "-c", LOCKED, str(trained.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError, match="is being trained. Expected: one process at a time"):
            fit(new_recipe(), data, trained, seed=3, steps=13, resume=True)
    finally:
        child.kill()
        child.communicate()
    assert (trained.path / ".training.lock").exists()
    fit(new_recipe(), data, trained, seed=3, steps=13, resume=True)
    assert not (trained.path / ".training.lock").exists()
