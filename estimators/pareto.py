"""Pareto's k: does the largest part of a set of importance weights have a variance at all?"""

import math

import numpy as np

__all__ = ["pareto_k", "reliable_k", "tail_length"]

PRIOR_WEIGHT = 10.0  # weak prior towards 0.5, as many observations' worth
FEWEST = 5
_NOTHING = 1e-290  # part of the largest weight, whose inverse would overflow


def tail_length(count):
    """How many of `count` weights are the tail: ceil(min(K / 5, 3 sqrt(K)))."""
    return int(np.ceil(min(count / 5.0, 3.0 * np.sqrt(count))))


def reliable_k(count):
    """The largest k at which `count` weights give an estimate that can be believed: min(1 - 1 / log10(K), 0.7).

    Example:
        >>> round(reliable_k(1000), 3), reliable_k(10_000)
        (0.667, 0.7)

    Reference: Vehtari et al. 2024. arXiv:1507.02646 (section 3.2.4)
    """
    return min(1.0 - 1.0 / math.log10(max(count, 10)), 0.7)


def pareto_k(largest):
    """Shape k of the generalised Pareto law that fits the tail of importance weights.

    P(w - cut > v) = (1 + k v / sigma)^(-1 / k)

    Below 0.5 the weights have a finite variance; up to `reliable_k` the estimate is still reliable in practice; above, neither
    it nor its error can be believed. k is fitted by the posterior mean of Zhang and Stephens over the profile likelihood, then
    drawn slightly towards 0.5.

    Args:
        largest: The M + 1 largest log-weights of each image in any order, [N, M + 1]; the smallest of them is the cut.

    Returns:
        k [N]; nan where fewer than 6 are given, 0 where all are equal, inf where fewer than 5 stand out from the rest at all.

    Example:
        >>> weights = np.random.default_rng(0).pareto(2.0, [1, 10_000])  # k = 1 / 2
        >>> largest = np.sort(np.log(weights))[:, -tail_length(10_000) - 1 :]
        >>> bool(abs(pareto_k(largest)[0] - 0.5) < 0.15)
        True

    Reference: Vehtari, Simpson, Gelman, Yao, Gabry. Pareto smoothed importance sampling. 2024. arXiv:1507.02646
    """
    largest = np.sort(np.asarray(largest, np.float64), -1)
    return np.array([_fit(row) for row in largest])


def _fit(row):
    if len(row) <= FEWEST or not np.isfinite(row[-1]):
        return np.nan
    weights = np.exp(row - row[-1])
    excess = weights[1:] - weights[0]
    if excess[-1] == 0.0:
        return 0.0
    excess = excess[excess > _NOTHING]
    return _zhang_stephens(excess) if len(excess) >= FEWEST else np.inf


def _zhang_stephens(excess):
    """Posterior mean of k given exceedances in rising order."""
    count = len(excess)
    points = 30 + int(np.sqrt(count))
    quartile = excess[int(count / 4.0 + 0.5) - 1]
    steps = np.arange(1, points + 1) - 0.5
    theta = 1.0 / excess[-1] + (1.0 - np.sqrt(points / steps)) / (3.0 * quartile)  # theta = -k / sigma
    k = _k(theta, excess)
    log_likelihood = count * (np.log(-theta / k) - k - 1.0)
    weight = np.exp(log_likelihood - log_likelihood.max())
    k = _k(np.sum(theta * weight, keepdims=True) / weight.sum(), excess)[0]
    return (count * k + PRIOR_WEIGHT * 0.5) / (count + PRIOR_WEIGHT)


def _k(theta, excess):
    return np.log1p(-theta[:, None] * excess).mean(-1)
