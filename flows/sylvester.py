"""Sylvester flows."""

import tensorflow as tf

from vae_flows.flows.base import LazyBijector
from vae_flows.flows.fused import FusedBijector
from vae_flows.flows.monotone import increasing_root
from vae_flows.flows.parameters import Parameters, normal, rows

__all__ = ["Sylvester"]

LIMIT = 0.999  # of the diagonals, so that every slope along Q stays above 0.002


class _SylvesterBijector(FusedBijector):
    """The map for matrices outer = R, inner = R~ [..., M, M] and bias [..., M] in a basis."""

    def __init__(self, basis, outer, inner, bias, *, dtype):
        super().__init__(dtype=dtype)
        self.basis, self.outer, self.inner, self.bias = basis, outer, inner, bias
        self.diagonal = tf.linalg.diag_part(outer) * tf.linalg.diag_part(inner)  # [..., M]

    def forward_and_log_det(self, x):
        step, log_det = self._step(self.basis.project(x))
        return x + step, log_det

    def inverse_and_log_det(self, y):
        step, log_det = self._step(self._solve(self.basis.project(y)))
        return y - step, -log_det

    def _step(self, v):
        """What is added to x with Q^T x = v, and the log-determinant."""
        h = self._activation(v)
        log_det = tf.reduce_sum(tf.math.log1p((1.0 - h * h) * self.diagonal), -1)
        return self.basis.lift(tf.linalg.matvec(self.outer, h)), log_det

    def _activation(self, v):
        return tf.tanh(tf.linalg.matvec(self.inner, v) + self.bias)

    def _solve(self, target):
        """v with v + R tanh(R~ v + b) = target, differentiable once by the implicit function theorem."""
        features = self.bias.shape[-1]
        start = target + tf.zeros_like(self.bias)
        found = tf.while_loop(
            lambda i, v: i < features, lambda i, v: (i + 1, self._sweep(v, target)), (tf.constant(0), start)
        )[1]
        v = tf.stop_gradient(found)
        h = self._activation(v)
        residual = v + tf.linalg.matvec(self.outer, h) - target
        slopes = self.outer @ ((1.0 - h * h)[..., None] * self.inner)
        jacobian = tf.stop_gradient(slopes + tf.eye(features, dtype=v.dtype))  # upper triangular
        change = tf.linalg.triangular_solve(jacobian, (residual - tf.stop_gradient(residual))[..., None], lower=False)
        return v - change[..., 0]

    def _sweep(self, v, target):
        """Solves row i for v[i] with the other features as they are; right for row i once all rows below it are."""
        inner, outer = tf.linalg.diag_part(self.inner), tf.linalg.diag_part(self.outer)
        h = self._activation(v)
        bias = tf.linalg.matvec(self.inner, v) + self.bias - inner * v
        goal = target - (tf.linalg.matvec(self.outer, h) - outer * h)

        def excess(a):
            h = tf.tanh(inner * a + bias)
            return a + outer * h - goal, 1.0 + self.diagonal * (1.0 - h * h)

        reach = tf.abs(outer)
        return increasing_root(excess, goal - reach, goal + reach)


class Sylvester(LazyBijector):
    """Moves a vector within M directions by a one-layer network: a planar map of rank M.

    y = x + Q R tanh(R~ Q^T x + b), Q [D, M] orthonormal, R and R~ upper triangular
    log|det dy/dx| = sum log(1 + R[i, i] R~[i, i] tanh'(R~ Q^T x + b)[i])

    The diagonals are 0.999 tanh(.), which makes every term positive. The map starts near the identity.

    Args:
        features: Size D of the event.
        basis: What Q is: `GramSchmidtBasis(columns=M)` (the paper's orthogonal flow), `HouseholderBasis(reflections=H)`, or
            `StandardBasis(reverse=...)` (triangular).
        context: Size C of the conditioning vector; 0 makes all parameters weights.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]. The inverse solves for one feature after the other, to
        rounding, and is NaN where it misses 1e-5 (see `increasing_root`).

    Raises:
        ValueError: for more columns than features.

    Example:
        >>> Sylvester(4, basis=GramSchmidtBasis(columns=2), context=5)(tf.ones([3, 5])).forward(tf.zeros([3, 4])).shape
        TensorShape([3, 4])

    Reference: van den Berg et al. Sylvester Normalizing Flows for Variational Inference. 2018. arXiv:1803.05649
    Differs from the paper: the bound 0.999 on the diagonals.
    """

    def __init__(self, features, *, basis, context=0, **kwargs):
        super().__init__(features, context=context, **kwargs)
        self.basis = basis
        self.rank = basis.rank(features)
        ahead = basis.initial(features)
        matrix = tf.linalg.set_diag(normal(self.rank, self.rank, scale=0.01), tf.zeros([self.rank]))
        initial = tf.concat([ahead, tf.reshape(matrix, [-1]), tf.ones([self.rank]), tf.zeros([self.rank])], 0)
        self.sizes = (int(ahead.shape[0]), self.rank**2, self.rank, self.rank)
        self.parameters = Parameters(initial, context=context, dtype=self.dtype_policy, name="parameters")
        self.built = True

    def given(self, context):
        ahead, matrix, inner_diagonal, bias = tf.split(self.parameters(context), self.sizes, -1)
        matrix = rows(matrix, self.rank)  # R above and on the diagonal, the transpose of R~ below it
        outer = tf.linalg.band_part(matrix, 0, -1)
        inner = tf.linalg.matrix_transpose(tf.linalg.band_part(matrix, -1, 0))
        outer = tf.linalg.set_diag(outer, LIMIT * tf.tanh(tf.linalg.diag_part(matrix)))
        inner = tf.linalg.set_diag(inner, LIMIT * tf.tanh(inner_diagonal))
        basis = self.basis(ahead, self.features)
        return _SylvesterBijector(basis, outer, inner, bias, dtype=self.compute_dtype)
