"""Bijectors that reorder the features."""

import numpy as np
import tensorflow as tf

from vae_flows.blocks.shapes import integers
from vae_flows.flows.base import Chain, LazyBijector
from vae_flows.flows.fused import FusedBijector

__all__ = ["Permutation", "Reverse", "with_reversals"]


class _ReverseBijector(FusedBijector):
    def forward_and_log_det(self, x):
        return tf.reverse(x, [-1]), tf.zeros(tf.shape(x)[:-1], x.dtype)

    def inverse_and_log_det(self, y):
        return self.forward_and_log_det(y)


class Reverse(LazyBijector):
    """Reverses the order of the features; its own inverse, volume preserving.

    y[i] = x[D - 1 - i]

    Args:
        features: Size D of the event.

    Call:
        None -> `tfb.Bijector` on events [D].

    Example:
        >>> Reverse(3)().forward([1.0, 2.0, 3.0]).numpy()
        array([3., 2., 1.], dtype=float32)
    """

    def __init__(self, features, **kwargs):
        super().__init__(features, context=0, **kwargs)
        self.built = True

    def given(self, context):
        return _ReverseBijector(dtype=self.compute_dtype)


def with_reversals(steps):
    """A `Chain` of steps that reverses the order of the features between them, so that each may depend on each other one.

    Example:
        >>> len(with_reversals([Householder(3), Householder(3), Householder(3)]).parts)
        5
    """
    steps = list(steps)
    return Chain([part for step in steps for part in (Reverse(step.features), step)][1:])


class _PermutationBijector(FusedBijector):
    def __init__(self, order, *, dtype):
        super().__init__(dtype=dtype)
        self.order = order

    def forward_and_log_det(self, x):
        return tf.gather(x, self.order, axis=-1), tf.zeros(tf.shape(x)[:-1], x.dtype)

    def inverse_and_log_det(self, y):
        return tf.gather(y, np.argsort(self.order), axis=-1), tf.zeros(tf.shape(y)[:-1], y.dtype)


class Permutation(LazyBijector):
    """Puts the features in a fixed order; volume preserving.

    y[i] = x[order[i]]

    Args:
        features: Size D of the event.
        order: The numbers 0 .. D - 1, each once; `Permutation.shuffled` draws one.

    Call:
        None -> `tfb.Bijector` on events [D].

    Raises:
        ValueError: if the order is no permutation of D numbers.

    Example:
        >>> Permutation(3, order=(2, 0, 1))().forward([1.0, 2.0, 3.0]).numpy()
        array([3., 1., 2.], dtype=float32)
    """

    def __init__(self, features, *, order, **kwargs):
        super().__init__(features, context=0, **kwargs)
        self.order = integers(order, name="order", least=0)
        if sorted(self.order) != list(range(features)):
            raise ValueError(
                f"`order` must hold each of 0 .. {features - 1} once. Received: order={self.order}. "
                f"`Permutation.shuffled({features}, seed=0)` draws one."
            )
        self.built = True

    @classmethod
    def shuffled(cls, features, *, seed, **kwargs):
        """A random order that is a function of the seed, an integer.

        Example:
            >>> sorted(Permutation.shuffled(4, seed=0).order)
            [0, 1, 2, 3]
        """
        order = np.random.default_rng(seed).permutation(features)
        return cls(features, order=[int(index) for index in order], **kwargs)

    def given(self, context):
        return _PermutationBijector(self.order, dtype=self.compute_dtype)
