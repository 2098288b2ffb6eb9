"""The state of annealed chains, and what is counted on their way."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from vae_flows.estimators.hmc import Point

__all__ = ["Chains", "Tally", "Trace"]


class Chains(NamedTuple):
    """Chains under way.

    Attributes:
        point: `Point` of [chains, B, ...].
        momentum: [chains, B, D].
        log_weight: [chains, B] float64.
        step_size, average: Step size and running acceptance of each image, [B].
    """

    point: Point
    momentum: tf.Tensor
    log_weight: tf.Tensor
    step_size: tf.Tensor
    average: tf.Tensor

    @classmethod
    def specs(cls, dtype):
        """Shapes and dtypes, every size left open."""
        vectors, scalars = tf.TensorSpec([None, None, None], dtype), tf.TensorSpec([None, None], dtype)
        weights, images = tf.TensorSpec([None, None], tf.float64), tf.TensorSpec([None], dtype)
        return cls(Point(vectors, scalars, vectors), vectors, weights, images, images)

    def with_features(self, features):
        """The same, the size D of its vectors known."""
        shape = [None, None, features]
        position, gradient = (tf.ensure_shape(each, shape) for each in (self.point.position, self.point.gradient))
        point = self.point._replace(position=position, gradient=gradient)
        return self._replace(point=point, momentum=tf.ensure_shape(self.momentum, shape))


class Tally(NamedTuple):
    """Sums over the temperatures of a stretch, each [B]: acceptance, log step size, proposals that were not finite."""

    acceptance: tf.Tensor
    log_step: tf.Tensor
    non_finite: tf.Tensor

    @classmethod
    def empty(cls, step_size):
        """Nothing yet, for as many images as there are step sizes."""
        return cls(tf.zeros_like(step_size), tf.zeros_like(step_size), tf.zeros_like(step_size, tf.int64))

    def add(self, acceptance, step_size, finite):
        """With one temperature's acceptance [B], step size [B], and which proposals were finite, [chains, B]."""
        non_finite = tf.math.count_nonzero(~finite, 0)
        return Tally(self.acceptance + acceptance, self.log_step + tf.math.log(step_size), self.non_finite + non_finite)

    def means(self, count):
        """Mean acceptance, geometric mean step size, and the number of proposals that were not finite."""
        count = tf.cast(count, self.acceptance.dtype)
        return Tally(self.acceptance / count, tf.exp(self.log_step / count), self.non_finite)


class Trace(NamedTuple):
    """What a run leaves behind, as arrays.

    Attributes:
        log_weights: [chains, B] float64.
        acceptance: Mean over chains and temperatures of each stretch of the schedule, [S, B].
        step_size: Geometric mean over each stretch, [S, B].
        non_finite: Rejected proposals that were not finite, [B].
    """

    log_weights: np.ndarray
    acceptance: np.ndarray
    step_size: np.ndarray
    non_finite: np.ndarray

    @classmethod
    def of(cls, chains, tallies):
        """From the final `Chains` and the means of each stretch."""
        log_weights = chains.log_weight.numpy()
        if not tallies:  # a single temperature has no transition
            nothing = np.zeros([0, log_weights.shape[1]])
            return cls(log_weights, nothing, nothing, np.zeros(log_weights.shape[1], np.int64))
        acceptance, step_size, non_finite = (
            np.stack([each.numpy() for each in part]) for part in zip(*tallies, strict=True)
        )
        return cls(log_weights, acceptance, step_size, non_finite.sum(0))

    @classmethod
    def concatenate(cls, traces):
        """One trace of the chains of several runs of equally frozen steps."""
        chains = [len(trace.log_weights) for trace in traces]
        return cls(
            np.concatenate([trace.log_weights for trace in traces]),
            np.average([trace.acceptance for trace in traces], axis=0, weights=chains),
            traces[0].step_size,
            np.sum([trace.non_finite for trace in traces], axis=0),
        )
