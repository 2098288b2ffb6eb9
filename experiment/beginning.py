"""How a run begins, and how one that was begun goes on: all that can be refused is refused before anything is written."""

import dataclasses
import math
import os
import pathlib
import time

from vae_flows import image_data, reports, training
from vae_flows.experiment.hyperparameters import completed
from vae_flows.experiment.presets import find
from vae_flows.experiment.resuming import changes_of, refuse_other_parts, refuse_other_words, refuse_shorter
from vae_flows.experiment.running import Run, hushed
from vae_flows.run_folder import RunFolder, import_again, quiet_import, read_json, write_json

__all__ = ["begin", "resume", "run", "take_up"]

_OPTIONS = ("preset", "presets", "dataset", "data_dir", "image_size", "out", "epochs", "steps", "test_images", "seed")


def run(preset, *, quiet=False, **options):
    """Trains, judges and exports a preset.

    Args:
        preset: A function `preset(data, *, latent=20, ...)`, "FILE.py:FUNCTION", or a name in `presets`.
        quiet: Whether nothing is printed but warnings; the log has it all.
        presets: `catalogue` in which names are looked up.
        dataset: What `image_data.load` takes, or an `ImageSet`; the preset's own by default, or the embedded digits.
        data_dir: Where prepared TFDS data sets are, or go.
        image_size: Side to which images are brought, where they are resized.
        out: New or empty folder; `runs/PRESET/TIME` by default.
        epochs: Instead of the preset's.
        steps: Optimizer steps after which to stop.
        test_images: How many test images are judged, from the first on; all by default.
        seed: Of weights, noise and order of the images; 0 by default.
        options: All others are keyword arguments of the preset: `latent=40`.

    Returns:
        The `Run`, with its `results`, its `folder`, and the trained model as `recipe.model`.

    Raises:
        ValueError: if the preset, one of its arguments, or the data are not there or do not fit.
        OSError: if files are missing, or the folder holds something.
        training.TrainingStopped: if the training cannot go on.
    """
    return _carried_out(begin, preset, quiet=quiet, options=options)


def resume(out, *, quiet=False, **options):
    """Goes on with the run in the folder `out`, which is what its config.json says.

    Args:
        out: The folder.
        quiet: Whether nothing is printed but warnings.
        presets: `catalogue` in which the run's preset is looked up.
        epochs, steps, test_images: More of them.
        learning_rate: Another one from here on, where the preset has such a keyword argument.
        options: All others (`preset=`, `dataset=`, `data_dir=`, `image_size=`, `seed=`, keyword arguments of the preset) must
            be what they were. Needed are only those that no file holds: a `preset` and an `ImageSet` made in a notebook.

    Returns:
        The `Run`.

    Raises:
        FileNotFoundError: if there is no run.
        ValueError: if it would become another run, naming what it was and what was asked for; nothing is written then.
    """
    return _carried_out(take_up, out, quiet=quiet, options=options)


def begin(
    preset,
    *,
    presets=None,
    dataset=None,
    data_dir=None,
    image_size=None,
    out=None,
    epochs=None,
    steps=None,
    test_images=None,
    seed=0,
    hyperparameters=None,
):
    """The `Run` that `run` carries out, begun with its config.json."""
    preset = find(preset, presets)
    arguments = completed(preset.build, hyperparameters or {})
    folder = RunFolder(out or pathlib.Path("runs", preset.name, time.strftime("%Y-%m-%d_%H-%M-%S")))
    folder.check_new()
    images = dataset or preset.dataset
    print(f"{preset.name} on {getattr(images, 'name', images)}, in {folder.path}", flush=True)
    data, place = _load(images, data_dir=data_dir, image_size=image_size)
    recipe = _build(preset, arguments, data, seed=seed)
    epochs = epochs or _epochs(recipe.epochs, steps, data.train.count // recipe.batch)
    recipe = dataclasses.replace(recipe, epochs=epochs)
    RunFolder.create(folder.path)
    about = {"preset": preset.name, "preset_file": preset.file, **place, "data": image_data.fingerprint(data)}
    config = training.run_config(recipe, **about, seed=seed, steps=steps, test_images=test_images)
    write_json(folder.config, config)
    return Run(folder, config, recipe, data)


def take_up(out, *, preset=None, presets=None, epochs=None, steps=None, test_images=None, hyperparameters=None, **said):
    """The `Run` that `resume` carries out; its config.json notes what is changed."""
    folder = RunFolder.open(out)
    config = read_json(folder.config)
    refuse_other_words(config, preset=preset, **said)
    length = _length(config, epochs=epochs, steps=steps, test_images=test_images)
    refuse_shorter(config, length)
    print(f"{config['preset']} on {config['dataset']}, resumed in {folder.path}", flush=True)
    preset = _preset_of(config, preset, presets)
    arguments = completed(preset.build, {**config["hyperparameters"], **(hyperparameters or {})})
    changes = changes_of(config, length, arguments)
    images = said.get("dataset")
    images = config["dataset"] if images is None or isinstance(images, str) else images
    data, _ = _load(images, data_dir=config["data_dir"], image_size=config["image_size"])
    image_data.check_fingerprint(data, config["data"])
    recipe = _build(preset, arguments, data, seed=config["seed"])
    recipe = dataclasses.replace(recipe, epochs=length["epochs"])
    built = training.run_config(recipe)
    refuse_other_parts(config, built, changes)
    if changes:
        kept = {name: built[name] for name in ("hyperparameters", "optimizer")}
        note = {"time": time.strftime("%Y-%m-%d %H:%M:%S"), "command_line": built["command_line"], "changes": changes}
        config = {**config, **length, **kept, "history": [*config.get("history", []), note]}
        write_json(folder.config, config)
    return Run(folder, config, recipe, data, resumed=True)


def _carried_out(how, what, *, quiet, options):
    own = {name: options.pop(name) for name in _OPTIONS if name in options}
    with hushed(quiet):
        begun = how(what, **own, hyperparameters=options)
    with begun.recorded(quiet=quiet):
        begun.train()
        print(begun.report())
    return begun


def _load(dataset, *, data_dir, image_size):
    """The `ImageSet`, and what config.json keeps of where it is, so that it is found from any working directory."""
    quiet_import("tensorflow")
    data_dir = None if data_dir is None else os.path.abspath(os.path.expanduser(data_dir))
    if not isinstance(dataset, str):
        return dataset, {"dataset": dataset.name, "data_dir": data_dir, "image_size": image_size}
    where = {"data_dir": data_dir, "image_size": image_size}
    name = image_data.located(dataset, data_dir=data_dir)
    return image_data.load(name, **where), {"dataset": name, **where}


def _build(preset, arguments, data, *, seed):
    """The recipe of a preset for these images, checked; the seed fixes its first weights."""
    if data.train.count < (batch := arguments.get("batch", 1)):
        raise ValueError(
            f"The training images must fill a batch. Expected: at least batch={batch}. Received: {data.name} with "
            f"{data.train.count}. Use a smaller batch."
        )
    training.seed_first_weights(seed)
    recipe = dataclasses.replace(preset.build(data, **arguments), hyperparameters=arguments)
    recipe.model.seed = seed
    recipe.check_data(data)
    reports.check_evaluation(recipe.evaluation)
    return recipe


def _preset_of(config, said, presets):
    """The preset of a run that was begun."""
    if said is not None and not isinstance(said, str):
        return find(said, presets)
    record = config["preset_file"]
    import_again(record)
    return find(f"{record['path']}:{config['preset']}" if record else config["preset"], presets)


def _length(config, *, epochs, steps, test_images):
    """How long a run shall be that was begun, where what is said replaces what its config.json says."""
    length = {name: config[name] for name in ("epochs", "steps", "test_images")}
    per_epoch = config["data"]["train"]["images"] // config["batch"]
    if epochs or steps:
        length |= {"epochs": epochs or _epochs(config["epochs"], steps, per_epoch), "steps": steps}
    return length | ({"test_images": test_images} if test_images else {})


def _epochs(epochs, steps, per_epoch):
    """Epochs that leave room for the steps asked for."""
    return max(epochs, math.ceil((steps or 0) / max(per_epoch, 1)))
