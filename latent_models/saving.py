"""Reading models back from disk."""

import importlib
import json
import zipfile
from pathlib import Path

import keras

__all__ = ["load_model"]


def load_model(path):
    """Reads a model from a `.keras` file.

    Classes of this distribution are imported as the file names them; for classes of your own, import their module first.

    Args:
        path: A `model.keras` written by `training.fit` or `model.save`.

    Returns:
        `ImageModel` with its weights, and its optimizer's settings if it was compiled.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no Keras archive.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No model at {path}. Expected: a .keras file. Give the folder of a finished run.")
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{path} is not a Keras model. Expected: a .keras archive. Received: {error}.") from error
    for module in sorted(_modules(config)):
        if module.split(".")[0] == "vae_flows":
            importlib.import_module(module)
    return keras.saving.load_model(path)


def _modules(config):
    """Every module that a saved configuration names."""
    if isinstance(config, dict):
        own = {config["module"]} if isinstance(config.get("module"), str) else set()
        return own.union(*(_modules(value) for value in config.values()))
    if isinstance(config, list):
        return set().union(*(_modules(value) for value in config))
    return set()
