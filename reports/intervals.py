"""An interval with the method it was made by, or the reason why there is none.

What a verdict hangs on must not move the wrong way: where a contender gets worse, neither end of its
interval, nor of its difference from another, may get better. A spread estimated from the same data cannot
promise that (one more false page can make days more alike), so no such interval is made of a centre and a
width. Each end is the farther of two that both keep the promise:

- an order statistic of the resamples: a false page, a repeat or a miss moves no resample to the better, so it
  moves none of their quantiles there;
- a closed form of sums that moves with them: Wilson's and Tango's score interval for proportions of
  incidents, which know of independent incidents only, and the limit of the unseen (``unseen.py``) for the
  rest.

Days that clump widen the first, few observations the second.
``tests/registry/test_monotone_verdict.py`` holds both to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from titleshot.reports.proportions import design_effect, wilson
from titleshot.reports.statistics import FEWEST_BLOCKS, MOST_UNDEFINED, Summands, ordered_percentiles

Float64 = NDArray[np.float64]

ALL_ALIKE = "every day says the same, which says nothing of how much they might differ"


class Interval(NamedTuple):
    """Limits, how they were made, and why one is missing."""

    low: float | None = None
    high: float | None = None
    method: str | None = None
    reason: str | None = None


class Drawn(NamedTuple):
    """Resamples in rising order: taken at their least and at their most, where they are undefined."""

    least: Float64
    most: Float64
    undefined: float = 0.0
    """Share of resamples that are undefined and were taken so."""

    def interval(self, confidence: float, blocks: int, method: str) -> Interval:
        """Percentiles, widened for few blocks."""
        low = ordered_percentiles(self.least, confidence, blocks)[0]
        high = ordered_percentiles(self.most, confidence, blocks)[1]
        if self.undefined:
            method += f"; undefined in {self.undefined:.0%} of the resamples, there anything"
        return Interval(low, high, f"{method}, {blocks} days")


def drawn_shares(shares: Float64, against: Float64 | None = None) -> Drawn:
    """Resamples of a share, or of its difference from another; without a page it may be anything from 0 to 1.

    Left out, they would come back with the first false page, as if that were evidence.
    """
    plain = shares if against is None else shares - against
    missing = np.isnan(plain)
    if not missing.any():
        ordered = np.sort(plain)
        return Drawn(ordered, ordered)
    least, most = (np.nan_to_num(shares, nan=filled) for filled in (0.0, 1.0))
    if against is not None:
        least, most = least - np.nan_to_num(against, nan=1.0), most - np.nan_to_num(against, nan=0.0)
    return Drawn(np.sort(least), np.sort(most), float(missing.mean()))


def farther(one: Interval, other: Interval) -> Interval:
    """As far as the one or the other reaches, at each end; the method names what reached an end."""
    if one.low is None or one.high is None:
        return other
    if other.low is None or other.high is None:
        return one
    low, high = min(one.low, other.low), max(one.high, other.high)
    reached = [each.method for each in (one, other) if each.method and (each.low == low or each.high == high)]
    return Interval(low, high, " or ".join(dict.fromkeys(reached)))


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
