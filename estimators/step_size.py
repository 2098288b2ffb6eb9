"""How leapfrog step sizes are found: on a pilot run, then frozen; or, biased, within the weighted run."""

import dataclasses

import tensorflow as tf

__all__ = ["BiasedAdaptation", "PilotTuning", "StepRule", "adapted"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepRule:
    """Each image's step size follows its chains' running acceptance.

    s <- clip(s * (up if a > target else down), limits),  a <- decay * a + (1 - decay) * mean acceptance over chains

    The defaults are those of the original HAIS code, which averages over all images of a batch; here an image's step size
    depends on its own chains alone.

    Args:
        target: Acceptance to hold.
        decay: Memory of the running average.
        up, down: Factors per temperature.
        limits: Smallest and largest step size.
    """

    target: float = 0.65
    decay: float = 0.8
    up: float = 1.02
    down: float = 0.98
    limits: tuple[float, float] = (1e-4, 0.9)

    def __post_init__(self):
        if not (0.0 < self.target < 1.0 and 0.0 <= self.decay < 1.0):
            raise ValueError(
                f"`target` must be in (0, 1), `decay` in [0, 1). Received: target={self.target}, decay={self.decay}."
            )
        if not 0.0 < self.down <= 1.0 <= self.up:
            raise ValueError(f"`down` must be in (0, 1], `up` at least 1. Received: down={self.down}, up={self.up}.")
        if not 0.0 < self.limits[0] < self.limits[1]:
            raise ValueError(f"`limits` must be positive and rising. Received: limits={self.limits}.")

    @property
    def numbers(self):
        """What `adapted` takes."""
        return (self.target, self.decay, self.up, self.down, *self.limits)


FROZEN = (0.5, 0.0, 1.0, 1.0, 0.0, float("inf"))  # a rule that changes nothing


@dataclasses.dataclass(frozen=True, kw_only=True)
class PilotTuning:
    """Step sizes are tuned on a run of its own along the same schedule, with its own noise, then frozen: unbiased.

    Given the pilot, the weighted run's kernels are fixed, so E[weight] = p(x) holds for every pilot. A frozen step size
    belongs to an image and a stretch of the schedule: the geometric mean of the pilot's over the same stretch.

    Differs from the original, which tunes within the weighted run (`BiasedAdaptation`): a pilot runs through the schedule
    ten times faster, so its rule has a shorter memory and larger factors, and goes down faster than up, because a step that
    is too large makes a chain stand still while one that is too small only slows it. `StepRule()` with `share=1.0` is the
    original's rule at ten times the cost; its bracket was twice as wide on a linear-Gaussian model with D = 10.

    Args:
        share: Temperatures of the pilot, as a share of those of the weighted run, though at least `fewest`.
        fewest: Smallest number of temperatures of the pilot, unless the weighted run has fewer; one alone moves no chain.
        chains: Chains of the pilot, whatever the number of weighted ones.
        rule: `StepRule`.
    """

    share: float = 0.1
    fewest: int = 100
    chains: int = 4
    rule: StepRule = StepRule(decay=0.5, up=1.1, down=0.8)

    def __post_init__(self):
        if self.share <= 0.0 or self.fewest < 2 or self.chains < 1:
            raise ValueError(
                "A pilot needs at least one chain and two temperatures. "
                f"Received: share={self.share}, fewest={self.fewest}, chains={self.chains}."
            )

    def temperatures(self, weighted):
        """The pilot's number of temperatures beside a weighted run's."""
        return min(weighted, max(self.fewest, round(self.share * weighted)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class BiasedAdaptation:
    """Step sizes follow the rule within the weighted run itself, as in the original code: biased.

    The kernel then depends on the chain's own past, so E[weight] = p(x) no longer holds and nothing bounds the error; and
    chains of one image share their step size, so they are not independent. For comparison with published figures only.

    Args:
        rule: `StepRule`.
    """

    rule: StepRule = StepRule()


def adapted(step_size, average, acceptance, rule):
    """One application of the rule.

    Args:
        step_size, average: s and a, [B].
        acceptance: Of this temperature, mean over chains, [B].
        rule: `StepRule.numbers` as a tensor [6].

    Returns:
        The new s and a, [B].
    """
    target, decay, up, down, low, high = tf.unstack(rule)
    step_size = tf.clip_by_value(step_size * tf.where(average > target, up, down), low, high)
    return step_size, decay * average + (1.0 - decay) * acceptance
