"""Whether a run is as long as its schedules."""

import numpy as np

from vae_flows import training  # which loads nothing yet

__all__ = ["tell_of_schedules"]

_POINTS = 200
_NOTHING = 1e-4  # share of the largest learning rate with which next to nothing is learned
_LATE = 0.9  # share of the steps before which it should not have fallen so far
_EVER = 10**9  # a step at which every warm-up is over


def tell_of_schedules(recipe, steps):
    """Prints a warning if the learning rate has fallen to nothing long before the end, or a warm-up ends after it.

    Args:
        recipe: `training.Recipe`.
        steps: Optimizer steps of the whole run.
    """
    at = np.unique(np.linspace(0, steps - 1, _POINTS).astype(int))
    rates = np.array([training.rate_at(recipe.optimizer, step) for step in at])
    small = rates < _NOTHING * rates.max()
    if small[at >= _LATE * (steps - 1)].all() and not small.all():
        from_there = at[np.flatnonzero(~small)[-1] + 1]
        if from_there < _LATE * steps:
            print(
                f"Warning: the learning rate falls from {rates.max():.1g} to {rates[-1]:.1g}: steps {from_there:,} to "
                f"{steps:,} will teach next to nothing. A schedule is as long as its preset says, some by epochs=.",
                flush=True,
            )
    weight = getattr(getattr(recipe.model, "objective", None), "kl_weight", None)
    if weight is not None and float(weight(steps)) < float(weight(_EVER)):
        print(
            f"Warning: the weight of the KL term ends at {float(weight(steps)):.2g}, in the middle of its warm-up: the bound "
            "itself will not have been minimised. Train longer, or shorten the warm-up.",
            flush=True,
        )
