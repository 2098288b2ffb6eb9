"""How fast NVAE trains, how long its first step takes, and how much memory.

Run: python -m benchmarks.nvae_speed [--full]

Small setting: 16 channels, groups (2, 3), batch 16, images of 32 x 32 x 1, spectral regularisation, Adamax. Another code of
the model in TensorFlow trained 10 images/s, the official one in PyTorch, with groups (2, 4) and one cell, 42. `--full` is
the paper's MNIST model. The first step includes the making of the graph.
"""

import os
import resource
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

from vae_flows.densities import Bernoulli
from vae_flows.nvae_tf import NVAE, SpectralRegularisation
from vae_flows.training import Adamax

BATCH, STEPS = 16, 20
X = tf.constant(np.random.default_rng(0).binomial(1, 0.2, (BATCH, 32, 32, 1)), tf.float32)
SMALL = {"groups": (2, 3), "channels": 16}


def training_step(model):
    """One compiled step of Adamax on the batch."""
    model.compile(optimizer=Adamax(1e-3, l2=3e-4, epsilon=1e-3))
    model.optimizer.build(model.trainable_variables)

    @tf.function(autograph=False)
    def step(x):
        return model.train_step(x)["loss"]

    return step


def measured(title, **sizes):
    """Prints the speed of a model with these sizes."""
    model = NVAE(Bernoulli((32, 32, 1)), spectral=SpectralRegularisation(), **sizes)
    step = training_step(model)
    began = time.perf_counter()
    step(X).numpy()
    first = time.perf_counter() - began
    operations = len(step.get_concrete_function(X).graph.get_operations())
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        step(X).numpy()
        seconds.append(time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{title:28} {BATCH / statistics.median(seconds):7.1f} {first:8.1f} {operations:8,} {memory:7.2f} "
        f"{model.count_params():12,}"
    )


def main():
    print(f"{'':28} {'images/s':>7} {'first s':>8} {'nodes':>8} {'GiB':>7} {'weights':>12}")
    if "--full" in sys.argv:
        measured("paper's MNIST model")
        return
    measured("small setting", **SMALL)
    measured("small setting, recomputed", **SMALL, recompute=True)
    measured("small setting, one cell", **SMALL, encoder_cells=1, decoder_cells=1)


if __name__ == "__main__":
    main()
