"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

PACKAGES = [f"vae_flows.{init.parent.name}" for init in Path(__file__).parent.parent.glob("*/__init__.py")]
PACKAGES.remove("vae_flows.vae_flows")
MODULES = [
    f"{package}.{info.name}"
    for package in PACKAGES
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__)
    if info.name != "__main__"
]


def namespace():
    """What a reader of an example would have imported: the public names of every package."""
    names = {"tf": tf, "keras": keras, "np": np, "tfd": tfp.distributions, "tfb": tfp.bijectors}
    for package in map(importlib.import_module, PACKAGES):
        names.update({name: getattr(package, name) for name in package.__all__})
    return names


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testmod(module, extraglobs=namespace(), optionflags=flags, verbose=False)
    assert result.failed == 0
