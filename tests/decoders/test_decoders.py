"""What is particular to single decoders."""

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.blocks import initialise_from_data
from vae_flows.decoders import ConvolutionalDecoder, Cropped, DenseDecoder, GatedConvDecoder, ResNetDecoder
from vae_flows.encoders import ConvolutionalEncoder


def latents(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), "float32")


def test_defaults_are_the_papers():
    arguments = {"image_shape": (28, 28, 1), "outputs": 1}
    resnet, gated = ResNetDecoder(64, **arguments), GatedConvDecoder(64, **arguments)
    assert [block.stride for block in resnet.blocks] == [1, 2, 1, 2, 1, 1]
    assert resnet.first(tf.zeros([1, 1, 1, 64])).shape == (1, 7, 7, 64)
    assert [(c.filters, c.kernel, c.stride) for c in gated.convolutions] == [
        (64, (7, 7), 1),
        (64, 5, 1),
        (32, 5, 2),
        (32, 5, 1),
        (32, 5, 2),
        (32, 5, 1),
    ]


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize(("shape", "scales"), [((28, 28, 1), 2), ((32, 32, 3), 3)])
def test_the_convolutional_decoder_is_the_encoders_mirror_image(shape, scales, bottleneck):
    arguments = {"filters": 4, "scales": scales, "blocks": 3, "bottleneck": bottleneck}
    encoder = ConvolutionalEncoder(shape, features=7, **arguments)
    decoder = ConvolutionalDecoder(7, image_shape=shape, outputs=5, **arguments)
    h, maps = encoder.stem(tf.zeros([2, *shape])), []
    for block in encoder.residual_blocks:
        maps.append(h.shape)
        h = block(h)
    g = decoder.first(latents(2, 1, 1, 7))
    assert g.shape == h.shape
    for block, expected in zip(decoder.residual_blocks, reversed(maps), strict=True):
        g = block(g)
        assert g.shape == expected and block.bottleneck == bottleneck
    assert decoder(encoder(tf.zeros([2, *shape]))).shape == (2, *shape[:2], 5)


def test_a_cropped_convolutional_decoder_gives_any_size():
    with pytest.raises(ValueError, match=r"divisible by 8.*image_shape=\(28, 28, 1\).*`decoders.Cropped`"):
        ConvolutionalDecoder(5, image_shape=(28, 28, 1), outputs=1, scales=3)
    decoder = ConvolutionalDecoder(5, image_shape=(32, 32, 1), outputs=1, filters=2, scales=3, blocks=1)
    assert Cropped(decoder, cropping=2)(latents(2, 5)).shape == (2, 28, 28, 1)


def test_weight_normalised_layers_are_set_by_one_batch():
    arguments = {"image_shape": (8, 8, 1), "outputs": 1, "filters": 4}
    decoder, z = ConvolutionalDecoder(5, **arguments), latents(50, 5)
    assert initialise_from_data(decoder, lambda: decoder(z)) == 1 + 2 * 2 * 2 + 2  # first, blocks, projections
    h = decoder.first(z[:, None, None]).numpy().reshape(-1, 16)
    np.testing.assert_allclose(h.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(h.std(0), 1, atol=1e-4)
    plain = ConvolutionalDecoder(5, **arguments, weight_normalised=False)
    assert initialise_from_data(plain, lambda: plain(z)) == 0


@pytest.mark.parametrize("kind", [ConvolutionalDecoder, ResNetDecoder, GatedConvDecoder])
def test_sizes_that_the_strides_do_not_divide_are_refused(kind):
    with pytest.raises(ValueError, match=r"divisible by 4.*image_shape=\(28, 30, 1\).*`decoders.Cropped`"):
        kind(5, image_shape=(28, 30, 1), outputs=1)


def test_impossible_arguments_are_refused():
    with pytest.raises(
        ValueError, match=r"`\(filters, scales, blocks\)` must hold integers of at least 1.*\(32, 0, 2\)"
    ):
        ConvolutionalDecoder(5, image_shape=(8, 8, 1), outputs=1, scales=0)
    with pytest.raises(ValueError, match="`filters` must be divisible by 4"):
        ConvolutionalDecoder(5, image_shape=(8, 8, 1), outputs=1, filters=6, bottleneck=True)


def test_filters_and_strides_must_fit():
    with pytest.raises(ValueError, match="one entry more than `strides`"):
        GatedConvDecoder(5, image_shape=(8, 8, 1), outputs=1, filters=(4, 4), strides=(2, 2))


def test_a_refed_decoder_shows_the_latent_vector_to_every_layer():
    decoder = DenseDecoder(3, image_shape=(4, 4, 1), outputs=2, hidden=(6, 5), refed=True)
    assert [part.kernel.shape for part in decoder.net.parts] == [(3, 6), (6 + 3, 5), (5 + 3, 32)]


def test_cropping_keeps_the_middle():
    decoder = DenseDecoder(3, image_shape=(8, 9, 1), outputs=2, hidden=(5,))
    cropped = Cropped(decoder, cropping=((1, 2), (3, 0)))
    assert cropped.image_shape == (5, 6, 1) and cropped.outputs == 2 and cropped.features == 3
    z = latents(2, 3)
    np.testing.assert_array_equal(cropped(z), decoder(z)[:, 1:6, 3:])


def test_a_cropping_that_leaves_no_image_is_refused():
    with pytest.raises(ValueError, match="`cropping` must leave at least one pixel"):
        Cropped(DenseDecoder(3, image_shape=(4, 4, 1), outputs=1), cropping=(0, 2))
