"""A preset's keyword arguments: its main hyperparameters, from a command line, a notebook or a run's config.json."""

import ast
import difflib
import inspect
import math
import numbers
import typing

__all__ = ["completed", "keywords", "nearest", "shown", "text"]


def keywords(build):
    """{name: `inspect.Parameter`} of the keyword arguments of a preset's function, in their order.

    Raises:
        ValueError: if one has no default.

    Example:
        >>> list(keywords(lambda data, *, latent=20, hidden=(400, 400): None))
        ['latent', 'hidden']
    """
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = {p.name: p for p in list(inspect.signature(build).parameters.values())[1:] if p.kind not in variadic}
    bare = [name for name, parameter in found.items() if parameter.default is inspect.Parameter.empty]
    if bare:
        raise ValueError(
            f"A preset's keyword arguments have defaults: def {build.__name__}(data, *, {bare[0]}=...). "
            f"Received: {bare[0]} without one."
        )
    return found


def completed(build, given):
    """All keyword arguments of a preset's function: those given, checked, and the defaults of the others.

    A value must be of its default's kind: an integer, a number, true or false, a word, a tuple. Where the annotation is a
    `typing.Literal`, it must be one of its words; where the default is None, anything goes. Text stands for what it says on
    a command line: `32`, `true`, `none`, `400,400`.

    Raises:
        ValueError: for a name that the function does not have, and a value of another kind, with the nearest right one.

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
    rows = {f"{name}={text(each.default)}": _choices(each) for name, each in keywords(build).items()}
    return [row + (f"  (or {', '.join(words[1:])})" if words else "") for row, words in rows.items()]


def nearest(word, known):
    """ " Did you mean ...?" with what is known and closest to a word; nothing if nothing is close."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _value(text):
    """What a text on the command line stands for."""
    names = {"true": True, "false": False, "none": None}
    try:
        return names[text.lower()] if text.lower() in names else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def text(value):
    """A value as it is written on a command line."""
    if isinstance(value, tuple):
        return ",".join(map(text, value)) or "()"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _choices(parameter):
    """The words of a `typing.Literal`, the default first."""
    words = typing.get_args(parameter.annotation) if typing.get_origin(parameter.annotation) is typing.Literal else ()
    return sorted(words, key=lambda word: word != parameter.default)


def _checked(build, parameter, value):
    """`value` as the preset's function takes it."""
    default, choices = parameter.default, _choices(parameter)
    if isinstance(value, str) and not isinstance(default, str):
        value = _value(value)
    if isinstance(default, tuple):
        value = tuple(value) if isinstance(value, list | tuple) else (value,)
    if choices:
        fits, expected, hint = value in choices, f"one of: {', '.join(choices)}", nearest(value, choices)
    else:
        fits, expected, hint = _alike(value, default), f"{_kind(default)}, as {text(default)} is", ""
    if not fits:
        raise ValueError(
            f"`{parameter.name}` of {build.__name__} is of the wrong kind. Expected {expected}. "
            f"Received: {parameter.name}={text(value)}.{hint}"
        )
    return float(value) if isinstance(default, float) else value


def _alike(value, default):
    """Whether a value is of a default's kind."""
    match default:
        case bool() | str():
            return isinstance(value, type(default))
        case int():
            return isinstance(value, numbers.Integral) and not isinstance(value, bool)
        case float():
            return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
        case tuple():
            return all(_alike(each, default[0] if default else 0) for each in value)
    return True


def _kind(default):
    match default:
        case bool():
            return "true or false"
        case int():
            return "an integer"
        case float():
            return "a finite number"
        case tuple():
            return "integers with commas between them"
    return "a word"
