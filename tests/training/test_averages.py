"""Averages of the weights judge, and are what is left; the weights go on."""

import keras
import numpy as np
import pytest

from vae_flows.latent_models import load_model
from vae_flows.training import Adamax, fit

MOMENTUM = 0.8


def averaging(kind=keras.optimizers.Adam):
    return kind(1e-2, use_ema=True, ema_momentum=MOMENTUM)


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, Adamax])
def test_averages_follow_the_weights_and_are_what_is_kept(kind, new_recipe, data, new_folder, monkeypatch):
    seen = []

    def record(self, batch, logs=None):
        seen.append(self.model.get_weights())

    monkeypatch.setattr("vae_flows.training.stopping.Skipping.on_train_batch_end", record)
    recipe = new_recipe(optimizer=averaging(kind), steps_per_execution=1)
    start = recipe.model.get_weights()
    outcome = fit(recipe, data, new_folder(), seed=3, steps=20)
    expected, at_step = start, {}
    for step, weights in enumerate(seen, 1):
        keep = min(MOMENTUM, (step - 1) / (step + 8)) if kind is Adamax else MOMENTUM * (step > 1)
        expected = [keep * old + (1 - keep) * new for old, new in zip(expected, weights, strict=True)]
        at_step[step] = expected
    assert outcome.best_step in (10, 20)
    for kept, average in zip(load_model(new_folder().model).get_weights(), at_step[outcome.best_step], strict=True):
        np.testing.assert_allclose(kept, average, rtol=1e-4, atol=1e-6)


def test_validation_sees_the_averages_and_training_the_weights(new_recipe, data, new_folder):
    recipe = new_recipe(optimizer=averaging())
    fit(recipe, data, new_folder(), seed=3, steps=10)
    model = recipe.model
    x = np.round(data.validation.images / 255.0).astype("float32")
    weights = model.get_weights()
    by_averages = model.evaluate(x, verbose=0, return_dict=True)["neg_elbo"]
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    for variable, average in zip(model.trainable_weights, model.optimizer._model_variables_moving_average, strict=True):
        variable.assign(average)
    assert model.evaluate(x, verbose=0, return_dict=True)["neg_elbo"] == by_averages


def test_averages_are_resumed_exactly(new_recipe, data, new_folder):
    whole = new_recipe(optimizer=averaging())
    fit(whole, data, new_folder("whole"), seed=3, steps=24)
    for steps in (7, 10, 24):
        parts = new_recipe(optimizer=averaging())
        fit(parts, data, new_folder("parts"), seed=3, steps=steps, resume=True)
    for one, other in zip(whole.optimizer.variables, parts.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(whole.model.get_weights(), parts.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
