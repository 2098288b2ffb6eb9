"""What is particular to single decoders."""

import numpy as np
import pytest
import tensorflow as tf

from decoders import Cropped, DenseDecoder, GatedConvDecoder, ResNetDecoder


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


@pytest.mark.parametrize("kind", [ResNetDecoder, GatedConvDecoder])
def test_sizes_that_the_strides_do_not_divide_are_refused(kind):
    with pytest.raises(ValueError, match=r"divisible by 4.*image_shape=\(28, 30, 1\).*`decoders.Cropped`"):
        kind(5, image_shape=(28, 30, 1), outputs=1)


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
