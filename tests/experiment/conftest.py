"""A file of a user's own, with a density and a preset, some images, and a run of that preset."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_flows import experiment

OWN = '''
"""A preset with a density of its own."""

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows import decoders, densities, encoders, image_data, latent_models, training


class LaplacePixels(densities.LazyDistribution):
    """Independent Laplace pixels."""

    levels = None

    def __init__(self, image_shape, **kwargs):
        super().__init__(context=image_shape[-1], **kwargs)
        self.image_shape = tuple(image_shape)
        self.log_scale = self.add_weight(shape=(), initializer="zeros", name="log_scale")

    def given(self, context):
        law = tfp.distributions.Laplace(context, tf.exp(tf.convert_to_tensor(self.log_scale)))
        return tfp.distributions.Independent(law, 3)

    def display(self, distribution):
        return tf.clip_by_value(distribution.mean(), 0.0, 1.0)


def tiny(data, *, latent=1, hidden=(8,), batch=4, learning_rate=1e-2):
    """Laplace pixels"""
    shape = data.spec.shape
    law, encoder = LaplacePixels(shape), encoders.DenseEncoder(shape, hidden=hidden)
    decoder = decoders.DenseDecoder(latent, image_shape=shape, outputs=law.context, hidden=hidden)
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, densities.DiagonalNormal(latent, context=encoder.features)),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(latent),
        ),
        preparation=image_data.Dequantise(),
        optimizer=training.Adam(learning_rate),
        batch=batch,
        epochs=2,
        evaluation={"importance": {"samples": 50}, "hais": {"images": 2, "chains": 2, "temperatures": 8}},
    )
'''


def _forget():
    import keras

    module = sys.modules.pop("own", None)
    if module is not None:
        sys.path.remove(str(Path(module.__file__).parent))
        keras.saving.get_custom_objects().pop("vae_flows>LaplacePixels")


@pytest.fixture
def forget():
    """Makes this process one that has not imported own.py."""
    return _forget


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with `own.py`, `images.npz`, and `run`, an epoch of one with the other."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "own.py").write_text(OWN)
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 1)).astype("uint8")
    np.savez(folder / "images.npz", images=images)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        experiment.run("own.py:tiny", dataset="images.npz", out="run", epochs=1, test_images=3, seed=7, latent="2")
    yield folder
    _forget()


@pytest.fixture
def run(place, tmp_path):
    """A copy of the run, to be changed, seen from a working directory that is not its own."""
    shutil.copytree(place / "run", tmp_path / "run")
    return tmp_path / "run"
