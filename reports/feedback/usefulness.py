"""Usefulness where most pages are unjudged: a point on the judged ones, a bracket on all, the paired bracket.

The ends of a bracket take every unjudged page as noisy, or as useful; those of the paired difference take
them one way for one contender and the other way for the other. The limit of an end is that of the day-block
bootstrap of that end, with the days drawn together for both. An answer that agrees with what was carried
raises or keeps the lower end in every resample and lowers or keeps the upper one, so no limit moves outward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.feedback import Bracket
from titleshot.reports.proportions import wilson
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import (
    FEWEST_BLOCKS,
    MOST_UNDEFINED,
    Resampling,
    Summands,
    bca_interval,
    percentile_interval,
)
from titleshot.reports.unseen import Sums, unseen_pair

Float64 = NDArray[np.float64]
Limits = tuple[float | None, float | None, str | None, str | None]
"""Low, high, method, and why one is missing."""


@dataclass(frozen=True)
class Judged:
    """Scored pages of one contender by day block, as arrays of equal length."""

    pages: Float64
    useful: Float64
    unjudged: Float64

    @property
    def lowest(self) -> Summands:
        """All unjudged pages noisy."""
        return ratio(self.useful, self.pages)

    @property
    def highest(self) -> Summands:
        """All unjudged pages useful."""
        return ratio(self.useful + self.unjudged, self.pages)

    @property
    def on_judged(self) -> Summands:
        """Only pages with a verdict."""
        return ratio(self.useful, self.pages - self.unjudged)


def point(judged: Judged, resampling: Resampling, confidence: float) -> tuple[float | None, Limits]:
    """Usefulness on judged pages, with its interval."""
    summands = judged.on_judged
    value = summands.value()
    if not isfinite(value):
        return None, (None, None, None, "no page is judged")
    found = _replicates(resampling, lambda: resampling.replicates(summands))
    if isinstance(found, str):
        return value, (None, None, None, found)
    if found.min() == found.max():
        useful, total = summands.columns.sum(axis=0)
        return value, (*wilson(useful, total, confidence), "Wilson score interval, all days alike", None)
    without = resampling.leave_one_out(summands)
    low, high = bca_interval(found, value, without, confidence, resampling.blocks)
    return value, (low, high, f"day-block bootstrap, BCa, {resampling.blocks} days", None)


def bracket(judged: Judged, resampling: Resampling, confidence: float) -> Bracket:
    """Usefulness of one contender over all its scored pages."""

    def limits(end: Summands) -> tuple[float, float] | str:
        found = _replicates(resampling, lambda: resampling.replicates(end))
        if isinstance(found, str):
            return found
        if found.min() == found.max():
            useful, total = end.columns.sum(axis=0)
            return wilson(useful, total, confidence)
        return percentile_interval(found, confidence, resampling.blocks)

    values = judged.lowest.value(), judged.highest.value()
    return _bracket(
        values, (limits(judged.lowest), limits(judged.highest)), (0.0, 1.0), resampling, confidence
    )


def paired_bracket(
    champion: Judged, challenger: Judged, resampling: Resampling, confidence: float
) -> Bracket:
    """Challenger minus champion: at its worst, all unjudged pages of the challenger noisy and all of the
    champion useful; at its best the other way round.
    """

    def limits(first: Summands, second: Summands) -> tuple[float, float] | str:
        found = differences(first, second, resampling)
        if isinstance(found, str):
            return found
        if found.min() == found.max():
            # Days that are all alike say nothing of how much they might differ.
            return unseen_pair(_sums(first), _sums(second), confidence) or (-1.0, 1.0)
        return percentile_interval(found, confidence, resampling.blocks)

    worst, best = ends(champion, challenger)
    values = worst[1].value() - worst[0].value(), best[1].value() - best[0].value()
    return _bracket(values, (limits(*worst), limits(*best)), (-1.0, 1.0), resampling, confidence)


def ends(champion: Judged, challenger: Judged) -> tuple[tuple[Summands, Summands], tuple[Summands, Summands]]:
    """The worse and the better end of the difference, each as (champion, challenger)."""
    return (champion.highest, challenger.lowest), (champion.lowest, challenger.highest)


def differences(first: Summands, second: Summands, resampling: Resampling) -> Float64 | str:
    """Second minus first on each draw of days; a text says why there are none."""
    return _replicates(resampling, lambda: resampling.replicates(second) - resampling.replicates(first))


def _sums(end: Summands) -> Sums:
    useful, pages = end.columns.sum(axis=0).tolist()
    return Sums("share", end.value(), useful, pages, int(pages), None)


def _bracket(
    ends: tuple[float, float],
    limits: tuple[tuple[float, float] | str, tuple[float, float] | str],
    possible: tuple[float, float],
    resampling: Resampling,
    confidence: float,
) -> Bracket:
    if not (isfinite(ends[0]) and isfinite(ends[1])):
        return Bracket(confidence=confidence, reason="no scored page")
    low, high = limits
    if isinstance(low, str) or isinstance(high, str):
        why = low if isinstance(low, str) else str(high)
        return Bracket(low=ends[0], high=ends[1], confidence=confidence, reason=why)
    return Bracket(
        low=ends[0],
        high=ends[1],
        low_limit=max(min(low[0], ends[0]), possible[0]),
        high_limit=min(max(high[1], ends[1]), possible[1]),
        confidence=confidence,
        method=f"day-block bootstrap of each end, {resampling.blocks} days",
    )


def _replicates(resampling: Resampling, drawn: Callable[[], Float64]) -> Float64 | str:
    if resampling.blocks < FEWEST_BLOCKS:
        return f"{resampling.blocks} day blocks; a bootstrap of days needs {FEWEST_BLOCKS}"
    values = drawn()
    defined = values[~np.isnan(values)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(values):
        return f"undefined in {1 - len(defined) / len(values):.0%} of the resamples"
    return defined
