"""An interval with the method it was made by, or the reason why there is none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from titleshot.reports.proportions import design_effect, wilson
from titleshot.reports.statistics import FEWEST_BLOCKS, MOST_UNDEFINED, Summands

Float64 = NDArray[np.float64]

ALL_ALIKE = "every day says the same, which says nothing of how much they might differ"


class Interval(NamedTuple):
    """Limits, how they were made, and why one is missing."""

    low: float | None = None
    high: float | None = None
    method: str | None = None
    reason: str | None = None


def wilson_of_days(summands: Summands, blocks: int, confidence: float) -> Interval:
    """Wilson's interval of successes and trials by day, at the effective n of the days."""
    successes, n = summands.columns.sum(axis=0)
    method = "Wilson score interval"
    if blocks >= FEWEST_BLOCKS:
        share = successes / n
        effect = design_effect(summands.columns[:, 0], summands.columns[:, 1], share * (1 - share) / n)
        if effect > 1:
            successes, n = successes / effect, n / effect
            # A spread that days were asked for is itself uncertain with few of them.
            confidence = 1 - 2 * float(ndtr(stdtrit(blocks - 1, (1 - confidence) / 2)))
        method += f", design effect of days {effect:.2f}"
    return Interval(*wilson(successes, n, confidence), method)


def too_few(blocks: int) -> str:
    """The reason where there are fewer days than a bootstrap needs."""
    return f"{blocks} day blocks; a bootstrap of days needs {FEWEST_BLOCKS}"


def defined_of(replicates: Float64) -> Float64 | str:
    """The replicates that are not NaN; where too many are, the reason."""
    defined = replicates[~np.isnan(replicates)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(replicates):
        return f"undefined in {1 - len(defined) / len(replicates):.0%} of the resamples"
    return defined
