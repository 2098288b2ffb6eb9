"""What each method of estimating log p(x) can be told, with the defaults."""

import numbers

__all__ = ["CHOICES", "SETTINGS", "check_evaluation", "check_method"]

_CHAINS = {
    "images": 50,
    "chains": 8,
    "temperatures": 500,
    "leapfrogs": 10,
    "start": "posterior",
    "gradients": "float32",
}
SETTINGS = {
    "exact": {"images": None},
    "importance": {"images": None, "samples": 1000},
    "hais": _CHAINS,
    "bidirectional": {**_CHAINS, "samples": 1000},
}
CHOICES = {"start": ("prior", "posterior", "base"), "gradients": ("float32", "bfloat16")}


def check_method(method, *, exact):
    """The method, or the first that a model allows if it is None.

    Args:
        method: One of `SETTINGS`, or None.
        exact: Whether the model gives log p(x) itself.

    Raises:
        ValueError: if the model does not allow it.

    Example:
        >>> check_method(None, exact=True)
        'exact'
    """
    method = method or ("exact" if exact else "importance")
    if exact != (method == "exact"):
        given, instead = ("itself", "exact") if exact else ("by estimates alone", "importance, hais, bidirectional")
        raise ValueError(f"This model gives log p(x) {given}. Expected: {instead}. Received: {method}.")
    return method


def check_evaluation(evaluation):
    """Refuses a recipe's `evaluation` that names what is not there, before the training.

    Args:
        evaluation: {method: {setting: value}}.

    Raises:
        ValueError: for an unknown method or setting, and a value out of range.

    Example:
        >>> check_evaluation({"hais": {"temperatures": 2000, "chains": 8}})
    """
    for method, settings in evaluation.items():
        if method not in SETTINGS:
            raise ValueError(
                f"Unknown method in `evaluation`. Expected one of: {', '.join(SETTINGS)}. Received: {method!r}. "
                "Change it in the preset."
            )
        if not isinstance(settings, dict):
            raise ValueError(f"`evaluation[{method!r}]` must be an object. Received: {settings!r}.")
        for name, value in settings.items():
            if name not in SETTINGS[method]:
                raise ValueError(
                    f"Unknown setting of `evaluation[{method!r}]`. Expected some of: {', '.join(SETTINGS[method])}. "
                    f"Received: {name!r}. Change it in the preset."
                )
            _check_value(method, name, value)


def _check_value(method, name, value):
    if name in CHOICES:
        expected, fits = f"one of: {', '.join(CHOICES[name])}", value in CHOICES[name]
    else:
        least = 2 if name == "temperatures" else 1
        expected, fits = f"an integer of at least {least}", isinstance(value, numbers.Integral) and value >= least
        fits = fits or value is SETTINGS[method][name]  # None: all images
    if not fits:
        raise ValueError(
            f"`evaluation[{method!r}][{name!r}]` is out of range. Expected {expected}. Received: {value!r}. "
            "Change it in the preset."
        )
