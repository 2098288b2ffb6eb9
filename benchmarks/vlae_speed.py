"""What refining a posterior costs beside the plain VAE of the same networks: in training, and in importance sampling.

Run: python -m benchmarks.vlae_speed

Dense 500-500, latent 50, Gaussian pixels of 28 x 28 with one learned scale. Training: batch 128, Adam. Sampling: one image,
5,000 samples. Every model takes turns with the VAE, and each ratio is the median of such pairs, so a busy machine slows both
sides.
"""

import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf

from benchmarks.steps import seconds, training_step
from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Conditional, DiagonalNormal, SharedScaleGaussian, StandardNormal
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import premade
from vae_flows.latent_models import VAE, Iwae
from vae_flows.training import Adam
from vae_flows.vlae import Laplace, SemiAmortised

LATENT, BATCH, SAMPLES, IMAGE = 50, 128, 5000, (28, 28, 1)
PAIRS = 15
LEAST = {"VLAE": (1 / 20, 0.7)}  # of the VAE's speed: training, sampling
X = tf.constant(np.random.default_rng(0).normal(size=(BATCH, *IMAGE)), tf.float32)


def vae(posterior=None, policy="float32", **options):
    keras.config.set_dtype_policy(policy)
    encoder, law = DenseEncoder(IMAGE), SharedScaleGaussian(IMAGE)
    posterior = posterior or DiagonalNormal(LATENT, context=encoder.features)
    decoder = Conditional(DenseDecoder(LATENT, image_shape=IMAGE, outputs=law.context), law)
    model = VAE(Conditional(encoder, posterior), decoder, StandardNormal(LATENT), **options)
    keras.config.set_dtype_policy("float32")
    return model


MODELS = {
    "VLAE": lambda: vae(refine=Laplace()),
    "VLAE, gradient of last step": lambda: vae(refine=Laplace(through=False)),
    "VLAE, each step factored": lambda: vae(refine=Laplace(iterations=None)),
    "VLAE, mixed precision": lambda: vae(refine=Laplace(), policy="mixed_bfloat16"),
    "SA-VAE": lambda: vae(refine=SemiAmortised()),
    "Householder x4": lambda: vae(premade.householder(LATENT, context=500, layers=4)),
    "IAF 4 x 500": lambda: vae(premade.iaf(LATENT, context=500, layers=4, hidden=(500,))),
    "IWAE, 10 samples": lambda: vae(objective=Iwae(10)),
}


def training(model):
    """One compiled step on the batch."""
    return training_step(model, Adam(5e-4), X)


def sampling(model):
    """5,000 log-weights of one image."""
    return tf.function(lambda: model.log_weights(X[:1], SAMPLES, 0), autograph=False)


def compared(step, reference):
    """Median seconds of a step, and of reference / step over pairs whose sides take about equally long."""
    for each in (step, reference):
        each()
    count = max(1, round(min(seconds(step) for _ in range(3)) / min(seconds(reference) for _ in range(10))))
    pairs = [(seconds(reference, count), seconds(step)) for _ in range(PAIRS)]
    return statistics.median(each for _, each in pairs), statistics.median(a / b for a, b in pairs)


def main():
    references = training(vae()), sampling(vae())
    for reference in references:
        reference()
    units = (
        BATCH / min(seconds(references[0]) for _ in range(20)),
        SAMPLES / min(seconds(references[1]) for _ in range(20)),
    )
    print(f"{'':28} {'images/s':>9} {'ratio':>7} {'samples/s':>10} {'ratio':>7}")
    print(f"{'VAE':28} {units[0]:9,.0f} {'1':>7} {units[1]:10,.0f} {'1':>7}")
    for name, build in MODELS.items():
        model = build()
        each, ratio = compared(training(model), references[0])
        drawn, drawn_ratio = compared(sampling(model), references[1])
        limits = "   (must be >= {:.2f} and {:.1f})".format(*LEAST[name]) if name in LEAST else ""
        print(
            f"{name:28} {BATCH / each:9,.0f} {ratio:7.3f} {SAMPLES / drawn:10,.0f} {drawn_ratio:7.2f}{limits}",
            flush=True,
        )


if __name__ == "__main__":
    main()
