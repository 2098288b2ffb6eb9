import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import small_run
import tensorflow as tf

from vae_flows.latent_models import load_model
from vae_flows.reports.history import read_history
from vae_flows.run_folder import RunFolder
from vae_flows.training import fit
from vae_flows.training.callbacks import Saving
from vae_flows.training.stopping import Interruption

ROOT = Path(__file__).parents[2]


def state(folder, step):
    """Weights, moments and step of the optimizer in a checkpoint."""
    reader = tf.train.load_checkpoint(str(folder.checkpoints / f"ckpt-{step}" / "state"))
    names = [name for name in reader.get_variable_to_shape_map() if "VARIABLE_VALUE" in name]
    return {name: reader.get_tensor(name) for name in names if not name.startswith("progress/")}


def assert_equal_states(one, other):
    assert one.keys() == other.keys()
    assert {name.split("/")[1] for name in one} >= {"_variables", "_trainable_variables", "_iterations"}
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def validation(folder, step):
    steps, values = read_history(folder.tensorboard)["neg_elbo"]["validation"]
    return values[list(steps).index(step)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Folder of an uninterrupted run of 24 steps, each a call of its own and with a checkpoint."""
    folder = RunFolder.create(tmp_path_factory.mktemp("whole"))
    recipe = small_run.recipe(steps_per_execution=1, checkpoint_every=1, keep=100)
    fit(recipe, small_run.data(), folder, seed=3, steps=24)
    return folder


def test_a_run_in_parts_equals_a_whole_one(whole, new_recipe, data, new_folder):
    for steps in (3, 10, 15, 24):  # within an epoch, at its end, within again
        parts = fit(new_recipe(steps_per_execution=5), data, new_folder(), seed=3, steps=steps, resume=True)
        assert parts.steps == steps
        assert_equal_states(state(new_folder(), steps), state(whole, steps))


CHILD = """
import sys
sys.path[:0] = sys.argv[1:3]
import small_run
from vae_flows.run_folder import RunFolder
from vae_flows.training import fit
fit(small_run.recipe(epochs=10_000), small_run.data(), RunFolder.create(sys.argv[3]), seed=3)
"""


def newest(folder):
    return max((int(path.name[5:]) for path in folder.checkpoints.glob("ckpt-*")), default=0)


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(new_recipe, data, new_folder, tmp_path):
    chance, killed = random.Random(), RunFolder(tmp_path / "killed")
    command = [sys.executable, "-c", CHILD, str(ROOT), str(ROOT / "tests"), str(killed.path)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wanted, deadline = chance.randint(1, 24), time.monotonic() + 200
        while newest(killed) < wanted and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.1)
    finally:
        child.kill()
        trouble = child.communicate()[1].decode()
    assert child.returncode == -signal.SIGKILL, trouble
    end = newest(killed) + 7
    assert end >= wanted + 7
    for folder, resume in ((killed, True), (new_folder("whole"), False)):
        fit(new_recipe(epochs=10_000), data, folder, seed=3, steps=end, resume=resume)
    assert_equal_states(state(killed, end), state(new_folder("whole"), end))


def raise_signal_at(monkeypatch, owner, method, number, *, step):
    original = getattr(owner, method)

    def signalling(self, *arguments, **given):
        if int(self.model.optimizer.iterations) >= step:
            monkeypatch.setattr(owner, method, original)
            signal.raise_signal(number)
        return original(self, *arguments, **given)

    monkeypatch.setattr(owner, method, signalling)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_stops(number, whole, new_recipe, data, new_folder, monkeypatch, capsys):
    handler = signal.getsignal(number)
    raise_signal_at(monkeypatch, Saving, "on_train_batch_end", number, step=7)
    with pytest.raises(KeyboardInterrupt):
        fit(new_recipe(), data, new_folder(), seed=3, steps=14)
    assert signal.getsignal(number) is handler
    assert "Step 8 is saved." in capsys.readouterr().out
    assert not new_folder().model.exists()
    fit(new_recipe(), data, new_folder(), seed=3, steps=14, resume=True)
    assert_equal_states(state(whole, 14), state(new_folder(), 14))


def test_a_signal_after_the_last_step_stops_before_the_evaluation(new_recipe, data, new_folder, monkeypatch):
    raise_signal_at(monkeypatch, Interruption, "on_train_end", signal.SIGINT, step=5)
    with pytest.raises(KeyboardInterrupt):
        fit(new_recipe(), data, new_folder(), seed=3, steps=5)
    assert fit(new_recipe(), data, new_folder(), seed=3, steps=5, resume=True).steps == 5


def test_a_validation_that_a_signal_cut_short_is_made_up_for(whole, new_recipe, data, new_folder, monkeypatch):
    raise_signal_at(monkeypatch, Interruption, "on_test_batch_end", signal.SIGINT, step=10)
    with pytest.raises(KeyboardInterrupt):
        fit(new_recipe(), data, new_folder(), seed=3, steps=10)
    made_up = fit(new_recipe(), data, new_folder(), seed=3, steps=10, resume=True)
    assert (made_up.best_step, made_up.best_validation) == (10, validation(whole, 10))


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


@pytest.mark.parametrize("steps", [5, 15])  # the validation there is in the middle of an epoch
def test_a_run_left_in_its_last_validation_is_judged_when_it_goes_on(steps, new_recipe, data, new_folder, monkeypatch):
    whole = fit(new_recipe(), data, new_folder("whole"), seed=3, steps=steps)
    small_run.stop_once(monkeypatch, "on_test_batch_end", steps)
    with pytest.raises(KeyboardInterrupt):
        fit(new_recipe(), data, new_folder("parts"), seed=3, steps=steps)
    parts = fit(new_recipe(), data, new_folder("parts"), seed=3, steps=steps, resume=True)
    assert (parts.best_step, parts.best_validation) == (whole.best_step, whole.best_validation)
