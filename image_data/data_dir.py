"""Finds what is prepared in a TFDS data directory, and refuses directories that hold something else."""

import pathlib

from tensorflow_datasets.core.constants import DATA_DIR

__all__ = ["find_prepared", "is_prepared", "refuse_foreign"]

_DESCRIPTION = "dataset_info.json"


def find_prepared(name, data_dir=None):
    """The directory of the newest prepared version of the set `name`, or None.

    Args:
        name: As TFDS writes it: "mnist", "mnist:3.0.1", "emnist/letters".
        data_dir: The directory with one folder for each set. None: TFDS's own choice.
    """
    base, _, version = name.partition(":")
    found = [path.parent for path in (_root(data_dir) / base).glob(f"{version or '*'}/{_DESCRIPTION}")]
    return max(
        found, key=lambda path: [int(part) if part.isdigit() else -1 for part in path.name.split(".")], default=None
    )


def is_prepared(directory):
    """Whether `directory` holds one version of a set, prepared by TFDS."""
    return (pathlib.Path(directory) / _DESCRIPTION).exists()


def refuse_foreign(name, data_dir=None):
    """Refuses to download the set `name` to a directory where that would be wrong.

    Raises:
        NotADirectoryError: if `data_dir` is a file.
        FileExistsError: if it is itself the folder of a set, holds files that are no TFDS sets, or holds the set damaged.
    """
    root = _root(data_dir)
    if not root.exists():
        return
    if not root.is_dir():
        raise NotADirectoryError(
            f"The data directory must be a directory. Received: the file {root}. Give another --data-dir."
        )
    set_name = name.partition(":")[0].partition("/")[0]
    if (root / _DESCRIPTION).exists() or root.name == set_name and any(root.glob(f"*/{_DESCRIPTION}")):
        parent = root.parent if root.name == set_name else root.parent.parent
        raise FileExistsError(
            f"The data directory is the folder of one set. Expected the directory that holds it. Received: {root}. "
            f"Use --data-dir {parent}."
        )
    folder = root / name.partition(":")[0]
    if folder.is_dir() and any(path.name[0].isdigit() and ".incomplete" not in path.name for path in folder.iterdir()):
        raise FileExistsError(
            f"The folder {folder} holds no prepared data set. Expected {_DESCRIPTION} in a folder named by its version. "
            f"Received: {_listing(folder)}. Delete it to have {name} prepared anew, or give another --data-dir."
        )
    if any(root.iterdir()) and not _holds_sets(root):
        raise FileExistsError(
            f"The data directory {root} holds something else. Expected a new or empty directory, or one with TFDS sets. "
            f"Received: {_listing(root)}. Give another --data-dir."
        )


def _root(data_dir):
    return pathlib.Path(DATA_DIR if data_dir is None else data_dir).expanduser()


def _holds_sets(root):
    """Whether TFDS has been at work here."""
    patterns = (f"*/*/{_DESCRIPTION}", f"*/*/*/{_DESCRIPTION}", "downloads", "*/*.incomplete*", "*/*/*.incomplete*")
    return any(next(root.glob(pattern), None) is not None for pattern in patterns)


def _listing(folder):
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
