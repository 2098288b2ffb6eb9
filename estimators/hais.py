"""Annealed importance sampling with Hamiltonian transitions: log p(x) where importance sampling fails."""

import copy
import dataclasses
import functools
import time
import zlib

import numpy as np

from vae_flows.estimators.annealed_run import CHAIN_ROWS, AnnealedRun
from vae_flows.estimators.chains import Trace
from vae_flows.estimators.compiled import as_seed, folded
from vae_flows.estimators.importance import warn_if_unreliable
from vae_flows.estimators.log_mean_exp import LogMean, log_mean_exp
from vae_flows.estimators.result import Estimate
from vae_flows.estimators.schedules import checked_schedule, refined
from vae_flows.estimators.step_size import FROZEN, BiasedAdaptation, PilotTuning

__all__ = ["HamiltonianAIS"]

FORWARD, BACKWARD, PILOT = range(3)
STRETCHES = 10


class HamiltonianAIS:
    """log p(x) by annealing chains from N(0, I) to the target, with Hamiltonian Monte Carlo between temperatures.

    log f_b(u) = (1 - b) log N(u; 0, I) + b log_target(u),  b = schedule
    log w_c = sum_t (b[t] - b[t-1]) (log_target(u_t-1) - log N(u_t-1; 0, I))
    log p^(x) = log((1 / C) sum_c w_c),  E[w_c] = p(x): a stochastic lower bound

    Any start is a change of variables: with z = f(u), log_target(u) = log p(x, f(u)) + log|det df/du| and u ~ N(0, I)
    anneals from the law of f(u), be it the prior, a posterior or a whole flow, along the path q(z)^(1-b) p(x, z)^b, and no
    inverse of f is needed. A temperature costs exactly `leapfrogs` gradients (T - 1 transitions and one gradient at the start).

    Every chain of every image has noise of its own, by its place (`PlacedNoise`): how images and chains are batched changes
    nothing beyond rounding. (Rounding may turn a Metropolis decision, the more seldom the more exact the dtype; that chain
    then goes on as another, equally valid one.) `BiasedAdaptation` breaks this: its chains share their step size.

    Args:
        annealing: x [B, ...] -> an object with `features` D and `log_target` (u [chains, B, D] -> [chains, B], its integral
            over u being p(x)). If it has a `gradient_target`, the same function as `log_target` in bfloat16, say, leapfrogs
            take its gradient and energies stay exact, so the estimate is still unbiased. (Dense 50-500-500-784 on a CPU with
            avx512_bf16: 0.72 of the time.) With `prepare`, what that gives is its second argument.
        schedule: Inverse temperatures from 0 to 1: `sigmoid_schedule(T)`, `linear_schedule(T)` or any rising array.
        chains: Chains C of each image.
        prepare: x -> nest of tensors [B, ...]: the costly part of a start, computed once per image; None for nothing.
        leapfrogs: Leapfrog steps per temperature.
        step_size: Leapfrog step size where tuning begins; without tuning, the step size itself. A number, or one for each
            image of the whole set, [N].
        tuning: `PilotTuning` (unbiased), `BiasedAdaptation`, or None.
        momentum_persistence: Share of the momentum kept between temperatures, in [0, 1); 0 draws it anew each time, as the
            original does.
        chunk: How many chains run together, all by default; rounded up to a multiple of 4.
        jit_compile: Whether value and gradient are compiled by XLA: 0.9 of the time for dense networks, slower for
            convolutions. The noise stays outside and is the same.

    Call:
        x [B, ...], seed int32 [2], first = place of x[0] among all images -> `Estimate` of B images.

    Raises:
        ValueError: for a schedule that does not run from 0 to 1, no chains, no leapfrogs, a persistence out of range; when
            called, for a target that is not finite where chains begin.

    Warns:
        UnreliableWeights: if the chains of any image have too unequal weights (`Estimate.unreliable`).

    Example:
        >>> class Gaussian:  # p(u) = N(0, 1), p(x | u) = N(u, 1), so p(x) = N(0, 2)
        ...     def __init__(self, x):
        ...         self.features, joint = 1, tfd.Normal(0.0, 1.0)
        ...         self.log_target = lambda u: (joint.log_prob(u) + joint.log_prob(x - u))[..., 0]
        >>> hais = HamiltonianAIS(Gaussian, schedule=sigmoid_schedule(100), chains=16)
        >>> estimate = hais(tf.ones([1, 1]), seed=[0, 0])
        >>> bool(abs(estimate.mean - tfd.Normal(0.0, 2.0**0.5).log_prob(1.0)) < 4.0 * estimate.errors[0])
        True

    References:
        Neal. Annealed importance sampling. 2001. arXiv:physics/9803008
        Sohl-Dickstein, Culpepper. Hamiltonian annealed importance sampling. 2012. arXiv:1205.1925
        Wu, Burda, Salakhutdinov, Grosse. On the quantitative analysis of decoder-based generative models. 2017.
            arXiv:1611.04273
    """

    result = Estimate

    def __init__(
        self,
        annealing,
        *,
        schedule,
        chains,
        prepare=None,
        leapfrogs=10,
        step_size=0.1,
        tuning=PilotTuning(),  # noqa: B008 (frozen)
        momentum_persistence=0.0,
        chunk=None,
        jit_compile=False,
    ):
        for name, value in {"chains": chains, "leapfrogs": leapfrogs, "chunk": chunk or chains}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
        if not 0.0 <= momentum_persistence < 1.0:
            raise ValueError(f"`momentum_persistence` must be in [0, 1). Received: {momentum_persistence}.")
        if not np.all(np.asarray(step_size) > 0.0):
            raise ValueError(f"`step_size` must be positive. Received: step_size={step_size}.")
        if not isinstance(tuning, PilotTuning | BiasedAdaptation | None):
            raise TypeError(
                f"`tuning` must be PilotTuning, BiasedAdaptation or None. Received: {type(tuning).__name__}."
            )
        self.schedule = checked_schedule(schedule)
        self.chains = int(chains)
        self.leapfrogs = int(leapfrogs)
        self.step_size = np.asarray(step_size, np.float64)
        self.tuning = tuning
        self.momentum_persistence = float(momentum_persistence)
        self.chunk = -(-int(chunk or chains) // CHAIN_ROWS) * CHAIN_ROWS
        self._run = AnnealedRun(
            annealing,
            prepare=prepare,
            leapfrogs=self.leapfrogs,
            momentum_persistence=self.momentum_persistence,
            jit_compile=jit_compile,
        )

    @property
    def temperatures(self):
        """Number of temperatures after the start, T."""
        return len(self.schedule) - 1

    @property
    def settings(self):
        """What the result depends on, beside the callable: for the record, and for resuming."""
        return {
            "estimator": type(self).__name__,
            "temperatures": self.temperatures,
            "schedule": zlib.crc32(self.schedule.tobytes()),
            "chains": self.chains,
            "leapfrogs": self.leapfrogs,
            "step_size": self.step_size.tolist(),
            "tuning": {type(self.tuning).__name__: None if self.tuning is None else dataclasses.asdict(self.tuning)},
            "momentum_persistence": self.momentum_persistence,
        }

    def with_temperatures(self, temperatures):
        """The same estimator, compiled functions included, with more or fewer temperatures along the same curve."""
        other = copy.copy(self)
        other.schedule = refined(self.schedule, temperatures)
        return other

    def prepared(self, x):
        """Images with what `prepare` finds out about them, which `backward`, `tune` and calls take in place of x."""
        return self._run.prepared(x)

    def __call__(self, x, *, seed, first=0, steps=None, report=None):
        estimate = self._annealed(x, FORWARD, self.schedule, None, seed, first, steps, report)
        warn_if_unreliable(estimate)
        return estimate

    def backward(self, x, exact, *, seed, first=0, steps=None, report=None):
        """Chains from exact samples of the target back to N(0, I): a stochastic *upper* bound of log p(x).

        log p^(x) = -log((1 / C) sum_c w_c),  E[w_c] = 1 / p(x)

        Args:
            x: Images simulated from the model, [B, ...].
            exact: Noise u behind each of them, exact from the posterior, [B, D].
            seed, first, report: As in the forward call.
            steps: What `tune` gave; tuned anew when None.

        Returns:
            `Estimate` whose values are upper bounds. The chains of an image share their beginning, which its Monte-Carlo
            error does not know of: over images it averages out.

        Reference: Grosse, Ghahramani, Adams. Sandwiching the marginal likelihood using bidirectional Monte Carlo. 2015.
        arXiv:1511.02543
        """
        return self._annealed(x, BACKWARD, self.schedule[::-1], exact, seed, first, steps, report)

    def tune(self, x, *, seed, first=0):
        """Step size of each stretch of the schedule and each image, [S, B]: of the pilot run where there is one."""
        inputs, seed = self.prepared(x), as_seed(seed)
        images = inputs[0].shape[0]
        begin = self.step_size if self.step_size.ndim == 0 else self.step_size[first : first + images]
        if begin.shape not in ((), (images,)):
            raise ValueError(
                f"`step_size` must be one number or one for each image. Received: shape={self.step_size.shape}."
            )
        steps = np.broadcast_to(begin, [STRETCHES, images])
        if not isinstance(self.tuning, PilotTuning) or self.temperatures == 1:
            return steps
        temperatures = self.tuning.temperatures(self.temperatures)
        pilot = self._run(
            inputs,
            schedule=refined(self.schedule, temperatures),
            steps=steps,
            chains=self.tuning.chains,
            seed=folded(seed, PILOT),
            first=first,
            rule=self.tuning.rule.numbers,
        )
        return pilot.step_size

    def _annealed(self, x, direction, schedule, exact, seed, first, steps, report):
        began = time.perf_counter()
        inputs, seed = self.prepared(x), as_seed(seed)
        steps = self.tune(inputs, seed=seed, first=first) if steps is None else steps
        rule = self.tuning.rule.numbers if isinstance(self.tuning, BiasedAdaptation) else FROZEN
        sign = -1 if direction == BACKWARD else 1
        traces = []
        for chain in range(0, self.chains, self.chunk):
            count = min(self.chunk, self.chains - chain)
            place = {"seed": folded(seed, direction), "first": first, "chain": chain}
            tell = report and functools.partial(_report_share, report, count / self.chains)
            traces.append(
                self._run(
                    inputs,
                    schedule=schedule,
                    steps=steps[::sign],
                    chains=count,
                    rule=rule,
                    exact=exact,
                    report=tell,
                    **place,
                )
            )
        return self._estimate(Trace.concatenate(traces), sign, time.perf_counter() - began)

    def _estimate(self, trace, sign, seconds):
        mean = LogMean.empty(trace.log_weights.shape[1:]).add(trace.log_weights)
        half = self.chains // 2
        halves = [log_mean_exp(part).numpy() for part in (trace.log_weights[:half], trace.log_weights[-half:]) if half]
        return Estimate(
            values=sign * mean.value.numpy(),
            errors=mean.standard_error.numpy(),
            effective_sample_size=mean.effective_sample_size.numpy(),
            samples=self.chains,
            seconds=seconds,
            non_finite=trace.non_finite,
            half_gains=mean.value.numpy() - sum(halves) / 2 if halves else None,
            temperatures=np.full(trace.log_weights.shape[1], self.temperatures),
            acceptance=trace.acceptance.T,
            step_size=trace.step_size.T,
        )


def _report_share(report, weight, share):
    report(weight * share)
