"""What is particular to single encoders."""

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.blocks import initialise_from_data
from vae_flows.encoders import ConvolutionalEncoder, DenseEncoder, GatedConvEncoder, Padded, ResNetEncoder


def images(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).random(shape), "float32")


def test_defaults_are_the_papers():
    resnet, gated = ResNetEncoder((28, 28, 1)), GatedConvEncoder((28, 28, 1))
    assert [block.stride for block in resnet.blocks] == [1, 1, 2, 1, 2, 1]
    assert {block.filters for block in resnet.blocks} == {64} and resnet.features == 450
    assert resnet.units == gated.units == 7 * 7 * 64
    assert [(c.filters, c.kernel, c.stride) for c in gated.convolutions] == [
        (32, 5, 1),
        (32, 5, 2),
        (64, 5, 1),
        (64, 5, 2),
        (64, 5, 1),
    ]
    assert gated.features == 256


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize(("shape", "scales"), [((28, 28, 1), 2), ((32, 32, 3), 3)])
def test_channels_double_while_height_and_width_halve(shape, scales, bottleneck):
    encoder = ConvolutionalEncoder(shape, features=7, filters=4, scales=scales, blocks=3, bottleneck=bottleneck)
    h = encoder.stem(images(2, *shape))
    assert h.shape == (2, *shape[:2], 4)
    for k, block in enumerate(encoder.residual_blocks):
        h, scale = block(h), k // 3 + 1
        assert h.shape == (2, shape[0] // 2**scale, shape[1] // 2**scale, 4 * 2**scale)
        assert block.stride == (1 if k % 3 else 2) and block.bottleneck == bottleneck
    assert k == 3 * scales - 1
    expected = tf.nn.elu(encoder.dense(tf.reshape(tf.nn.elu(h), [2, -1])))
    np.testing.assert_allclose(encoder(images(2, *shape)), expected, rtol=1e-4, atol=1e-5)


def test_a_padded_convolutional_encoder_takes_any_size():
    with pytest.raises(ValueError, match=r"divisible by 8.*image_shape=\(28, 28, 1\).*`encoders.Padded`"):
        ConvolutionalEncoder((28, 28, 1), scales=3)
    padded = Padded(ConvolutionalEncoder((32, 32, 1), features=5, filters=2, scales=3, blocks=1), padding=2)
    assert padded(images(2, 28, 28, 1)).shape == (2, 5)


@pytest.mark.parametrize("kind", [ConvolutionalEncoder, ResNetEncoder, GatedConvEncoder])
def test_sizes_that_the_strides_do_not_divide_are_refused(kind):
    with pytest.raises(ValueError, match=r"divisible by 4.*image_shape=\(30, 28, 1\).*`encoders.Padded`"):
        kind((30, 28, 1))


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="height, width, channels"):
        DenseEncoder((28, 28))
    with pytest.raises(ValueError, match="one entry for each convolution"):
        GatedConvEncoder((8, 8, 1), filters=(4, 4), strides=(1,))
    with pytest.raises(
        ValueError, match=r"`\(filters, scales, blocks\)` must hold integers of at least 1.*\(32, 2, 0\)"
    ):
        ConvolutionalEncoder((8, 8, 1), blocks=0)
    with pytest.raises(ValueError, match="`filters` must be divisible by 4"):
        ConvolutionalEncoder((8, 8, 1), filters=3, bottleneck=True)


def test_a_refed_encoder_shows_the_image_to_every_layer():
    widths = [part.kernel.shape[0] for part in DenseEncoder((4, 3, 2), hidden=(6, 5), refed=True).net.parts]
    assert widths == [24, 6 + 24]
    assert [part.kernel.shape[0] for part in DenseEncoder((4, 3, 2), hidden=(6, 5)).net.parts] == [24, 6]


def test_padding_is_zeros_around_the_image():
    encoder = DenseEncoder((8, 9, 2), hidden=(5,))
    padded = Padded(encoder, padding=((1, 2), (3, 0)))
    assert padded.image_shape == (5, 6, 2) and padded.features == 5
    x = images(2, 5, 6, 2)
    outer = np.zeros((2, 8, 9, 2), "float32")
    outer[:, 1:6, 3:] = x
    np.testing.assert_array_equal(padded(x), encoder(tf.constant(outer)))


def test_a_padding_that_leaves_no_image_is_refused():
    with pytest.raises(ValueError, match="leave at least one pixel"):
        Padded(DenseEncoder((4, 4, 1), hidden=(5,)), padding=2)


def test_weight_normalised_layers_of_a_resnet_are_set_by_one_batch():
    encoder = ResNetEncoder((8, 8, 1), filters=4, features=6, strides=(1, 2, 2))
    x = images(50, 8, 8, 1)
    assert initialise_from_data(encoder, lambda: encoder(x)) == 3 * 2 + 1 + 1  # blocks, projection, dense
    h = encoder.blocks[0].first(tf.nn.elu(x)).numpy().reshape(-1, 4)
    np.testing.assert_allclose(h.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(h.std(0), 1, atol=1e-4)
    plain = ResNetEncoder((8, 8, 1), filters=4, features=6, strides=(2,), weight_normalised=False)
    assert initialise_from_data(plain, lambda: plain(x)) == 0


@pytest.mark.parametrize(("bottleneck", "convolutions"), [(False, 2), (True, 3)])
def test_weight_normalised_layers_of_scales_are_set_by_one_batch(bottleneck, convolutions):
    arguments = {"features": 6, "filters": 4, "bottleneck": bottleneck}
    encoder, x = ConvolutionalEncoder((8, 8, 1), **arguments), images(50, 8, 8, 1)
    layers = 1 + 2 * 2 * convolutions + 2 + 1  # stem, blocks, projections, dense
    assert initialise_from_data(encoder, lambda: encoder(x)) == layers
    h = encoder.stem(x).numpy().reshape(-1, 4)
    np.testing.assert_allclose(h.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(h.std(0), 1, atol=1e-4)
    plain = ConvolutionalEncoder((8, 8, 1), **arguments, weight_normalised=False)
    assert initialise_from_data(plain, lambda: plain(x)) == 0
