"""Hierarchies small enough to be built in a second."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.densities import Bernoulli
from vae_flows.nvae_tf import NVAE

IMAGE = (6, 8, 1)


def small_nvae(law=None, **options):
    keras.utils.set_random_seed(0)
    sizes = {"groups": (1, 2), "latent": 2, "channels": 4, "blocks": 1, "block_cells": 1}
    return NVAE(law or Bernoulli(IMAGE), **{**sizes, "encoder_cells": 1, "decoder_cells": 1, **options})


@pytest.fixture(scope="session")
def build():
    return small_nvae


@pytest.fixture(scope="session")
def nvae():
    return small_nvae()


@pytest.fixture(scope="session")
def flow_nvae():
    return small_nvae(flows=1, flows_see_feature=True)


@pytest.fixture(scope="session")
def images():
    return tf.constant(np.random.default_rng(0).integers(0, 2, (4, *IMAGE)), tf.float32)
