"""Locks on a run's folder: the operating system holds them for a process, and a dead process leaves none behind."""

import contextlib
import pathlib

__all__ = ["results_lock", "training_lock"]


@contextlib.contextmanager
def training_lock(folder):
    """Context in which no other process trains the run in `folder`. Within a process it may be entered again.

    Args:
        folder: The run's folder.

    Raises:
        BlockingIOError: if another process trains it.
        OSError: if the folder cannot be written.
    """
    import filelock

    try:
        with _held(folder, "training", timeout=0):
            yield
    except filelock.Timeout:
        raise BlockingIOError(
            f"The run {folder} is being trained. Expected: one process at a time. Received: a second one. "
            "Wait for the other, or choose another --out."
        ) from None


@contextlib.contextmanager
def results_lock(folder):
    """Context in which no other process writes results of the run in `folder`; waits until another one has done so.

    Args:
        folder: The run's folder.

    Raises:
        OSError: if the folder cannot be written.
    """
    with _held(folder, "results", timeout=-1):
        yield


@contextlib.contextmanager
def _held(folder, purpose, *, timeout):
    import filelock

    path = pathlib.Path(folder) / f".{purpose}.lock"
    lock = filelock.FileLock(path, timeout=timeout, is_singleton=True)  # one in a process: it may be entered again
    try:
        lock.acquire()
    except filelock.Timeout:
        raise
    except OSError as error:
        raise OSError(
            f"The folder {folder} cannot be written. Expected a place for the run's files. Received: {error.strerror}."
        ) from error
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            path.unlink(missing_ok=True)  # while it is held: who waits for it notices, and makes a new one
        lock.release()
