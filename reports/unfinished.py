"""Where a run's estimates keep the images that are done, so that an interrupted one goes on when it is asked for again."""

import contextlib
import json
import re
import zlib

from vae_flows.run_folder.array_file import ArrayFile
from vae_flows.run_folder.atomic import clear_away

__all__ = ["Unfinished"]

_NAME = re.compile(r"(?:unreadable-)?([a-z]+-([0-9a-f]{8})-[0-9a-f]{8}).*\.npz")


class Unfinished:
    """The files of unfinished estimates in a run's folder.

    A file's name tells the weights and the settings, so what others have left is never taken for these.

    Args:
        folder: `RunFolder`.
        weights: Mark of the model's weights, 8 hexadecimal digits.
    """

    def __init__(self, folder, weights):
        self.place = folder.path / "evaluation"
        self.weights = weights
        self._used = set()

    def files(self, method, settings):
        """suffix -> `ArrayFile` for the parts of one estimate.

        Args:
            method: "importance", "hais" or "bidirectional".
            settings: Plain values that the result depends on.
        """
        mark = zlib.crc32(json.dumps([method, settings], sort_keys=True).encode())
        name = f"{method}-{self.weights}-{mark:08x}"
        self._used.add(name)
        return lambda suffix="": ArrayFile(self.place / f"{name}{suffix}.npz")

    def tidy(self):
        """Removes the files that were asked for here, those of other weights, and what killed processes have left."""
        if not self.place.is_dir():
            return
        clear_away(self.place)
        for path in self.place.iterdir():
            name = _NAME.fullmatch(path.name)
            if name and (name[1] in self._used or name[2] != self.weights):
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what another estimate has left stays
            self.place.rmdir()
