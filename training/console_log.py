"""A file of what was printed."""

import contextlib
import re
import sys

__all__ = ["recorded"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def recorded(path, *, bars=True):
    """Context in which everything printed goes to the console and, added at its end, to the file `path`.

    Of a line that is drawn again and again, such as a progress bar, the file gets the last state; colours are left out.
    Without `bars` no bar is drawn on stderr, as if it were no terminal.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.txt"
        >>> with recorded(path):
        ...     print("half", end="\\r")
        ...     print("done")
        half...done
        >>> path.read_text()
        'done\\n'
    """
    stdout, stderr = sys.stdout, sys.stderr
    with open(path, "a", encoding="utf-8") as file:
        tees = _Tee(stdout, file), _Tee(stderr, file, bars=bars)
        sys.stdout, sys.stderr = tees
        try:
            yield
        finally:
            sys.stdout, sys.stderr = stdout, stderr
            for tee in tees:
                tee.finish_line()


class _Tee:
    """A text stream that also fills a file, line by line; all else is the stream's own."""

    def __init__(self, stream, file, *, bars=True):
        self._stream = stream
        self._bars = bars
        self._file = file
        self._line = ""

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def isatty(self):
        return self._bars and self._stream.isatty()

    def write(self, text):
        written = self._stream.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._file.write(_last_state(line) + "\n")
        if lines:
            self._file.flush()
        else:
            self._line = self._line[self._line.rfind("\r", 0, -1) + 1 :]  # earlier states need no memory
        return written

    def record(self, line):
        """Writes a line to the file alone."""
        self._file.write(line + "\n")
        self._file.flush()

    def finish_line(self):
        """Writes a line that has no end yet."""
        if self._line:
            self._file.write(_last_state(self._line) + "\n")
            self._line = ""


def _last_state(line):
    """What a console would show of a line, for text that is drawn over as a whole."""
    states = [state for state in line.split("\r") if state.strip("\b")]
    return _COLOURS.sub("", states[-1]).replace("\b", "").rstrip() if states else ""
