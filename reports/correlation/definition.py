"""What a score of correlation is: words for the reader, sums by day block for number and interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.scores import Direction, Score
from titleshot.reports import estimates
from titleshot.reports.intervals import Interval
from titleshot.reports.scores.score import Group, Kind, ScoreDefinition
from titleshot.reports.statistics import Resampling, Summands

Subject = TypeVar("Subject")
Found = TypeVar("Found")
Bool = NDArray[np.bool_]

TOLD_BY: frozenset[Group] = frozenset({"severity", "kind", "team"})
"""What scores of each incident are told by; services have too few incidents each."""


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
    kind: Kind = "mean"
    """How the interval is made; ``proportion``: one success or failure per incident, which needs no twenty
    days."""
    success: Callable[[Subject], Bool] | None = None
    """For a ``proportion`` that is compared: which incidents are a success …"""
    trials: Callable[[Subject], Bool] | None = None
    """… among which."""
    bound: Callable[[Subject], float] | None = None
    """The largest step one observation can make of a mean; None: 1."""
    no_interval: str | None = None
    """Why days cannot be resampled, where they cannot."""
    seen_by_both: bool = False
    """In a comparison: over incidents both contenders have alerts of."""
    groups: frozenset[Group] = frozenset()
    """What it is told by: a score of each incident, by what the incident is."""

    def value(self, subject: Subject) -> float:
        """The score; NaN where undefined."""
        return self.summands(subject).value()

    @property
    def definition(self) -> ScoreDefinition:
        """The same to the machinery of intervals, which asks of a subject only what is defined here."""
        bound: Callable[[Any], float] = self.bound or (lambda _: 1.0)
        return ScoreDefinition(
            name=self.name,
            unit=self.unit,
            better=self.better,
            n_of=self.n_of,
            question=self.question,
            formula=self.formula,
            range=self.range,
            misleads=self.misleads,
            source=self.source,
            kind=self.kind,
            summands=_of_anything(self.summands),
            n=_of_anything(self.n),
            undefined=_of_anything(self.undefined),
            success=None if self.success is None else _of_anything(self.success),
            trials=None if self.trials is None else _of_anything(self.trials),
            bound=bound,
        )


def _of_anything(function: Callable[[Subject], Found]) -> Callable[[Any], Found]:
    return function


def estimate(
    score: CorrelationScore[Subject], subject: Subject, resampling: Resampling, confidence: float
) -> Score:
    """A score with its interval, or with the reason why there is none."""
    if score.no_interval is None:
        anything: Any = subject
        return estimates.estimate(score.definition, anything, resampling, confidence)
    value = score.value(subject)
    found = Interval(reason=score.no_interval if isfinite(value) else score.undefined(subject))
    return _told(score, subject, value if isfinite(value) else None, found, confidence)


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
