"""What every law promises: latent laws as maps of noise, pixel laws over their whole support."""

import inspect

import keras
import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows.densities import pull, push

C = 4
KINDS = [(name, context) for name, case in registry.DENSITIES.items() for context in (0, C)]
KINDS = [(n, c) for n, c in KINDS if not (c and "static" in registry.DENSITIES[n].properties)]
latent_laws = pytest.mark.parametrize(("name", "context"), KINDS, ids=[f"{n}-{c}" for n, c in KINDS])
pixel_laws = pytest.mark.parametrize("name", registry.PIXEL_LAWS)
precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])
SEED = tf.constant([1, 2])


def normal(*shape, dtype="float32"):
    return tf.constant(np.random.default_rng(1).standard_normal(shape), dtype)


def latent_law(name, context, dtype="float32"):
    keras.utils.set_random_seed(0)
    layer = registry.DENSITIES[name].build(3, context=context, dtype=dtype)
    return layer, layer(normal(2, C, dtype=dtype)) if context else layer()


def pixel_law(name, dtype="float32", batch=4):
    keras.utils.set_random_seed(0)
    layer = registry.PIXEL_LAWS[name].build(dtype=dtype)
    return layer, layer(normal(batch, *registry.PIXELS[:2], layer.context, dtype=dtype))


def rebuilt(layer):
    arguments = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
    assert arguments <= set(layer.get_config())
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    again.set_weights(layer.get_weights())
    return again


@latent_laws
@precisions
def test_latent_law_is_a_map_of_noise(name, context, dtype):
    layer, law = latent_law(name, context, dtype)
    noise = normal(5, 2, 3, dtype=dtype) if context else normal(5, 3, dtype=dtype)
    z, log_prob = push(law, noise)
    np.testing.assert_allclose(log_prob, law.log_prob(z), rtol=1e-4)
    np.testing.assert_allclose(pull(law, z)[0], noise, atol=1e-5)
    np.testing.assert_array_equal(
        rebuilt(layer)(normal(2, C, dtype=dtype)).loc if context else rebuilt(layer)().loc, law.loc
    )


@latent_laws
def test_latent_law_refuses_a_wrong_context(name, context):
    layer, _ = latent_law(name, context)
    with pytest.raises(ValueError, match="`context`.*Received: (context=None|a context of shape)"):
        layer(None if context else normal(2, C))


@pixel_laws
@precisions
def test_pixel_law_has_finite_densities_of_its_own_samples(name, dtype):
    _, law = pixel_law(name, dtype)
    x = law.sample(6, seed=SEED)
    assert x.shape == (6, 4, *registry.PIXELS)
    assert x.dtype == dtype
    log_prob = law.log_prob(x)
    assert log_prob.shape == (6, 4)
    assert np.all(np.isfinite(log_prob))
    assert np.all(np.isfinite(law.log_prob(x[0])))


@pixel_laws
def test_pixel_law_samples_lie_on_the_levels_it_declares(name):
    layer, law = pixel_law(name)
    x = law.sample(50, seed=SEED).numpy()
    properties = registry.PIXEL_LAWS[name].properties
    levels = 2 if "binary" in properties else registry.LEVELS if "levels" in properties else None
    assert layer.levels == levels
    if levels:
        np.testing.assert_allclose(x * (levels - 1), np.round(x * (levels - 1)), atol=1e-5)
        assert x.min() >= 0
        assert x.max() <= 1


@pixel_laws
def test_pixel_law_gradient_reaches_context_and_weights(name):
    layer = registry.PIXEL_LAWS[name].build(dtype="float32")
    context = tf.Variable(normal(4, *registry.PIXELS[:2], layer.context))
    x = tf.constant(np.random.default_rng(0).integers(1, 4, (4, *registry.PIXELS)) / 4, tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(layer(context).log_prob(x))
    for gradient in tape.gradient(loss, [context, *layer.trainable_weights]):
        assert gradient is not None
        assert np.all(np.isfinite(gradient))
        assert np.abs(gradient).max() > 0


@pixel_laws
def test_pixel_law_compiled_rebuilt_and_shown(name):
    layer, law = pixel_law(name)
    context = normal(4, *registry.PIXELS[:2], layer.context)
    x = tf.identity(law.sample(seed=SEED))  # no cached inverse
    compiled = tf.function(lambda c, x: layer(c).log_prob(x), jit_compile=True)
    np.testing.assert_allclose(compiled(context, x), law.log_prob(x), rtol=1e-4)
    np.testing.assert_array_equal(rebuilt(layer)(context).log_prob(x), law.log_prob(x))
    pictures = layer.display(law)
    assert pictures.shape == (4, *registry.PIXELS)
    assert np.all((pictures >= 0) & (pictures <= 1))
