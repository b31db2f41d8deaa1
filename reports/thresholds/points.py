"""One setting of a threshold in numbers, with their intervals."""

from __future__ import annotations

from titleshot.datasets.contracts.thresholds import ThresholdPoint
from titleshot.reports.estimates import estimate, prepare
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.tally import Tally
from titleshot.reports.terms import Terms

SHOWN = (
    "incident_recall",
    "alarming_precision",
    "alarming_precision_low",
    "alarming_precision_high",
    "false_pages_per_week",
    "unmatched_pages_per_week",
    "mean_time_to_detect_s",
    "pages_per_week",
    "pages_per_shift",
)
"""None of them asks whom a page woke: a detector alone wakes nobody in particular."""
DEFINITIONS = tuple(definition for definition in SCORES if definition.name in SHOWN)


def point_of(terms: Terms, tally: Tally, factor: float, threshold: float | None) -> ThresholdPoint:
    """The point of one tally, which must be counted under ``terms``."""
    shown = [definition for definition in DEFINITIONS if definition.applies(tally)]
    prepare(shown, terms.resampling, tally)
    return ThresholdPoint(
        factor=factor,
        threshold=None if threshold is None else threshold * factor,
        found=int((tally.detected & tally.counted).sum()),
        of=int(tally.counted.sum()),
        scores=tuple(
            estimate(definition, tally, terms.resampling, terms.settings.confidence) for definition in shown
        ),
    )
