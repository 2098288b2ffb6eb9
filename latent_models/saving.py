"""Reading models back from disk."""

import json
import sys
import zipfile
import zlib
from pathlib import Path

import keras

__all__ = ["load_model"]

_OWN = ("builtins", "keras", "vae_flows")
CONFIG_LIMIT = 100 * 2**20  # bytes; the configuration of a model takes some 20,000


def load_model(path, *, config_limit=CONFIG_LIMIT):
    """Reads a model from a `.keras` file, as `keras.models.load_model` does, after a look at what it is.

    Classes of this package are imported as the file names them; for classes of your own, import their module first. No
    other module is imported: the file may be somebody else's.

    Args:
        path: A `model.keras` written by `training.fit` or `model.save`.
        config_limit: Bytes that its configuration may unpack to.

    Returns:
        `ImageModel` with its weights, and its optimizer's settings if it was compiled.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no Keras archive, its configuration unpacks to more than the limit or names a foreign
            module, or it is damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No model at {path}. Expected: a .keras file. Give the folder of a finished run.")
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo("config.json").file_size  # as declared; zipfile reads no more than that
            if size > config_limit:
                raise ValueError(
                    f"The configuration in {path} is too large. Expected: at most {config_limit:,} bytes. "
                    f"Received: {size:,}. If you trust the file, give a larger `config_limit`."
                )
            config = archive.read("config.json")
        foreign = sorted(set(_modules(json.loads(config))))
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not a Keras model. Expected: a .keras archive. Received: {error}.") from error
    if foreign:
        raise ValueError(
            f"{path} names foreign modules. Expected: those of vae_flows and Keras. Received: {', '.join(foreign)}. "
            "If you trust them, import them first."
        )
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # Keras and HDF5 raise what they like of a damaged file
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"{path} cannot be read. Expected: a model. Received: {reason[:200]}.") from error


def _modules(config):
    """The modules that a configuration names, but for ours, Keras's, and those that are imported."""
    if isinstance(config, dict):
        module = config.get("module")
        known = isinstance(module, str) and (module.split(".")[0] in _OWN or module in sys.modules)
        if module is not None and not known and "class_name" in config:
            yield str(module)
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _modules(part)
