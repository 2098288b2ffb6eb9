"""How fast NVAE trains, how long its first step takes, and how much memory.

Run: python -m benchmarks.nvae_speed [SETTING [BATCH]]

Setting `small`: 16 channels, groups (2, 3), images of 32 x 32 x 1, spectral regularisation, Adamax. Another code of the model
in TensorFlow trained 10 images/s at a batch of 16, the official one in PyTorch, with groups (2, 4) and one cell, 42. The
first step includes the making of the graph; the memory is the process's largest, and its growth with the batch that of the
activations. Each setting has a process of its own.
"""

import os
import resource
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

from benchmarks.steps import training_step
from vae_flows.densities import Bernoulli
from vae_flows.nvae_tf import NVAE, SpectralRegularisation
from vae_flows.training import Adamax

BATCH, STEPS = 16, 20
SMALL = {"groups": (2, 3), "channels": 16}
ONE_CELL = {"encoder_cells": 1, "decoder_cells": 1}
SETTINGS = {
    "small": SMALL,
    "one-cell": {**SMALL, "groups": (2, 4), **ONE_CELL},
    "recomputed": {**SMALL, "recompute": True},
    "cpu": {"groups": (2, 4), "channels": 16, "block_cells": 1, **ONE_CELL},  # preset mnist_nvae_small
    "paper": {},  # preset mnist_nvae
}


def measured(setting, batch):
    """Prints the speed of a setting."""
    x = tf.constant(np.random.default_rng(0).binomial(1, 0.2, (batch, 32, 32, 1)), tf.float32)
    model = NVAE(Bernoulli((32, 32, 1)), spectral=SpectralRegularisation(), **SETTINGS[setting])
    step = training_step(model, Adamax(1e-3, l2=3e-4, epsilon=1e-3), x)
    began = time.perf_counter()
    step().numpy()
    first = time.perf_counter() - began
    operations = len(step.get_concrete_function().graph.get_operations())
    seconds = []
    for _ in range(STEPS):
        began = time.perf_counter()
        step().numpy()
        seconds.append(time.perf_counter() - began)
    speed = batch / statistics.median(seconds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{setting:12} {batch:5} {speed:9.1f} {first:8.1f} {operations:8,} {memory:6.2f} {model.count_params():12,}")


def main():
    if len(sys.argv) > 1:
        measured(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else BATCH)
        return
    print(
        f"{'setting':12} {'batch':>5} {'images/s':>9} {'first s':>8} {'nodes':>8} {'GiB':>6} {'weights':>12}",
        flush=True,
    )
    for setting, batch in [
        ("small", 16),
        ("small", 64),
        ("recomputed", 16),
        ("recomputed", 64),
        ("one-cell", 16),
        ("cpu", 100),
        ("paper", 16),
    ]:
        subprocess.run([sys.executable, "-m", "benchmarks.nvae_speed", setting, str(batch)], stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
