"""One kind of progress bar, for all that takes time."""

import math
import shutil
import sys
import time

import tqdm

__all__ = ["Bar"]

_WIDTH = 100  # columns at most
_SECONDS = 60.0  # between two lines where there is no terminal


class Bar(tqdm.tqdm):
    """A labelled bar on stderr that counts whole things, with the time left.

    Where stderr is no terminal, as in a job on a cluster or a notebook, a line a minute on stdout instead: nothing where all
    is done within one.

    Args:
        label: What is being done.
        total: How many things there are, or None.
        unit: What is counted.
        options: tqdm's.

    Attributes:
        drawn: Whether there is a bar.
    """

    def __init__(self, label, *, total, unit="images", **options):
        self.drawn = sys.stderr.isatty()
        self._unit, self._told = unit, time.monotonic()
        shown = {
            "bar_format": "{desc}: {percentage:3.0f}%|{bar}| {whole}/{total_fmt} " + unit + " [{elapsed}<{remaining}]"
        }
        columns = min(_WIDTH, shutil.get_terminal_size().columns - 1)
        super().__init__(
            desc=label, total=total, leave=self.drawn, ncols=columns, **{**shown, "smoothing": 0.1, **options}
        )

    @property
    def format_dict(self):
        found = super().format_dict
        done = min(found["n"] or 0, found["total"] or math.inf)  # shares of a batch may add up to a little more
        return {**found, "n": done, "whole": int(done + 1e-6)}

    def display(self, msg=None, pos=None):
        """Draws the bar, or prints a line if it is time; tqdm calls it."""
        if self.drawn:
            return super().display(msg, pos)
        now = time.monotonic()
        if msg is None and now - self._told >= _SECONDS:
            self._told = now
            print(self._line(), flush=True)
        return None

    def _line(self):
        state = self.format_dict
        counted, left = f"{state['whole']:,}", ""
        if self.total is not None:
            counted, left = f"{counted} of {self.total:,}", ", {remaining} left"
        form = f"{{desc}}: {counted} {self._unit}, {{elapsed}} so far{left}{{postfix}}"
        return self.format_meter(**{**state, "bar_format": form, "ncols": None})
