"""The logarithm of a mean of weights, at once or over a stream that never fits in memory."""

from typing import NamedTuple

import tensorflow as tf

__all__ = ["LogMean", "log_mean_exp"]


def log_mean_exp(x, axis=0):
    """log((1 / K) sum_k exp(x[k])) over `axis`, without overflow.

    Args:
        x: Floating tensor.
        axis: The axis of the K terms.

    Example:
        >>> float(log_mean_exp(tf.constant([1000.0, 1000.0])))
        1000.0
    """
    x = tf.convert_to_tensor(x)
    return tf.reduce_logsumexp(x, axis) - tf.math.log(tf.cast(tf.shape(x)[axis], x.dtype))


class LogMean(NamedTuple):
    """Running log of the mean of weights w = exp(l), and its error, in float64 and in memory that does not grow.

    log mean = max + log(total / count),  total = sum exp(l - max),  squares = sum exp(2 (l - max))

    The error is the delta method's: with the effective sample size N = total^2 / squares,
    `standard error(log mean) = std(w) / (mean(w) sqrt(K)) = sqrt((K / N - 1) / (K - 1))`.
    It holds when the weights have a finite variance; Pareto's k says whether to believe it. As a tuple of tensors a
    `LogMean` passes through `tf.while_loop`.

    Attributes:
        count: Weights so far, K. Scalar.
        max: Largest log-weight so far, [...].
        total, squares: Sums of exp(l - max) and of its square, [...].

    Example:
        >>> mean = LogMean.empty([1]).add(tf.constant([[0.0], [0.0]])).add(tf.constant([[0.0]]))
        >>> mean.value.numpy(), mean.effective_sample_size.numpy()
        (array([0.]), array([3.]))
    """

    count: tf.Tensor
    max: tf.Tensor
    total: tf.Tensor
    squares: tf.Tensor

    @classmethod
    def empty(cls, shape):
        """No weights yet, for a field of means of this shape."""
        zeros = tf.zeros(shape, tf.float64)
        return cls(tf.zeros([], tf.float64), zeros - float("inf"), zeros, zeros)

    def add(self, log_weights):
        """With the log-weights [k, ...] taken in; -inf is a weight of zero."""
        log_weights = tf.cast(log_weights, tf.float64)
        largest = tf.maximum(self.max, tf.reduce_max(log_weights, 0))
        origin = tf.where(tf.math.is_finite(largest), largest, 0.0)  # -inf as long as every weight is zero
        weights = tf.exp(log_weights - origin)
        kept = tf.exp(self.max - origin)
        return LogMean(
            self.count + tf.cast(tf.shape(log_weights)[0], tf.float64),
            largest,
            self.total * kept + tf.reduce_sum(weights, 0),
            self.squares * kept**2 + tf.reduce_sum(weights**2, 0),
        )

    @property
    def value(self):
        """The log of the mean weight, [...]; -inf when every weight is zero."""
        return self.max + tf.math.log(self.total / self.count)

    @property
    def effective_sample_size(self):
        """(sum w)^2 / sum w^2, between 1 and K, [...]; 0 when every weight is zero."""
        return tf.math.divide_no_nan(self.total**2, self.squares)

    @property
    def standard_error(self):
        """Standard error of `value` by the delta method, [...]; infinite for a single weight: it is not known."""
        excess = tf.maximum(self.count / self.effective_sample_size - 1.0, 0.0)
        return tf.where(self.count > 1.0, tf.sqrt(excess / (self.count - 1.0)), float("inf"))
