"""What every encoder and decoder promises."""

import keras
import numpy as np
import pytest
import registry
import tensorflow as tf

ENCODERS = [pytest.param(case.build, id=name) for name, case in registry.ENCODERS.items()]
DECODERS = [pytest.param(case.build, id=name) for name, case in registry.DECODERS.items()]
encoders = pytest.mark.parametrize("build", ENCODERS)
decoders = pytest.mark.parametrize("build", DECODERS)
networks = pytest.mark.parametrize("build", ENCODERS + DECODERS)


def input_shape(network):
    return network.image_shape if network.input_rank == 3 else (network.features,)


def output_shape(network):
    return (network.features,) if network.input_rank == 3 else (*network.image_shape[:2], network.outputs)


def batch(network, count=3, seed=0):
    """Images are in [0, 1], latent vectors normal."""
    generator, shape = np.random.default_rng(seed), (count, *input_shape(network))
    return tf.constant(
        generator.random(shape) if network.input_rank == 3 else generator.standard_normal(shape), "float32"
    )


def shaken(network):
    for k, weight in enumerate(network.trainable_weights):
        weight.assign(weight.numpy() + 0.1 * np.random.default_rng(k).standard_normal(weight.shape))
    return network


@networks
@pytest.mark.parametrize("count", [3, 1])
def test_shapes(build, count):
    network = build()
    outputs = network(batch(network, count))
    assert outputs.shape == (count, *output_shape(network))
    assert outputs.dtype == "float32" and np.isfinite(outputs).all()


@networks
def test_an_output_does_not_depend_on_the_rest_of_the_batch(build):
    network = shaken(build())
    x = batch(network)
    np.testing.assert_allclose(network(x, training=True)[1:2], network(x[1:2]), rtol=1e-4, atol=1e-5)


@networks
def test_gradient_reaches_every_weight(build):
    network = shaken(build())
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(network(batch(network, 8))))
    for weight, gradient in zip(network.trainable_weights, tape.gradient(loss, network.trainable_weights), strict=True):
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path


@networks
def test_config_gives_back_the_network(build):
    network = shaken(build())
    config = keras.saving.serialize_keras_object(network)
    assert set(network.argument_names()) <= set(config["config"])
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(network.get_weights())
    x = batch(network)
    np.testing.assert_array_equal(again(x), network(x))


@networks
@pytest.mark.filterwarnings("error::UserWarning")
def test_file_gives_back_the_network(build, tmp_path):
    network = shaken(build())
    inputs = keras.Input(input_shape(network))
    keras.Model(inputs, network(inputs)).save(tmp_path / "network.keras")
    x = batch(network)
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "network.keras")(x), network(x))


@networks
def test_compiled_with_a_dynamic_batch_equals_eager(build):
    network = shaken(build())
    graph = tf.function(lambda x: network(x), input_signature=[tf.TensorSpec([None, *input_shape(network)], "float32")])
    for count in (1, 3):
        x = batch(network, count)
        np.testing.assert_allclose(graph(x), network(x), rtol=1e-4, atol=1e-5)


@networks
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_other_precisions_agree_with_single(build, policy):
    network = shaken(build())
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        other = build()
    finally:
        keras.config.set_dtype_policy(before)
    other.set_weights(network.get_weights())
    x = batch(network)
    outputs = other(x)
    assert outputs.dtype == ("bfloat16" if policy == "mixed_bfloat16" else "float64")
    scale = float(tf.reduce_max(tf.abs(network(x))))
    tolerance = 0.1 if policy == "mixed_bfloat16" else 1e-5
    np.testing.assert_allclose(tf.cast(outputs, "float32"), network(x), atol=tolerance * scale)


@encoders
def test_images_of_another_shape_are_refused(build):
    encoder = build()
    height, width, channels = encoder.image_shape
    for shape in ([2, height, width, channels + 1], [2, height + 4, width, channels], [height, width, channels]):
        with pytest.raises(ValueError, match=rf"Expected: \[batch, {height}, {width}, {channels}\]. Received"):
            encoder(tf.zeros(shape))


@decoders
def test_latent_vectors_of_another_size_are_refused(build):
    decoder = build()
    with pytest.raises(ValueError, match=f"last axis of `latents`.*Expected: {decoder.features}"):
        decoder(tf.zeros([2, decoder.features + 1]))
