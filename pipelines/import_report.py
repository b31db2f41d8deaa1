"""What an import saw, kept, set aside and decided, in words for whoever ran it."""

from __future__ import annotations

from typing import Any

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.label_layer import Labels

_SAID_ELSEWHERE = {"format", "samples", "quarantined", "times_without_zone", "labels"}
_MOST = 6


def import_told(dataset: Dataset) -> str:
    """The printed report of an import: rows in, kept and set aside, series, time, defects, decisions."""
    report, labels = dataset.import_report(), dataset.labels()
    lines = [
        _rows(dataset, report),
        *_samples(dataset, report),
        *_others(dataset, labels),
        *_times(report),
        *_set_aside(report),
        *_decided(report),
    ]
    if not dataset.card.evaluation.labels_complete:
        lines.append(
            "  labels       not declared complete: no page counts as false (dataset.yaml, evaluation)"
        )
    lines.append(f"digest {dataset.card.digest[:16]}; next: titleshot validate {dataset.path}")
    return "\n".join(lines)


def _rows(dataset: Dataset, report: dict[str, Any]) -> str:
    aside = sum(report.get("quarantined", {}).get("samples", {}).values())
    kept, series = dataset.card.rows, dataset.card.series
    rows = f"{kept + aside:,} rows in, {kept:,} samples of {series:,} series kept, {aside:,} set aside"
    return f"{dataset.path}: {rows}"


def _samples(dataset: Dataset, report: dict[str, Any]) -> list[str]:
    card, seen = dataset.card, report.get("samples", {})
    by_cadence = seen.get("series_by_cadence_s", {})
    steps = _listed(
        [
            f"{'no usual step' if step == 'irregular' else f'{step} s'} ({series:,} series)"
            for step, series in by_cadence.items()
        ]
    )
    cadence = f"{card.cadence_s:g} s" if card.cadence_s else "mixed"
    gaps = (
        f"{seen['gaps']:,} days of a series, {seen['missing_samples']:,} samples missing,"
        f" the longest {seen['longest_gap_s']:,.0f} s"
        if seen.get("gaps")
        else "none"
    )
    return [
        f"  span         {format_instant(card.span_from)} to {format_instant(card.span_to)}",
        f"  cadence      {cadence}{f': {steps}' if len(by_cadence) > 1 or not card.cadence_s else ''}",
        f"  gaps         {gaps}",
        f"  duplicates   {seen.get('duplicates', 0):,}, the first to arrive is used",
        f"  disorder     {seen.get('out_of_order', 0):,} rows behind the one before them",
        f"  not finite   {seen.get('non_finite', 0):,}, kept and never scored",
    ]


def _others(dataset: Dataset, labels: Labels) -> list[str]:
    tables = {
        "labelled incidents": len(labels.incidents),
        "pages": len(labels.pages),
        "feedback": len(labels.feedback),
        **{
            name.rpartition("/")[2].replace("_", " "): entry.rows
            for name, entry in dataset.card.tables.items()
            if name not in {"samples", "series"}
        },
    }
    found = [f"{rows:,} {name}" for name, rows in tables.items() if rows or name == "labelled incidents"]
    return [f"  beside       {', '.join(found)}"]


def _times(report: dict[str, Any]) -> list[str]:
    naive = report.get("times_without_zone")
    if not naive:
        return []
    at_changes = naive["at_clock_changes"]
    unclear = f", {at_changes:,} of them at clock changes (the earlier offset is taken)" if at_changes else ""
    return [f"  times        {naive['times']:,} without a zone read as {naive['read_as']}{unclear}"]


def _set_aside(report: dict[str, Any]) -> list[str]:
    return [
        f"  set aside in quarantine/{kind}.parquet:"
        f" {_listed([f'{reason} ({rows:,})' for reason, rows in reasons.items()])}"
        for kind, reasons in report.get("quarantined", {}).items()
    ]


def _decided(report: dict[str, Any]) -> list[str]:
    """What else the importer wrote down, a line each."""
    return [
        f"  {name.replace('_', ' ')}: {_words(value)}"
        for name, value in report.items()
        if name not in _SAID_ELSEWHERE and value not in (0, [], {}, "", None)
    ]


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return _listed(
            [
                f"{key} ({_words(inner)})" if isinstance(inner, dict) else f"{key} {_words(inner)}"
                for key, inner in value.items()
            ]
        )
    if isinstance(value, list):
        return _listed([_words(one) for one in value])
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _listed(words: list[str]) -> str:
    left = len(words) - _MOST
    return ", ".join(words[:_MOST]) + (f" and {left:,} more" if left > 0 else "") if words else "none"
