"""Files that are either the old ones or the new ones, never something between."""

import contextlib
import json
import math
import os
import pathlib
import re
import shutil

__all__ = ["as_json", "clear_away", "read_json", "replacing", "write_json"]


@contextlib.contextmanager
def replacing(path):
    """Gives a temporary path beside `path`, which takes the place of `path` when the block succeeds.

    Whatever the block makes there, a file or a folder, is put on the disk and replaces what stood at `path` by renaming.
    When the block raises, `path` is as it was before and the temporary one is gone; what a killed process has left is
    cleared away by the next one that writes the same. The temporary name keeps the suffix, which some writers require
    (`model.keras`).

    Args:
        path: Where the result shall stand. Its folder must exist.

    Raises:
        FileNotFoundError: if the block made nothing at the temporary path.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with replacing(folder / "note.txt") as partial:
        ...     _ = partial.write_text("whole")
        >>> [entry.name for entry in folder.iterdir()]
        ['note.txt']
    """
    path = pathlib.Path(path)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    clear_away(path.parent, path.name)
    try:
        yield partial
        if not partial.exists():
            raise FileNotFoundError(f"Nothing was written for {path}. Expected a file or a folder at {partial}.")
        _flush(partial)
        _swap(partial, path)
        _flush_name(path.parent)
    except OSError as error:
        if error.errno:
            error.filename = str(path)  # the system names none where a disk is full
        raise
    finally:
        _remove(partial)


def write_json(path, value):
    """Writes `value` as indented JSON at `path`, replacing atomically what stood there.

    NumPy and TensorFlow scalars and arrays become numbers and lists, paths become strings.

    Args:
        path: The file.
        value: Dictionaries, lists, strings, finite numbers, booleans, None.

    Raises:
        ValueError: if a number is not finite: strict JSON has none, and other programs could not read the file.
        TypeError: if something has no form in JSON.
    """
    try:
        text = json.dumps(value, indent=2, allow_nan=False, default=_plain)
    except ValueError as error:
        raise ValueError(
            f"{pathlib.Path(path).name} cannot be written. Expected finite numbers. "
            f"Received: {error}. Write None for a number that is not known."
        ) from error
    with replacing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def as_json(value):
    """`value` as it is when it has been written as JSON and read: tuples are lists, arrays numbers, paths strings."""
    return json.loads(json.dumps(value, default=_plain))


def read_json(path):
    """The value in the JSON file at `path`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no JSON, naming the file and the place.
    """
    path = pathlib.Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse, parse_float=_finite)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}. Expected the folder of a run, which holds one.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The file {path} is broken. Expected JSON. Received: {error}.") from error


def _refuse(word):
    raise ValueError(f"the number {word}, which JSON has not")


def _finite(digits):
    return float(digits) if math.isfinite(float(digits)) else _refuse(digits)


def _plain(value):
    """JSON's form of a foreign object, told by what it offers, so that no library needs to be imported."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "numpy"):
        value = value.numpy()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"A value has no form in JSON. Received: {value!r} of type {type(value).__name__}.")


def _flush(partial):
    """Puts a file, or a folder with all in it, on the disk before it gets its name: a name without bytes is a broken file."""
    for entry in (partial, *partial.rglob("*")) if partial.is_dir() else (partial,):
        _flush_name(entry)


def _flush_name(path):
    """Puts a file's bytes, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_away(folder, name=None):
    """Removes what dead processes have left half-written in `folder`, and puts back what they had moved aside.

    Args:
        folder: Where they wrote.
        name: What they wrote; None for anything.
    """
    for left in pathlib.Path(folder).glob(".p*-*"):
        found = re.fullmatch(r"\.(partial|previous)-(\d+)-(.*)", left.name)
        if found and name in (None, found[3]) and not _lives(int(found[2])):
            if found[1] == "previous" and not left.with_name(found[3]).exists():
                os.replace(left, left.with_name(found[3]))
            else:
                _remove(left)


def _lives(process):
    """Whether another process of this number runs."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _swap(partial, path):
    """Renames `partial` to `path`. A folder cannot be renamed over a full one: that one steps aside first."""
    if partial.is_file() and not path.is_dir():
        os.replace(partial, path)
        return
    previous = path.with_name(f".previous-{os.getpid()}-{path.name}")
    if path.exists():
        os.replace(path, previous)
    try:
        os.replace(partial, path)
    except OSError:
        if previous.exists():
            os.replace(previous, path)
        raise
    _remove(previous)


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
