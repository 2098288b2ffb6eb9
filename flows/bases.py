"""Orthonormal bases for Sylvester flows, as functions of a vector of parameters."""

from typing import NamedTuple

import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.flows.householder import HouseholderBijector
from vae_flows.flows.parameters import normal, rows

__all__ = ["Basis", "GramSchmidtBasis", "HouseholderBasis", "StandardBasis"]


class Basis(NamedTuple):
    """M orthonormal columns Q [..., D, M], as what one does with them.

    Attributes:
        project: x [..., D] -> Q^T x [..., M].
        lift: v [..., M] -> Q v [..., D].
    """

    project: object
    lift: object


class GramSchmidtBasis(Configured):
    """Any M orthonormal columns: those of a free matrix, orthonormalised from the first to the last.

    Q R = A, diag(R) > 0

    Args:
        columns: Number M of columns, at most D: the rank of what the flow adds.

    Reference: van den Berg et al. Sylvester Normalizing Flows. 2018. arXiv:1803.05649
    Differs from the paper: a QR decomposition, exact to rounding, in the place of an iteration.
    """

    def __init__(self, columns):
        if columns < 1:
            raise ValueError(f"`columns` must be at least 1. Received: columns={columns}.")
        self.columns = columns

    def rank(self, features):
        """M, for events of this size."""
        if self.columns > features:
            raise ValueError(
                f"`columns` must be at most features={features}: no more can be orthonormal. "
                f"Received: columns={self.columns}. Use fewer."
            )
        return self.columns

    def initial(self, features):
        """First values of the parameters, [P]."""
        return normal(features * self.columns)

    def __call__(self, parameters, features):
        q, r = tf.linalg.qr(rows(parameters, features))
        diagonal = tf.linalg.diag_part(r)[..., None, :]
        q = tf.where(diagonal < 0, -q, q)  # else columns jump where a sign in A changes; orthonormal whatever A's rank
        return Basis(project=lambda x: tf.linalg.matvec(q, x, transpose_a=True), lift=lambda v: tf.linalg.matvec(q, v))


class HouseholderBasis(Configured):
    """All D columns of a product of reflections.

    Args:
        reflections: Number of reflections.

    Reference: van den Berg et al. 2018. arXiv:1803.05649
    """

    def __init__(self, reflections):
        if reflections < 1:
            raise ValueError(f"`reflections` must be at least 1. Received: reflections={reflections}.")
        self.reflections = reflections

    def rank(self, features):
        """M = D."""
        return features

    def initial(self, features):
        """First values of the parameters, [P]."""
        return normal(features * self.reflections)

    def __call__(self, parameters, features):
        product = HouseholderBijector(rows(parameters, self.reflections), dtype=parameters.dtype)
        return Basis(
            project=lambda x: product.inverse_and_log_det(x)[0], lift=lambda v: product.forward_and_log_det(v)[0]
        )


class StandardBasis(Configured):
    """The unit vectors, or the same from last to first: no parameters. The paper's triangular flow alternates them.

    Args:
        reverse: Whether the order is from last to first.

    Reference: van den Berg et al. 2018. arXiv:1803.05649
    """

    def __init__(self, reverse=False):
        self.reverse = reverse

    def rank(self, features):
        """M = D."""
        return features

    def initial(self, features):
        """First values of the parameters: none."""
        return tf.zeros([0])

    def __call__(self, parameters, features):
        def order(x):
            return tf.reverse(x, [-1]) if self.reverse else x

        return Basis(project=order, lift=order)
