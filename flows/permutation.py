"""Bijectors that reorder the features."""

import tensorflow as tf

from flows.base import LazyBijector
from flows.fused import FusedBijector

__all__ = ["Reverse"]


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
        super().__init__(features, **kwargs)
        self.built = True

    def given(self, context):
        return _ReverseBijector(dtype=self.compute_dtype)
