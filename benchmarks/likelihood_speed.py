"""Speed of the likelihood estimators against the evaluations that they cannot do without, and against TFP.

Run: python -m benchmarks.likelihood_speed

Decoder 50-500-500-784, Bernoulli pixels. What is compared runs in turn, and each figure is the median of such pairs, so a
busy machine slows both sides.
"""

import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.softplus import sum_of_softplus
from vae_flows.estimators import HamiltonianAIS, ImportanceSampling, UnreliableWeights, linear_schedule
from vae_flows.estimators.hmc import standard_normal_log_prob

FEATURES, IMAGES, CHAINS, TEMPERATURES, LEAPFROGS, STEP = 50, 20, 16, 20, 10, 0.02
SAMPLES, CHUNK, PAIRS = 768, 64, 9
EVALUATIONS = TEMPERATURES * LEAPFROGS
SEED = [0, 0]


def network(*widths):
    """Dense layers of these widths, ReLU between them."""
    layers = [keras.layers.Dense(width, "relu") for width in widths[1:-1]] + [keras.layers.Dense(widths[-1])]
    for layer, width in zip(layers, widths[:-1], strict=True):
        layer.build((None, width))
    return layers


def run(layers, values):
    for layer in layers:
        values = layer(values)
    return values


def run_bfloat16(layers, values):
    """The same network with matrix products in bfloat16: float32 out."""
    values = tf.cast(values, tf.bfloat16)
    for layer in layers:
        kernel, bias = (tf.cast(weight, tf.bfloat16) for weight in (layer.kernel, layer.bias))
        values = layer.activation(tf.tensordot(values, kernel, 1) + bias)
    return tf.cast(values, tf.float32)


DECODER, ENCODER = network(FEATURES, 500, 500, 784), network(784, 500, 500, 2 * FEATURES)
X = tf.constant(np.random.default_rng(0).binomial(1, 0.2, (IMAGES, 784)).astype("float32"))


def bernoulli(x, logits):
    return tf.reduce_sum(x * logits, -1) - sum_of_softplus(logits)


class Annealing:
    """From the prior: log p(x | u) + log N(u; 0, I)."""

    features = FEATURES

    def __init__(self, x):
        self.log_target = lambda u: bernoulli(x, run(DECODER, u)) + standard_normal_log_prob(u)


class RoughAnnealing(Annealing):
    """The same with gradients in bfloat16."""

    def __init__(self, x):
        super().__init__(x)
        self.gradient_target = lambda u: bernoulli(x, run_bfloat16(DECODER, u)) + standard_normal_log_prob(u)


def log_weight(x, noise):
    loc, log_scale = tf.split(run(ENCODER, x), 2, -1)
    z = loc + tf.exp(log_scale) * noise
    log_q = standard_normal_log_prob(noise) - tf.reduce_sum(log_scale, -1)
    return bernoulli(x, run(DECODER, z)) + standard_normal_log_prob(z) - log_q


def seconds(function):
    """Seconds by the clock, and of the processor: the second do not see what else the machine is doing."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return np.array([time.perf_counter() - wall, time.process_time() - cpu])


class Compared:
    """Medians over pairs of measured / reference seconds, and of the reference's own."""

    def __init__(self, measured, reference):
        measured(), reference()
        pairs = np.array([(seconds(reference), seconds(measured)) for _ in range(PAIRS)])  # [pair, side, clock]
        self.time = np.median(pairs[:, 1] / pairs[:, 0], 0)
        self.speed = 1.0 / self.time
        self.reference_seconds = np.median(pairs[:, 0, 0])


def show(what, ratios, limit=""):
    print(f"{what:60s} {ratios[0]:5.2f} by the clock, {ratios[1]:5.2f} of the processor   {limit}".rstrip(), flush=True)


def bare_gradients(jit_compile=False):
    """(temperatures x leapfrogs) compiled evaluations of the target and its gradient, one after the other.

    HAIS is given one temperature more, because it makes no transition at the last one: both sides do the same work.
    """

    @tf.function(jit_compile=jit_compile)
    def gradient(u):
        with tf.GradientTape() as tape:
            tape.watch(u)
            value = Annealing(X).log_target(u)
        return value, tape.gradient(value, u)

    u = tf.random.stateless_normal([CHAINS, IMAGES, FEATURES], SEED)
    return lambda: [gradient(u)[1].numpy() for _ in range(EVALUATIONS)]


def hais(annealing=Annealing, leapfrogs=LEAPFROGS, **options):
    settings = {"chains": CHAINS, "leapfrogs": leapfrogs, "step_size": STEP, "tuning": None}
    estimator = HamiltonianAIS(annealing, schedule=linear_schedule(TEMPERATURES + 1), **settings, **options)
    return lambda: estimator(X, seed=SEED)


def tfp_chain(leapfrogs=LEAPFROGS):
    """The same temperatures, leapfrogs and chains by `tfp.mcmc.sample_annealed_importance_chain`."""

    def kernel(target):
        return tfp.mcmc.HamiltonianMonteCarlo(target, step_size=STEP, num_leapfrog_steps=leapfrogs)

    @tf.function
    def chain(u):
        return tfp.mcmc.sample_annealed_importance_chain(
            num_steps=TEMPERATURES,
            proposal_log_prob_fn=standard_normal_log_prob,
            target_log_prob_fn=Annealing(X).log_target,
            current_state=u,
            make_kernel_fn=kernel,
            seed=SEED,
        )[1]

    u = tf.random.stateless_normal([CHAINS, IMAGES, FEATURES], SEED)
    return lambda: chain(u).numpy()


def bare_decoder(likelihood):
    """As many decoder evaluations as there are samples, in the same chunks."""

    @tf.function
    def decode(z):
        logits = run(DECODER, z)
        return tf.reduce_sum(bernoulli(X, logits)) if likelihood else tf.reduce_sum(logits[..., 0])

    z = tf.random.stateless_normal([CHUNK, IMAGES, FEATURES], SEED)
    return lambda: [decode(z).numpy() for _ in range(SAMPLES // CHUNK)]


def importance(**options):
    estimator = ImportanceSampling(log_weight, features=FEATURES, samples=SAMPLES, chunk=CHUNK, **options)
    return lambda: estimator(X, seed=SEED)


def main():
    warnings.simplefilter("ignore", UnreliableWeights)  # the networks are not trained
    found = Compared(hais(), bare_gradients())
    print(f"bare gradient of {IMAGES} images x {CHAINS} chains: {1e3 * found.reference_seconds / EVALUATIONS:.2f} ms")
    show("(a) time: HAIS / (temperatures x leapfrogs) bare gradients", found.time, "must be <= 1.15")
    show("    both compiled by XLA", Compared(hais(jit_compile=True), bare_gradients(True)).time)
    show("    HAIS with XLA / without", Compared(hais(jit_compile=True), hais()).time)
    show("    HAIS with bfloat16 gradients / without", Compared(hais(RoughAnnealing), hais()).time)
    found = Compared(importance(), bare_decoder(likelihood=False))
    print(f"bare decoder: {IMAGES * SAMPLES / found.reference_seconds:,.0f} samples/s")
    show("(b) speed: importance sampling / bare decoder", found.speed, "must be >= 0.80")
    show("    / decoder with log p(x|z)", Compared(importance(), bare_decoder(likelihood=True)).speed)
    show("    importance sampling with XLA / without", Compared(importance(jit_compile=True), importance()).speed)
    for leapfrogs in (LEAPFROGS, 1):
        found = Compared(hais(leapfrogs=leapfrogs), tfp_chain(leapfrogs))
        show(f"(c) time: HAIS / tfp.mcmc's chain, leapfrogs = {leapfrogs}", found.time)


if __name__ == "__main__":
    main()
