"""A run read back from its folder: its model, its data, and how its images were prepared."""

import contextlib
import dataclasses
import functools

from vae_flows.reports.settings import check_evaluation
from vae_flows.run_folder import RunFolder, import_file, read_json
from vae_flows.run_folder.array_file import ArrayFile

__all__ = ["FinishedRun"]

_KEYS = ("preset", "dataset", "seed", "preparation")


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """What a run's folder tells, each part read when it is first asked for.

    Args:
        folder: The `RunFolder`.
        config: Contents of its `config.json`; `preset`, `dataset`, `seed`, `preparation` must be there. What else a run
            has said there of its data, of the file of its preset and of `evaluation` is obeyed.
    """

    folder: RunFolder
    config: dict

    @classmethod
    def open(cls, path):
        """The finished run in the folder `path`.

        Raises:
            FileNotFoundError: if there is no run, or it has no model yet.
            OSError: if a link in its folder leads out of it.
            ValueError: if its `config.json` is damaged or lacks a key.
        """
        folder = RunFolder.open(path, keys=_KEYS)
        if not folder.model.is_file():
            raise FileNotFoundError(
                f"The run {folder.path} has no model yet. Expected {folder.model.name} in it. "
                f"Finish it: {folder.resume_command}. To end its training where it is, add --steps with the steps it has had."
            )
        config = read_json(folder.config)
        check_evaluation(config.get("evaluation", {}))
        run = cls(folder, config)
        run._tell_of_training()
        return run

    def _tell_of_training(self):
        with contextlib.suppress(
            OSError, ValueError, KeyError, TypeError
        ):  # what needs results says what is wrong with them
            steps = self.results["steps"]
            if (step := self.folder.trained_since(steps)) is not None:
                print(
                    f"Warning: {self.folder.path} is in training, at step {step:,}. What follows is of its model of {steps:,} "
                    f"steps; finish it: {self.folder.resume_command}.",
                    flush=True,
                )

    @property
    def seed(self):
        """The run's seed."""
        return int(self.config["seed"])

    @classmethod
    def trained(cls, folder, subject):
        """The run of a model that has just been trained: its `Subject` is in memory."""
        run = cls(folder, read_json(folder.config))
        run.__dict__["subject"] = subject
        return run

    @functools.cached_property
    def subject(self):
        """The `Subject`: model, data and preparation, read when first asked for, and refused if they do not fit."""
        from vae_flows.latent_models import check_images
        from vae_flows.reports.subject import Subject

        check_images(self.model, self.preparation, self.data)
        return Subject(self.model, self.data, self.preparation, seed=self.seed)

    @functools.cached_property
    def unfinished(self):
        """Where estimates of these weights keep what is done."""
        from vae_flows.reports.unfinished import Unfinished

        return Unfinished(self.folder, self.subject.mark)

    @property
    def results(self):
        """Contents of `results.json`, as they are now."""
        if not self.folder.results.is_file():
            raise FileNotFoundError(
                f"The run {self.folder.path} has no {self.folder.results.name}. Expected what it was found to be worth. "
                f"Judge it: {self.folder.resume_command}."
            )
        return read_json(self.folder.results)

    def checked_results(self):
        """The results, refused by an `OSError` if they are of other weights than the model's."""
        if (results := self.results).get("model") != self.subject.mark:
            raise OSError(
                f"{self.folder.results} is of other weights than {self.folder.model.name}. Expected: results of this model. "
                f"Received: those of an earlier one. Finish the run: {self.folder.resume_command}."
            )
        return results

    def keep_values(self, **values):
        """Writes what each test image scored, for comparing models image by image, beside what else is known of them."""
        ArrayFile(self.folder.test_images).write({**self.kept_values(), **values})

    def kept_values(self):
        """What `keep_values` has written: {name: [N]}."""
        return ArrayFile(self.folder.test_images).read(dict) or {}

    @functools.cached_property
    def model(self):
        """The trained model, with its best validation weights; the user's own file that its parts come from is imported."""
        from vae_flows.latent_models import load_model

        if record := self.config.get("preset_file"):
            import_file(**record)
        return load_model(self.folder.model)

    @functools.cached_property
    def data(self):
        """The `ImageSet` that the run was trained on; another one that stands in its place is refused."""
        from vae_flows.image_data import check_fingerprint, load

        where = {name: self.config.get(name) for name in ("data_dir", "image_size", "pixel_limit", "skip_unreadable")}
        data = load(self.config["dataset"], **where)
        check_fingerprint(data, self.config.get("data"))
        return data

    @functools.cached_property
    def preparation(self):
        """How uint8 images become what the model sees."""
        from vae_flows.image_data import Preparation

        return Preparation.from_config(self.config["preparation"])
