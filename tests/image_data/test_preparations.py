"""What preparations make of grey levels."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from vae_flows.image_data import (
    PREPARATIONS,
    Binarise,
    Dequantise,
    GreyLevels,
    ImageSpec,
    Preparation,
)

SEED = tf.constant([1, 2], tf.int32)
EVERY_LEVEL = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


def test_pixels_are_one_as_often_as_they_are_bright():
    draws = 4000
    frequency = Binarise()(np.tile(EVERY_LEVEL, [draws, 1, 1, 1]), SEED).numpy().mean(axis=0).ravel()
    expected = np.arange(256) / 255
    error = np.sqrt(expected * (1 - expected) / draws)
    assert frequency[0] == 0 and frequency[255] == 1
    z = (frequency - expected)[1:255] / error[1:255]
    assert np.abs(z).max() < 4.5
    assert 0.7 < (z**2).mean() < 1.3


def test_images_of_two_levels_stay_as_they_are():
    images = np.array([0, 1, 1, 0], np.uint8)
    np.testing.assert_array_equal(Binarise(levels=2)(images, SEED), images)


def test_grey_levels_are_evenly_spaced_from_0_to_1():
    np.testing.assert_array_equal(GreyLevels()(EVERY_LEVEL, SEED), (EVERY_LEVEL / 255).astype("float32"))


def test_dequantised_values_stay_within_their_level():
    images = np.tile(EVERY_LEVEL, [2000, 1, 1, 1])
    noise = 256 * Dequantise()(images, SEED).numpy() - images
    assert noise.min() > 0 and noise.max() < 1
    np.testing.assert_allclose(noise.mean(axis=0), 0.5, atol=0.035)
    np.testing.assert_allclose(noise.var(), 1 / 12, rtol=0.01)


@pytest.mark.parametrize("levels", [2, 3, 256])
def test_dequantisation_noise_has_the_resolution_of_float32(levels):
    """With 16 bits a black pixel was 0 once in 65,536 times, and its logit minus infinity."""
    dark, bright = (Dequantise(levels=levels)(np.full([2**18], k, np.uint8), SEED).numpy() for k in (0, levels - 1))
    assert len(np.unique(dark)) > 0.98 * 2**18
    assert dark.min() > 0 and bright.max() < 1
    np.testing.assert_allclose(scipy.stats.kstest(levels * dark, "uniform").statistic, 0, atol=0.004)


@pytest.mark.parametrize("kind", PREPARATIONS.values())
def test_noise_is_a_function_of_the_seed_with_and_without_xla(kind):
    preparation, images = kind(), np.tile(EVERY_LEVEL, [2, 1, 1, 1])
    eager = preparation(images, SEED).numpy()
    compiled = tf.function(preparation, jit_compile=True)(tf.constant(images), SEED).numpy()
    np.testing.assert_allclose(eager, compiled, rtol=2e-7)  # XLA divides by multiplying
    assert eager.dtype == np.float32
    assert eager.min() >= 0.0 and eager.max() <= 1.0


@pytest.mark.parametrize("kind", PREPARATIONS.values())
def test_configurations_rebuild(kind):
    preparation = kind(levels=32)
    assert preparation.to_config() == {"name": kind.__name__, "levels": 32}
    assert Preparation.from_config(preparation.to_config()) == preparation


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError, match=r"Unknown preparation\. Expected one of Binarise, Dequantise, GreyLevels.*'Blur'"
    ):
        Preparation.from_config({"name": "Blur"})


def test_specs_follow():
    spec = ImageSpec((28, 28, 1))
    assert Binarise().spec_after(spec).levels == 2
    assert GreyLevels().spec_after(spec) == Dequantise().spec_after(spec) == spec
    with pytest.raises(ValueError, match=r"Binarise was made for 2 levels\. Expected the images' 256"):
        Binarise(levels=2).spec_after(spec)
