"""Which threshold each rule picks from a curve's points.

Incidents found are counted, not their share: one that begins under an open page leaves the denominator of
recall, so a contender that never closes its pages would have a fine share of few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, log

from titleshot.datasets.contracts.thresholds import Rule, ThresholdPoint
from titleshot.reports.tally import PAGES_A_SHIFT

Best = tuple[float, ...]
NO_INCIDENT = "no labelled incident counts in this span, so nothing says what a threshold finds"


def pick(rule: Rule, points: Sequence[ThresholdPoint]) -> ThresholdPoint | str:
    """The point a rule picks, or why there is none. ``points`` must hold factor 1, the present."""
    present = next(point for point in points if point.factor == 1)
    if not present.of:
        return NO_INCIDENT
    kept, best, nothing = _RULES[rule]
    candidates = [point for point in points if kept(point, present)]
    if not candidates:
        return nothing
    return min(candidates, key=lambda point: (*best(point), abs(log(point.factor)), -point.factor))


def false_rate(point: ThresholdPoint) -> float:
    """False pages a week; where labels are not complete their upper end, and without scored time infinite."""
    for name in ("false_pages_per_week", "unmatched_pages_per_week"):
        score = point.score(name)
        if score is not None and score.value is not None:
            return score.value
    return inf


def _value(point: ThresholdPoint, name: str) -> float:
    score = point.score(name)
    return inf if score is None or score.value is None else score.value


_RULES: dict[
    Rule,
    tuple[Callable[[ThresholdPoint, ThresholdPoint], bool], Callable[[ThresholdPoint], Best], str],
] = {
    "fewest_false_pages_at_present_recall": (
        lambda point, present: point.found >= present.found,
        lambda point: (false_rate(point), -point.found),
        "no threshold tried finds as many incidents as the present one",
    ),
    "most_recall_within_budget": (
        lambda point, _: _value(point, "pages_per_shift") <= PAGES_A_SHIFT,
        lambda point: (-point.found, false_rate(point)),
        f"every threshold tried sends more than {PAGES_A_SHIFT} pages a shift",
    ),
    "soonest_at_present_false_pages": (
        lambda point, present: false_rate(point) <= false_rate(present),
        lambda point: (_value(point, "mean_time_to_detect_s"), -point.found, false_rate(point)),
        "no threshold tried sends as few false pages as the present one",
    ),
}
"""By rule: which points may be picked, what is smallest at the best, and what to say where none may."""
