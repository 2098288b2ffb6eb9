"""As many temperatures as a wanted error takes."""

import dataclasses

import numpy as np

from vae_flows.estimators.compiled import folded
from vae_flows.estimators.hais import STRETCHES
from vae_flows.estimators.result import Estimate

__all__ = ["AdaptiveTemperatures"]


class AdaptiveTemperatures:
    """Doubles the temperatures of an annealed estimate until its error is small enough.

    Each image's estimate is that of the first run, at T, 2 T, 4 T, ..., in which its Monte-Carlo standard error is at most
    `tolerance`, or of the last run allowed. Runs have independent noise, and earlier ones are thrown away: they only tell
    when to stop. Each image stops by itself, so the result does not depend on the others of its batch; time does: the batch
    runs on until all have stopped.

    The stopping looks at the run's own error, so the choice among runs is not independent of their values: the bias is of
    the order of the tolerance's square. For a figure that is exactly unbiased, repeat with the temperatures found here.

    Args:
        hais: `HamiltonianAIS` with the first number of temperatures, at least 11; at least 2 chains.
        tolerance: Standard error of each image's log p(x), in nats.
        limit: Largest number of temperatures.

    Call:
        As `HamiltonianAIS`; `Estimate.temperatures` says where each image stopped.

    Raises:
        ValueError: if the tolerance is not positive, there is a single chain, whose error is not known, or the limit is
            below the first number of temperatures.
    """

    result = Estimate

    def __init__(self, hais, *, tolerance, limit):
        if not tolerance > 0.0:
            raise ValueError(f"`tolerance` must be positive. Received: tolerance={tolerance}.")
        if hais.chains < 2:
            raise ValueError("`hais` must have at least 2 chains: one chain tells no error. Received: chains=1.")
        if limit < hais.temperatures:
            raise ValueError(
                f"`limit` must be at least {hais.temperatures}, the temperatures of `hais`. Received: limit={limit}."
            )
        if hais.temperatures <= STRETCHES:
            raise ValueError(
                f"`hais` must begin with more than {STRETCHES} temperatures. Received: temperatures={hais.temperatures}."
            )
        self.hais = hais
        self.tolerance = float(tolerance)
        self.limit = int(limit)

    @property
    def settings(self):
        """What the result depends on, beside the callable: for the record, and for resuming."""
        own = {"estimator": type(self).__name__, "tolerance": self.tolerance, "limit": self.limit}
        return own | {"hais": self.hais.settings}

    def __call__(self, x, *, seed, first=0, report=None):
        run, best = self.hais, None
        while True:
            found = run(x, seed=folded(seed, run.temperatures), first=first)
            best = found if best is None else _chosen(best, found, best.errors <= self.tolerance)
            if np.all(best.errors <= self.tolerance) or 2 * run.temperatures > self.limit:
                break
            run = self.hais.with_temperatures(2 * run.temperatures)
        if report is not None:
            report(1.0)
        return best


def _chosen(old, new, keep):
    """The images of `old` where `keep` [N], those of `new` elsewhere; seconds of both."""
    fields = {"seconds": old.seconds + new.seconds}
    for field in dataclasses.fields(Estimate):
        was, became = getattr(old, field.name), getattr(new, field.name)
        if isinstance(was, np.ndarray) and isinstance(became, np.ndarray):
            fields[field.name] = np.where(keep if was.ndim == 1 else keep[:, None], was, became)
    return dataclasses.replace(new, **fields)
