"""A preset's keyword arguments: its main hyperparameters, from a command line, a notebook or a run's config.json."""

import ast
import difflib
import inspect
import math
import typing

from vae_flows.run_folder.configuration import text

__all__ = ["completed", "keywords", "nearest", "shown", "text"]

_KINDS = {bool: "true or false", int: "an integer", float: "a number", str: "a word", tuple: "integers and commas"}
_SIZES = ("batch", "epochs", "iterations", "latent", "hidden", "width", "features", "filters", "channels")  # none is 0


def keywords(build):
    """{name: `inspect.Parameter`} of the keyword arguments of a preset's function, in their order.

    Raises:
        ValueError: if one has no default.

    Example:
        >>> list(keywords(lambda data, *, latent=20, hidden=(400, 400): None))
        ['latent', 'hidden']
    """
    found = dict(list(inspect.signature(build).parameters.items())[1:])
    bare = [name for name, parameter in found.items() if parameter.default is inspect.Parameter.empty]
    if bare:
        raise ValueError(f"Arguments of a preset after `data` must have defaults. Received: {bare[0]} without one.")
    return found


def completed(build, given):
    """All keyword arguments of a preset's function: those given, checked, and the defaults of the others.

    A value must be of its default's kind, and one of the words of a `typing.Literal`; anything may stand for None. Integers
    whose defaults are positive must not be negative, nor sizes 0; a `learning_rate` must be positive. Text stands for what it
    says on a command line: `32`, `true`, `none`, `400,400`.

    Raises:
        ValueError: for a name that the function does not have, with the nearest right one, and for a value of another kind
            or out of range.

    Example:
        >>> completed(lambda data, *, latent=20, hidden=(400, 400), rate=1e-3: None, {"hidden": "500", "rate": 1})
        {'latent': 20, 'hidden': (500,), 'rate': 1.0}
    """
    known = keywords(build)
    for name in given:
        if name not in known:
            raise ValueError(
                f"{build.__name__} has no such hyperparameter. Expected some of: {', '.join(known) or 'none'}. "
                f"Received: {name}.{nearest(name, known)}"
            )
    return {name: _checked(build, known[name], given[name]) if name in given else known[name].default for name in known}


def shown(build):
    """The keyword arguments with their defaults, as they are written on a command line, and the words they may be."""
    rows = {f"{name}={text(each.default)}": _words(each) for name, each in keywords(build).items()}
    return [row + (f"  (of {', '.join(words)})" if words else "") for row, words in rows.items()]


def nearest(word, known):
    """ " Did you mean ...?" with what is known and closest to a word; nothing if nothing is close."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _checked(build, parameter, value):
    """`value` as the preset's function takes it."""
    default, words = parameter.default, _words(parameter)
    if isinstance(value, str) and not isinstance(default, str):
        value = _read(value)
    if isinstance(default, tuple):
        value = tuple(value) if isinstance(value, list | tuple) else (value,)
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if value not in words if words else not _alike(value, default):
        kind = _KINDS.get(type(default), "a value")
        expected = f"one of: {', '.join(words)}" if words else f"{kind}, as {text(default)} is"
        raise ValueError(
            f"`{parameter.name}` of {build.__name__} is of the wrong kind. Expected {expected}. "
            f"Received: {parameter.name}={text(value)}.{nearest(value, words)}"
        )
    if expected := _within(parameter.name, value, default):
        raise ValueError(
            f"`{parameter.name}` of {build.__name__} is out of range. Expected {expected}. "
            f"Received: {parameter.name}={text(value)}."
        )
    return value


def _within(name, value, default):
    """What a value should have been with which surely nothing can be trained; whatever else is lawful, the preset knows."""
    if name == "learning_rate" and type(value) in (int, float) and not 0.0 < value < math.inf:
        return "a finite number above 0" + (f", as {text(default)} is" if default else "")
    given, usual = ([each for each in _several(some) if type(each) is int] for some in (value, default))
    least = 1 if name in _SIZES else 0  # no steps of warm-up, say, are lawful
    if not given or not usual or min(given) >= least or min(usual) <= 0:
        return None
    return f"{'integers' if isinstance(default, tuple) else 'an integer'} of at least {least}, as {text(default)} is"


def _several(value):
    return value if isinstance(value, tuple) else (value,)


def _alike(value, default):
    if isinstance(default, tuple):
        return all(_alike(each, default[0] if default else 0) for each in value)
    return (
        default is None or type(value) is type(default) and not (isinstance(value, float) and not math.isfinite(value))
    )


def _read(word):
    """What a word on the command line stands for."""
    names = {"true": True, "false": False, "none": None}
    try:
        return names[word.lower()] if word.lower() in names else ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def _words(parameter):
    """The words of a `typing.Literal`."""
    return typing.get_args(parameter.annotation) if typing.get_origin(parameter.annotation) is typing.Literal else ()
