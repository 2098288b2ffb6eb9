"""What a run that was begun may become when it goes on: longer, ended early, or of another learning rate; nothing else."""

import math
import os

from vae_flows.experiment.hyperparameters import text
from vae_flows.run_folder import read_json

__all__ = ["changes", "named", "steps_taken"]

_LENGTH = ("epochs", "steps", "test_images")
_RATES = ("hyperparameters/learning_rate", "optimizer/learning_rate")
_ASIDE = {"name", "module", "registered_name", "build_config", "compile_config", "command_line", "versions"}


def changes(begun, wanted, *, taken=math.inf):
    """{name: (before, now)} of what a run may change when it goes on, and does.

    Args:
        begun: Contents of its config.json.
        wanted: The same, as it shall be.
        taken: Steps that a run has taken whose training has not ended: it may end there.

    Raises:
        ValueError: if anything else differs, or the run would become shorter than it is, naming both values.

    Example:
        >>> begun = {"seed": 0, "hyperparameters": {"learning_rate": 0.1, "latent": 4}}
        >>> changes(begun, {**begun, "hyperparameters": {"learning_rate": 0.2, "latent": 4}})
        {'learning_rate': (0.1, 0.2)}
    """
    found = dict(_differences({name: begun.get(name) for name in wanted}, wanted, ()))
    rate = _RATES[0] in found
    allowed = [path for path in found if path in _LENGTH or rate and path.startswith(_RATES)]
    refused = {path.removeprefix("hyperparameters/"): pair for path, pair in found.items() if path not in allowed}
    steps, images = zip(_sizes(begun), _sizes(wanted), strict=True)
    for name, before, now in (_length(wanted, min(steps[0], taken), steps[1]), ("test images", *images)):
        refused |= {name: (f"{before} or more", now)} if now < before else {}
    if policies := [pair for path, pair in refused.items() if path.endswith("dtype")]:
        before, now = policies[0]
        raise ValueError(
            f"A run keeps the precision it began with. Expected: Keras's dtype policy {before}. Received: {now}. Call "
            f'`keras.config.set_dtype_policy("{before}")` above the presets, or start a new run with another --out.'
        )
    if refused:
        told = list(refused.items())[:3]  # one change may show in many places
        expected, received = (", ".join(f"{name}={_short(pair[side])}" for name, pair in told) for side in (0, 1))
        raise ValueError(
            f"A run goes on as it was begun; it may become longer, and learning_rate may change. Expected: {expected}. "
            f"Received: {received}. Leave that out, or start a new run with another --out."
        )
    return {path.rpartition("/")[2]: found[path] for path in allowed if not path.startswith(_RATES[1])}


def named(preset, record):
    """What config.json would say of a preset that is named beside `--resume`; `record` is what it says of the preset's file."""
    if preset is None:
        return {}
    file, _, name = preset.rpartition(":") if isinstance(preset, str) else ("", "", preset.__name__)
    return {"preset": name, "preset_file": {**(record or {}), "path": os.path.abspath(file)} if file else record}


def steps_taken(folder):
    """Steps that a run has taken whose training has not ended: the fewest that it may have; infinite of others."""
    if folder.model.is_file() or not folder.progress.is_file():
        return math.inf
    try:
        return int(read_json(folder.progress)["step"]) or math.inf
    except (ValueError, TypeError, KeyError):  # damaged, which its checkpoints make good
        return math.inf


def _sizes(config):
    """How many steps a run takes, and how many images it is tested on."""
    steps = min(config.get("epochs", 0) * _per_epoch(config), config.get("steps") or math.inf)
    return steps, config.get("test_images") or math.inf


def _per_epoch(config):
    return config["data"]["train"]["images"] // config["batch"] if "data" in config else 0


def _length(wanted, before, now):
    """(name, before, now) of two numbers of steps, as epochs if it is these that end the run."""
    per_epoch = _per_epoch(wanted)
    if now >= before or wanted["epochs"] * per_epoch > (wanted.get("steps") or math.inf):
        return "steps", before, now
    return "epochs", -(-before // per_epoch), wanted["epochs"]


def _differences(before, now, path):
    """(path, (before, now)) of every leaf of two JSON values that is not the same."""
    before, now = _policy(before), _policy(now)
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = [(key, before.get(key), now.get(key)) for key in {**before, **now} if key not in _ASIDE]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(str(place), *pair) for place, pair in enumerate(zip(before, now, strict=True))]
    else:
        pairs = []
        if before != now:
            yield "/".join(path), (before, now)
    for key, *pair in pairs:
        yield from _differences(*pair, path if key == "config" else (*path, key))


def _policy(value):
    """The name of a Keras dtype policy, where its configuration stands: there it is no mere name."""
    match value:
        case {"class_name": "DTypePolicy", "config": {"name": policy}}:
            return policy
    return value


def _short(value):
    words = value["class_name"] if isinstance(value, dict) and "class_name" in value else text(value)
    return words if len(words) <= 60 else f"{words[:57]}..."
