"""What a score of correlation is: words for the reader, sums by day block for number and interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Generic, TypeVar

import numpy as np

from titleshot.datasets.contracts.scores import Direction, Score
from titleshot.reports.intervals import ALL_ALIKE, Interval, defined_of, too_few, wilson_of_days
from titleshot.reports.statistics import (
    FEWEST_BLOCKS,
    Resampling,
    Summands,
    bca_interval,
)

Subject = TypeVar("Subject")


@dataclass(frozen=True, kw_only=True)
class CorrelationScore(Generic[Subject]):
    """One score of what a ``Subject`` holds: a partition of alerts, claims about causes, …"""

    name: str
    unit: str = "ratio"
    better: Direction | None
    """None: context only. It never decides, because something worthless earns much of it."""
    n_of: str
    question: str
    formula: str
    range: str
    misleads: str
    """When the number says less than it seems to."""
    source: str = "SCORING 3"
    summands: Callable[[Subject], Summands]
    n: Callable[[Subject], int]
    undefined: Callable[[Subject], str]
    """Why there is no value, for a subject that gives none."""
    proportion: bool = False
    """One success or failure per incident: its score interval needs no twenty days."""
    no_interval: str | None = None
    """Why days cannot be resampled, where they cannot."""

    def value(self, subject: Subject) -> float:
        """The score; NaN where undefined."""
        return self.summands(subject).value()


def estimate(
    score: CorrelationScore[Subject], subject: Subject, resampling: Resampling, confidence: float
) -> Score:
    """A score with its interval, or with the reason why there is none."""
    summands = score.summands(subject)
    value = summands.value()
    if isfinite(value):
        found = _interval(score, summands, resampling, confidence)
        return _told(score, subject, value, found, confidence)
    return _told(score, subject, None, Interval(reason=score.undefined(subject)), confidence)


def over_draws(
    score: CorrelationScore[Subject], draws: Sequence[Subject], confidence: float, why: str
) -> Score:
    """The mean of a score over draws of something random; of one draw, its value. ``why``: no interval."""
    values = np.array([score.value(subject) for subject in draws])
    defined = values[np.isfinite(values)]
    if not len(defined):
        return _told(score, draws[0], None, Interval(reason=score.undefined(draws[0])), confidence)
    return _told(score, draws[0], float(defined.mean()), Interval(reason=why), confidence)


def _told(
    score: CorrelationScore[Subject],
    subject: Subject,
    value: float | None,
    found: Interval,
    confidence: float,
) -> Score:
    return Score(
        name=score.name,
        value=value,
        unit=score.unit,
        better=score.better,
        n=score.n(subject),
        n_of=score.n_of,
        low=found.low,
        high=found.high,
        confidence=confidence if found.method else None,
        method=found.method,
        reason=found.reason,
    )


def _interval(
    score: CorrelationScore[Subject], summands: Summands, resampling: Resampling, confidence: float
) -> Interval:
    blocks = resampling.blocks
    if score.no_interval:
        return Interval(reason=score.no_interval)
    if score.proportion:
        return wilson_of_days(summands, blocks, confidence)
    if blocks < FEWEST_BLOCKS:
        return Interval(reason=too_few(blocks))
    defined = defined_of(resampling.replicates(summands))
    if isinstance(defined, str):
        return Interval(reason=defined)
    if defined.min() == defined.max():
        return Interval(reason=ALL_ALIKE)
    without = resampling.leave_one_out(summands)
    low, high = bca_interval(defined, summands.value(), without, confidence, blocks)
    return Interval(low, high, f"day-block bootstrap, BCa, {blocks} days")
