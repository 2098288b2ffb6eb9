"""What a flow in the posterior adds to a training step.

Run: python -m benchmarks.flow_speed

Dense encoder and decoder of 2 x 400, latent 20, batch 128, Bernoulli pixels of 28 x 28, Adam. Every flow takes its turn
with the plain Gaussian posterior, and each ratio is the median of such pairs, so a busy machine slows both sides.
"""

import os
import statistics

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf

from benchmarks.steps import seconds, training_step
from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Bernoulli, Conditional, DiagonalNormal, StandardNormal
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import HouseholderBasis, StandardBasis, premade
from vae_flows.latent_models import VAE

LATENT, WIDTH, BATCH, IMAGE = 20, 400, 128, (28, 28, 1)
STEPS, PAIRS = 10, 15
TRIANGULAR = (StandardBasis(), StandardBasis(reverse=True))
LIMITS = {"planar x16": 1.35, "IAF 8 x 320": 2.5}
X = tf.constant(np.random.default_rng(0).binomial(1, 0.2, (BATCH, *IMAGE)), tf.float32)

POSTERIORS = {
    "none": lambda: DiagonalNormal(LATENT, context=WIDTH),
    "planar x16": lambda: premade.planar(LATENT, context=WIDTH),
    "planar x16, context 400": lambda: premade.planar(LATENT, context=WIDTH, step_context=None),
    "radial x16": lambda: premade.radial(LATENT, context=WIDTH),
    "Householder x16": lambda: premade.householder(LATENT, context=WIDTH),
    "NICE x16": lambda: premade.nice(LATENT, context=WIDTH),
    "RealNVP x8": lambda: premade.real_nvp(LATENT, context=WIDTH),
    "spline x4": lambda: premade.neural_spline(LATENT, context=WIDTH),
    "Sylvester orthogonal x4": lambda: premade.sylvester(LATENT, context=WIDTH),
    "Sylvester Householder x4": lambda: premade.sylvester(LATENT, context=WIDTH, bases=[HouseholderBasis(8)]),
    "Sylvester triangular x4": lambda: premade.sylvester(LATENT, context=WIDTH, bases=TRIANGULAR),
    "IAF 8 x 320": lambda: premade.iaf(LATENT, context=WIDTH),
    "IAF 8 x 320-320": lambda: premade.iaf(LATENT, context=WIDTH, hidden=(320, 320)),
}


def step_with(posterior):
    """One compiled step of Adam on the batch."""
    law = Bernoulli(IMAGE)
    model = VAE(
        encoder=Conditional(DenseEncoder(IMAGE, hidden=(WIDTH, WIDTH)), posterior),
        decoder=Conditional(DenseDecoder(LATENT, image_shape=IMAGE, outputs=1, hidden=(WIDTH, WIDTH)), law),
        prior=StandardNormal(LATENT),
    )
    return training_step(model, keras.optimizers.Adam(1e-3), X)


def compared(step, reference):
    """Median over pairs of step / reference seconds, and the median of the step's."""
    step(), reference()
    pairs = [(seconds(reference, STEPS), seconds(step, STEPS)) for _ in range(PAIRS)]
    return statistics.median(b / a for a, b in pairs), statistics.median(b for _, b in pairs)


def main():
    reference = step_with(POSTERIORS["none"]())
    print(f"{'posterior':26} {'images/s':>9} {'ms/step':>8} {'ratio':>6}")
    for name, build in POSTERIORS.items():
        ratio, each = compared(step_with(build()), reference)
        limit = f"   (must be <= {LIMITS[name]})" if name in LIMITS else ""
        print(f"{name:26} {BATCH / each:9,.0f} {1e3 * each:8.2f} {ratio:6.2f}{limit}")


if __name__ == "__main__":
    main()
