"""Annealing schedules: inverse temperatures b[0] = 0 < b[1] < ... < b[T] = 1, as float64 arrays."""

import numpy as np

__all__ = ["checked_schedule", "linear_schedule", "refined", "sigmoid_schedule"]


def sigmoid_schedule(temperatures, *, radius=4.0):
    """The sigmoid's part between -radius and radius, scaled to run from 0 to 1: [temperatures + 1].

    b[t] = (s(r (2 t / T - 1)) - s(-r)) / (s(r) - s(-r)),  s(v) = 1 / (1 + exp(-v))

    Example:
        >>> sigmoid_schedule(4).round(3)
        array([0.   , 0.105, 0.5  , 0.895, 1.   ])

    Reference: Wu, Burda, Salakhutdinov, Grosse. On the quantitative analysis of decoder-based generative models. 2017.
    arXiv:1611.04273
    """
    _check_temperatures(temperatures)
    s = 1.0 / (1.0 + np.exp(-radius * np.linspace(-1.0, 1.0, temperatures + 1)))
    return checked_schedule((s - s[0]) / (s[-1] - s[0]))


def linear_schedule(temperatures):
    """Evenly spaced inverse temperatures: [temperatures + 1].

    Example:
        >>> linear_schedule(2)
        array([0. , 0.5, 1. ])
    """
    _check_temperatures(temperatures)
    return np.linspace(0.0, 1.0, temperatures + 1)


def refined(schedule, temperatures):
    """A schedule along the same curve with another number of temperatures."""
    old = np.linspace(0.0, 1.0, len(schedule))
    return checked_schedule(np.interp(np.linspace(0.0, 1.0, temperatures + 1), old, schedule))


def checked_schedule(schedule):
    """The schedule as a float64 array.

    Raises:
        ValueError: if it does not rise strictly from exactly 0 to exactly 1.
    """
    schedule = np.asarray(schedule, np.float64)
    rises = schedule.ndim == 1 and len(schedule) > 1 and bool(np.all(np.diff(schedule) > 0.0))
    if not rises or schedule[0] != 0.0 or schedule[-1] != 1.0:
        raise ValueError(
            "`schedule` must rise strictly from 0 to 1. Expected: inverse temperatures 0 = b[0] < ... < b[T] = 1. "
            f"Received: {np.array2string(schedule, threshold=6, edgeitems=3)}. Use `sigmoid_schedule(temperatures)`."
        )
    return schedule


def _check_temperatures(temperatures):
    if temperatures < 1:
        raise ValueError(f"`temperatures` must be at least 1. Received: temperatures={temperatures}.")
