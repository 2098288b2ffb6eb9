import keras
import numpy as np
import pytest

from vae_flows.image_data import Split
from vae_flows.training import TrainingStopped, fit, halved_every


def exploding(step):
    """A learning rate that ruins the weights in the step after `step`: the loss of the next one is no number."""
    return keras.optimizers.schedules.PiecewiseConstantDecay([step - 1], [1e-3, 1e30])


def test_gradients_that_are_no_numbers_stop_with_the_step_and_the_last_good_checkpoint(new_recipe, data, new_folder):
    recipe = new_recipe(learning_rate=exploding(7), steps_per_execution=1, skips_in_a_row=3)
    with pytest.raises(TrainingStopped) as stopped:
        fit(recipe, data, new_folder(), seed=3)
    message = str(stopped.value)
    assert "The gradients of 3 steps in a row are not finite, up to step 11." in message
    assert f"The last good checkpoint is {new_folder().checkpoints / 'ckpt-6'}." in message
    assert "\n" not in message
    assert not new_folder().model.exists()
    assert sorted(path.name for path in new_folder().checkpoints.iterdir()) == ["ckpt-3", "ckpt-6"]


def test_a_run_goes_on_with_a_lower_learning_rate(new_recipe, data, new_folder, capsys):
    with pytest.raises(TrainingStopped, match="There is no checkpoint yet"):
        fit(new_recipe(learning_rate=exploding(1), skips_in_a_row=1), data, new_folder("ruined"), seed=3)
    assert "Skipped 2 of the steps 3 to 4: the gradients are not finite." in capsys.readouterr().out
    with pytest.raises(TrainingStopped):
        fit(new_recipe(learning_rate=exploding(7), skips_in_a_row=1), data, new_folder(), seed=3)
    recipe = new_recipe(learning_rate=halved_every(1e-4, steps=100))
    assert fit(recipe, data, new_folder(), seed=3, steps=13, resume=True).steps == 13


def test_a_constant_learning_rate_that_was_changed_holds(new_recipe, data, new_folder):
    fit(new_recipe(learning_rate=3e-3), data, new_folder(), seed=3, steps=4)
    recipe = new_recipe(learning_rate=1e-4)
    fit(recipe, data, new_folder(), seed=3, steps=6, resume=True)
    assert float(recipe.optimizer.learning_rate) == np.float32(1e-4)


def test_a_mismatch_of_recipe_and_data_is_refused_before_anything_is_written(new_recipe, data, new_folder):
    object.__setattr__(data, "train", Split(data.train.images[:3]))
    with pytest.raises(ValueError, match="at least batch=4. Received: ramps with 3"):
        fit(new_recipe(), data, new_folder(), seed=3)
    with pytest.raises(ValueError, match="`steps` must be at least 1. Received: steps=0"):
        fit(new_recipe(batch=2), data, new_folder(), seed=3, steps=0)
    assert not list(new_folder().checkpoints.iterdir())
