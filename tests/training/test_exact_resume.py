import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from latent_models import load_model
from training import fit
from training.callbacks import Saving
from training.stopping import Interruption

ROOT = Path(__file__).parents[2]


def state(folder, step):
    """Weights, moments and best weights in a checkpoint, without the times."""
    reader = tf.train.load_checkpoint(str(folder.checkpoints / f"ckpt-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if "VARIABLE_VALUE" in name]
    return {name: reader.get_tensor(name) for name in names if "seconds" not in name and "timed" not in name}


def assert_equal_states(one, other):
    assert one.keys() == other.keys()
    assert any("_variables" in name for name in one)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("name", ["VAE", "VAE with IAF posterior"])
def test_a_run_in_parts_equals_a_whole_one(name, new_recipe, data, new_folder):
    whole = fit(new_recipe(name), data, new_folder("whole"), seed=3, steps=24)
    for steps in (3, 10, 15):  # within an epoch, at its end, within again
        fit(new_recipe(name), data, new_folder("parts"), seed=3, steps=steps, resume=True)
    parts = fit(new_recipe(name), data, new_folder("parts"), seed=3, steps=24, resume=True)
    assert (whole.steps, parts.steps) == (24, 24)
    assert_equal_states(state(new_folder("whole"), 24), state(new_folder("parts"), 24))


def test_steps_per_execution_changes_no_bit(new_recipe, data, new_folder):
    for together in (1, 5):
        fit(new_recipe(steps_per_execution=together), data, new_folder(f"run{together}"), seed=3, steps=13)
    assert_equal_states(state(new_folder("run1"), 13), state(new_folder("run5"), 13))


CHILD = """
import sys
sys.path[:0] = sys.argv[1:3]
import importlib.util
spec = importlib.util.spec_from_file_location("small_run", sys.argv[3])
small_run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(small_run)
from run_folder import RunFolder
from training import fit
fit(small_run.small_recipe(epochs=10_000), small_run.ramps(), RunFolder.create(sys.argv[4]), seed=3)
"""


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(new_recipe, data, new_folder, tmp_path):
    chance = random.Random()
    command = [sys.executable, "-c", CHILD, str(ROOT), str(ROOT / "tests"), str(Path(__file__).with_name("conftest.py"))]
    child = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wanted, deadline = chance.randint(4, 40), time.monotonic() + 90
    folder = tmp_path / "killed" / "checkpoints"
    while not any(int(path.stem[5:]) >= wanted for path in folder.glob("ckpt-*.index")):
        assert child.poll() is None, child.stderr.read().decode()[-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(chance.random() * 0.1)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    last = max(int(path.stem[5:]) for path in folder.glob("ckpt-*.index"))
    end = last + 17
    for name, resume in (("killed", True), ("whole", False)):
        fit(new_recipe(epochs=10_000), data, new_folder(name), seed=3, steps=end, resume=resume)
    # A stop in the middle of an epoch is judged, too, in both runs alike.
    assert_equal_states(state(new_folder("killed"), end), state(new_folder("whole"), end))


def raise_signal_at(monkeypatch, owner, method, number, *, step):
    original = getattr(owner, method)

    def signalling(self, *arguments, **given):
        if int(self.model.optimizer.iterations) >= step:
            monkeypatch.setattr(owner, method, original)
            signal.raise_signal(number)
        return original(self, *arguments, **given)

    monkeypatch.setattr(owner, method, signalling)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_stops(number, new_recipe, data, new_folder, monkeypatch, capsys):
    handler = signal.getsignal(number)
    fit(new_recipe(), data, new_folder("whole"), seed=3, steps=14)
    raise_signal_at(monkeypatch, Saving, "on_train_batch_end", number, step=7)
    with pytest.raises(KeyboardInterrupt):
        fit(new_recipe(), data, new_folder("stopped"), seed=3, steps=14)
    assert signal.getsignal(number) is handler
    assert "Interrupted after step 8" in capsys.readouterr().out
    assert not new_folder("stopped").model.exists()
    fit(new_recipe(), data, new_folder("stopped"), seed=3, steps=14, resume=True)
    assert_equal_states(state(new_folder("whole"), 14), state(new_folder("stopped"), 14))


def test_a_validation_that_a_signal_cut_short_is_made_up_for(new_recipe, data, new_folder, monkeypatch):
    whole = fit(new_recipe(), data, new_folder("whole"), seed=3, steps=10)
    raise_signal_at(monkeypatch, Interruption, "on_test_batch_end", signal.SIGINT, step=10)
    with pytest.raises(KeyboardInterrupt):
        fit(new_recipe(), data, new_folder("stopped"), seed=3, steps=10)
    stopped = fit(new_recipe(), data, new_folder("stopped"), seed=3, steps=10, resume=True)
    assert (stopped.best_step, stopped.best_validation) == (whole.best_step, whole.best_validation)


def test_the_best_weights_survive_a_resumed_run_that_makes_them_worse(new_recipe, data, new_folder):
    good = fit(new_recipe(), data, new_folder(), seed=3, steps=10)
    best = load_model(new_folder().model).get_weights()
    recipe = new_recipe(learning_rate=0.5)
    after = fit(recipe, data, new_folder(), seed=3, resume=True)
    assert (after.steps, after.best_step, after.best_validation) == (30, 10, good.best_validation)
    kept = load_model(new_folder().model)
    for expected, written, in_memory in zip(best, kept.get_weights(), recipe.model.get_weights(), strict=True):
        np.testing.assert_array_equal(written, expected)
        np.testing.assert_array_equal(in_memory, expected)


def test_a_finished_run_is_resumed_without_a_step(new_recipe, data, new_folder):
    first = fit(new_recipe(), data, new_folder(), seed=3, steps=10)
    assert fit(new_recipe(), data, new_folder(), seed=3, steps=10, resume=True) == first


def test_a_run_is_continued_on_the_images_it_began_with(new_recipe, data, new_folder):
    fit(new_recipe(), data, new_folder(), seed=3, steps=4)
    with pytest.raises(ValueError, match="Expected: seed 3, batch 4.*Received: seed 5, batch 4"):
        fit(new_recipe(), data, new_folder(), seed=5, resume=True)
    with pytest.raises(ValueError, match="Received: seed 3, batch 5"):
        fit(new_recipe(batch=5), data, new_folder(), seed=3, resume=True)
    with pytest.raises(FileExistsError, match=r"steps \[4\].*--resume"):
        fit(new_recipe(), data, new_folder(), seed=3)
