"""The IAF-VAE with each encoder and each decoder, on padded images too."""

import itertools

import keras
import numpy as np
import pytest

from vae_flows.decoders import Cropped, DenseDecoder, GatedConvDecoder, ResNetDecoder
from vae_flows.densities import Bernoulli, Conditional, StandardNormal
from vae_flows.encoders import DenseEncoder, GatedConvEncoder, Padded, ResNetEncoder
from vae_flows.flows import GatedAutoregressive, ShiftAutoregressive
from vae_flows.iaf import iaf_posterior
from vae_flows.latent_models import VAE

IMAGE, D = (8, 8, 1), 3
ENCODERS = {
    "dense": lambda: DenseEncoder(IMAGE, hidden=(12,), refed=True),
    "resnet": lambda: ResNetEncoder(IMAGE, features=12, filters=4),
    "gated": lambda: GatedConvEncoder(IMAGE, features=12, filters=(4,) * 5, kernel=3),
    "padded": lambda: Padded(ResNetEncoder((12, 12, 1), features=12, filters=4), padding=2),
}
DECODERS = {
    "dense": lambda: DenseDecoder(D, image_shape=IMAGE, outputs=1, hidden=(12,), refed=True),
    "resnet": lambda: ResNetDecoder(D, image_shape=IMAGE, outputs=1, filters=4),
    "gated": lambda: GatedConvDecoder(D, image_shape=IMAGE, outputs=1, filters=(4,) * 6, kernel=3),
    "cropped": lambda: Cropped(ResNetDecoder(D, image_shape=(12, 12, 1), outputs=1, filters=4), cropping=2),
}


@pytest.mark.parametrize(("encoder", "decoder"), itertools.product(ENCODERS, DECODERS))
def test_trains_and_samples(encoder, decoder):
    step = ShiftAutoregressive if encoder == "resnet" else GatedAutoregressive
    posterior = iaf_posterior(D, context=12, layers=2, hidden=(8, 8), step_context=6, step=step)
    vae = VAE(
        Conditional(ENCODERS[encoder](), posterior),
        Conditional(DECODERS[decoder](), Bernoulli(IMAGE)),
        StandardNormal(D),
    )
    vae.compile(keras.optimizers.Adam(1e-2))
    x = (np.random.default_rng(0).random((16, *IMAGE)) < 0.2).astype("float32")
    losses = vae.fit(x, batch_size=8, epochs=8, verbose=0).history["neg_elbo"]
    assert losses[-1] < losses[0]
    assert vae.sample(2, [0, 1]).shape == (2, *IMAGE)


def test_paper_s_context_after_the_activation_is_as_wide_as_the_layer():
    posterior = iaf_posterior(D, context=12, layers=1, hidden=(8,), step_context=8, context_after_activation=True)
    assert posterior(np.zeros((2, 12), "float32")).sample(seed=[0, 1]).shape == (2, D)
    with pytest.raises(ValueError, match="must be as wide.*context=6"):
        iaf_posterior(D, context=12, layers=1, hidden=(8,), step_context=6, context_after_activation=True)
