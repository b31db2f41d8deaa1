"""Candidates and hypotheses of champion and challenger, paired: the interval of the difference.

Both are held against the same incidents, so what is said of incidents (opened, named, graded) is paired
incident by incident. How alerts were put together is compared over the incidents both have alerts of; the
alerts themselves are each contender's own, so a difference of cuts is one of detector and correlator
together: only with the same detectors on both sides is it the correlator's alone. Claims and candidates are
each side's own and meet by the day only.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.grouped import GROUPED, masks
from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.correlation.scored import subjects
from titleshot.reports.estimates import paired_estimate
from titleshot.reports.terms import Terms

Bool = NDArray[np.bool_]
Said = Account | str
"""What a side's log said of its candidates, or why it said nothing."""

PAIRED: tuple[CorrelationScore[Any], ...] = tuple(
    score for score in CORRELATION_SCORES if score.better is not None
)
"""Every score with a better direction: those a policy may ask for. Context decides nothing."""


class PairedCandidates:
    """Both sides, ready to be compared."""

    def __init__(
        self,
        terms: Terms,
        champion: Said,
        challenger: Said,
        confidences: Mapping[str, float],
        decisive_confidence: float,
    ) -> None:
        self._terms = terms
        self._sides = champion, challenger
        self._confidences = confidences
        self._decisive = decisive_confidence
        self._of = [_by_name(side) for side in self._sides]

    def pairs(self) -> tuple[PairedScore, ...]:
        """Every score of ``PAIRED``; null with the reason where a side has no candidates."""
        return self._compared(PAIRED, None)

    def by_group(self) -> dict[str, dict[str, tuple[PairedScore, ...]]]:
        """``GROUPED`` by severity, kind and team; empty where a side has no candidates."""
        account = self._sides[1]
        if isinstance(account, str) or isinstance(self._sides[0], str):
            return {}
        return {
            group: {name: self._compared(GROUPED, among) for name, among in found.items()}
            for group, found in masks(account).items()
        }

    def _compared(
        self, scores: tuple[CorrelationScore[Any], ...], among: Bool | None
    ) -> tuple[PairedScore, ...]:
        subjects = {score.name: self._subjects(score, among) for score in scores}
        resampling = self._terms.resampling
        resampling.prepare(
            [],
            [
                (score.summands(first), score.summands(second))
                for score in scores
                for first, second in [subjects[score.name]]
                if score.no_interval is None and first is not None and second is not None
            ],
        )
        return tuple(self._pair(score, *subjects[score.name]) for score in scores)

    def _subjects(self, score: CorrelationScore[Any], among: Bool | None) -> tuple[Any, Any]:
        """What each side is scored on; None for one without candidates."""
        first: Any = self._of[0].get(score.name)
        second: Any = self._of[1].get(score.name)
        if first is None or second is None:
            return first, second
        if score.seen_by_both:
            both = first.seen & second.seen
            among = both if among is None else both & among
        return (first, second) if among is None else (first.only(among), second.only(among))

    def _pair(self, score: CorrelationScore[Any], champion: Any, challenger: Any) -> PairedScore:
        confidence = self._confidences.get(score.name, self._terms.settings.confidence)
        if champion is not None and challenger is not None and score.no_interval is None:
            return paired_estimate(
                score.definition, champion, challenger, self._terms.resampling, confidence, self._decisive
            )
        values, reasons, counts = [], [], []
        for name, side, subject in zip(
            ("champion", "challenger"), self._sides, (champion, challenger), strict=True
        ):
            value = None if subject is None else score.value(subject)
            values.append(value if value is not None and isfinite(value) else None)
            if subject is not None:
                counts.append(score.n(subject))
            if isinstance(side, str):
                reasons.append(f"{name}: {side}")
            elif values[-1] is None:
                reasons.append(f"{name}: {score.undefined(subject)}")
        defined = values[0] is not None and values[1] is not None
        return PairedScore(
            name=score.name,
            unit=score.unit,
            better=score.better,
            champion=values[0],
            challenger=values[1],
            difference=values[1] - values[0] if defined else None,  # type: ignore[operator]
            confidence=confidence,
            n=min(counts, default=0) if defined else 0,
            n_of=score.n_of,
            reason="; ".join(reasons) or score.no_interval,
        )


def _by_name(side: Said) -> dict[str, Any]:
    if isinstance(side, str):
        return {}
    return {score.name: subject for family, subject in subjects(side) for score in family}
