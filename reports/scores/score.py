"""What a score is: a definition with words for readers, and sums by day block for the interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.scores import Direction
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

Kind = Literal["proportion", "share", "rate", "mean", "quantile", "maximum", "count"]
"""How the interval is made.

``proportion``: one success or failure per incident, paired in a comparison. ``share``: of pages. ``rate``:
events per exposure. ``mean``: a mean per incident or page. ``quantile`` and ``maximum``: no sum, resampled
all the same. ``count``: no estimate of anything, so no interval.
"""
Group = Literal["severity", "kind", "service", "team"]

BY_INCIDENT: frozenset[Group] = frozenset({"severity", "kind", "service", "team"})
BY_PAGE: frozenset[Group] = frozenset({"team"})
BY_PAGED_SERVICE: frozenset[Group] = frozenset({"team", "service"})
"""Of pages, and per nothing else: a service has no on-call week, its pages are those counted under it."""


@dataclass(frozen=True, kw_only=True)
class ScoreDefinition:
    """One score. The words go to the reader, the functions to the scorer."""

    name: str
    unit: str
    better: Direction | None
    n_of: str
    question: str
    formula: str
    range: str
    misleads: str
    """When the number says less than it seems to."""
    source: str = "SCORING 2"
    kind: Kind
    summands: Callable[[Tally], Summands]
    n: Callable[[Tally], int]
    undefined: Callable[[Tally], str]
    """Why there is no value, for a tally that gives none."""
    success: Callable[[Tally], Bool] | None = None
    """For ``proportion``: whether each incident of ``counted`` or ``timed`` is a success."""
    trials: Callable[[Tally], Bool] | None = None
    bound: Callable[[Tally], float] | None = None
    """For ``mean`` and ``maximum``: the largest step one observation can make. Where a policy may judge by
    the score it must not depend on what was paged."""
    groups: frozenset[Group] = frozenset()
    chance: bool = False
    """Whether pages at the wrong times can earn it: then it is set beside shifted labels."""
    instead: str | None = None
    """What a policy is to judge by instead of this, where a miss takes an incident out of the score or leaves
    it undefined: then missing one more could turn a failure into a pass, or into no answer."""
    applies: Callable[[Tally], bool] = lambda _: True
    """Whether it is to be shown at all."""


def ratio(numerator: Float64, denominator: Float64) -> Summands:
    """Sum of the one over the sum of the other; NaN where the denominator is zero."""

    def of(sums: Float64) -> Float64:
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient: Float64 = sums[..., 0] / sums[..., 1]
        return np.where(sums[..., 1] > 0, quotient, np.nan)

    return Summands(np.column_stack([numerator, denominator]).astype(float), of)


def proportion(
    success: Callable[[Tally], Bool], trials: Callable[[Tally], Bool]
) -> Callable[[Tally], Summands]:
    """Successes among incidents, as summands."""

    def summands(tally: Tally) -> Summands:
        among = trials(tally)
        return ratio(tally.of_incidents(success(tally) & among), tally.of_incidents(among))

    return summands


def on_call_weeks(tally: Tally) -> int:
    """On-call weeks, rounded: the n of a weekly rate."""
    return round(float(tally.weeks.sum()))


def no_weeks(_: Tally) -> str:
    return "no scored time"


def needs_complete_labels(otherwise: str) -> Callable[[Tally], str]:
    """The reason of a score that only complete labels can give."""

    def reason(tally: Tally) -> str:
        if not tally.complete:
            return (
                "labels are not declared complete, so a page that hits nothing may be right; see the "
                "bracket, or label every incident and set evaluation.labels_complete"
            )
        return otherwise

    return reason


def only_complete(tally: Tally, values: Float64) -> Float64:
    """The values, or NaN in all of them where labels are not complete."""
    return values if tally.complete else np.full_like(values, np.nan)
