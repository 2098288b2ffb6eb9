"""Names of the files of a run."""

import dataclasses
import os
import pathlib
import tempfile

from vae_flows.run_folder.atomic import read_json, write_json

__all__ = ["RunFolder"]

_NAMES = {
    "config": "config.json",
    "log": "log.txt",
    "tensorboard": "tensorboard",
    "checkpoints": "checkpoints",
    "model": "model.keras",
    "saved_model": "saved_model",
    "figures": "figures",
    "results": "results.json",
    "test_images": "test_images.npz",
    "report": "report.html",
}


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The folder of one run; every file's place is a property.

    Constructing it touches no disk: use `RunFolder.create` to begin or continue a run, `RunFolder.open` to read one.

    Args:
        path: The folder.

    Example:
        >>> RunFolder("runs/quickstart").results.name
        'results.json'
    """

    path: pathlib.Path

    def __post_init__(self):
        object.__setattr__(self, "path", pathlib.Path(self.path))

    @classmethod
    def create(cls, path, *, resume=False):
        """Makes the folder `path` ready for a run.

        Args:
            path: A new or empty folder; with `resume`, also one that holds a run.
            resume: Whether a run that is there shall be continued. In a new or empty folder the run starts.

        Returns:
            The `RunFolder`; its folders for checkpoints, figures and TensorBoard exist.

        Raises:
            FileExistsError: if the folder holds a run and `resume` is False, or holds something that is no run.
            OSError: if it cannot be made or written.
            ValueError: if the run that is to be continued has a broken config.json.
        """
        run = cls(path)
        if run.path.exists() and not run.path.is_dir():
            raise FileExistsError(
                f"The run's folder must be a folder. Received: the file {run.path}. Choose another --out."
            )
        found = sorted(entry.name for entry in run.path.iterdir()) if run.path.exists() else []
        if found and not run.holds_run:
            raise FileExistsError(
                f"The folder {run.path} holds something else. Expected a new folder, an empty one or a run. "
                f"Received: {', '.join(found[:3])}{', ...' if len(found) > 3 else ''}. Choose another --out."
            )
        if found and not resume:
            raise FileExistsError(
                f"The folder {run.path} already holds a run. Expected a new or an empty folder. "
                f"Received: {', '.join(found[:3])}{', ...' if len(found) > 3 else ''}. "
                "Continue that run with --resume, or choose another --out."
            )
        run._make_folders()
        if run.config.exists():
            read_json(run.config)
        return run

    @classmethod
    def open(cls, path):
        """The run in the folder `path`.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if its config.json is broken.
        """
        run = cls(path)
        if not run.config.is_file():
            raise FileNotFoundError(
                f"There is no run in {run.path}. Expected a folder with config.json, made by run_script.py."
            )
        read_json(run.config)
        return run

    @property
    def holds_run(self):
        """Whether anything here has the name of a file of a run."""
        return any((self.path / name).exists() for name in _NAMES.values())

    @property
    def config(self):
        """Every hyperparameter as built, the command line, the seed, package versions."""
        return self.path / _NAMES["config"]

    @property
    def log(self):
        """What was printed."""
        return self.path / _NAMES["log"]

    @property
    def tensorboard(self):
        """Folder of TensorBoard's events."""
        return self.path / _NAMES["tensorboard"]

    @property
    def checkpoints(self):
        """Folder of the states from which a run resumes exactly."""
        return self.path / _NAMES["checkpoints"]

    @property
    def model(self):
        """The model with the best validation weights, as Keras writes it."""
        return self.path / _NAMES["model"]

    @property
    def saved_model(self):
        """Folder of the exported model."""
        return self.path / _NAMES["saved_model"]

    @property
    def figures(self):
        """Folder of the pictures."""
        return self.path / _NAMES["figures"]

    @property
    def results(self):
        """The figures of the run."""
        return self.path / _NAMES["results"]

    @property
    def test_images(self):
        """The bound and the log-likelihood of each test image."""
        return self.path / _NAMES["test_images"]

    @property
    def report(self):
        """The self-contained page."""
        return self.path / _NAMES["report"]

    def write_json(self, name, value):
        """Writes the dictionary `value` atomically as the file `name` ("config.json", "results.json")."""
        write_json(self.path / name, value)

    def read_json(self, name):
        """The dictionary in the file `name`."""
        return read_json(self.path / name)

    def _make_folders(self):
        try:
            for folder in (self.path, self.tensorboard, self.checkpoints, self.figures):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise type(error)(
                error.errno,
                f"The folder {self.path} cannot be written. Expected a place for the run's files. "
                f"Received: {os.strerror(error.errno)}. Choose another --out",
            ) from error
