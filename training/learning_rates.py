"""Learning rates as functions of the optimizer step."""

import keras

__all__ = ["halved_every"]


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
    if initial <= 0 or steps < 1:
        raise ValueError(
            f"`initial` must be positive and `steps` at least 1. Received: initial={initial}, steps={steps}. "
            "Give the optimizer a plain number for a constant rate."
        )
    return keras.optimizers.schedules.ExponentialDecay(initial, decay_steps=steps, decay_rate=0.5, staircase=True)
