"""A file of arrays that is whole or set aside."""

import os
import pathlib

import numpy as np

from vae_flows.run_folder.atomic import replacing

__all__ = ["ArrayFile"]


class ArrayFile:
    """Arrays by name in an .npz file, which need not be there yet.

    Args:
        path: The file.

    Example:
        >>> import tempfile
        >>> file = ArrayFile(pathlib.Path(tempfile.mkdtemp()) / "kept" / "values.npz")
        >>> file.write({"values": np.arange(3)})
        >>> file.read(lambda arrays: arrays["values"].tolist())
        [0, 1, 2]
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def __str__(self):
        return str(self.path)

    def read(self, parse):
        """`parse` of {name: array}; None without a file, and of a damaged one, which is set aside and told.

        Args:
            parse: Called with the arrays; whatever it raises, the file is damaged.
        """
        try:
            with np.load(self.path) as arrays:
                return parse(dict(arrays))
        except (FileNotFoundError, PermissionError) as error:
            if isinstance(error, FileNotFoundError):
                return None
            raise
        except Exception as error:  # zipfile and NumPy raise what they like of a damaged file
            reason = (str(error).split("\n")[0] or type(error).__name__).rstrip(".")
            os.replace(self.path, self.path.with_name(f"unreadable-{self.path.name}"))
            print(
                f"Warning: {self.path} cannot be read ({reason}). It is set aside; its part is computed again.",
                flush=True,
            )
            return None

    def write(self, arrays):
        """Puts {name: array} in the file's place."""
        self.path.parent.mkdir(exist_ok=True)
        with replacing(self.path) as partial, partial.open("wb") as stream:
            np.savez(stream, **arrays)
