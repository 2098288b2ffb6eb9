"""When validation is, what it decides, and what a model that restores images sees."""

import keras
import numpy as np
import pytest
import small_run
import tensorflow as tf

from vae_flows.image_data import Binarise, GaussianNoise, evaluation_batches, training_batches
from vae_flows.reports.history import read_history
from vae_flows.training import fit


def validated(folder):
    steps, values = read_history(folder.tensorboard)["neg_elbo"]["validation"]
    return dict(zip(steps.tolist(), values.tolist(), strict=True))


def test_validation_is_every_so_many_steps_whatever_an_epoch_is(new_recipe, data, new_folder):
    outcome = fit(new_recipe(validate_every=4), data, new_folder(), seed=3, steps=14)
    values = validated(new_folder())
    assert list(values) == [4, 8, 12, 14]
    assert outcome.best_validation == pytest.approx(min(values.values()), rel=1e-6)


def worsening(**changes):
    """A recipe whose learning rate ruins the model, without making it infinite, after its sixth step."""
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([5], [3e-3, 0.3])
    return small_run.recipe(learning_rate=rate, validate_every=2, patience=3, epochs=100, **changes)


def test_training_ends_when_patience_does_and_keeps_the_best_weights(data, new_folder, capsys):
    whole = fit(worsening(), data, new_folder("whole"), seed=3)
    assert whole.steps == whole.best_step + 6 < 100
    assert f"No better validation since step {whole.best_step}" in capsys.readouterr().out
    values = validated(new_folder("whole"))
    assert min(values, key=values.get) == whole.best_step
    assert fit(worsening(), data, new_folder("whole"), seed=3, resume=True) == whole  # and does not go on
    for steps in (5, None):
        parts = fit(worsening(), data, new_folder("parts"), seed=3, steps=steps, resume=True)
    assert parts.steps == whole.steps
    kept = [keras.saving.load_model(new_folder(name).model).get_weights() for name in ("whole", "parts")]
    for one, other in zip(*kept, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["validate_every", "patience"])
def test_counts_that_may_be_none_are_positive_else(name, new_recipe):
    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer. Received: {name}=0"):
        new_recipe(**{name: 0})


def test_gradients_are_clipped_by_their_common_norm(new_recipe, data, new_folder):
    recipe = new_recipe()
    object.__setattr__(recipe, "optimizer", keras.optimizers.SGD(1.0, global_clipnorm=0.01))
    before = recipe.model.get_weights()
    fit(recipe, data, new_folder(), seed=3, steps=1)
    change = [one - other for one, other in zip(recipe.model.get_weights(), before, strict=True)]
    assert np.sqrt(sum(np.sum(np.square(each)) for each in change)) == pytest.approx(0.01, rel=1e-3)


def test_a_corrupted_batch_is_a_function_of_the_step_and_its_target_the_clean_one(data):
    given = {"batch": 4, "preparation": Binarise(), "seed": 3}
    clean = list(training_batches(data.train, **given).take(5))
    pairs = list(training_batches(data.train, **given, corruption=GaussianNoise(0.25)).take(5))
    later = list(training_batches(data.train, **given, corruption=GaussianNoise(0.25), start_step=3).take(2))
    for x, (corrupted, target) in zip(clean, pairs, strict=True):
        np.testing.assert_array_equal(target, x)
        assert 0.05 < np.abs(corrupted - target).mean() < 0.2 and np.all((corrupted >= 0) & (corrupted <= 1))
    assert np.any(pairs[0][0] - pairs[0][1] != pairs[1][0] - pairs[1][1])
    np.testing.assert_array_equal(later[1][0], pairs[4][0])
    whole, parts = (
        np.concatenate(
            [pair[0] for pair in evaluation_batches(data.validation, **{**given, "batch": batch}, corruption=noise)]
        )
        for batch, noise in ((9, GaussianNoise()), (2, GaussianNoise()))
    )
    np.testing.assert_array_equal(whole, parts)


def test_noise_has_its_scale_and_clips():
    x = tf.fill([50, 20, 20, 1], 0.5)
    np.testing.assert_allclose(np.std(GaussianNoise(0.1)(x, [0, 1])), 0.1, rtol=0.02)
    with pytest.raises(ValueError, match="`scale` must be positive. Received: scale=0"):
        GaussianNoise(0)


def test_a_model_that_restores_is_trained_and_resumed_exactly(data, new_folder):
    def recipe():
        return small_run.recipe(corruption=GaussianNoise(0.25))

    fit(recipe(), data, new_folder("whole"), seed=3, steps=9)
    for steps in (4, 9):
        fit(recipe(), data, new_folder("parts"), seed=3, steps=steps, resume=True)
    states = [
        tf.train.load_checkpoint(str(new_folder(run).checkpoints / "ckpt-9" / "state")) for run in ("whole", "parts")
    ]
    for key in states[0].get_variable_to_shape_map():
        if "VARIABLE_VALUE" in key and not key.startswith("progress/"):
            np.testing.assert_array_equal(*(state.get_tensor(key) for state in states))
