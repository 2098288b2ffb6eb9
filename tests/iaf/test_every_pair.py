"""The IAF-VAE with every kind of encoder and decoder, on padded images too."""

import keras
import numpy as np
import pytest

from vae_flows.decoders import Cropped, DenseDecoder, GatedConvDecoder, ResNetDecoder
from vae_flows.densities import Bernoulli, Conditional, StandardNormal
from vae_flows.encoders import DenseEncoder, GatedConvEncoder, Padded, ResNetEncoder
from vae_flows.flows import Gated, Shift, premade
from vae_flows.iaf import paper_posterior
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


# Parts meet in the size of what they hand on alone: each in one pair, not sixteen pairs.
@pytest.mark.parametrize(("encoder", "decoder"), zip(ENCODERS, ["resnet", "gated", "cropped", "dense"], strict=True))
def test_trains_and_samples(encoder, decoder):
    element = Shift() if encoder == "resnet" else Gated()
    posterior = paper_posterior(D, context=12, depth=2, width=8, element=element)
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


def test_paper_s_posterior_is_the_premade_one_at_its_sizes():
    posterior = paper_posterior(D, context=12, depth=3, width=8)
    steps = [part for part in posterior.transform.parts if hasattr(part, "made")]
    assert [(step.hidden, step.context, step.element.bias) for step in steps] == [((8, 8), 8, 2.0)] * 3
    assert posterior.base.log_scale_offset == -3.0
    assert posterior.context_network.width == 8


def test_paper_s_context_after_the_activation_is_as_wide_as_the_layer():
    posterior = paper_posterior(D, context=12, depth=1, width=8, context_after_activation=True)
    assert posterior(np.zeros((2, 12), "float32")).sample(seed=[0, 1]).shape == (2, D)
    with pytest.raises(ValueError, match="must be as wide.*context=6"):
        premade.iaf(D, context=12, layers=1, hidden=(8,), step_context=6, context_after_activation=True)
