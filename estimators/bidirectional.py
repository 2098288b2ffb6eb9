"""Bidirectional Monte Carlo: log p(x) between a lower and an upper bound that meet."""

import dataclasses

import numpy as np

from vae_flows.estimators.result import Estimate
from vae_flows.estimators.step_size import BiasedAdaptation

__all__ = ["BidirectionalMonteCarlo", "Bracket"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Bracket:
    """Stochastic bounds of log p(x) of N images.

    Args:
        lower: `Estimate` of the forward chains.
        upper: `Estimate` of the backward chains.
    """

    lower: Estimate
    upper: Estimate

    @property
    def images(self):
        """Number of images, N."""
        return self.lower.images

    @property
    def gaps(self):
        """upper - lower of each image, [N]: in the mean the sum of both sides' errors, so from once to twice the larger one."""
        return self.upper.values - self.lower.values

    @property
    def gap(self):
        """Mean gap over images."""
        return float(np.mean(self.gaps))

    @property
    def errors(self):
        """Monte-Carlo standard errors of the gaps, [N]."""
        return np.hypot(self.lower.errors, self.upper.errors)

    def to_dict(self):
        """Plain numbers for a table or `results.json`."""
        error = np.std(self.gaps, ddof=1) / np.sqrt(self.images) if self.images > 1 else self.errors[0]
        return {
            "lower": self.lower.mean,
            "upper": self.upper.mean,
            "gap": self.gap,
            "gap_standard_error": float(error) if np.isfinite(error) else None,
            "forward": self.lower.to_dict(),
            "backward": self.upper.to_dict(),
        }

    @classmethod
    def concatenate(cls, brackets):
        """One bracket of all the images of several."""
        brackets = list(brackets)
        lower = Estimate.concatenate(bracket.lower for bracket in brackets)
        return cls(lower=lower, upper=Estimate.concatenate(bracket.upper for bracket in brackets))

    def to_arrays(self):
        """Arrays by name."""
        sides = {"lower": self.lower, "upper": self.upper}
        return {f"{side}.{name}": array for side, each in sides.items() for name, array in each.to_arrays().items()}

    @classmethod
    def from_arrays(cls, arrays):
        """The inverse of `to_arrays`."""
        sides = {"lower": {}, "upper": {}}
        for name, array in arrays.items():
            side, field = name.split(".", 1)
            sides[side][field] = array
        return cls(**{side: Estimate.from_arrays(fields) for side, fields in sides.items()})


class BidirectionalMonteCarlo:
    """Annealing in both directions on images simulated from the model, whose exact posterior samples are thus known.

    E[exp(lower)] = p(x) forward from N(0, I), E[exp(-upper)] = 1 / p(x) backward from an exact posterior sample. Jensen:
    E[lower] <= log p(x) <= E[upper], and the gap bounds the error of either without knowing the truth.

    Both directions use the step sizes of one pilot run, frozen, and independent noise.

    Args:
        hais: `HamiltonianAIS`.

    Call:
        x [B, ...] simulated from the model, exact [B, D] the noise u behind it, seed int32 [2], first = place of x[0] among
        all images -> `Bracket` of B images.

    Raises:
        ValueError: if `hais` adapts within the weighted run, or `exact` does not have a row of D for each image.

    Reference: Grosse, Ghahramani, Adams. Sandwiching the marginal likelihood using bidirectional Monte Carlo. 2015.
    arXiv:1511.02543
    """

    result = Bracket

    def __init__(self, hais):
        if isinstance(hais.tuning, BiasedAdaptation):
            raise ValueError("`hais` must be unbiased, or nothing is bounded. Received: tuning=BiasedAdaptation(...).")
        self.hais = hais

    @property
    def settings(self):
        """What the result depends on, beside the callable: for the record, and for resuming."""
        return {"estimator": type(self).__name__, "hais": self.hais.settings}

    def with_temperatures(self, temperatures):
        """The same with more or fewer temperatures; nothing is compiled again."""
        return BidirectionalMonteCarlo(self.hais.with_temperatures(temperatures))

    def __call__(self, x, exact, *, seed, first=0, report=None):
        half = report and (lambda share: report(0.5 * share))
        x = self.hais.prepared(x)
        steps = self.hais.tune(x, seed=seed, first=first)
        lower = self.hais(x, seed=seed, first=first, steps=steps, report=half)
        upper = self.hais.backward(x, exact, seed=seed, first=first, steps=steps, report=half)
        return Bracket(lower=lower, upper=upper)
