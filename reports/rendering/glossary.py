"""Scores in the words of people who get paged; what each means is said where it is defined."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.reports.correlation.registered import CORRELATION_SCORES
from titleshot.reports.feedback.definitions import FEEDBACK_SCORES
from titleshot.reports.score_book import Defined
from titleshot.reports.scores.registered import SCORES

_TITLES = {
    "incident_recall": "Incidents caught",
    "detected_in_time_ratio": "Incidents caught in time",
    "page_precision": "Pages worth sending",
    "page_precision_low": "Pages worth sending, at the least",
    "page_precision_high": "Pages worth sending, at the most",
    "alarming_precision": "Pages that told something new",
    "alarming_precision_low": "Pages that told something new, at the least",
    "alarming_precision_high": "Pages that told something new, at the most",
    "mean_time_to_detect_s": "Time until paged",
    "time_to_detect_p50_s": "Time until half are paged",
    "time_to_detect_p90_s": "Time until nine in ten are paged",
    "false_pages_per_week": "False pages",
    "false_pages_per_week_worst_team": "False pages, worst team",
    "false_pages_per_service_day": "False pages per service",
    "unmatched_pages_per_week": "Pages without a label",
    "duplicates_per_week": "Repeated pages",
    "duplicates_per_incident": "Repeated pages per incident",
    "fan_out_per_week": "Pages to further teams",
    "pages_per_week": "Pages in all",
    "pages_per_shift": "Pages per shift",
    "shifts_over_budget_ratio": "Shifts with too many pages",
    "services_per_page": "Services named per page",
    "reset_time_s": "Time until quiet again",
    "early_detections": "Incidents paged before they began",
    "carried_incidents": "Incidents already paged when they began",
    "censored_incidents": "Incidents cut by the end of the span",
    "fragments_per_incident": "Pieces an incident fell into",
    "fragmented_ratio": "Incidents in pieces",
    "over_merge_ratio": "Incidents mixed with another",
    "largest_merge": "Most incidents in one candidate",
    "bcubed_precision": "Put together rightly",
    "bcubed_recall": "Put together at all",
    "bcubed_f": "Rightly and fully put together",
    "bcubed_precision_by_incident": "Put together rightly, by incident",
    "bcubed_recall_by_incident": "Put together at all, by incident",
    "bcubed_f_by_incident": "Rightly and fully put together, by incident",
    "bcubed_f_without_noise": "Rightly and fully put together, had there been no noise",
    "incident_f1_iou50": "Incidents that came out as one candidate",
    "ari": "Agreement beyond chance",
    "contamination_ratio": "Foreign alerts in a candidate",
    "mean_time_to_open_s": "Time until a candidate opened",
    "time_to_open_p50_s": "Time until one opened for half",
    "ac_at_1": "First suspicion right",
    "ac_at_3": "Right among the first three",
    "mrr": "How high the cause stands",
    "hypothesis_brier": "Distance of confidence from truth",
    "expected_calibration_error": "Confidence that is not earned",
    "quiet_specificity": "Quiet hours without a suspect",
    "severity_accuracy": "Severity said right",
    "usefulness": "Pages people called useful",
}
_DEFINED: dict[str, Defined] = {
    **{score.name: score for score in SCORES},
    **{score.name: score for score in CORRELATION_SCORES},
    **{score.name: score for score in FEEDBACK_SCORES},
}

MAIN = (
    "incident_recall",
    "mean_time_to_detect_s",
    "page_precision",
    "alarming_precision",
    "false_pages_per_week",
    "duplicates_per_week",
)
"""Scores drawn at the head of a page whether a policy names them or not."""


@dataclass(frozen=True)
class Meaning:
    """``title`` heads rows; the rest is the definition's own words, empty for a score that is not ours."""

    title: str
    question: str
    formula: str
    range: str
    misleads: str


def meaning(score: str) -> Meaning:
    """Of a score by its name.

    >>> meaning("incident_recall").title, meaning("my_own_ratio").title
    ('Incidents caught', 'My own')
    """
    defined = _DEFINED.get(score)
    words = score.removesuffix("_ratio").removesuffix("_s").replace("_", " ").strip() or "unnamed score"
    title = _TITLES.get(score, words[0].upper() + words[1:])
    if defined is None:
        return Meaning(title, "", "", "", "")
    return Meaning(title, defined.question, defined.formula, defined.range, defined.misleads)
