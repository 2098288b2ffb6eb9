"""What the config.json of a run must be, whoever wrote it."""

import math
import os

__all__ = ["check_config", "text", "told_hyperparameters", "words"]

_WORD = ("a word", lambda value: isinstance(value, str) and value != "")
_RECORD = ("an object", lambda value: isinstance(value, dict))
_COUNT = ("an integer of at least 1", lambda value: type(value) is int and 1 <= value < 2**63)
_SEED = ("an integer from 0 to 2^31 - 1", lambda value: type(value) is int and 0 <= value < 2**31)
_COUNTED = {"images": _COUNT, "checksum": _WORD}
_FILE = ("a path from the root", lambda value: isinstance(value, str) and os.path.isabs(value))
_RATE = ("a number above 0", lambda value: type(value) in (int, float) and 0 < value < math.inf)
_LIST = ("a list", lambda value: isinstance(value, list))
_KINDS = {
    "preset": _WORD, "preset_file": {"path": _FILE, "checksum": _WORD}, "hyperparameters": _RECORD, "seed": _SEED,
    "dataset": _WORD, "data_dir": _WORD, "image_size": _COUNT, "pixel_limit": _COUNT,
    "data": {"shape": _LIST, "levels": _COUNT, "train": _COUNTED, "validation": _COUNTED, "test": _COUNTED},
    "batch": _COUNT, "epochs": _COUNT, "steps": _COUNT, "test_images": _COUNT, "preparation": {"name": _WORD},
    "corruption": {"scale": _RATE}, "evaluation": _RECORD, "versions": _RECORD, "history": _LIST,
}  # fmt: skip
_OPTIONAL = {"preset_file", "data_dir", "image_size", "pixel_limit", "steps", "test_images", "corruption"}


def check_config(config, *, keys, name):
    """Refuses contents of a config.json that no run has written.

    Args:
        config: The contents.
        keys: What must be there.
        name: What to call the file.

    Raises:
        ValueError: if it is no object, lacks a key, or has a value of another kind.

    Example:
        >>> check_config({"seed": "three"}, keys=("seed",), name="config.json")
        Traceback (most recent call last):
        ...
        ValueError: The file config.json is damaged. Expected `seed` to be an integer from 0 to 2^31 - 1. Received: 'three'.
    """
    if not isinstance(config, dict):
        raise ValueError(f"The file {name} is damaged. Expected a JSON object. Received: {_short(config)}.")
    if missing := [key for key in keys if key not in config]:
        raise ValueError(f"The file {name} is not complete. Expected the keys {keys}. Received: no {missing}.")
    present = {key: kind for key, kind in _KINDS.items() if key in config}
    _check(
        config, {key: kind for key, kind in present.items() if config[key] is not None or key not in _OPTIONAL}, name
    )


def text(value):
    """A hyperparameter's value as it is written on a command line.

    Example:
        >>> text([500, 500]), text(None)
        ('500,500', 'none')
    """
    if isinstance(value, tuple | list):
        return ",".join(map(text, value)) or "()"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def words(hyperparameters):
    """All of them, by name, as they are written on a command line.

    Example:
        >>> words({"model": "iwae", "hidden": [500, 500]})
        'model=iwae hidden=500,500'
    """
    return " ".join(f"{name}={text(value)}" for name, value in hyperparameters.items())


def told_hyperparameters(config):
    """A run's hyperparameters, and its precision if that is not float32.

    A learning rate that was changed on the way is told with all that it has been.

    Example:
        >>> history = [{"changes": {"learning_rate": [0.1, 0.2]}, "step": 30}]
        >>> told_hyperparameters({"hyperparameters": {"learning_rate": 0.2}, "history": history})
        {'learning_rate': '0.1, 0.2 from step 30'}
    """
    given = dict(config.get("hyperparameters") or {})
    notes = [note for note in config.get("history") or [] if "learning_rate" in note.get("changes", {})]
    if notes and "learning_rate" in given:
        rates = [text(notes[0]["changes"]["learning_rate"][0])]
        rates += [f"{text(each['changes']['learning_rate'][1])} from step {each.get('step', '?')}" for each in notes]
        given["learning_rate"] = ", ".join(rates)
    match config.get("model"):
        case {"config": {"dtype": {"config": {"name": str(policy)}}}} if policy != "float32":
            given["precision"] = policy
    return given


def _check(record, kinds, name, above=""):
    for key, kind in kinds.items():
        value = record.get(key)
        expected, fits = _RECORD if isinstance(kind, dict) else kind
        if not fits(value):
            raise ValueError(
                f"The file {name} is damaged. Expected `{above}{key}` to be {expected}. Received: {_short(value)}."
            )
        if isinstance(kind, dict):
            _check(value, kind, name, f"{above}{key}/")


def _short(value):
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:57]}..."
