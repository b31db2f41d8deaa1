"""Scores in the words of people who get paged."""

from __future__ import annotations

TITLES = {
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
    "naming_precision": "Services named rightly",
    "services_per_page": "Services named per page",
    "reset_time_s": "Time until quiet again",
    "early_detections": "Incidents paged before they began",
    "carried_incidents": "Incidents already paged when they began",
    "censored_incidents": "Incidents cut by the end of the span",
    "pages_contributed_ratio": "Pages it had a part in",
    "pages_alone_ratio": "Pages of its own making",
    "recall_lost_without_it": "Incidents lost without it",
    "false_pages_spared_per_week_without_it": "False pages spared without it",
    "incidents_found_alone_ratio": "Incidents that only it alerted on",
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
    "ac_at_1_detected": "First suspicion right, where it was caught",
    "ac_at_3_detected": "Right among the first three, where it was caught",
    "compression_ratio": "Alerts saved by putting together",
    "any_hit_precision": "Candidates with any right alert",
    "any_hit_recall": "Incidents with any right alert",
    "random_window_hit_ratio": "Random windows that hold a right alert",
    "v_measure": "V-measure",
    "pairwise_f1": "Pairs put together rightly",
    "severity_by_habit": "Severity said right by always saying the same",
    "hypothesis_brier_of_base_rate": "Distance of a constant confidence from truth",
    "hypothesis_brier": "Distance of confidence from truth",
    "expected_calibration_error": "Confidence that is not earned",
    "quiet_specificity": "Quiet hours without a suspect",
    "severity_accuracy": "Severity said right",
    "usefulness": "Pages people called useful",
}


def title_of(score: str) -> str:
    """What heads a row; of a score that is not ours, its name in words.

    >>> title_of("incident_recall"), title_of("my_own_ratio")
    ('Incidents caught', 'My own')
    """
    words = score.removesuffix("_ratio").removesuffix("_s").replace("_", " ").strip() or "unnamed score"
    return TITLES.get(score, words[0].upper() + words[1:])
