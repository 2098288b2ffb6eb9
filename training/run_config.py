"""The record of a run: every hyperparameter as built, and what it ran on."""

import dataclasses
import importlib.metadata
import platform
import sys

import keras

__all__ = ["run_config"]

_PACKAGES = ("vae-flows", "tensorflow", "keras", "tensorflow-probability", "tensorflow-datasets", "numpy")


def run_config(recipe, *, command_line=None, **about):
    """The contents of `config.json`.

    Args:
        recipe: `Recipe`.
        command_line: Words of the command; those of this process by default.
        about: What else the run is (`preset=`, `dataset=`, `seed=`, ...), in forms that JSON has.

    Returns:
        Dictionary that JSON can hold; `model`, `optimizer` and `preparation` are configurations to rebuild them from.
    """
    built = ("model", "optimizer", "preparation")
    corruption = recipe.corruption and dataclasses.asdict(recipe.corruption)
    return {
        **about,
        "command_line": list(sys.argv if command_line is None else command_line),
        **{field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe) if field.name not in built},
        "corruption": corruption,
        "preparation": recipe.preparation.to_config(),
        "optimizer": keras.saving.serialize_keras_object(recipe.optimizer),
        "model": keras.saving.serialize_keras_object(recipe.model),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _versions():
    """Version of each package that is installed."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
