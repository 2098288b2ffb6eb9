"""What every flow promises, static and amortised, in single and double precision."""

import inspect

import keras
import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows.blocks import initialise_from_data
from vae_flows.densities import StandardNormal
from vae_flows.flows import Flow, Invert, LazyBijector

C = 4
KINDS = [(name, context) for name, case in registry.FLOWS.items() for context in (0, C)]
KINDS = [(n, c) for n, c in KINDS if ("static" if c else "amortised") not in registry.FLOWS[n].properties]
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}

# What costs seconds runs on one of the two: from where the parameters come makes no difference to it.
ONCE = {name: context for name, context in KINDS}  # amortised, where there is such a case

flows_and_contexts = pytest.mark.parametrize(("name", "context"), KINDS, ids=[f"{n}-{c}" for n, c in KINDS])
flows_once = pytest.mark.parametrize(("name", "context"), ONCE.items(), ids=ONCE)
precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


def shaken(layer, strength=0.3):
    """Moves the weights away from their start, where most flows are nearly the identity."""
    generator = np.random.default_rng(0)
    for weight in layer.trainable_weights:
        weight.assign(weight.numpy() + strength * generator.standard_normal(weight.shape))
    return layer


def size(name):
    return registry.FLOWS[name].features or 3


def build(name, context, dtype="float32", features=None, strength=0.3):
    keras.utils.set_random_seed(0)
    features = features or size(name)
    return shaken(registry.FLOWS[name].build(features, context=context, dtype=dtype), strength)


def normal(*shape, dtype="float32", seed=1):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), dtype)


def given(layer, batch=2, dtype="float32", seed=2):
    return layer(normal(batch, layer.context, dtype=dtype, seed=seed)) if layer.context else layer()


@flows_and_contexts
@precisions
def test_round_trips_with_the_cache_broken(name, context, dtype):
    bijector = given(build(name, context, dtype), dtype=dtype)
    value = normal(5, 2, size(name), dtype=dtype)
    there = bijector.inverse(tf.identity(bijector.forward(value)))
    back = bijector.forward(tf.identity(bijector.inverse(value)))
    np.testing.assert_allclose(there, value, atol=TOLERANCE[dtype])
    np.testing.assert_allclose(back, value, atol=TOLERANCE[dtype])


@flows_and_contexts
@precisions
def test_log_determinants_equal_those_of_autodiff(name, context, dtype):
    bijector = given(build(name, context, dtype), dtype=dtype)
    for function, log_det in (
        (bijector.forward, bijector.forward_log_det_jacobian),
        (bijector.inverse, bijector.inverse_log_det_jacobian),
    ):
        value = normal(2, size(name), dtype=dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(value)
            results = tf.unstack(function(value), axis=-1)
        jacobian = tf.stack([tape.gradient(result, value) for result in results], 1)  # [B, D, D]
        np.testing.assert_allclose(
            log_det(tf.identity(value), event_ndims=1), tf.linalg.slogdet(jacobian)[1], atol=TOLERANCE[dtype]
        )
        if "triangular" in registry.FLOWS[name].properties:
            np.testing.assert_allclose(jacobian, tf.linalg.band_part(jacobian, -1, 0), atol=1e-12)


@flows_and_contexts
def test_pair_equals_value_and_log_determinant(name, context):
    bijector = given(build(name, context))
    value = normal(5, 2, size(name))
    for pair, function, log_det in (
        (bijector.forward_and_log_det, bijector.forward, bijector.forward_log_det_jacobian),
        (bijector.inverse_and_log_det, bijector.inverse, bijector.inverse_log_det_jacobian),
    ):
        outcome, change = pair(tf.identity(value))
        np.testing.assert_allclose(outcome, function(tf.identity(value)), atol=1e-5)
        np.testing.assert_allclose(change, log_det(tf.identity(value), event_ndims=1), atol=1e-5)
        assert outcome.shape == value.shape
        assert change.shape == (5, 2)


@flows_and_contexts
def test_one_event_equals_that_of_a_batch(name, context):
    bijector, value = given(build(name, context), batch=1), normal(3, size(name))
    for pair in (bijector.forward_and_log_det, bijector.inverse_and_log_det):
        for whole, single in zip(pair(value), pair(value[0]), strict=True):
            np.testing.assert_allclose(tf.squeeze(single), whole[0], atol=1e-5)


@flows_and_contexts
def test_gradient_reaches_every_weight_and_is_finite(name, context):
    layer = build(name, context)
    with tf.GradientTape() as tape:
        y, log_det = given(layer).forward_and_log_det(normal(5, 2, size(name)))
        loss = tf.reduce_sum(y**2) + tf.reduce_sum(log_det)
    gradients = tape.gradient(loss, layer.trainable_weights)
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert gradient is not None, f"{weight.path} gets no gradient"
        assert np.all(np.isfinite(gradient)), weight.path


@pytest.mark.parametrize("name", [n for n, c in KINDS if c])
def test_context_changes_the_output_image_by_image(name):
    layer, value = build(name, C), normal(2, size(name))
    contexts = normal(2, C).numpy()
    before = layer(tf.constant(contexts)).forward(value).numpy()
    contexts[1] += 1.0
    after = layer(tf.constant(contexts)).forward(value).numpy()
    np.testing.assert_array_equal(before[0], after[0])
    assert np.abs(before[1] - after[1]).max() > 1e-4


@flows_and_contexts
def test_wrong_contexts_are_refused(name, context):
    layer = build(name, context)
    if context:
        with pytest.raises(ValueError, match=f"`context` is required.*context={C}"):
            layer()
        with pytest.raises(ValueError, match=f"must end in {C} features.*Received: shape"):
            layer(normal(2, C + 1))
    else:
        with pytest.raises(ValueError, match="`context` is unexpected.*context=0"):
            layer(normal(2, C))


@flows_once
def test_graph_and_xla_equal_eager(name, context):
    layer = build(name, context)
    value, condition = normal(2, size(name)), normal(2, C)

    def both(value, condition):
        bijector = layer(condition) if layer.context else layer()
        return *bijector.forward_and_log_det(value), bijector.inverse(tf.identity(value))

    eager = both(value, condition)
    for compiled in (tf.function(both), tf.function(both, jit_compile=True)):
        for a, b in zip(eager, compiled(value, condition), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


@flows_once
def test_density_in_two_dimensions_integrates_to_one(name, context):
    layer = build(name, context, dtype="float64", features=2, strength=0.15)
    grid = np.linspace(-14.0, 14.0, 201)
    cell = (grid[1] - grid[0]) ** 2
    points = tf.constant(np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 1, 2))
    for transform in (layer, Invert(layer, dtype="float64")):
        flow = Flow(transform, StandardNormal(2, dtype="float64"), dtype="float64")
        law = flow(normal(1, C, dtype="float64")) if context else flow()
        mass = tf.reduce_sum(tf.exp(law.log_prob(points))) * cell
        assert float(mass) == pytest.approx(1.0, abs=0.01)


@flows_and_contexts
def test_configuration_is_the_signature_and_rebuilds_the_flow(name, context):
    layer = build(name, context)
    arguments = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
    config = layer.get_config()
    assert arguments <= set(config), f"missing from the config: {arguments - set(config)}"
    assert set(config) - arguments <= {"name", "trainable", "dtype"}
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    again.set_weights(layer.get_weights())
    value = normal(2, size(name))
    np.testing.assert_array_equal(given(layer).forward(value), given(again).forward(value))


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", [n for n, case in registry.FLOWS.items() if "data-initialised" in case.properties])
def test_first_batch_is_normalised_in_the_direction_it_passes(name, inverted):
    layer = build(name, 0)
    batch = 3.0 + 5.0 * normal(500, size(name))

    def passed():
        return layer().inverse_and_log_det(batch)[0] if inverted else layer().forward_and_log_det(batch)[0]

    assert initialise_from_data(layer, passed) == 1
    axis = None if layer.shared else 0
    np.testing.assert_allclose(np.mean(passed(), axis), 0.0, atol=1e-4)
    np.testing.assert_allclose(np.std(passed(), axis), 1.0, atol=1e-4)


def test_parts_that_do_not_fit_are_refused():
    from vae_flows.flows import Chain, Reverse

    with pytest.raises(ValueError, match="agree in `features`.*2, 3"):
        Chain([Reverse(2), Reverse(3)])
    with pytest.raises(ValueError, match="at least one bijector"):
        Chain([])
    with pytest.raises(ValueError, match="`transform` and `base` must agree.*features=2 and 3"):
        Flow(Reverse(2), StandardNormal(3))
    assert issubclass(Reverse, LazyBijector)
