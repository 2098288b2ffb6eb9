"""Weights of the KL term as functions of the step."""

import tensorflow as tf

from vae_flows.blocks.configured import Configured

__all__ = ["Constant", "LinearWarmup"]


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
        steps: Optimizer steps until the weight is 1.
        floor: Smallest weight.

    Raises:
        ValueError: if steps < 1 or the floor is outside [0, 1].

    Example:
        >>> float(LinearWarmup(10)(5))
        0.5

    Reference: Bowman et al. Generating Sentences from a Continuous Space. 2016. arXiv:1511.06349
    """

    def __init__(self, steps, *, floor=0.0):
        if steps < 1 or not 0 <= floor <= 1:
            raise ValueError(
                f"`steps` must be at least 1 and `floor` in [0, 1]. Received: steps={steps}, floor={floor}. "
                "Use `Constant(1.0)` for no warm-up."
            )
        self.steps = steps
        self.floor = floor

    def __call__(self, step):
        return tf.clip_by_value(tf.cast(step, tf.float32) / self.steps, self.floor, 1.0)
