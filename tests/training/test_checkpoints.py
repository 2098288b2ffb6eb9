import math
import shutil

import numpy as np
import pytest
import small_run

from vae_flows.run_folder import RunFolder
from vae_flows.training import TrainingStopped, fit
from vae_flows.training.checkpoint import Checkpoints
from vae_flows.training.progress import Progress


def damage(path, how):
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

    def run(**changes):
        recipe = new_recipe(**changes)
        recipe.model.compile(optimizer=recipe.optimizer)
        recipe.optimizer.build(recipe.model.trainable_variables)
        progress = Progress(recipe.model, seed=3, batch=4, images=43)
        checkpoints = Checkpoints(trained.checkpoints, model=recipe.model, progress=progress, keep=3)
        return checkpoints.restore(), checkpoints

    return run


def test_the_newest_three_are_kept_and_nothing_beside_them(trained):
    assert names(trained) == sorted(
        f"ckpt-{step}.{part}" for step in (10, 12, 13) for part in ("index", "data-00000-of-00001")
    )


@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("how", ["truncated", "emptied", "flipped"])
def test_a_broken_newest_one_gives_way_to_the_one_before(part, how, trained, restore, capsys):
    damage(trained.checkpoints / f"ckpt-13.{part}", how)
    step, checkpoints = restore()
    assert (step, checkpoints.step) == (12, 12)
    said = capsys.readouterr().out
    assert said.startswith("Warning: ckpt-13 cannot be read (")
    assert said.count("\n") == 1
    assert checkpoints.steps() == [10, 12]
    assert f"unreadable-13.{part}" in names(trained)


def test_a_run_that_fell_back_writes_the_step_again(trained, new_recipe, data, restore):
    damage(trained.checkpoints / "ckpt-13.index", "truncated")
    fit(new_recipe(), data, trained, seed=3, steps=13, resume=True)
    assert restore()[0] == 13


def test_a_broken_state_file_of_tensorflow_changes_nothing(trained, restore):
    (trained.checkpoints / "checkpoint").write_text('model_checkpoint_path: "ckp')
    assert restore()[0] == 13


def test_what_a_killed_writer_left_is_removed(trained, restore):
    (trained.checkpoints / "ckpt-14_temp").mkdir()
    (trained.checkpoints / "ckpt-14.data-00000-of-00001").write_bytes(b"half")
    assert restore()[0] == 13
    assert not [name for name in names(trained) if "14" in name]


def test_none_readable_stops_with_the_reason(trained, restore, new_recipe, data):
    for step in (10, 12, 13):
        damage(trained.checkpoints / f"ckpt-{step}.data-00000-of-00001", "truncated")
    with pytest.raises(OSError, match=r"Received: ckpt-13, ckpt-12, ckpt-10; of ckpt-13: .*another --out"):
        fit(new_recipe(), data, trained, seed=3, resume=True)
    assert len(names(trained)) == 6


def test_another_model_is_refused(trained, new_recipe, data):
    with pytest.raises(OSError, match="Expected: a state of this model.*change it back"):
        fit(new_recipe("VAE with IAF posterior"), data, trained, seed=3, resume=True)


def test_nothing_to_resume_starts(restore, trained):
    for path in trained.checkpoints.iterdir():
        path.unlink()
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
    files = {path: path.stat().st_mtime_ns for path in checkpoints.folder.iterdir()}
    checkpoints.save()
    assert {path: path.stat().st_mtime_ns for path in checkpoints.folder.iterdir()} == files
