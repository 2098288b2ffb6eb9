"""Weights of parts of the loss as functions of the step."""

import math
import numbers

import tensorflow as tf

from vae_flows.blocks.configured import Configured

__all__ = ["Constant", "LinearWarmup", "LogLinear", "as_schedule"]


def as_schedule(weight):
    """A weight as a function of the step: a number stays what it is, None is 1.

    Raises:
        TypeError: for what is neither a number nor a function.

    Example:
        >>> float(as_schedule(0.5)(1000))
        0.5
    """
    if weight is None or isinstance(weight, numbers.Real):
        return Constant(1.0 if weight is None else float(weight))
    if not callable(weight):
        raise TypeError(
            f"A weight must be a number or a function of the step, such as `LinearWarmup(1000)`. Received: {weight!r}."
        )
    return weight


class Constant(Configured):
    """The same weight at every step.

    Args:
        value: The weight; 1 is the ELBO.
    """

    def __init__(self, value=1.0):
        self.value = value

    def __call__(self, step):
        return tf.constant(self.value, tf.float32)


class LinearWarmup(Configured):
    """A weight that rises linearly to 1.

    w(step) = max(floor, min(1, step / steps))

    Args:
        steps: Optimizer steps until the weight is 1; 0 for no warm-up.
        floor: Smallest weight.

    Raises:
        ValueError: if steps < 0 or the floor is outside [0, 1].

    Example:
        >>> float(LinearWarmup(10)(5))
        0.5

    Reference: Bowman et al. Generating Sentences from a Continuous Space. 2016. arXiv:1511.06349
    """

    def __init__(self, steps, *, floor=0.0):
        if steps < 0 or not 0 <= floor <= 1:
            raise ValueError(
                f"`steps` must be at least 0 and `floor` in [0, 1]. Received: steps={steps}, floor={floor}."
            )
        self.steps = steps
        self.floor = floor

    def __call__(self, step):
        share = tf.cast(step, tf.float32) / self.steps if self.steps else 1.0
        return tf.clip_by_value(share, self.floor, 1.0)


class LogLinear(Configured):
    """A weight whose logarithm goes linearly from one value to another, and stays there.

    log w(step) = (1 - t) log initial + t log final,  t = min(1, step / steps)

    Args:
        initial: First weight.
        final: Last weight.
        steps: Optimizer steps until the last.

    Raises:
        ValueError: if a weight is not positive, or steps < 1.

    Example:
        >>> round(float(LogLinear(1.0, final=0.01, steps=10)(5)), 4)
        0.1

    Reference: Vahdat, Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. arXiv:2007.03898
    """

    def __init__(self, initial, *, final, steps):
        if min(initial, final) <= 0 or steps < 1:
            raise ValueError(
                f"`initial` and `final` must be positive and `steps` at least 1. Received: initial={initial}, "
                f"final={final}, steps={steps}. Use `Constant` for the same weight at every step."
            )
        self.initial, self.final, self.steps = initial, final, steps

    def __call__(self, step):
        share = tf.minimum(tf.cast(step, tf.float32) / self.steps, 1.0)
        return tf.exp((1.0 - share) * math.log(self.initial) + share * math.log(self.final))
