"""A Python file of a user's own, with presets, layers and densities: imported for a run, and again to read what it left."""

import importlib.util
import os
import sys
import traceback
import warnings
import zlib

from vae_flows.run_folder.command_line import quiet_import

__all__ = ["import_file", "import_record"]


def import_file(path, *, checksum=None):
    """The module in the Python file `path`, under the name by which `import` would know it.

    Its folder is put at the end of `sys.path`, so that it finds its neighbours. Its classes that have a Keras configuration
    are registered with Keras, unless they are already: saved models find them.

    Args:
        path: The file.
        checksum: What it was when a run began; if it is another, a warning says so.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if another module has its name, or it raises an error.
    """
    path = os.path.abspath(os.path.expanduser(path))
    folder, name = os.path.split(path.removesuffix(".py"))
    known = sys.modules.get(name)
    if not os.path.isfile(path):
        put_back = "Put it back: the run's config.json records that it was there, as `preset_file`."
        raise FileNotFoundError(
            f"There is no file {path}. Expected the Python file with the preset and its layers. "
            f"{'Check its path.' if checksum is None else put_back}"
        )
    if checksum not in (None, now := import_record(path)["checksum"]):
        warnings.warn(f"{path} has changed since the run began: checksum {checksum} then, {now} now.", stacklevel=2)
    if getattr(known, "__file__", None) == path:
        return known
    if known is not None or name in sys.stdlib_module_names or not name.isidentifier():
        raise ValueError(
            f"The file {path} cannot be imported. Expected a name that no other module has. Received: {name!r}. Rename it."
        )
    print(f"Importing {path}.", flush=True)
    if folder not in sys.path:
        sys.path.append(folder)
    quiet_import("keras")  # which greets, and which the file is sure to import
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1]
        raise ValueError(f"{path}, line {line}: {type(error).__name__}: {error}") from error
    _register(module)
    return module


def import_record(path):
    """{"path", "checksum"} of a file, for a run's config.json: the arguments with which `import_file` imports it again."""
    path = os.path.abspath(os.path.expanduser(path))
    with open(path, "rb") as file:
        return {"path": path, "checksum": f"{zlib.crc32(file.read()):08x}"}


def _register(module):
    """Tells Keras of the module's own classes, which it would otherwise save and not find again."""
    saving = sys.modules["keras"].saving
    for each in list(vars(module).values()):
        own = isinstance(each, type) and each.__module__ == module.__name__ and hasattr(each, "get_config")
        if own and saving.get_registered_name(each) == each.__name__:
            saving.register_keras_serializable(package=module.__name__)(each)
