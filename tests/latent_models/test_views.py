"""Views that every model has."""

import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows.flows import LogitPixels, premade
from vae_flows.latent_models import PixelFlow, interpolations, restorations, temperatures

SEED = tf.constant([1, 2])


def images(count=3):
    return tf.constant(np.random.default_rng(0).integers(0, 2, (count, *registry.IMAGE)), tf.float32)


def test_temperatures_share_their_noise():
    model = registry.MODELS["VAE"].build()
    view = temperatures(model, 4, SEED)
    assert view.pictures.shape == (4, 5, *registry.IMAGE) and view.labels == ("T = 0.6", *view.labels[1:4], "T = 1")
    np.testing.assert_array_equal(view.pictures[:, 4], model.sample(4, SEED))
    np.testing.assert_array_equal(view.pictures[:, 0], model.sample(4, SEED, temperature=0.6))


def test_lines_lead_from_each_image_to_the_next_and_from_the_last_to_the_first():
    model, x = registry.MODELS["AutoencodingFlow"].build(), images()
    view = interpolations(model, x, steps=4)
    assert view.pictures.shape == (3, len(view.labels), *registry.IMAGE)
    assert view.labels == ("image", "0%", "33%", "67%", "100%", "image")
    means = model.reconstruct(x)
    np.testing.assert_allclose(view.pictures[:, 1], means, atol=1e-4)
    np.testing.assert_allclose(view.pictures[:, 4], tf.roll(means, -1, 0), atol=1e-4)
    np.testing.assert_array_equal(view.pictures[2, 5], x[0])


def test_what_is_restored_follows_from_the_corrupted_image_alone():
    model, x = registry.MODELS["VAE"].build(), images()
    view = restorations(model, 1.0 - x, x)
    np.testing.assert_array_equal(view.pictures[:, 2], model.decode(model.encode(1.0 - x)))
    assert view.labels == ("clean", "corrupted", "restored")


def test_pixels_out_of_the_range_of_a_transform_are_refused():
    """Their logit would be no number."""
    flow = premade.maf(4, layers=1, hidden=(8,))
    bounded = PixelFlow(flow, image_shape=(2, 2, 1), transforms=[LogitPixels()])
    for x in (tf.fill([1, 2, 2, 1], -0.5), tf.fill([1, 2, 2, 1], 1.5)):
        with pytest.raises(ValueError, match=r"Pixels must lie in \[0, 1\]"):
            bounded.log_prob(x)
        assert np.all(np.isfinite(PixelFlow(flow, image_shape=(2, 2, 1)).log_prob(x)))
