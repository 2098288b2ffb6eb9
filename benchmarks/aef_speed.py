"""How fast an autoencoding flow trains beside the equal VAE without flows, and how fast it draws images.

Run: python -m benchmarks.aef_speed

Small convolutional networks on images of 28 x 28, latent 32, batch 128, Adam with clipped gradients; the flow's core is the
centre, its core and prior are masked autoregressive flows (4 steps of width 256 with 2 residual blocks). Both models take
turns, and the ratio is the median of such pairs, so a busy machine slows both sides.
"""

import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

from benchmarks.steps import seconds, training_step
from vae_flows.aef import AutoencodingFlow, centre
from vae_flows.decoders import StridedDecoder
from vae_flows.densities import Conditional, DiagonalNormal, FixedScaleGaussian, StandardNormal
from vae_flows.encoders import StridedEncoder
from vae_flows.flows import ActivationNormalisedPixels, LogitPixels, TransformedPixels, premade
from vae_flows.latent_models import VAE
from vae_flows.training import Adam

LATENT, BATCH, IMAGE = 32, 128, (28, 28, 1)
STEPS, PAIRS, SAMPLES = 6, 15, 1000
LEAST_RATIO, MOST_SECONDS = 0.7, 2.0
X = tf.constant(np.random.default_rng(0).uniform(size=(BATCH, *IMAGE)), tf.float32)


def parts(wrap):
    """Encoder and decoder, and the transforms of the pixels; `wrap` makes of the law and these the decoder's law."""
    network = StridedEncoder(IMAGE)
    encoder = Conditional(network, DiagonalNormal(LATENT, context=network.features))
    transforms = [LogitPixels(alpha=1e-6), ActivationNormalisedPixels(IMAGE[-1])]
    law = wrap(FixedScaleGaussian(IMAGE), transforms)
    return encoder, Conditional(StridedDecoder(LATENT, image_shape=IMAGE, outputs=law.context), law), transforms


def autoencoding_flow():
    encoder, decoder, transforms = parts(lambda law, transforms: law)
    core, prior = (premade.maf(LATENT, normalised=True) for _ in range(2))
    mask = centre(IMAGE, features=LATENT)
    return AutoencodingFlow(encoder, decoder, prior, core=core, mask=mask, transforms=transforms)


def main():
    encoder, decoder, _ = parts(TransformedPixels)
    model = autoencoding_flow()
    models = (VAE(encoder, decoder, StandardNormal(LATENT)), model)
    steps = [training_step(each, Adam(1e-3, global_clipnorm=200.0), X) for each in models]
    for step in steps:
        step()
    pairs = [[seconds(step, STEPS) for step in steps] for _ in range(PAIRS)]
    for name, each in zip(("VAE", "AEF, centre"), zip(*pairs, strict=True), strict=True):
        print(f"{name:12} {BATCH / statistics.median(each):8,.0f} images/s")
    ratio = statistics.median(vae / flow for vae, flow in pairs)
    print(f"ratio        {ratio:8.2f}   (must be >= {LEAST_RATIO})")
    draw = tf.function(lambda seed: model.sample(SAMPLES, seed), autograph=False)
    draw(tf.constant([0, 0]))
    began = time.perf_counter()
    draw(tf.constant([0, 1]))
    took = time.perf_counter() - began
    print(f"{SAMPLES:,} samples {took:6.2f} s   (must be <= {MOST_SECONDS})")


if __name__ == "__main__":
    main()
