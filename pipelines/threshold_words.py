"""What ``thresholds`` found, as text for a terminal."""

from __future__ import annotations

from pathlib import Path

from titleshot.datasets.contracts.html_table import short_interval, short_number
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.thresholds import (
    RULES,
    ThresholdChoice,
    ThresholdCurve,
    ThresholdPoint,
    ThresholdReport,
)
from titleshot.reports.thresholds.exchanges import setting_words

_COLUMNS = (
    "incident_recall",
    "alarming_precision",
    "false_pages_per_week",
    "mean_time_to_detect_s",
    "pages_per_shift",
)
_BRACKETS = {
    "alarming_precision": "alarming_precision_low",
    "false_pages_per_week": "unmatched_pages_per_week",
}
"""What stands in a column where labels are not complete."""


def told(report: ThresholdReport, out: Path) -> str:
    """Every curve with its exchanges and choices."""
    settings = report.settings
    span = f"{format_instant(settings.span_from)} to {format_instant(settings.span_to)}"
    delay = f"times to detect are capped at {settings.detect_within_s:g} s"
    lines = [
        f"{report.identity.contender} on {report.identity.dataset}, {report.samples:,} dense scores",
        f"{report.drawn_on} span: {span}, days scored: {settings.blocks}; {delay}",
    ]
    for curve in report.curves:
        lines += ["", *_curve(curve, report)]
    lines += ["", *(f"note: {note}" for note in report.notes), f"written: {out}"]
    return "\n".join(lines)


def _curve(curve: ThresholdCurve, report: ThresholdReport) -> list[str]:
    unit = f" {curve.unit}" if curve.unit else ""
    now = "" if curve.threshold is None else f", threshold {curve.threshold:g}{unit}"
    whom = "whole contender" if curve.subject == "contender" else "detector alone, an alert a page"
    watches = f" ({', '.join(curve.watches)})" if curve.watches else ""
    head = f"{curve.name}{watches}: {whom}, series: {curve.series}{now}"
    if curve.reason is not None:
        return [head, f"  no curve: {curve.reason}"]
    lines = [head, *_table(curve, report.settings.confidence)]
    lines += [f"  {exchange.words}" for exchange in curve.exchanges]
    return lines + [_choice(choice, curve) for choice in curve.choices]


def _table(curve: ThresholdCurve, confidence: float) -> list[str]:
    present = {score.name for point in curve.points for score in point.scores if score.value is not None}
    columns = [name if name in present else _BRACKETS.get(name, name) for name in _COLUMNS]
    interval = f"({100 * confidence:.4g} %)"
    rows = [["times", "threshold", *(cell for name in columns for cell in (name, interval)), "found"]]
    rows += [_row(point, columns) for point in curve.points]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [f"  {'  '.join(c.ljust(w) for c, w in zip(row, widths, strict=True))}".rstrip() for row in rows]


def _row(point: ThresholdPoint, columns: list[str]) -> list[str]:
    cells = [
        f"{point.factor:.3g}{' now' if point.factor == 1 else ''}",
        "" if point.threshold is None else f"{point.threshold:.3g}",
    ]
    for name in columns:
        cells += _cells(point.score(name))
    return [*cells, f"{point.found:,} of {point.of:,}"]


def _cells(score: Score | None) -> list[str]:
    if score is None or score.value is None:
        return ["–", ""]
    return [short_number(score.value), short_interval(score.low, score.high)]


def _choice(choice: ThresholdChoice, curve: ThresholdCurve) -> str:
    whence = "oracle" if choice.chosen_on == "oracle" else "chosen on the tuning span"
    start = f"  {whence}, {RULES[choice.rule]}: "
    if choice.factor is None:
        return f"{start}none, {choice.reason}"
    if choice.factor == 1:
        return f"{start}the present one"
    where = setting_words(choice.factor, curve.threshold)
    if choice.check is None:
        return f"{start}{where}"
    return f"{start}{where}; on the scored span {choice.check.words}"
