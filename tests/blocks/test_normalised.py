"""Weight normalisation is the law it names, and takes its first weights from data."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.blocks import MaskedDense, WeightNormalised, initialise_from_data

LAYERS = {
    "dense": lambda: (keras.layers.Dense(3), (40, 5)),
    "dense on more axes": lambda: (keras.layers.Dense(3), (4, 10, 5)),
    "convolution": lambda: (keras.layers.Conv2D(3, 3, strides=2, padding="same"), (20, 8, 8, 2)),
    "transposed": lambda: (keras.layers.Conv2DTranspose(3, 3, strides=2, padding="same"), (20, 4, 4, 2)),
    "masked": lambda: (MaskedDense((1, 2, 3, 4, 5), output_degrees=(2, 3, 5)), (40, 5)),
}
layers = pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)


def batch(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape) * 3 + 2, "float32")


def build(case):
    layer, shape = case()
    normalised = WeightNormalised(layer)
    normalised.build((None, *shape[1:]))
    return normalised, batch(*shape)


@layers
def test_wrapping_changes_nothing(case):
    normalised, x = build(case)
    np.testing.assert_allclose(normalised(x), normalised.layer(x), rtol=1e-4, atol=1e-5)


@layers
def test_first_batch_gives_mean_zero_and_variance_one(case):
    normalised, x = build(case)
    assert initialise_from_data(normalised, lambda: normalised(x)) == 1
    outputs = np.reshape(normalised(x), [-1, 3])
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(outputs.std(0), 1, atol=1e-4)
    before = [weight.numpy() for weight in normalised.weights]
    initialise_from_data(normalised, lambda: normalised(x))
    for old, new in zip(before, normalised.weights, strict=True):
        np.testing.assert_allclose(new, old, atol=1e-5)


@layers
def test_only_the_direction_of_the_kernel_matters(case):
    normalised, x = build(case)
    y = normalised(x).numpy()
    normalised.layer.kernel.assign(3.0 * normalised.layer.kernel)
    np.testing.assert_allclose(normalised(x), y, rtol=1e-4, atol=1e-5)
    normalised.scale.assign(2.0 * normalised.scale)  # the bias is still zero
    np.testing.assert_allclose(normalised(x), 2 * y, rtol=1e-4, atol=1e-4)


@layers
def test_gradient_is_orthogonal_to_the_direction(case):
    normalised, x = build(case)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(normalised(x)))
    gradients = tape.gradient(loss, [normalised.layer.kernel, normalised.scale, normalised.layer.bias])
    assert all(np.any(gradient) for gradient in gradients)
    along = tf.reduce_sum(gradients[0] * normalised.layer.kernel, normalised.axes)
    np.testing.assert_allclose(along / loss, 0, atol=1e-4)


@layers
def test_a_frozen_layer_still_works(case):
    normalised, x = build(case)
    y = normalised(x).numpy()
    normalised.trainable = False
    np.testing.assert_array_equal(normalised(x), y)


@layers
def test_file_gives_back_the_layer(case, tmp_path):
    normalised, x = build(case)
    initialise_from_data(normalised, lambda: normalised(x))
    inputs = keras.Input(x.shape[1:])
    keras.Model(inputs, normalised(inputs)).save(tmp_path / "layer.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "layer.keras")(x), normalised(x))


def test_outputs_that_do_not_vary_keep_their_length():
    normalised, x = build(LAYERS["dense"])
    scale = normalised.scale.numpy()
    initialise_from_data(normalised, lambda: normalised(x[:1]))
    np.testing.assert_array_equal(normalised.scale, scale)
    np.testing.assert_allclose(normalised(x[:1]), 0, atol=1e-4)


def test_deeper_layers_are_set_on_the_outputs_of_earlier_ones():
    first, second = WeightNormalised(keras.layers.Dense(6)), WeightNormalised(keras.layers.Dense(4))
    model = keras.Sequential([first, keras.layers.Activation("elu"), second])
    x = batch(100, 5)
    model.build((None, 5))
    assert initialise_from_data(model, lambda: model(x)) == 2
    for outputs in (first(x).numpy(), model(x).numpy()):
        np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-4)
        np.testing.assert_allclose(outputs.std(0), 1, atol=1e-4)


def test_models_without_such_layers_are_left_alone():
    assert initialise_from_data(keras.layers.Dense(3), lambda: pytest.fail("not needed")) == 0


def test_a_pass_that_cannot_initialise_is_refused():
    normalised, x = build(LAYERS["dense"])
    with pytest.raises(ValueError, match=f"Not reached: {normalised.name}"):
        initialise_from_data(normalised, lambda: None)
    with pytest.raises(RuntimeError, match="inside a `tf.function`"):
        initialise_from_data(normalised, tf.function(lambda: normalised(x)))
    assert not normalised.awaits_data


@pytest.mark.parametrize("layer", [keras.layers.Dense(3, activation="relu"), "dense"])
def test_what_cannot_be_normalised_is_refused(layer):
    with pytest.raises(TypeError, match="without an activation"):
        WeightNormalised(layer)


def test_mixed_precision_normalises_in_full_precision():
    normalised = WeightNormalised(keras.layers.Dense(3, dtype="mixed_bfloat16"))
    x = batch(200, 5)
    normalised.build((None, 5))
    initialise_from_data(normalised, lambda: normalised(x))
    assert normalised.scale.dtype == "float32" and normalised(x).dtype == "bfloat16"
    np.testing.assert_allclose(np.std(tf.cast(normalised(x), "float32"), 0), 1, atol=0.03)
