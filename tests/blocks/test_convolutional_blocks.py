"""Gated and residual blocks are the formulas they name."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.blocks import GatedConv2D, GatedConv2DTranspose, GatedDense, ResidualBlock, UpsamplingResidualBlock
from vae_flows.blocks.shapes import margins
from vae_flows.blocks.transposed import transposed_convolution

BLOCKS = {
    "gated": (lambda: GatedConv2D(2, filters=3, kernel=5), (6, 4, 3)),
    "gated, smaller": (lambda: GatedConv2D(2, filters=3, kernel=5, stride=2), (3, 2, 3)),
    "gated, transposed": (lambda: GatedConv2DTranspose(2, filters=3, kernel=5, stride=2), (12, 8, 3)),
    "residual": (lambda: ResidualBlock(2, filters=2), (6, 4, 2)),
    "residual, wider and smaller": (lambda: ResidualBlock(2, filters=3, stride=2), (3, 2, 3)),
    "residual, plain": (lambda: ResidualBlock(2, filters=3, weight_normalised=False), (6, 4, 3)),
    "residual, larger": (lambda: UpsamplingResidualBlock(2, filters=2), (12, 8, 2)),
    "residual, wider and larger": (lambda: UpsamplingResidualBlock(2, filters=3), (12, 8, 3)),
    "bottleneck": (lambda: ResidualBlock(2, filters=8, bottleneck=True), (6, 4, 8)),
    "bottleneck, smaller": (lambda: ResidualBlock(2, filters=8, stride=2, bottleneck=True), (3, 2, 8)),
    "bottleneck, larger": (lambda: UpsamplingResidualBlock(2, filters=8, bottleneck=True), (12, 8, 8)),
}
blocks = pytest.mark.parametrize(("build", "shape"), BLOCKS.values(), ids=BLOCKS)


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), "float32")


@blocks
def test_shapes_gradients_and_files(build, shape, tmp_path):
    block, x = build(), normal(3, 6, 4, 2)
    with tf.GradientTape() as tape:
        y = block(x)
        loss = tf.reduce_sum(tf.square(y))
    assert y.shape == (3, *shape)
    assert all(np.any(gradient) for gradient in tape.gradient(loss, block.trainable_weights))
    inputs = keras.Input((6, 4, 2))
    keras.Model(inputs, block(inputs)).save(tmp_path / "block.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "block.keras")(x), y)


def test_gates_multiply():
    dense, x = GatedDense(4, units=3), normal(2, 5, 4)
    value, gate = np.split(x.numpy() @ dense.linear.kernel.numpy(), 2, -1)
    np.testing.assert_allclose(dense(x), value / (1 + np.exp(-gate)), rtol=1e-4, atol=1e-5)
    conv, image = GatedConv2D(2, filters=3, kernel=3), normal(2, 6, 4, 2)
    value, gate = (tf.nn.conv2d(image, kernel, 1, "SAME") for kernel in np.split(conv.linear.kernel.numpy(), 2, -1))
    np.testing.assert_allclose(conv(image), value * tf.sigmoid(gate), rtol=1e-4, atol=1e-5)


def test_residual_is_a_tenth_and_the_skip_is_kept():
    block, x = ResidualBlock(2, filters=2, weight_normalised=False), normal(3, 6, 4, 2)
    first, second = block.first.kernel.numpy(), block.second.kernel.numpy()
    residual = tf.nn.conv2d(tf.nn.elu(tf.nn.conv2d(tf.nn.elu(x), first, 1, "SAME")), second, 1, "SAME")
    np.testing.assert_allclose(block(x), x + 0.1 * residual, rtol=1e-4, atol=1e-5)


def test_a_bottleneck_works_on_a_quarter_of_the_filters():
    x = normal(3, 6, 4, 8)
    smaller = ResidualBlock(8, filters=8, stride=2, bottleneck=True, weight_normalised=False)
    larger = UpsamplingResidualBlock(8, filters=8, bottleneck=True, weight_normalised=False)
    for block in (smaller, larger):
        kernels = [part.kernel.numpy() for part in (block.first, block.second, block.third)]
        assert [kernel.shape for kernel in kernels] == [(1, 1, 8, 2), (3, 3, 2, 2), (1, 1, 2, 8)]
        h = tf.nn.elu(tf.nn.elu(x) @ kernels[0][0, 0])
        if block is smaller:
            h, skip = tf.nn.conv2d(h, kernels[1], 2, "SAME"), x[:, 1::2, 1::2]
        else:
            h = tf.nn.conv2d_transpose(h, kernels[1], (3, 12, 8, 2), 2, "SAME")
            skip = np.repeat(np.repeat(x, 2, 1), 2, 2)
        np.testing.assert_allclose(block(x), skip + 0.1 * (tf.nn.elu(h) @ kernels[2][0, 0]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [ResidualBlock, UpsamplingResidualBlock])
def test_a_bottleneck_of_filters_that_have_no_quarter_is_refused(kind):
    with pytest.raises(ValueError, match="`filters` must be divisible by 4.*Received: filters=6"):
        kind(8, filters=6, bottleneck=True)


def test_skips_are_resized_to_nearest_neighbours():
    x = normal(3, 4, 4, 2)
    smaller = ResidualBlock(2, filters=2, stride=2, weight_normalised=False)
    larger = UpsamplingResidualBlock(2, filters=2, weight_normalised=False)
    for block in (smaller, larger):
        block.second.kernel.assign(tf.zeros_like(block.second.kernel))
    np.testing.assert_array_equal(smaller(x), x[:, 1::2, 1::2])  # the centres of the strided 3x3 windows
    np.testing.assert_array_equal(larger(x), np.repeat(np.repeat(x, 2, 1), 2, 2))


@pytest.mark.parametrize(
    ("arguments", "size"),
    [({"kernel": 3, "stride": 2}, 8), ({"kernel": 5}, 8), ({"kernel": (7, 5), "padding": "valid"}, 1)],
)
def test_transposed_convolutions_start_with_twice_the_variance(arguments, size):
    keras.utils.set_random_seed(0)
    layer = transposed_convolution(64, filters=64, **arguments)
    outputs = layer(normal(20, size, size, 64)).numpy()
    inner = outputs[:, 2:-2, 2:-2]  # the border sees fewer inputs
    np.testing.assert_allclose(inner.var(), 2, rtol=0.1)


def test_margins_are_read_in_three_forms():
    assert margins(2, name="padding") == margins((2, 2), name="padding") == ((2, 2), (2, 2))
    assert margins(((1, 2), (3, 4)), name="padding") == ((1, 2), (3, 4))
    for wrong in ((1, 2, 3), ((1, 2, 3), 1)):
        with pytest.raises(ValueError, match="`padding` must be a number"):
            margins(wrong, name="padding")
    with pytest.raises(ValueError, match="integers of at least 0"):
        margins(-1, name="padding")
