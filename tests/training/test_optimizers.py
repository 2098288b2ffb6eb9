"""The fast Adam is Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.training import Adam, halved_every


def trained(optimizer, compiled):
    """Weights after seven steps along random gradients."""
    generator = np.random.default_rng(0)
    variables = [keras.Variable(generator.standard_normal(shape), dtype="float32") for shape in ((3, 2), (5,))]
    optimizer.build(variables)

    def step(gradients):
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    step = tf.function(step, autograph=False) if compiled else step
    for _ in range(7):
        step([tf.constant(generator.standard_normal(each.shape), tf.float32) for each in variables])
    assert int(optimizer.iterations) == 7
    return [variable.numpy() for variable in variables]


@pytest.mark.parametrize(
    "given",
    [
        {"learning_rate": 1e-2, "global_clipnorm": 0.5},
        {"learning_rate": 1e-2, "global_clipnorm": 50.0},
        {"learning_rate": 1e-2, "weight_decay": 1e-2},
        {"learning_rate": halved_every(1e-2, steps=3), "beta_1": 0.5},
        {"learning_rate": 1e-2, "amsgrad": True},
    ],
    ids=lambda given: "-".join(f"{name}={value}" for name, value in given.items() if not callable(value)),
)
@pytest.mark.parametrize("compiled", [False, True])
def test_steps_are_those_of_keras(given, compiled):
    weights = [trained(kind(**given), compiled) for kind in (keras.optimizers.Adam, Adam)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_it_is_rebuilt_from_its_configuration():
    optimizer = Adam(1e-3, global_clipnorm=200.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is Adam
    assert again.get_config() == optimizer.get_config()
