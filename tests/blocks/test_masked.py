"""The masked network depends on what it may see, on all of it, and on nothing else."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.blocks import MADE, MaskedDense, initialise_from_data

D, C = 5, 4
NETWORKS = {
    "linear": {"hidden": ()},
    "linear with context": {"hidden": (), "context": C},
    "one layer": {"hidden": (D - 1,)},
    "one layer with context": {"hidden": (D,), "context": C},
    "deep with context": {"hidden": (7, 12, 6), "context": C},
    "context after the activation": {"hidden": (9, 8), "context": 9, "context_after_activation": True},
    "weight-normalised": {"hidden": (7, 12), "context": C, "weight_normalised": True},
    "weight-normalised linear": {"hidden": (), "context": C, "weight_normalised": True},
}
networks = pytest.mark.parametrize("arguments", NETWORKS.values(), ids=NETWORKS)


def normal(*shape, seed=0, dtype="float64"):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), dtype)


def shaken(made):
    for k, weight in enumerate(made.trainable_weights):
        weight.assign(weight + 0.5 * normal(*weight.shape, seed=k, dtype=weight.dtype))
    return made


def build(arguments, **more):
    return shaken(MADE(D, dtype="float64", activation="tanh", **arguments, **more))


def context_of(made, *shape, seed=1):
    return normal(*shape, made.context, seed=seed) if made.context else None


@networks
def test_output_depends_exactly_on_the_features_before_it(arguments):
    made = build(arguments, outputs=3)
    x = normal(2, D)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = made(x, context_of(made, 2))
    jacobian = tape.batch_jacobian(y, x)  # [B, D, outputs, D]
    earlier = np.tril(np.ones((D, D)), -1)[:, None, :].astype(bool)
    np.testing.assert_array_equal(np.abs(jacobian) > 0, np.broadcast_to(earlier, jacobian.shape))


@networks
def test_output_depends_on_the_context(arguments):
    made = build(arguments)
    if not made.context:
        return
    context = context_of(made, 2)
    with tf.GradientTape() as tape:
        tape.watch(context)
        y = made(normal(2, D), context)
    seen = np.abs(tape.batch_jacobian(y, context)) > 0  # [B, D, outputs, C]
    if made.context_after_activation:  # entry j was added to the unit of degree floor(j * D / C)
        degrees = np.arange(made.context) * D // made.context
        np.testing.assert_array_equal(seen, np.broadcast_to(degrees <= np.arange(D)[:, None, None], seen.shape))
    else:
        assert seen.all()


@pytest.mark.parametrize("context", [0, C])
@pytest.mark.parametrize("hidden", [(4 + 1,), (6, 9), (20, 10, 5)])
def test_product_of_masks_counts_the_paths(context, hidden):
    made = MADE(D, hidden=hidden, context=context, outputs=2)
    paths = np.eye(D)
    for part in made.parts:
        paths = paths @ part.mask().numpy()
    connected = paths.reshape(D, D, 2) > 0  # [input, output feature, output]
    np.testing.assert_array_equal(connected, np.broadcast_to(np.triu(np.ones((D, D)), 1)[..., None] > 0, (D, D, 2)))


def test_forward_pass_equals_the_formula():
    made = build({"hidden": (6, 7), "context": C})
    x, context = normal(3, D), context_of(made, 3)
    degrees = [np.arange(1, D + 1), np.arange(6) * D // 6, np.arange(7) * D // 7, np.repeat(np.arange(D), 2)]
    h = x.numpy()
    for k, part in enumerate(made.parts):
        visible = degrees[k][:, None] <= degrees[k + 1][None, :]
        h = h @ np.where(visible, part.kernel.numpy(), 0) + part.bias.numpy()
        h = h + context.numpy() @ made.context_map.kernel.numpy() if k == 0 else h
        h = np.tanh(h) if k < 2 else h
    np.testing.assert_allclose(made(x, context), h.reshape(3, D, 2), rtol=1e-12)


@networks
def test_leading_axes_broadcast_over_the_context(arguments):
    made = build(arguments)
    x, context = normal(3, 2, D), context_of(made, 2)
    together = made(x, context)
    assert together.shape == (3, 2, D, 2)
    for k in range(3):
        np.testing.assert_allclose(together[k], made(x[k], context), rtol=1e-10)


@networks
def test_starts_near_the_output_bias_and_reaches_every_weight(arguments):
    made = MADE(D, output_bias=(-1.0, 2.0), **arguments)
    x, context = normal(50, D, dtype="float32"), context_of(made, 50)
    with tf.GradientTape() as tape:
        y = made(x, context)
        loss = tf.reduce_sum(tf.square(y) * normal(50, D, 2, seed=3, dtype="float32"))
    np.testing.assert_allclose(y, np.broadcast_to([-1.0, 2.0], y.shape), atol=0.3)
    for weight, gradient in zip(made.trainable_weights, tape.gradient(loss, made.trainable_weights), strict=True):
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path


def test_a_single_feature_depends_on_the_context_alone():
    made = shaken(MADE(1, hidden=(3, 3), context=2))
    y = made(normal(4, 1), normal(4, 2, seed=2))
    np.testing.assert_array_equal(y, made(normal(4, 1, seed=5), normal(4, 2, seed=2)))
    assert not np.allclose(y[0], y[1])
    static = shaken(MADE(1, hidden=(3,)))
    assert np.ptp(static(normal(4, 1)), axis=0).max() == 0


def test_initialisation_from_data_normalises_the_hidden_layers():
    made = MADE(D, hidden=(16, 16), context=C, weight_normalised=True)
    x, context = normal(300, D, dtype="float32") + 3, normal(300, C, dtype="float32")
    assert initialise_from_data(made, lambda: made(x, context)) == 3
    first = made.parts[0](x).numpy()[:, 4:]  # the first four units are of degree 0 and see no feature
    np.testing.assert_allclose(first.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(first.std(0), 1, atol=1e-4)


def test_compiled_with_a_dynamic_batch_equals_eager():
    made = build({"hidden": (8, 8), "context": C})
    shapes = [tf.TensorSpec([None, None, D], "float64"), tf.TensorSpec([None, C], "float64")]
    x, context = normal(3, 2, D), context_of(made, 2)
    graph = tf.function(lambda x, context: made(x, context), input_signature=shapes)
    np.testing.assert_allclose(graph(x, context), made(x, context), rtol=1e-10)


@networks
def test_config_and_file_give_back_the_network(arguments, tmp_path):
    made = build(arguments, output_bias=(0.0, 2.0))
    x, context = normal(3, D), context_of(made, 3)
    inputs = [keras.Input((D,), dtype="float64")]
    inputs += [keras.Input((made.context,), dtype="float64")] if made.context else []
    model = keras.Model(inputs, made(*inputs))
    model.save(tmp_path / "made.keras")
    loaded = keras.saving.load_model(tmp_path / "made.keras")
    given = [x, context] if made.context else [x]
    np.testing.assert_array_equal(loaded(given), made(x, context))


REFUSALS = {
    "hidden.*at least 5": {"hidden": (4,), "context": C},
    "hidden.*at least 4": {"hidden": (16, 3)},
    "must be as wide": {"hidden": (8,), "context": C, "context_after_activation": True},
    "one value for each of the outputs": {"output_bias": (1.0,)},
    "integers of at least 1": {"hidden": (8, 0)},
}


@pytest.mark.parametrize("message", REFUSALS)
def test_impossible_arguments_are_refused(message):
    with pytest.raises(ValueError, match=message):
        MADE(D, **REFUSALS[message])


def test_unfitting_inputs_are_refused():
    static, amortised = MADE(D, hidden=(8,)), MADE(D, hidden=(8,), context=C)
    with pytest.raises(ValueError, match="`context` is required.*context=4.*context=None"):
        amortised(tf.zeros([2, D]))
    with pytest.raises(ValueError, match="`context` is not expected"):
        static(tf.zeros([2, D]), tf.zeros([2, C]))
    with pytest.raises(ValueError, match="last axis of `context`.*Expected: 4.*7"):
        amortised(tf.zeros([2, D]), tf.zeros([2, 7]))
    with pytest.raises(ValueError, match="last axis of `x`.*Expected: 5.*3"):
        static(tf.zeros([2, 3]))
    with pytest.raises(ValueError, match="one value for each output"):
        MaskedDense((1, 2), output_degrees=(1,), initial_bias=(1.0, 2.0))
