"""A run from its beginning, or from where it was left, to its report."""

import contextlib
import dataclasses
import functools
import io
import math
import os
import pathlib
import sys
import time

from vae_flows import image_data, reports, training
from vae_flows.experiment.hyperparameters import completed, keywords, text
from vae_flows.experiment.lengths import tell_of_schedules
from vae_flows.experiment.presets import find
from vae_flows.experiment.resuming import changes, named, steps_taken
from vae_flows.run_folder import RunFolder, as_json, import_file, quiet_import, read_json, write_json

__all__ = ["Run", "begin", "hushed", "resume", "run", "take_up"]

_IMAGES = ("data_dir", "image_size", "pixel_limit", "skip_unreadable")
_KEYS = ("preset", "preset_file", "hyperparameters", "seed", "dataset", *_IMAGES, "data", "batch")
_KEYS += ("epochs", "steps", "test_images", "versions")
_OPTIONS = ("preset", "presets", "dataset", *_IMAGES, "out", "epochs", "steps", "test_images", "seed", "restart")


@dataclasses.dataclass(eq=False)
class Run:
    """A run that is ready to be carried out: `with run.recorded(): run.train(); run.report()`.

    Attributes:
        folder: `RunFolder`.
        config: Contents of its config.json, which say what the run is.
        recipe: `training.Recipe`; after `train` its model has the best validation weights.
        data: `ImageSet`.
        overrides: {name: text} of the preset's hyperparameters that are not its defaults.
        resumed: Whether it goes on from the folder's checkpoints.
        restart: Whether it begins again if these are lost.
        changed: Whether config.json is to be written anew, once that training can go on.
        outcome: `training.Outcome`, after `train`.
        results: Contents of results.json, after `report`.
    """

    folder: RunFolder
    config: dict
    recipe: object
    data: object
    overrides: dict
    resumed: bool = False
    restart: bool = False
    changed: bool = False
    outcome: object = None
    results: dict | None = None

    @contextlib.contextmanager
    def recorded(self, *, quiet=False):
        """Context in which everything printed goes to the run's log too; with `quiet`, all but warnings to the log alone."""
        try:
            with hushed(quiet), training.recorded(self.folder.log, bars=not quiet):
                yield
        except KeyboardInterrupt:
            print(f"Go on with: {self.folder.resume_command}", flush=True)
            raise
        except Exception as error:
            with contextlib.suppress(OSError), self.folder.log.open("a", encoding="utf-8") as log:
                log.write(f"{type(error).__name__}: {error}\n")
            raise

    def train(self):
        """Trains, writes `model.keras` and exports it."""
        recipe, seed, shape = self.recipe, self.config["seed"], " x ".join(map(str, self.data.spec.shape))
        print(f"{self.config['preset']}: {self.data.train.count:,} training images of {shape}, seed {seed}")
        how = {"steps": self.config["steps"], "resume": self.resumed, "restart": self.restart, "began": self._note}
        if not self.resumed:
            self._log()
        try:
            self.outcome = training.fit(recipe, self.data, self.folder, seed=seed, **how)
        except KeyboardInterrupt:
            self._log()
            raise
        self._log()
        training.export(recipe.model, recipe.preparation, self.folder.saved_model)

    def _note(self, step):
        """Keeps what was changed of a run that goes on, now that it can."""
        if self.changed:
            self.config["history"][-1]["step"] = step
            write_json(self.folder.config, self.config)

    def _log(self):
        """Tells TensorBoard what the run is and how many epochs it has had."""
        recipe = self.recipe
        epochs = int(recipe.optimizer.iterations) / (self.data.train.count // recipe.batch)
        about = {"latent": recipe.model.latent_features, "epochs": round(epochs, 2), "overrides": self.overrides}
        training.log_hyperparameters(self.folder.tensorboard, self.config, **about)

    def report(self):
        """Writes figures, results and the page, and makes the further estimates that the preset asks for.

        Returns:
            The page's place, and in a second line the figure to believe.
        """
        recipe, config, outcome = self.recipe, self.config, self.outcome
        subject = reports.Subject(recipe.model, self.data, recipe.preparation, seed=config["seed"])
        judged = reports.FinishedRun.trained(self.folder, subject)
        training_was = {name: getattr(outcome, name) for name in ("seconds", "images_per_second", "best_step")}
        methods = () if config["steps"] else recipe.evaluation  # a training cut short is a trial
        further = [method for method in methods if method not in ("exact", "importance")]
        test_images, steps = config["test_images"], outcome.steps
        reports.write_report(judged, training=training_was, steps=steps, test_images=test_images, further=further)
        self.results = judged.results
        return f"Report: {self.folder.report}\n{reports.headline(self.results)}"


def run(preset, *, quiet=False, **options):
    """Trains, judges and exports a preset.

    Args:
        preset: A function `preset(data, *, latent=20, ...)`, "FILE.py:FUNCTION", or a name in `presets=`, a `catalogue`.
        quiet: Whether nothing is printed but warnings; the log has it all.
        options: Those of the command line, `dataset=` (also an `ImageSet`), `data_dir=`, `out=`, `steps=`, ...; all others
            are keyword arguments of the preset, `latent=40`.

    Returns:
        The `Run`, with its `results`, its `folder`, and the trained model as `recipe.model`.

    Raises:
        ValueError, OSError: if the preset, an argument, the data or the folder cannot be used; nothing is written then.
        training.TrainingStopped: if the training cannot go on.
    """
    return _carried_out(begin, preset, options, quiet=quiet)


def resume(out, *, quiet=False, restart=False, **options):
    """Goes on with the run in the folder `out`, which is what its config.json says, and returns the `Run`.

    Said beside it, `epochs=`, `steps=` and `test_images=` may grow and `learning_rate=` change; a training that was left may
    end where it is, by `steps=`. All else must be what it was.
    A preset's function and an `ImageSet`, which no file holds, are to be given again. With `restart` a run whose checkpoints
    are all lost begins again at step 0.

    Raises:
        OSError: if there is no run, or its checkpoints are lost.
        ValueError: if it would become another run, naming what it was and what was asked for; nothing is written then.
    """
    return _carried_out(take_up, out, {**options, "restart": restart}, quiet=quiet)


def begin(preset, *, presets=None, dataset=None, out=None, seed=0, hyperparameters=None, **said):
    """The `Run` that `run` carries out, begun with its config.json; nothing is written unless all is right."""
    preset, given = find(preset, presets), hyperparameters or {}
    if said.get("epochs") and "epochs" in keywords(preset.build):
        given = {"epochs": said["epochs"], **given}  # schedules over all epochs are to end with them
    arguments = completed(preset.build, given)
    folder = RunFolder(out or pathlib.Path("runs", preset.name, time.strftime("%Y-%m-%d_%H-%M-%S")))
    folder.check_new()
    nothing = dict.fromkeys(("dataset", *_IMAGES, "epochs", "steps", "test_images"))
    about = {"preset": preset.name, "preset_file": preset.file, "hyperparameters": arguments, "seed": seed}
    about |= {**nothing, **said, **_place(dataset or preset.dataset, said.get("data_dir"))}
    print(f"{preset.name} on {about['dataset']}, in {folder.path}", flush=True)
    begun = _built(folder, preset, about, dataset)
    if _loses_tones(begun.recipe.preparation, begun.data):
        print(
            f"{begun.data.name} is binarised: each pixel is drawn black or white with the probability of its brightness. To "
            "model grey levels and colours choose another preset of --list: mnist_grey for any size, cifar10_vae, ...",
            flush=True,
        )
    RunFolder.create(folder.path)
    write_json(folder.config, begun.config)
    return begun


def take_up(out, *, preset=None, presets=None, dataset=None, hyperparameters=None, restart=False, **said):
    """The `Run` that `resume` carries out; its training has config.json note what is changed."""
    folder = RunFolder.open(out, keys=_KEYS)
    begun = read_json(folder.config)
    record, endless = begun["preset_file"], {"steps": None} if "epochs" in said else {}
    wanted = {**begun, **endless, **said, **_place(dataset, said.get("data_dir")), **named(preset, record)}
    may = functools.partial(changes, begun, taken=steps_taken(folder))
    may(as_json(wanted))
    print(f"{begun['preset']} on {begun['dataset']}, resumed in {folder.path}", flush=True)
    if record:
        import_file(**record)
    if preset is None or isinstance(preset, str):
        preset = f"{record['path']}:{begun['preset']}" if record else begun["preset"]
    preset = find(preset, presets)
    wanted["hyperparameters"] = completed(preset.build, {**begun["hyperparameters"], **(hyperparameters or {})})
    may(as_json(wanted))
    taken_up = _built(folder, preset, wanted, dataset)
    taken_up.resumed, taken_up.restart = True, restart
    if changed := may(as_json(taken_up.config)):
        note = {"time": time.strftime("%Y-%m-%d %H:%M:%S"), "command_line": sys.argv, "changes": changed}
        taken_up.config |= {"versions": begun["versions"], "history": [*begun.get("history", []), note]}
        taken_up.changed = True
    return taken_up


def hushed(quiet):
    """Context in which nothing goes to stdout, if `quiet`."""
    return contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext()


def _carried_out(how, what, options, *, quiet):
    own = {name: options.pop(name) for name in _OPTIONS if name in options}
    with hushed(quiet):
        ready = how(what, **own, hyperparameters=options)
    with ready.recorded(quiet=quiet):
        ready.train()
        print(ready.report())
    return ready


def _place(dataset, data_dir):
    """Where images are, as far as it is said, so that it holds from any working directory."""
    place = {} if data_dir is None else {"data_dir": os.path.abspath(os.path.expanduser(data_dir))}
    if isinstance(dataset, str):
        return place | {"dataset": image_data.located(dataset, **place)}
    return place if dataset is None else place | {"dataset": dataset.name}


def _loses_tones(preparation, data):
    """Whether images that are more than black and white, unlike digits, become so."""
    levels, images = data.spec.levels, data.train.images[:1000]
    if not preparation.spec_after(data.spec).levels == 2 < levels:
        return False
    return images.shape[-1] > 1 or ((images > 0.1 * levels) & (images < 0.9 * levels)).mean() > 0.5


def _built(folder, preset, about, dataset):
    """The `Run` that is what `about` says: its images and its recipe, checked; the seed fixes the first weights."""
    quiet_import("tensorflow")
    arguments, seed, steps = about["hyperparameters"], about["seed"], about["steps"] or 0
    where = {name: about[name] for name in _IMAGES}
    in_memory = dataset is not None and not isinstance(dataset, str)
    data = dataset if in_memory else image_data.load(about["dataset"], **where)
    found = image_data.check_fingerprint(data, about.get("data"))
    training.check_batch(data, arguments.get("batch", 1))  # before a preset counts the steps of an epoch
    training.seed_first_weights(seed)
    recipe = preset.build(data, **arguments)
    recipe.model.seed = seed
    recipe.check_data(data)
    reports.check_evaluation(recipe.evaluation)
    epochs = max(about["epochs"] or recipe.epochs, math.ceil(steps / (data.train.count // recipe.batch)))
    recipe = dataclasses.replace(recipe, epochs=epochs, hyperparameters=arguments)
    if not steps:  # a training cut short is a trial
        tell_of_schedules(recipe, epochs * (data.train.count // recipe.batch))
    usual = completed(preset.build, {})
    overrides = {name: text(value) for name, value in arguments.items() if value != usual[name]}
    return Run(folder, training.run_config(recipe, **{**about, "data": found}), recipe, data, overrides)
