"""What every estimator returns: a log-likelihood for each image, with its error."""

import dataclasses

import numpy as np

from vae_flows.estimators.pareto import reliable_k

__all__ = ["Estimate"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """Estimates of log p(x) of N images, in nats, with what one must know to believe them.

    Args:
        values: log of the mean weight of each image, [N] float64.
        errors: Their Monte-Carlo standard errors by the delta method, [N].
        effective_sample_size: (sum w)^2 / sum w^2 of each image's weights, [N].
        samples: Weights per image: importance samples, or chains.
        seconds: Time taken.
        non_finite: Proposals or weights of each image that were not finite, and so rejected, or counted as zero, [N].
        pareto_k: Shape of the tail of each image's weights, [N]; None where it was not computed.
        half_gains: What the estimate of all chains is above the mean of those of their two halves, [N]: where twice the chains
            gain, more would; None for importance sampling or a single chain.
        temperatures: Annealing temperatures of each image, [N]; None for importance sampling.
        acceptance: Mean acceptance of the chains in each stretch of the schedule, [N, S]; None for importance sampling.
        step_size: Geometric mean step size in each stretch, [N, S]; None for importance sampling.

    Example:
        >>> estimate = Estimate(
        ...     values=np.array([-80.0, -82.0]), errors=np.array([0.1, 0.1]),
        ...     effective_sample_size=np.ones(2), samples=8, seconds=1.0, non_finite=np.zeros(2),
        ... )
        >>> float(estimate.mean), float(estimate.standard_error)
        (-81.0, 1.0)
    """

    values: np.ndarray
    errors: np.ndarray
    effective_sample_size: np.ndarray
    samples: int
    seconds: float
    non_finite: np.ndarray
    pareto_k: np.ndarray | None = None
    half_gains: np.ndarray | None = None
    temperatures: np.ndarray | None = None
    acceptance: np.ndarray | None = None
    step_size: np.ndarray | None = None

    @property
    def images(self):
        """Number of images, N."""
        return len(self.values)

    @property
    def mean(self):
        """Mean of the values over images."""
        return float(np.mean(self.values))

    @property
    def standard_error(self):
        """Standard error of `mean` over images and Monte-Carlo noise together.

        std(values) / sqrt(N): each value carries its own image's Monte-Carlo noise, independent of the others', so their
        spread already holds both parts and nothing is added. It is the error of the mean as an estimate for the population
        that the images come from. With a single image there is no spread, and it is that image's Monte-Carlo error.
        """
        if self.images == 1:
            return float(self.errors[0])
        return float(np.std(self.values, ddof=1) / np.sqrt(self.images))

    @property
    def unreliable(self):
        """Which images' values and errors cannot be believed, [N].

        Of importance sampling: those whose weights have a Pareto's k above `reliable_k`, or an unknown one. Of chains: those
        whose mean weight has a relative error above one half (C / N_eff - 1 > (C - 1) / 4), or an unknown one: the delta
        method, whose error never exceeds 1, no longer tells how far off they are.
        """
        if self.temperatures is None:
            return ~(self.pareto_k <= reliable_k(self.samples))
        return ~(self.errors <= 0.5)

    @property
    def monte_carlo_error(self):
        """Standard error of `mean` from Monte-Carlo noise alone: what remains when methods share their images."""
        return float(np.sqrt(np.sum(self.errors**2)) / self.images)

    def interval(self, level=0.95):
        """Lower and upper ends, each [N], of each image's confidence interval: Student's t with samples - 1 degrees.

        It covers what it says while errors are well below a nat: the log of a mean of widely spread weights is skewed.
        """
        import scipy.stats

        half = scipy.stats.t.ppf(0.5 + level / 2.0, max(self.samples - 1, 1)) * self.errors
        return self.values - half, self.values + half

    def to_dict(self):
        """Plain numbers for a table or `results.json`; None for what was not computed or is not finite."""

        def average(field):
            if field is None or not np.size(field):
                return None
            return _plain(np.mean(field))

        return {
            "log_likelihood": self.mean,
            "nll": -self.mean,
            "standard_error": _plain(self.standard_error),
            "monte_carlo_error": _plain(self.monte_carlo_error),
            "images": self.images,
            "samples": int(self.samples),
            "effective_sample_size": average(self.effective_sample_size),
            "non_finite": int(np.sum(self.non_finite)),
            "pareto_k": None
            if self.pareto_k is None or np.all(np.isnan(self.pareto_k))
            else _plain(np.nanmax(self.pareto_k)),
            "temperatures": average(self.temperatures),
            "acceptance": average(self.acceptance),
            "step_size": None
            if self.step_size is None or not self.step_size.size
            else _plain(np.exp(np.log(self.step_size).mean())),
            "seconds": float(self.seconds),
        }

    @classmethod
    def concatenate(cls, estimates):
        """One estimate of all the images of several; seconds add up.

        Raises:
            ValueError: if there are none, or they have different numbers of samples.
        """
        estimates = list(estimates)
        if not estimates:
            raise ValueError("There are no estimates to join. Expected at least one.")
        counts = sorted({estimate.samples for estimate in estimates})
        if len(counts) > 1:
            raise ValueError(f"Only estimates of equally many samples can be joined. Received: samples={counts}.")
        joined = {"samples": counts[0], "seconds": sum(estimate.seconds for estimate in estimates)}
        for name in _ARRAYS:
            parts = [getattr(estimate, name) for estimate in estimates]
            joined[name] = None if any(part is None for part in parts) else np.concatenate(parts)
        return cls(**joined)

    def to_arrays(self):
        """The fields that are known, as arrays by name: what a file of arrays can hold."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: np.asarray(value) for name, value in fields.items() if value is not None}

    @classmethod
    def from_arrays(cls, arrays):
        """The inverse of `to_arrays`."""
        fields = {name: np.asarray(value) for name, value in arrays.items()}
        return cls(**fields | {"samples": int(fields["samples"]), "seconds": float(fields["seconds"])})


_ARRAYS = (
    "values", "errors", "effective_sample_size", "non_finite", "pareto_k", "half_gains", "temperatures", "acceptance",
    "step_size",
)  # fmt: skip


def _plain(value):
    return float(value) if np.isfinite(value) else None
