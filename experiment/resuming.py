"""What a run that was begun may become when it goes on: longer, or of another learning rate, and nothing else."""

import json
import math
import os

from vae_flows.experiment.hyperparameters import text
from vae_flows.image_data import located
from vae_flows.run_folder import json_text

__all__ = ["changes_of", "refuse_other_parts", "refuse_other_words", "refuse_shorter"]

_RATE = "learning_rate"
_NAMES = {
    "name",
    "module",
    "registered_name",
    "build_config",
    "compile_config",
}  # that Keras gives, and that may change


def refuse_other_words(config, *, preset=None, dataset=None, data_dir=None, image_size=None, seed=None):
    """Refuses a preset, data set or seed, said beside `--resume`, that is not the run's. None stands for nothing said.

    Raises:
        ValueError: naming what the run has and what was said.
    """
    if data_dir is not None:
        data_dir = os.path.abspath(os.path.expanduser(data_dir))
    if dataset is not None:
        dataset = located(dataset, data_dir=data_dir) if isinstance(dataset, str) else dataset.name
    said = {"preset": preset, "dataset": dataset, "data_dir": data_dir, "image_size": image_size, "seed": seed}
    begun = {name: config[name] for name in said}
    if isinstance(preset, str) and ":" in preset:
        file, _, name = preset.rpartition(":")
        said["preset"] = f"{os.path.abspath(os.path.expanduser(file))}:{name}"
        if config["preset_file"]:
            begun["preset"] = f"{config['preset_file']['path']}:{config['preset']}"
    elif preset is not None and not isinstance(preset, str):
        said["preset"] = getattr(preset, "__name__", None) or preset.name
    _refuse({name: (begun[name], said[name]) for name in said if said[name] is not None and said[name] != begun[name]})


def refuse_shorter(config, length):
    """Refuses `epochs`, `steps` and `test_images` that make a run shorter than its config.json says.

    Raises:
        ValueError: naming both counts.
    """
    per_epoch = config["data"]["train"]["images"] // config["batch"]
    steps = [min(each["epochs"] * per_epoch, each["steps"] or math.inf) for each in (config, length)]
    tested = [each["test_images"] or math.inf for each in (config, length)]
    for what, (before, now) in {"steps": steps, "test images": tested}.items():
        if now < before:
            raise ValueError(
                f"A run that goes on does not become shorter. Expected: {_count(before)} {what}"
                f"{' or more' * (before < math.inf)}. Received: {_count(now)}. Leave that out, or start a new run with "
                "another --out."
            )


def changes_of(config, length, arguments):
    """{name: (before, now)} of what is changed by being said and may be.

    Args:
        config: Contents of the run's config.json.
        length: Its `epochs`, `steps` and `test_images` as they shall be.
        arguments: The preset's keyword arguments as they shall be.

    Raises:
        ValueError: if an argument changes that is not the learning rate.
    """
    begun, plain = (json.loads(json_text(each)) for each in (config["hyperparameters"], arguments))
    other = {name: (begun.get(name), value) for name, value in plain.items() if value != begun.get(name)}
    _refuse({name: change for name, change in other.items() if name != _RATE})
    return other | {name: (config[name], value) for name, value in length.items() if value != config[name]}


def refuse_other_parts(config, built, changes):
    """Refuses to go on if what the preset builds is not what was built when the run began.

    Args:
        config: Contents of the run's config.json.
        built: The same of the recipe as it is built now.
        changes: What `changes_of` allows.

    Raises:
        ValueError: naming the parts that differ and both values.
    """
    plain = json.loads(json_text(built))
    aside = ("command_line", "versions", "epochs", "hyperparameters")
    parts = {name: value for name, value in plain.items() if name not in aside}
    found = dict(_differences({name: config.get(name) for name in parts}, parts, ()))
    if _RATE in changes:
        found = {path: pair for path, pair in found.items() if not path.startswith(f"optimizer/{_RATE}")}
    _refuse(found)


def _differences(before, now, path):
    """(path, (before, now)) of every leaf of two JSON values that is not the same."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [key for key in {**before, **now} if key not in _NAMES]
        pairs = [(key, before.get(key), now.get(key)) for key in keys]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(str(place), *pair) for place, pair in enumerate(zip(before, now, strict=True))]
    else:
        if before != now:
            yield "/".join(path), (before, now)
        return
    for key, *pair in pairs:
        yield from _differences(*pair, path if key == "config" else (*path, key))


def _refuse(changes):
    if changes:
        told = list(changes.items())[:3]  # one change may show in many places
        expected, received = (", ".join(f"{name}={_short(pair[side])}" for name, pair in told) for side in (0, 1))
        raise ValueError(
            f"A run goes on as it was begun; only its length and learning_rate may change. Expected: {expected}. "
            f"Received: {received}. Leave that out, or start a new run with another --out."
        )


def _short(value):
    if isinstance(value, dict) and "class_name" in value:
        return value["class_name"]
    words = text(tuple(value) if isinstance(value, list) else value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _count(number):
    return "all" if number == math.inf else f"{number:,}"
