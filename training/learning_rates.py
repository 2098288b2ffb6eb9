"""Learning rates as functions of the optimizer step."""

import keras

__all__ = ["cosine", "halved_every"]


def halved_every(initial, *, steps):
    """A learning rate that halves at every multiple of `steps`.

    rate(step) = initial * 0.5 ** floor(step / steps)

    Args:
        initial: Rate of the first `steps` optimizer steps.
        steps: Optimizer steps between two halvings.

    Returns:
        Keras `LearningRateSchedule`.

    Raises:
        ValueError: if the rate is not positive or steps < 1.

    Example:
        >>> rate = halved_every(0.5, steps=100)
        >>> [float(rate(step)) for step in (0, 99, 100, 250)]
        [0.5, 0.5, 0.25, 0.125]
    """
    _check(initial, steps)
    return keras.optimizers.schedules.ExponentialDecay(initial, decay_steps=steps, decay_rate=0.5, staircase=True)


def cosine(initial, *, steps):
    """A learning rate that falls from `initial` to 0 in `steps`, slowly at both ends.

    rate(step) = initial * (1 + cos(pi * min(step / steps, 1))) / 2

    Args:
        initial: Rate of the first optimizer step.
        steps: Optimizer steps until it is 0.

    Returns:
        Keras `LearningRateSchedule`.

    Raises:
        ValueError: if the rate is not positive or steps < 1.

    Example:
        >>> rate = cosine(0.5, steps=100)
        >>> [round(float(rate(step)), 3) for step in (0, 50, 100, 200)]
        [0.5, 0.25, 0.0, 0.0]

    Reference: Loshchilov, Hutter. SGDR: Stochastic Gradient Descent with Warm Restarts. 2017. arXiv:1608.03983
    """
    _check(initial, steps)
    return keras.optimizers.schedules.CosineDecay(initial, decay_steps=steps)


def _check(initial, steps):
    if initial <= 0 or steps < 1:
        raise ValueError(
            f"`initial` must be positive and `steps` at least 1. Received: initial={initial}, steps={steps}. "
            "Give the optimizer a plain number for a constant rate."
        )
