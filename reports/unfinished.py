"""Where an estimate keeps the images that are done, so that an interrupted one goes on when it is asked for again."""

import contextlib
import json
import zlib

__all__ = ["unfinished"]


@contextlib.contextmanager
def unfinished(folder, method, settings):
    """Gives suffix -> file in the run's folder; when the block succeeds, its files are removed.

    The name of a file tells `settings`, so what another setting has left is never taken for this.

    Args:
        folder: `RunFolder`.
        method: Begins the files' names; says of which weights the results are, too.
        settings: Plain values that the result depends on.
    """
    told = json.dumps([method, settings], sort_keys=True)
    mark = zlib.crc32(told.encode())
    place = folder.path / "evaluation"
    place.mkdir(exist_ok=True)
    yield lambda suffix="": place / f"{method}-{mark:08x}{suffix}.npz"
    for file in place.glob(f"{method}-{mark:08x}*.npz"):
        file.unlink()
    with contextlib.suppress(OSError):  # what another method has left stays
        place.rmdir()
