import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.nvae_tf import batch_norm, cells, depthwise
from vae_flows.nvae_tf.batch_norm import BatchNorm
from vae_flows.nvae_tf.cells import DecoderCell, EncoderCell, run

SEED = tf.constant([5, 6])


def gradients(function, *inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(*inputs)
    return value, tape.gradient(value, inputs, output_gradients=tf.random.stateless_normal(value.shape, SEED))


@pytest.mark.parametrize(("shape", "size"), [((3, 8, 6, 4), 5), ((1, 4, 4, 2), 3), ((2, 2, 2, 3), 5)])
def test_the_fast_gradient_of_a_depthwise_convolution_is_its_gradient(shape, size):
    x, kernels = tf.random.stateless_normal(shape, SEED), tf.random.stateless_normal([size, size, shape[-1]], SEED)
    slow = gradients(lambda x, k: tf.nn.depthwise_conv2d(x, k[..., None], [1, 1, 1, 1], "SAME"), x, kernels)
    fast = gradients(depthwise._with_fast_gradient, x, kernels)
    for one, other in zip(tf.nest.flatten(slow), tf.nest.flatten(fast), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_batch_norm_is_keras_s():
    ours, theirs = BatchNorm(3), keras.layers.BatchNormalization(momentum=0.95, epsilon=1e-5)
    x = 2.0 + 3.0 * tf.random.stateless_normal([8, 4, 4, 3], SEED)
    for scale in (1.0, 2.0):
        np.testing.assert_allclose(ours(scale * x, training=True), theirs(scale * x, training=True), atol=1e-5)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=0.01)  # by N - 1 and by N
    theirs.moving_variance.assign(ours.moving_variance)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)
    ours.swish = True
    np.testing.assert_allclose(ours(x), tf.nn.silu(theirs(x)), atol=1e-5)


def test_statistics_over_replicas_do_not_cancel_far_from_zero():
    x = 3000.0 + 0.1 * tf.random.stateless_normal([8, 4, 4, 3], SEED)
    y, mean, variance = batch_norm._over_replicas(x, tf.ones(3), tf.zeros(3))
    exact = np.float64(x).reshape(-1, 3)
    np.testing.assert_allclose(mean, exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, exact.var(0, ddof=1), rtol=1e-3)
    np.testing.assert_allclose(np.std(y, (0, 1, 2)), 1.0, rtol=1e-2)


def test_enlarging_before_the_depthwise_convolution_is_enlarging_at_the_start():
    """The official order: nearest neighbours first, then everything."""
    cell = DecoderCell(4, doubles=True)
    x = tf.random.stateless_normal([3, 4, 4, 4], SEED)
    large = tf.repeat(tf.repeat(x, 2, 1), 2, 2)
    h = cell.norms[0](cell.expand(cell.before(large, training=True)), training=True)
    h = cell.after(cell.contract(cell.norms[1](cell.depthwise(h), training=True)), training=True)
    skip = tf.image.resize(cell.skip(x), [8, 8])
    expected = skip + 0.1 * cell.squeeze_excite(h)
    np.testing.assert_allclose(cell(x, training=True), expected, atol=1e-4)


def slopes_and_statistics(cells, x, recompute):
    """Loss, gradients and moving statistics of one compiled training step."""
    layers = keras.Sequential(cells)
    weights = [weight.value for weight in layers.trainable_weights]

    @tf.function(autograph=False)
    def slopes():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(run(cells, x, training=True, recompute=recompute)))
        return loss, tape.gradient(loss, weights)

    return [*tf.nest.flatten(slopes()), *layers.non_trainable_weights]


@pytest.mark.parametrize("kind", [EncoderCell, DecoderCell])
def test_recomputed_cells_have_the_same_gradients_and_see_each_batch_once(kind):
    results = []
    for recompute in (False, True):
        keras.utils.set_random_seed(0)
        x = tf.random.stateless_normal([3, 4, 4, 4], SEED)
        results.append(slopes_and_statistics([kind(4), kind(4)], x, recompute))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_maps_of_float64_are_enlarged_and_normalised_in_float64():
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 2))
    exact, single = (cells._enlarged(tf.constant(x, dtype), "bilinear") for dtype in (tf.float64, tf.float32))
    np.testing.assert_allclose(exact, single, atol=1e-6)
    np.testing.assert_allclose(cells._enlarged(tf.constant(x / 3), "bilinear"), exact / 3, atol=1e-15)
    norm = BatchNorm(2, dtype="float64")
    norm(tf.constant(x[:1, :1, :1]), training=True)  # one value a channel: without a variance
    assert np.isfinite(norm.moving_variance).all()
