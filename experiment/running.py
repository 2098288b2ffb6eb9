"""What happens in a run: training, export, judging, report."""

import contextlib
import dataclasses
import io

from vae_flows import reports, training
from vae_flows.run_folder import RunFolder

__all__ = ["Run", "hushed"]


@dataclasses.dataclass(eq=False)
class Run:
    """A run whose folder and parts are ready to be carried out: `with run.recorded(): run.train(); run.report()`.

    Attributes:
        folder: `RunFolder`.
        config: Contents of its config.json, which say what the run is.
        recipe: `training.Recipe`; after `train` its model has the best validation weights.
        data: `ImageSet`.
        resumed: Whether it goes on from the folder's checkpoints.
        outcome: `training.Outcome`, after `train`.
        results: Contents of results.json, after `report`.
    """

    folder: RunFolder
    config: dict
    recipe: object
    data: object
    resumed: bool = False
    outcome: object = None
    results: dict | None = None

    @contextlib.contextmanager
    def recorded(self, *, quiet=False):
        """Context in which everything printed goes to the run's log too; with `quiet`, to the log alone."""
        try:
            with training.recorded(self.folder.log, quiet=quiet):
                yield
        except KeyboardInterrupt:
            print(f"Go on with: --out {self.folder.path} --resume", flush=True)
            raise
        except Exception as error:
            with self.folder.log.open("a", encoding="utf-8") as log:
                log.write(f"{type(error).__name__}: {error}\n")
            raise

    def train(self):
        """Trains, writes `model.keras` and exports it."""
        recipe, preset, seed = self.recipe, self.config["preset"], self.config["seed"]
        shape = " x ".join(map(str, self.data.spec.shape))
        print(f"{preset}: {self.data.train.count:,} training images of {shape}, seed {seed}")
        steps = self.config["steps"]
        self.outcome = training.fit(recipe, self.data, self.folder, seed=seed, steps=steps, resume=self.resumed)
        training.export(recipe.model, recipe.preparation, self.folder.saved_model)

    def report(self):
        """Writes figures, results and the page, and makes the further estimates that the preset asks for.

        Returns:
            One line with the likelihood and the page's place.
        """
        recipe, config, outcome = self.recipe, self.config, self.outcome
        subject = reports.Subject(recipe.model, self.data, recipe.preparation, seed=config["seed"])
        judged = reports.FinishedRun.trained(self.folder, subject)
        speed = {"seconds": outcome.seconds, "images_per_second": outcome.images_per_second}
        said = reports.write_report(judged, training=speed, steps=outcome.steps, test_images=config["test_images"])
        for method in () if config["steps"] else recipe.evaluation:  # a training cut short is a trial
            if method not in ("exact", "importance"):
                print(reports.judge(judged, method, at_most=config["test_images"]))
        self.results = judged.results
        return f"{said} Report: {self.folder.report}"


def hushed(quiet):
    """Context in which nothing goes to stdout, if `quiet`."""
    return contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext()
