"""Steps whose gradients are not finite are skipped, and nothing else notices."""

import keras
import numpy as np
import pytest
import registry
import small_run
import tensorflow as tf
from tiny_models import BernoulliMixture

from vae_flows.reports.history import read_history
from vae_flows.training import fit


class Fragile(BernoulliMixture):
    """Loses its head at the given optimizer steps, after its moving mean has seen the batch."""

    def __init__(self, image_shape, *, bad=(), **kwargs):
        super().__init__(image_shape, **kwargs)
        self.bad = tuple(bad)
        self.moving = self.add_weight(shape=(), initializer="zeros", trainable=False, name="moving")

    def minimised(self, x, target, *, seed, step, training):
        minimised = super().minimised(x, target, seed=seed, step=step, training=training)
        if not training:
            return minimised
        is_bad = tf.reduce_any(tf.cast(step, tf.int64) == tf.constant(self.bad, tf.int64)) if self.bad else False
        factor = tf.where(is_bad, float("nan"), 1.0)
        self.moving.assign(factor * (self.moving + tf.reduce_mean(x)))
        return minimised._replace(loss=factor * minimised.loss, recorded={"nll": factor * minimised.recorded["nll"]})


def compiled(bad):
    model = Fragile(registry.IMAGE, bad=bad)
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    return model


def batch(number):
    return (np.random.default_rng(number).random((4, *registry.IMAGE)) < 0.4).astype("float32")


@pytest.mark.parametrize("eager", [False, True])
def test_a_skipped_step_changes_only_the_step(eager):
    model, other = compiled(bad=(2,)), compiled(bad=())
    model.run_eagerly = eager
    for number in range(4):
        values = [*map(np.array, model.weights), *map(np.array, model.optimizer.variables[2:])]
        model.reset_metrics()
        found = model.train_on_batch(batch(number), return_dict=True)
        same = all(
            np.array_equal(a, b) for a, b in zip(values, [*model.weights, *model.optimizer.variables[2:]], strict=False)
        )
        assert same == (number == 2)
        assert int(model.optimizer.iterations) == number + 1
        assert (int(model.skips.in_a_row), int(model.skips.total)) == (number == 2, number >= 2)
        assert np.isfinite(list(found.values())).all() and float(model.trackers["loss"].count) == (
            0 if number == 2 else 4
        )
    for number in (0, 1):
        other.train_on_batch(batch(number))
    np.testing.assert_allclose(other.moving, sum(batch(number).mean() for number in (0, 1)), rtol=1e-6)
    np.testing.assert_allclose(model.moving, sum(batch(number).mean() for number in (0, 1, 3)), rtol=1e-6)


def run(folder, *, bad, resume=False, steps=None):
    recipe = small_run.recipe("mixture, exact", skips_in_a_row=3)
    object.__setattr__(recipe, "model", Fragile(registry.IMAGE, bad=bad))
    outcome = fit(recipe, small_run.data(), folder, seed=3, steps=steps, resume=resume)
    return recipe.model, outcome


def test_a_forced_bad_step_is_said_and_the_run_goes_on_and_resumes_exactly(new_folder, capsys):
    model, outcome = run(new_folder("whole"), bad=(4, 5, 13))
    said = capsys.readouterr().out
    assert "Skipped 2 of the steps 5 to 6: the gradients are not finite." in said
    assert "Skipped 1 of the steps 13 to 14" in said
    assert outcome.steps == 30 and int(model.skips.total) == 3
    curve = read_history(new_folder("whole").tensorboard)["nll"]["train"][1]
    assert np.isfinite(curve).all()
    run(new_folder("parts"), bad=(4, 5, 13), steps=5)
    again, _ = run(new_folder("parts"), bad=(4, 5, 13), resume=True)
    assert int(again.skips.total) == 3
    for one, part in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, part)


def test_a_scale_too_large_for_float16_is_halved_and_is_no_skip():
    model = compiled(bad=(2,))
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), initial_scale=1e38))
    counted = []
    for number in range(4):
        model.train_on_batch(batch(number))
        counted.append(int(model.skips.total))
    assert counted == [0, 0, 1, 1]
    scale = float(model.optimizer.dynamic_scale)
    assert scale == pytest.approx(1e38 / 16) and int(model.optimizer.iterations) == 4
