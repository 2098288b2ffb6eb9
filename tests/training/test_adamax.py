import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.training import Adamax, warmed_cosine


def by_hand(weights, gradients, *, rates, l2, epsilon):
    """PyTorch's Adamax with its L2 penalty, number by number."""
    mean, largest = 0.0, 0.0
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        gradient = gradient + l2 * weights
        mean = 0.9 * mean + 0.1 * gradient
        largest = np.maximum(0.999 * largest, np.abs(gradient) + epsilon)
        weights = weights - rate / (1 - 0.9**step) * mean / largest
    return weights


def test_steps_are_those_of_the_official_code():
    draw = np.random.default_rng(0)
    shapes = [(2, 3), (), (4,)]
    first = [draw.normal(size=shape) for shape in shapes]
    gradients = [[draw.normal(size=shape) for shape in shapes] for _ in range(5)]
    rate = warmed_cosine(0.1, final=0.01, warmup=2, steps=5)
    rates = [0.0, 0.05, *(0.01 + 0.09 * (1 + np.cos(np.pi * t / 3)) / 2 for t in range(3))]
    variables = [keras.Variable(value.astype("float32")) for value in first]
    optimizer = Adamax(rate, epsilon=1e-3, l2=0.1)
    for step in gradients:
        optimizer.apply([tf.constant(each, tf.float32) for each in step], variables)
    for number, variable in enumerate(variables):
        expected = by_hand(first[number], [step[number] for step in gradients], rates=rates, l2=0.1, epsilon=1e-3)
        np.testing.assert_allclose(variable, expected, rtol=1e-4)


def test_without_penalty_it_is_keras_s_up_to_the_place_of_epsilon():
    results = []
    for optimizer in (Adamax(0.1), keras.optimizers.Adamax(0.1)):
        variable = keras.Variable([1.0, -2.0])
        for step in range(4):
            optimizer.apply([tf.constant([1.0, 3.0]) * (step - 1.5)], [variable])
        results.append(variable.numpy())
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_weights_without_a_gradient_stay_and_the_others_move_as_ever():
    results = []
    for extra in (False, True):
        moved, still = keras.Variable([1.0, -2.0]), keras.Variable([[3.0]])
        variables = [still, moved] if extra else [moved]
        optimizer = Adamax(0.1, l2=0.1, use_ema=True)
        optimizer.build(variables)
        for step in range(3):
            optimizer.apply([None, tf.constant([1.0, 3.0]) * (step - 1.5)][-len(variables) :], variables)
        results.append(moved.numpy())
        assert float(still[0, 0]) == 3.0
    np.testing.assert_array_equal(*results)


def test_it_is_rebuilt_from_its_configuration():
    optimizer = Adamax(warmed_cosine(0.1, final=0.0, warmup=0, steps=9), beta_1=0.5, l2=0.2, epsilon=1e-3, clipnorm=3.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert (again.beta_1, again.l2, again.epsilon, again.clipnorm) == (0.5, 0.2, 1e-3, 3.0)


@pytest.mark.parametrize("given", [{"final": 2.0}, {"warmup": 10}, {"peak": 0.0, "final": 0.0}])
def test_rates_that_do_not_fall_are_refused(given):
    with pytest.raises(ValueError, match="0 <= final <= peak"):
        warmed_cosine(**{"peak": 1.0, "final": 0.1, "warmup": 2, "steps": 10, **given})
