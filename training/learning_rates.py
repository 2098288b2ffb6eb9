"""Learning rates as functions of the optimizer step."""

import keras

__all__ = ["halved_every", "warmed_cosine"]


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


def warmed_cosine(peak, *, final, warmup, steps):
    """A learning rate that rises linearly from 0, then falls along half a cosine.

    rate(step) = peak * step / warmup                                        for step < warmup
    rate(step) = final + (peak - final) * (1 + cos(pi * t)) / 2,  t = (step - warmup) / (steps - warmup)  from there on

    Args:
        peak: Largest rate.
        final: Rate at the end, and after it.
        warmup: Optimizer steps of the rise; 0 for none.
        steps: Optimizer steps in all.

    Returns:
        Keras `LearningRateSchedule`.

    Raises:
        ValueError: unless 0 <= final <= peak, 0 < peak and 0 <= warmup < steps.

    Example:
        >>> rate = warmed_cosine(0.5, final=0.1, warmup=10, steps=110)
        >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 60, 110, 200)]
        [0.0, 0.25, 0.5, 0.3, 0.1, 0.1]

    Reference: Loshchilov, Hutter. SGDR: Stochastic Gradient Descent with Warm Restarts. 2017. arXiv:1608.03983
    """
    if not (0 <= final <= peak and peak > 0 and 0 <= warmup < steps):
        raise ValueError(
            "The rate must rise to `peak` and fall to `final` within `steps`. Expected: 0 <= final <= peak, "
            f"0 <= warmup < steps. Received: peak={peak}, final={final}, warmup={warmup}, steps={steps}."
        )
    decay = {"decay_steps": steps - warmup, "alpha": final / peak}
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(peak, **decay)
    return keras.optimizers.schedules.CosineDecay(0.0, **decay, warmup_target=peak, warmup_steps=warmup)
