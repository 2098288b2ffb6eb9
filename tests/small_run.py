"""A small run: 43 images of 6 x 6 pixels, 10 steps of 4 images an epoch."""

import keras
import numpy as np
import registry

from vae_flows.image_data import Binarise, GaussianNoise, ImageSet, ImageSpec, Split
from vae_flows.reports import FinishedRun, Subject, write_report
from vae_flows.run_folder import RunFolder, write_json
from vae_flows.training import Recipe, fit, run_config
from vae_flows.training.stopping import Interruption


def data():
    parts = {"train": _split(43, 0), "validation": _split(9, 1), "test": _split(7, 2)}
    return ImageSet(name="ramps", spec=ImageSpec(registry.IMAGE), **parts)


def recipe(name="VAE", *, learning_rate=3e-3, **changes):
    """The same recipe each time it is called, with what is given changed."""
    keras.utils.set_random_seed(0)
    settings = {
        "optimizer": keras.optimizers.Adam(learning_rate),
        "preparation": Binarise(),
        "batch": 4,
        "epochs": 3,
        "checkpoint_every": 3,
        "steps_per_execution": 2,
        "log_every": 4,
    }
    return Recipe(
        model=registry.MODELS[name].build(),
        **{**settings, **changes},
    )


def restoring(path):
    """The finished run, in a new folder, of a model that learned to restore images."""
    folder, images = RunFolder.create(path), data()
    restores = recipe(corruption=GaussianNoise(0.2), evaluation={"importance": {"samples": 5}})
    write_json(folder.config, run_config(restores, preset="small", dataset="ramps", seed=3))
    fit(restores, images, folder, seed=3)
    finished = FinishedRun.trained(folder, Subject(restores.model, images, restores.preparation, seed=3))
    write_report(finished, training={"seconds": 1.0, "images_per_second": 1.0}, steps=30)
    return finished


def stop_once(monkeypatch, hook, step):
    """Ctrl-C at a step of the training."""
    original = getattr(Interruption, hook)

    def stopping(self, *arguments, **given):
        if int(self.model.optimizer.iterations) == step:
            monkeypatch.setattr(Interruption, hook, original)
            self.requested = True
        return original(self, *arguments, **given)

    monkeypatch.setattr(Interruption, hook, stopping)


def _split(count, seed):
    ramp = np.linspace(10, 245, int(np.prod(registry.IMAGE))).reshape(registry.IMAGE)
    noise = np.random.default_rng(seed).integers(-10, 11, (count, *registry.IMAGE))
    return Split((ramp + noise).astype("uint8"))
