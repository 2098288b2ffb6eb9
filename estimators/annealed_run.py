"""The annealed run: chains that go from a standard normal to the target, or back, gathering their weights."""

import functools

import numpy as np
import tensorflow as tf

from vae_flows.estimators.chains import Chains, Tally, Trace
from vae_flows.estimators.compiled import as_images, for_any_batch, optionally_xla
from vae_flows.estimators.hmc import Evaluation, refreshed, standard_normal_log_prob, transition
from vae_flows.estimators.placed_noise import PlacedNoise
from vae_flows.estimators.step_size import FROZEN, adapted

__all__ = ["CHAIN_ROWS", "AnnealedRun", "NoStart"]

CHAIN_ROWS = 4
START, MOMENTUM, ACCEPTANCE = range(3)  # streams of one seed


class NoStart(ValueError):
    """Chains cannot begin: their target is no finite number there."""


class AnnealedRun:
    """Compiled annealed importance sampling with Hamiltonian transitions.

    log f_b(u) = (1 - b) log N(u; 0, I) + b log_target(u),  b = b[0], ..., b[T]
    log w = sum_t (b[t] - b[t-1]) (log_target(u_t-1) - log N(u_t-1; 0, I)),  u_t ~ transition that keeps f_b[t]

    With b from 0 to 1 and u_0 ~ N(0, I), E[w] = p(x); with b from 1 to 0 and u_0 an exact sample of the target,
    E[w] = 1 / p(x). T temperatures take T - 1 transitions: none is made after the last weight. The steps between
    temperatures are counted in float64.

    The run is made of stretches of the schedule, each one call of the same compiled graph, in which a rule for the step
    size, possibly one that changes nothing, is applied. Between stretches control is back in Python, to report or to stop.

    Args:
        annealing: x -> an object with `features` D and `log_target` (u [chains, B, D] -> [chains, B]); called inside the
            graph. A `gradient_target` gives rough gradients.
        prepare: x -> nest of tensors [B, ...], computed once and given to `annealing` beside x; None for nothing.
        leapfrogs: Gradients per transition.
        momentum_persistence: Share of the momentum kept from one transition to the next, in [0, 1).
        jit_compile: Whether value and gradient are compiled by XLA.
    """

    def __init__(self, annealing, *, prepare, leapfrogs, momentum_persistence, jit_compile):
        self._annealing = annealing
        self._prepare = prepare and for_any_batch(prepare, lambda dtype: [])
        self._leapfrogs = leapfrogs
        self._persistence = momentum_persistence
        self._jit_compile = jit_compile
        place = [tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.int64)]
        betas, count = tf.TensorSpec([None], tf.float64), tf.TensorSpec([], tf.int32)
        self._draw = for_any_batch(self._draw_graph, lambda dtype: [count, *place])
        self._begin = for_any_batch(self._begin_graph, lambda dtype: [tf.TensorSpec([None] * 3, dtype), betas, *place])
        self._advance = for_any_batch(
            self._stretch_graph,
            lambda dtype: [Chains.specs(dtype), betas, tf.TensorSpec([6], dtype), tf.TensorSpec([], tf.int64), *place],
        )

    def prepared(self, x):
        """What the other calls take: (images [B, ...],), followed by what `prepare` finds out about them."""
        if isinstance(x, tuple):  # is prepared already
            return x
        x = as_images(x)
        return (x,) if self._prepare is None else (x, self._prepare(x))

    def __call__(self, inputs, *, schedule, steps, chains, seed, first, chain=0, rule=FROZEN, exact=None, report=None):
        """Runs `chains` chains of each image from the first to the last of `schedule`.

        Args:
            inputs: Images, as `prepared` gives them.
            schedule: b, float64 [T + 1], from 0 to 1 or from 1 to 0.
            steps: Step size of each image in each of S stretches, [S, B]; where a rule changes them it begins with the first.
            chains: Number of chains.
            seed, first, chain: The noise's place: seed of this run, place of x[0], of the first chain (a multiple of 4).
            rule: Numbers of a `StepRule`.
            exact: Where all chains of each image begin, [B, D]; drawn from N(0, I) when None.
            report: Called with the share of the work that was done since the last call.

        Returns:
            `Trace`.

        Raises:
            ValueError: if the target does not fit, or is not finite at the start.
        """
        x = inputs[0]
        schedule = tf.cast(tf.cast(schedule, x.dtype), tf.float64)  # weights and moves see the same temperatures
        steps = tf.cast(steps, x.dtype)
        place = (seed, tf.cast(first, tf.int64), tf.cast(chain, tf.int64))
        u = self._draw(inputs, chains, *place)
        u = u if exact is None else _repeated(tf.cast(exact, x.dtype), u.shape)
        state, finite = self._begin(inputs, u, schedule[:2], *place)
        _check_start(finite.numpy(), state.point.log_target.shape, first, at_exact=exact is not None)
        temperatures = len(schedule) - 1
        frozen, rule = rule is FROZEN, tf.constant(rule, x.dtype)
        state = state._replace(step_size=steps[0], average=tf.fill(tf.shape(steps[0]), rule[0]))
        tallies = []
        for index, moments in enumerate(np.array_split(np.arange(1, temperatures), len(steps))):
            if not len(moments):
                continue
            if frozen:
                state = state._replace(step_size=steps[index])
            part = schedule[moments[0] : moments[-1] + 2]
            state, tally = self._advance(inputs, state, part, rule, moments[0], *place)
            tallies.append(tally)
            if report is not None:
                report(len(moments) / (temperatures - 1))
        return Trace.of(state, tallies)

    def _evaluated(self, inputs):
        """Features and `Evaluation` of the annealing of these images."""
        annealing = self._annealing(*inputs)
        rough = getattr(annealing, "gradient_target", None)
        compiled = functools.partial(optionally_xla, jit_compile=self._jit_compile)
        return annealing.features, Evaluation(annealing.log_target, rough, compiled)

    def _draw_graph(self, inputs, chains, seed, first, chain):
        """Starts of the chains [chains, B, D]."""
        features, _ = self._evaluated(inputs)
        return _noise(inputs[0], seed, START, first).normal(count=chains, features=features, start=chain)

    def _begin_graph(self, inputs, u, schedule, seed, first, chain):
        """`Chains` at u with the first step's weight, and where they are finite."""
        x, (features, evaluation) = inputs[0], self._evaluated(inputs)
        u = tf.ensure_shape(u, [None, None, features])
        point = evaluation.exact(evaluation.at(u))
        own = standard_normal_log_prob(u)
        momentum = _noise(x, seed, MOMENTUM, first).normal(count=tf.shape(u)[0], features=features, start=chain)
        weight = (schedule[1] - schedule[0]) * tf.cast(point.log_target - own, tf.float64)
        zeros = tf.zeros_like(own[0])
        finite = tf.math.is_finite(point.log_target + tf.reduce_sum(point.gradient, -1))
        return Chains(point, momentum, weight, zeros, zeros), finite

    def _stretch_graph(self, inputs, state, schedule, rule, moment, seed, first, chain):
        """Transitions at all but the last of `schedule`, each followed by the weight of the step to the next."""
        x, (features, evaluation) = inputs[0], self._evaluated(inputs)
        momenta, uniforms = _noise(x, seed, MOMENTUM, first), _noise(x, seed, ACCEPTANCE, first)
        chains = tf.shape(state.log_weight)[0]

        def one(i, state, tally):
            drawn = {"count": chains, "start": chain, "moment": moment + i}
            noise = momenta.normal(features=features, **drawn)
            moved = transition(
                evaluation,
                state.point,
                refreshed(state.momentum, noise, self._persistence),
                inverse_temperature=tf.cast(schedule[i], x.dtype),
                step_size=state.step_size,
                leapfrogs=self._leapfrogs,
                uniform=uniforms.uniform(**drawn),
            )
            point = moved.point
            difference = tf.cast(point.log_target - standard_normal_log_prob(point.position), tf.float64)
            weight = state.log_weight + (schedule[i + 1] - schedule[i]) * difference
            acceptance = tf.reduce_mean(moved.acceptance, 0)
            tally = tally.add(acceptance, state.step_size, moved.finite)
            step_size, average = adapted(state.step_size, state.average, acceptance, rule)
            return i + 1, Chains(point, moved.momentum, weight, step_size, average), tally

        state = state.with_features(features)
        count = tf.size(schedule, tf.int64) - 1
        begun = (tf.zeros([], tf.int64), state, Tally.empty(state.step_size))
        _, state, tally = tf.while_loop(lambda i, *_: i < count, one, begun, parallel_iterations=1)
        return state, tally.means(count)


def _noise(x, seed, stream, first):
    return PlacedNoise.of(seed, stream=stream, images=tf.shape(x)[0], first=first, rows=CHAIN_ROWS, dtype=x.dtype)


def _repeated(exact, shape):
    """exact [B, D], once for each chain: [chains, B, D]."""
    if exact.shape != shape[1:]:
        raise ValueError(
            f"`exact` must hold the noise behind each image. Expected: shape {shape[1:]}. Received: shape={exact.shape}."
        )
    return tf.tile(exact[None], [shape[0], 1, 1])


def _check_start(finite, shape, first, *, at_exact):
    """finite [chains, B] and shape: of the target where chains begin; whether that is the codes of simulated images."""
    if finite.shape != shape:
        raise ValueError(
            f"`log_target` must give one number for each chain and image. Expected: shape={finite.shape}. "
            f"Received: shape={tuple(shape)}. Do not sum over images or chains."
        )
    bad = np.flatnonzero(~finite.all(0))
    if len(bad):
        remedy = "Check the images' preparation and the model's weights."
        if at_exact:
            remedy = "The start has no density at the codes of these simulated images: take another `start`, or train longer."
        raise NoStart(
            "`log_target` must be finite where the chains begin. "
            f"Received: NaN or infinity for {len(bad)} of {finite.shape[1]} images, first {(first + bad[:3]).tolist()}. "
            + remedy
        )
