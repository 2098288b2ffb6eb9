"""One kind of progress bar, for all that takes time."""

import math
import shutil
import sys

import tqdm

__all__ = ["Bar"]

_WIDTH = 100  # columns at most


class Bar(tqdm.tqdm):
    """A labelled bar on stderr that counts whole things, with the time left; none where stderr is no terminal.

    Args:
        label: What is being done.
        total: How many things there are, or None.
        unit: What is counted.
        options: tqdm's.
    """

    def __init__(self, label, *, total, unit="images", **options):
        shown = {
            "bar_format": "{desc}: {percentage:3.0f}%|{bar}| {whole}/{total_fmt} " + unit + " [{elapsed}<{remaining}]"
        }
        columns = min(_WIDTH, shutil.get_terminal_size().columns - 1)
        super().__init__(
            desc=label,
            total=total,
            disable=not sys.stderr.isatty(),
            ncols=columns,
            **{**shown, "smoothing": 0.1, **options},
        )

    @property
    def format_dict(self):
        found = super().format_dict
        done = min(found["n"] or 0, found["total"] or math.inf)  # shares of a batch may add up to a little more
        return {**found, "n": done, "whole": int(done + 1e-6)}
