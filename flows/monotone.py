"""Inverses that have no closed form: the root of an increasing function."""

import numpy as np
import tensorflow as tf

__all__ = ["TOLERANCE", "increasing_root"]

TOLERANCE = 1e-5  # of a root, relative to 1 + |root|; beyond it the answer is NaN


def increasing_root(function, lower, upper, *, iterations=100):
    """The root a of an increasing function, element by element: f(a) = 0, lower <= a <= upper.

    Newton's method inside a bracket that shrinks with every evaluation: a Newton step that leaves the bracket, or does
    not halve the step before, gives way to bisection. The loop ends when every step is at the level of rounding.

    The root is differentiable in whatever `function` closes over, by the implicit function theorem; once, not twice.

    Args:
        function: a -> (f(a), df/da), of one shape.
        lower: Where f is not positive; the shape of a.
        upper: Where f is not negative.
        iterations: Most evaluations of f.

    Returns:
        The root; NaN where its last step was larger than 1e-5 (1 + |root|), as it is for inputs that are not finite.

    Example:
        >>> def cube(a):
        ...     return a**3 - 8.0, 3.0 * a**2
        >>> round(float(increasing_root(cube, tf.constant(-9.0), tf.constant(9.0))), 4)
        2.0
    """
    lower, upper = tf.stop_gradient(lower), tf.stop_gradient(upper)
    rounding = 4.0 * np.finfo(lower.dtype.as_numpy_dtype).eps

    def unfinished(i, root, lower, upper, step):
        return (i < iterations) & tf.reduce_any(tf.abs(step) > rounding * (1.0 + tf.abs(root)))

    def shrink(i, root, lower, upper, step):
        value, slope = function(root)
        lower, upper = tf.where(value <= 0, root, lower), tf.where(value >= 0, root, upper)
        newton = root - tf.math.divide_no_nan(value, slope)
        good = (newton > lower) & (newton < upper) & (tf.abs(newton - root) <= 0.5 * tf.abs(step))
        following = tf.where(good, newton, 0.5 * (lower + upper))
        return i + 1, following, lower, upper, following - root

    middle = 0.5 * (lower + upper)
    start = (tf.constant(0), middle, lower, upper, upper - lower + 1.0)
    _, root, _, _, step = tf.nest.map_structure(tf.stop_gradient, tf.while_loop(unfinished, shrink, start))
    root = tf.where(tf.abs(step) <= TOLERANCE * (1.0 + tf.abs(root)), root, float("nan"))
    value, slope = function(root)
    return root - tf.math.divide_no_nan(value - tf.stop_gradient(value), tf.stop_gradient(slope))
