"""Which labels a contender's classifiers learnt from, for people who decide whether to trust them."""

from __future__ import annotations

from typing import Any

from titleshot.detectors.contender import Contender
from titleshot.detectors.incident_classifier import IncidentClassifier
from titleshot.detectors.row_families import row_detector_of


def label_reports(made: Contender) -> dict[str, dict[str, Any]]:
    """By detector, what its newest set says of the labels it learnt from: sources, age, quality."""
    if made.fitted is None:
        return {}
    number, first = len(made.fitted.sets) - 1, len(made.recipe.detectors)
    found = {}
    for place, selector in enumerate(made.recipe.rows, first):
        arrays = made.fitted.arrays(number, place)
        if "report" in arrays:
            found[row_detector_of(selector.detector).name] = IncidentClassifier.label_report(arrays)
    return found


def in_words(report: dict[str, Any]) -> list[str]:
    """One detector's report for people, a line each."""

    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{name} {n}" for name, n in counts.items()) or "none"

    unlabelled = ", ".join(report["services_without_labels"]) or "none"
    said = f"  learnt from {report['incidents']} incidents (by {listed(report['sources'])}; feedback of"
    said += f" {listed(report['reviewers'])}), {report['calibrated_on']} of them for calibration"
    age = f"  labels: median age {report['median_age_days']} days, nine of ten in after"
    age += f" {report['label_delay_days']} days; services without any: {unlabelled}"
    quality = f"  on the rows that calibrate: Brier {report['brier']:g}, calibration error"
    quality += f" {report['calibration_error']:g}, {report['false_alarm_ratio']:.2%} false alarms"
    return [said, age, quality]
