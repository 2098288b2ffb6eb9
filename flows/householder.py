"""Householder flows."""

import keras
import tensorflow as tf

from vae_flows.flows.base import LazyBijector
from vae_flows.flows.fused import FusedBijector
from vae_flows.flows.parameters import Parameters, normal, rows, unit

__all__ = ["Householder", "HouseholderBijector"]


class HouseholderBijector(FusedBijector):
    """Reflections one after the other.

    y = H_T ... H_1 x, H_t = I - 2 v_t v_t^T / |v_t|^2

    Args:
        vectors: v [..., T, D]; where one is 0 there is no reflection.
    """

    def __init__(self, vectors, *, dtype=None):
        super().__init__(dtype=dtype)
        self.directions = tf.unstack(unit(vectors), axis=-2)

    def forward_and_log_det(self, x):
        for direction in self.directions:
            x = _reflect(x, direction)
        return x, tf.zeros(tf.shape(x)[:-1], x.dtype)

    def inverse_and_log_det(self, y):
        for direction in reversed(self.directions):
            y = _reflect(y, direction)
        return y, tf.zeros(tf.shape(y)[:-1], y.dtype)


def _reflect(x, direction):
    return x - 2.0 * tf.reduce_sum(direction * x, -1, keepdims=True) * direction


class Householder(LazyBijector):
    """A product of reflections: an orthogonal map, volume preserving.

    y = H_T ... H_1 x, H_t = I - 2 v_t v_t^T / |v_t|^2, log|det dy/dx| = 0

    On a Gaussian with a diagonal covariance it gives a full one.

    Args:
        features: Size D of the event.
        context: Size C of the conditioning vector; 0 makes the vectors weights.
        reflections: Number T of reflections.
        chained: Whether only v_1 is linear in the context, and each further v linear in the one before (the paper's
            choice); otherwise all are linear in the context.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D].

    Raises:
        ValueError: for chained vectors without a context.

    Example:
        >>> y = Householder(3, reflections=2)().forward([[1.0, 2.0, 2.0]])
        >>> round(float(tf.norm(y)), 4)
        3.0

    Reference: Tomczak, Welling. Improving Variational Auto-Encoders using Householder Flow. 2016. arXiv:1611.09630
    """

    def __init__(self, features, *, context=0, reflections=1, chained=False, **kwargs):
        super().__init__(features, context=context, **kwargs)
        if reflections < 1:
            raise ValueError(f"`reflections` must be at least 1. Received: reflections={reflections}.")
        if chained and not context:
            raise ValueError(
                "`chained` vectors start from a context. Expected: a positive size. Received: context=0, chained=True. "
                "Give a context, or leave the static vectors unchained."
            )
        self.reflections, self.chained = reflections, chained
        direct = 1 if chained else reflections
        initial = normal(direct * features)
        self.parameters = Parameters(initial, context=context, dtype=self.dtype_policy, name="parameters")
        self.links = [keras.layers.Dense(features, dtype=self.dtype_policy) for _ in range(reflections - direct)]
        for link in self.links:
            link.build((None, features))
        self.built = True

    def given(self, context):
        vectors = self.parameters(context)
        if self.chained:
            chain = [vectors]
            for link in self.links:
                chain.append(link(chain[-1]))
            vectors = tf.stack(chain, -2)
        else:
            vectors = rows(vectors, self.reflections)
        return HouseholderBijector(vectors, dtype=self.compute_dtype)
