"""Hamiltonian Monte Carlo between a standard normal and a target, at the cost of its gradients and no more."""

import math
from typing import NamedTuple

import tensorflow as tf

__all__ = ["Evaluation", "Moved", "Point", "refreshed", "standard_normal_log_prob", "transition"]


class Point(NamedTuple):
    """A position with what is known there of the target: so no transition evaluates where another one ended.

    Attributes:
        position: u [chains, B, D].
        log_target: [chains, B].
        gradient: Gradient of the log-target, [chains, B, D].
    """

    position: tf.Tensor
    log_target: tf.Tensor
    gradient: tf.Tensor


class Moved(NamedTuple):
    """Where a transition ended.

    Attributes:
        point: The new `Point`, or the old one where the move was rejected.
        momentum: [chains, B, D]; turned round where rejected.
        acceptance: Probability with which the move was accepted, [chains, B].
        finite: Whether the proposal was finite, [chains, B].
    """

    point: Point
    momentum: tf.Tensor
    acceptance: tf.Tensor
    finite: tf.Tensor


class Evaluation:
    """The log-target with its gradient, which may come from a cheaper function.

    A leapfrog step with *any* force that is a function of the position alone keeps volume and can be reversed, so with
    exact energies in the Metropolis test a rough gradient costs acceptance and never exactness.

    Args:
        log_target: u [chains, B, D] -> [chains, B].
        gradient_target: The same function, computed in bfloat16, say; None for `log_target` itself.
        compiled: Wraps the function that is evaluated at each leapfrog step.
    """

    def __init__(self, log_target, gradient_target=None, compiled=lambda function: function):
        self.log_target = log_target
        self.rough = gradient_target is not None
        self._value_and_gradient = compiled(_with_gradient(gradient_target or log_target))

    def at(self, position):
        """The `Point` there; its log-target is the rough one where there is one."""
        return Point(position, *self._value_and_gradient(position))

    def exact(self, point):
        """The point with its exact log-target; free where the gradient is exact, too."""
        return point._replace(log_target=self.log_target(point.position)) if self.rough else point


def _with_gradient(function):
    def value_and_gradient(u):
        with tf.GradientTape() as tape:
            tape.watch(u)
            value = function(u)
        gradient = tape.gradient(value, u)
        if gradient is None:
            raise ValueError("`log_target` must depend on u through differentiable operations. Received: no gradient.")
        if value.shape.rank not in (None, u.shape.rank - 1):
            raise ValueError(
                "`log_target` must give one number for each chain and image. Expected: [chains, images]. "
                f"Received: shape={value.shape} for u of shape {u.shape}. Sum over pixels and features."
            )
        return tf.cast(value, u.dtype), gradient

    return value_and_gradient


def standard_normal_log_prob(u):
    """log N(u; 0, I) over the last axis: [..., D] -> [...]."""
    features = tf.cast(tf.shape(u)[-1], u.dtype)
    return -0.5 * (tf.reduce_sum(u * u, -1) + features * math.log(2.0 * math.pi))


def refreshed(momentum, noise, persistence):
    """v <- a v + sqrt(1 - a^2) e: keeps N(0, I), and a share a of the old direction. a = 0 draws it anew.

    Reference: Sohl-Dickstein, Culpepper. Hamiltonian annealed importance sampling for partition function estimation. 2012.
    arXiv:1205.1925
    """
    return noise if persistence == 0.0 else persistence * momentum + math.sqrt(1.0 - persistence**2) * noise


def transition(evaluation, point, momentum, *, inverse_temperature, step_size, leapfrogs, uniform):
    """One Hamiltonian move that leaves the tempered density f_b times N(v; 0, I) unchanged.

    log f_b(u) = (1 - b) log N(u; 0, I) + b log_target(u),  H(u, v) = -log f_b(u) + v.v / 2
    repeat: v <- v + (s / 2) grad log f_b(u);  u <- u + s v;  v <- v + (s / 2) grad log f_b(u)
    accept with probability min(1, exp(H(old) - H(new))), else stay and turn v round

    Exactly `leapfrogs` gradients are evaluated (and one value, when the gradients are rough). A proposal with a NaN or an
    infinity in its value or gradient is rejected: such a point could not be left by the same move.

    Args:
        evaluation: `Evaluation` of the target.
        point: Where the chains are.
        momentum: v [chains, B, D], refreshed.
        inverse_temperature: b, scalar.
        step_size: s [B], or scalar.
        leapfrogs: Number of leapfrog steps.
        uniform: In [0, 1), [chains, B]: decides the acceptance.

    Returns:
        `Moved`.
    """
    end, v = _leapfrog(evaluation, point, momentum, inverse_temperature, step_size, leapfrogs)
    end = evaluation.exact(end)
    gain = _log_density(end, v, inverse_temperature) - _log_density(point, momentum, inverse_temperature)
    finite = tf.math.is_finite(gain + tf.reduce_sum(end.gradient, -1))
    acceptance = tf.where(finite, tf.exp(tf.minimum(gain, 0.0)), 0.0)
    accepted = uniform < acceptance
    wide = accepted[..., None]
    kept = Point(
        tf.where(wide, end.position, point.position),
        tf.where(accepted, end.log_target, point.log_target),
        tf.where(wide, end.gradient, point.gradient),
    )
    return Moved(kept, tf.where(wide, v, -momentum), acceptance, finite)


def _leapfrog(evaluation, point, momentum, inverse_temperature, step_size, leapfrogs):
    step = tf.convert_to_tensor(step_size)[..., None]  # [B, 1]

    def kick(v, at):
        force = inverse_temperature * at.gradient - (1.0 - inverse_temperature) * at.position
        return v + 0.5 * step * force

    def one(i, at, v):
        v = kick(v, at)
        at = evaluation.at(at.position + step * v)
        return i + 1, at, kick(v, at)

    _, end, v = tf.while_loop(lambda i, *_: i < leapfrogs, one, (0, point, momentum), parallel_iterations=1)
    return end, v


def _log_density(point, momentum, inverse_temperature):
    start = standard_normal_log_prob(point.position)
    tempered = (1.0 - inverse_temperature) * start + inverse_temperature * point.log_target
    return tempered - 0.5 * tf.reduce_sum(momentum * momentum, -1)
