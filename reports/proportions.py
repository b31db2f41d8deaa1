"""Score intervals of proportions: single and paired, with the effective number of observations of day blocks.

Incidents of one day are not independent. ``design_effect`` says how much more a proportion varies between
days than independent incidents would; counts are divided by it (never multiplied) before the interval is
made, as surveys do with clusters.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


class PairedCounts(NamedTuple):
    """Of ``n`` incidents, how many only the challenger and only the champion got right."""

    only_challenger: float
    only_champion: float
    n: float


def z_of(confidence: float) -> float:
    """The two-sided normal quantile.

    >>> round(z_of(0.95), 3)
    1.96
    """
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion. Range [0, 1].

    Source: Wilson (1927), JASA 22.

    >>> [round(limit, 4) for limit in wilson(20, 20, 0.95)]
    [0.8389, 1.0]
    """
    z = z_of(confidence)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At a share of 0 or 1 that limit is exact; rounding must not push it past.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def tango(counts: PairedCounts, confidence: float) -> tuple[float, float]:
    """Tango's score interval of the difference of paired proportions. Range [−1, 1].

    Without a discordant pair it is ±z²/(n + z²), not [0, 0].
    Source: Tango (1998), Statistics in Medicine 17.

    >>> [round(limit, 4) for limit in tango(PairedCounts(0, 0, 50), 0.95)]
    [-0.0713, 0.0713]
    """
    z = z_of(confidence)
    difference = (counts.only_challenger - counts.only_champion) / counts.n
    return (
        _where_score_is(counts, z, -1.0, difference),
        _where_score_is(counts, -z, difference, 1.0),
    )


def _where_score_is(counts: PairedCounts, z: float, low: float, high: float) -> float:
    # The score statistic falls as the assumed difference rises: halve until the limits meet.
    for _ in range(60):
        middle = (low + high) / 2
        if _score(counts, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(counts: PairedCounts, difference: float) -> float:
    b, c, n = counts
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    # The most likely share of "only champion" when the difference is the assumed one.
    q = (sqrt(max(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
    spread = n * (2 * q + difference * (1 - difference))
    above = b - c - n * difference
    if spread <= 0:
        return 0.0 if above == 0 else above * float("inf")
    return above / sqrt(spread)


def design_effect(values: Float64, n: Float64, variance: float) -> float:
    """Variance of sum(values) / sum(n) between day blocks, in units of ``variance``; at least 1.

    ``variance`` is that of the same ratio if incidents were independent.
    """
    blocks = len(n)
    if blocks < 2 or variance <= 0:
        return 1.0
    ratio = values.sum() / n.sum()
    between = np.square(values - ratio * n).sum() / n.sum() ** 2 * blocks / (blocks - 1)
    return max(1.0, float(between) / variance)
