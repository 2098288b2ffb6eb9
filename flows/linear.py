"""Invertible linear maps."""

import tensorflow as tf

from vae_flows.flows.base import LazyBijector
from vae_flows.flows.fused import FusedBijector
from vae_flows.flows.parameters import Parameters, rows

__all__ = ["InvertibleLinear"]


class _LinearBijector(FusedBijector):
    """y = L U x + m for triangular L (diagonal 1) and U (diagonal exp(s)), [..., D, D]."""

    def __init__(self, matrix, shift, *, dtype):
        super().__init__(dtype=dtype)
        self.log_diagonal = tf.linalg.diag_part(matrix)
        self.lower = tf.linalg.set_diag(tf.linalg.band_part(matrix, -1, 0), tf.ones_like(self.log_diagonal))
        self.upper = tf.linalg.set_diag(tf.linalg.band_part(matrix, 0, -1), tf.exp(self.log_diagonal))
        self.shift = shift

    def forward_and_log_det(self, x):
        y = tf.linalg.matvec(self.lower, tf.linalg.matvec(self.upper, x)) + self.shift
        return y, tf.reduce_sum(self.log_diagonal + tf.zeros_like(x), -1)

    def _inverse(self, y):
        x = (y - self.shift)[..., None]
        for matrix, lower in ((self.lower, True), (self.upper, False)):
            x = tf.linalg.triangular_solve(_as_wide(matrix, x), x, lower=lower)
        return x[..., 0]


def _as_wide(matrix, x):
    """The matrix, repeated over the leading axes that only x has: not every solver broadcasts."""
    batch = tf.broadcast_dynamic_shape(tf.shape(matrix)[:-2], tf.shape(x)[:-2])
    return tf.broadcast_to(matrix, tf.concat([batch, tf.shape(matrix)[-2:]], 0))


class InvertibleLinear(LazyBijector):
    """A linear map that mixes all features, by the LU decomposition of its matrix.

    y = L U x + m, L lower triangular with diagonal 1, U upper triangular with diagonal exp(s)
    log|det dy/dx| = sum s

    Starts as the identity. Not every invertible matrix has this form: a `Permutation` beside it gives the rest.

    Args:
        features: Size D of the event.
        context: Size C of the conditioning vector; 0 makes the matrix a weight.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverts by two triangular solves.

    Example:
        >>> InvertibleLinear(2)().forward([3.0, 4.0]).numpy()
        array([3., 4.], dtype=float32)

    Reference: Kingma, Dhariwal. Glow. 2018. arXiv:1807.03039
    """

    def __init__(self, features, *, context=0, **kwargs):
        super().__init__(features, context=context, **kwargs)
        initial = tf.zeros([features**2 + features])
        self.parameters = Parameters(initial, context=context, dtype=self.dtype_policy, name="parameters")
        self.built = True

    def given(self, context):
        matrix, shift = tf.split(self.parameters(context), [self.features**2, self.features], -1)
        return _LinearBijector(rows(matrix, self.features), shift, dtype=self.compute_dtype)
