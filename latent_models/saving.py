"""Reading models back from disk."""

import zipfile
from pathlib import Path

import keras

__all__ = ["load_model"]

CONFIG_LIMIT = 100 * 2**20  # bytes; the configuration of a model takes some 20,000


def load_model(path, *, config_limit=CONFIG_LIMIT):
    """Reads a model from a `.keras` file, as `keras.models.load_model` does, after a look at what it is.

    Classes of this package are imported as the file names them; for classes of your own, import their module first.

    Args:
        path: A `model.keras` written by `training.fit` or `model.save`.
        config_limit: Bytes that its configuration may unpack to.

    Returns:
        `ImageModel` with its weights, and its optimizer's settings if it was compiled.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no Keras archive, or its configuration unpacks to more than the limit.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No model at {path}. Expected: a .keras file. Give the folder of a finished run.")
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo("config.json").file_size  # as declared; zipfile reads no more than that
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{path} is not a Keras model. Expected: a .keras archive. Received: {error}.") from error
    if size > config_limit:
        raise ValueError(
            f"The configuration in {path} is too large. Expected: at most {config_limit:,} bytes. Received: {size:,}. "
            "If you trust the file, give a larger `config_limit`."
        )
    return keras.saving.load_model(path)
