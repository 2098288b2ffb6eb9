"""What each method of estimating log p(x) can be told, with the defaults."""

__all__ = ["SETTINGS", "check_evaluation"]

_CHAINS = {
    "images": 50,
    "chains": 8,
    "temperatures": 500,
    "leapfrogs": 10,
    "start": "posterior",
    "gradients": "float32",
}
SETTINGS = {
    "importance": {"images": None, "samples": 1000},
    "hais": _CHAINS,
    "bidirectional": {**_CHAINS, "samples": 1000},
}


def check_evaluation(evaluation):
    """Refuses a recipe's `evaluation` that names what is not there, before the training.

    Args:
        evaluation: {method: {setting: value}}.

    Raises:
        ValueError: for an unknown method or setting.

    Example:
        >>> check_evaluation({"hais": {"temperatures": 2000, "chains": 8}})
    """
    for method, settings in evaluation.items():
        if method not in SETTINGS:
            raise ValueError(
                f"Unknown method in `evaluation`. Expected one of: {', '.join(SETTINGS)}. Received: {method!r}."
            )
        for name in settings:
            if name not in SETTINGS[method]:
                raise ValueError(
                    f"Unknown setting of `evaluation[{method!r}]`. Expected some of: {', '.join(SETTINGS[method])}. "
                    f"Received: {name!r}."
                )
