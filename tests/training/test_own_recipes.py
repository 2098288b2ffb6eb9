"""Recipes that users build themselves: their own layers, optimizers and schedules, and one trained twice."""

import importlib

import keras
import numpy as np
import pytest
import registry
import small_run
import tensorflow as tf

from vae_flows import blocks, encoders
from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Bernoulli, Conditional, DiagonalNormal, StandardNormal
from vae_flows.image_data import GaussianNoise
from vae_flows.latent_models import VAE
from vae_flows.training import Adam, fit, log_hyperparameters, rate_at, run_config
from vae_flows.training.callbacks import Timing

SCHEDULE = keras.optimizers.schedules.PiecewiseConstantDecay([5], [1e-3, 7e-3])


class Unregistered(keras.layers.Layer):
    """A user's own network, whose class no file tells Keras where to find."""

    features, image_shape = 8, registry.IMAGE

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(self.features)
        self.dense.build((None, int(np.prod(self.image_shape))))
        self.built = True

    def call(self, x):
        return self.dense(tf.reshape(x, [tf.shape(x)[0], -1]))


def model_of(network):
    law = Bernoulli(registry.IMAGE)
    decoder = DenseDecoder(2, image_shape=registry.IMAGE, outputs=law.context, hidden=(8,))
    return VAE(
        Conditional(network, DiagonalNormal(2, context=network.features)), Conditional(decoder, law), StandardNormal(2)
    )


@pytest.mark.filterwarnings("ignore:.*not been built")
def test_a_model_that_cannot_be_read_again_is_refused_before_it_is_trained(new_recipe, data, new_folder):
    Unregistered.__module__ = "nowhere"
    recipe = new_recipe()
    object.__setattr__(recipe, "model", model_of(Unregistered()))
    with pytest.raises(TypeError, match="Put @keras.saving.register_keras_serializable"):
        fit(recipe, data, new_folder(), seed=3, steps=3)
    assert not list(new_folder().checkpoints.iterdir())


def test_a_recipe_is_trained_once(new_recipe, data, new_folder):
    recipe = new_recipe()
    fit(recipe, data, new_folder("one"), seed=3, steps=4)
    with pytest.raises(
        ValueError, match="A recipe is trained once. Expected: an optimizer at step 0. Received: step 4"
    ):
        fit(recipe, data, new_folder("two"), seed=3, steps=4)


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        (lambda: keras.optimizers.LossScaleOptimizer(Adam(2e-3)), 2e-3),
        (lambda: keras.optimizers.LossScaleOptimizer(Adam(SCHEDULE)), 7e-3),
        (lambda: keras.optimizers.AdamW(SCHEDULE), 7e-3),
        (lambda: keras.optimizers.Lion(keras.optimizers.schedules.PolynomialDecay(4e-3, 10)), 4e-3),
    ],
    ids=["scaled", "scaled with a schedule", "AdamW", "Lion"],
)
def test_optimizers_and_schedules_of_keras_train_and_are_logged(optimizer, rate, new_recipe, data, new_folder):
    recipe = new_recipe(optimizer=optimizer())
    config = run_config(recipe, preset="own", dataset="ramps", seed=3)
    log_hyperparameters(new_folder().tensorboard, config, latent=2, overrides={}, epochs=0)
    assert fit(recipe, data, new_folder(), seed=3, steps=3).steps == 3
    (row,) = new_folder().tensorboard.glob("*.hparams")
    assert b"learning_rate" in row.read_bytes()
    assert max(rate_at(recipe.optimizer, step) for step in range(10)) == pytest.approx(rate)
    resumed = new_recipe(optimizer=optimizer())
    assert fit(resumed, data, new_folder(), seed=3, steps=5, resume=True).steps == 5


def test_averages_that_overwrite_weights_are_refused_behind_a_loss_scale_too(new_recipe):
    inner = Adam(1e-3, use_ema=True, ema_overwrite_frequency=5)
    with pytest.raises(ValueError, match="ema_overwrite_frequency=5"):
        new_recipe(optimizer=keras.optimizers.LossScaleOptimizer(inner))


def test_first_weights_are_fitted_to_the_images_that_training_shows(data, new_folder, monkeypatch):
    """Corrupted ones, where the model learns to restore."""
    recipe = small_run.recipe(corruption=GaussianNoise(0.25))

    def minimised(model, x, target, **_):
        raise KeyError(x, target)  # what follows is of no interest

    fitting = importlib.import_module("vae_flows.training.fit")
    monkeypatch.setattr(fitting, "initialise_from_data", lambda model, see_first_batch: see_first_batch())
    monkeypatch.setattr(type(recipe.model), "minimised", minimised)
    with pytest.raises(KeyError) as seen:
        fit(recipe, data, new_folder(), seed=3, steps=1)
    x, target = seen.value.args
    assert set(np.unique(target)) == {0.0, 1.0} and len(np.unique(x)) > 2


def test_speed_is_that_of_the_steps_alone(monkeypatch):
    """Whatever happens between them: checkpoints, pictures, validation."""
    clock = iter([0.0, 100.0, 101.0, 300.0, 302.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    counted = []
    progress = type("Progress", (), {"count": lambda self, **given: counted.append(given)})()
    timing = Timing(progress, batch=4)
    optimizer = type("Optimizer", (), {"iterations": 0})()
    timing.set_model(type("Model", (), {"optimizer": optimizer})())
    for steps in (1, 1, 2):
        timing.on_train_batch_begin(0)
        optimizer.iterations += steps
        timing.on_train_batch_end(0)
    assert counted == [{"images": 4, "seconds": 1.0}, {"images": 8, "seconds": 2.0}]  # the first one was compiled


def test_a_network_of_keras_s_own_layers_is_read_again(new_recipe, data, new_folder):
    recipe = new_recipe()
    object.__setattr__(recipe, "model", model_of(encoders.DenseEncoder(registry.IMAGE, hidden=(8,))))
    assert fit(recipe, data, new_folder(), seed=3, steps=2).steps == 2
    assert isinstance(recipe.model.encoder.network.net, blocks.FeatureNet)
