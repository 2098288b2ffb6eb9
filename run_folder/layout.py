"""Names of the files of a run."""

import fnmatch
import os
import pathlib
import shlex
import sys
import tempfile

from vae_flows.run_folder.atomic import read_json
from vae_flows.run_folder.configuration import check_config

__all__ = ["RunFolder"]


class RunFolder:
    """The folder of one run; the place of each file is an attribute.

    Constructing it touches no disk: `RunFolder.create` begins a run, `RunFolder.open` takes up one that was begun.

    Args:
        path: The folder.

    Example:
        >>> RunFolder("runs/quickstart").results.name
        'results.json'
    """

    def __init__(self, path):
        self.path = path = pathlib.Path(path)
        self.config = path / "config.json"  # what the run is: every hyperparameter, the data, the seed, versions
        self.log = path / "log.txt"  # what was printed
        self.tensorboard = path / "tensorboard"
        self.checkpoints = path / "checkpoints"  # the states from which the run resumes exactly
        self.progress = path / "progress.json"  # the step up to which it was saved
        self.model = path / "model.keras"  # with the best validation weights
        self.saved_model = path / "saved_model"
        self.figures = path / "figures"
        self.results = path / "results.json"
        self.test_images = path / "test_images.npz"  # the bound and the log-likelihoods of each test image
        self.report = path / "report.html"

    @property
    def resume_command(self):
        """What to type to go on with the run: by the script that is running, if one is."""
        script = sys.argv[0] if sys.argv[0].endswith("run_script.py") else "run_script.py"
        return f"python {shlex.quote(script)} --out {shlex.quote(str(self.path))} --resume"

    def trained_since(self, steps):
        """Step that training has come to, on from a model of `steps` or begun again; None if it has not, or is unknown."""
        try:
            step = int(read_json(self.progress)["step"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return None if step == steps else step

    @classmethod
    def create(cls, path):
        """Makes the folder `path` ready for a new run, with its folders for checkpoints, figures and TensorBoard.

        Raises:
            OSError: as `check_new` does, and if it cannot be made or written.
        """
        run = cls(path)
        run.check_new()
        try:
            for folder in (run.path, run.tensorboard, run.checkpoints, run.figures):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=run.path):
                pass
        except OSError as error:
            raise _unwritable(run.path, os.strerror(error.errno)) from error
        return run

    @classmethod
    def open(cls, path, *, keys=()):
        """The run in the folder `path`, whose config.json has these keys.

        Raises:
            FileNotFoundError: if there is none.
            OSError: if a link in it leads out of it: what a run of somebody else's names is not to be read or written.
            ValueError: if its config.json is damaged or lacks a key.
        """
        run = cls(path)
        if not run.config.is_file():
            raise FileNotFoundError(
                f"There is no run in {run.path}. Expected a folder with config.json, of a run begun."
            )
        for entry in run.path.rglob("*"):
            if entry.is_symlink() and not entry.resolve().is_relative_to(run.path.resolve()):
                raise OSError(
                    f"A link leads out of the run {run.path}. Expected the run's own files. Received: {entry}. "
                    "Put a copy of what it leads to in its place."
                )
        check_config(read_json(run.config), keys=keys, name=run.config)
        return run

    def check_new(self):
        """Refuses a folder in which no run can begin, without touching it.

        Raises:
            OSError: if it holds a run, holds something else, is a file, nothing can be written there, or nothing that
                TensorFlow wrote there could be read again.
        """
        if not fnmatch.fnmatchcase(str(self.path), str(self.path)):
            raise OSError(
                f"The folder {self.path} cannot hold a run. Expected a path without [...], which TensorFlow takes for a "
                "pattern when it reads a checkpoint. Choose another --out."
            )
        above = next(entry for entry in (self.path, *self.path.absolute().parents) if entry.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise _unwritable(self.path, f"{above}, {'which is read-only' if above.is_dir() else 'which is a file'}")
        if any(entry.is_file() for entry in self.path.rglob("*")):  # empty folders are what a kill left of a beginning
            found = sorted(entry.name for entry in self.path.iterdir())
            run = self.config.exists()
            raise FileExistsError(
                f"The folder {self.path} {'already holds a run' if run else 'holds something else'}. Expected a new or an "
                f"empty folder. Received: {', '.join(found[:3])}{' and more' if len(found) > 3 else ''}. "
                f"{'Continue that run with --resume, or choose' if run else 'Choose'} another --out."
            )


def _unwritable(path, reason):
    return OSError(
        f"The folder {path} cannot be written. Expected a place for the run's files. Received: {reason}. "
        "Choose another --out."
    )
