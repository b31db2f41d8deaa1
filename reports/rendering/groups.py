"""Scores by group and incidents by verdict: tables as long as a page can hold, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.reports.rendering.incident_rows import IncidentRow, IncidentTable
from titleshot.reports.rendering.strips import PairedRow
from titleshot.reports.rendering.wording import listed

OPEN_UP_TO = 60
"""A table of incidents that is longer than this starts folded."""
MOST_GROUPS = 100
One = TypeVar("One")
Row = TypeVar("Row")


def by_group(
    groups: dict[str, dict[str, tuple[One, ...]]], row: Callable[[One], Row]
) -> list[tuple[str, list[tuple[str, list[Row]]], int]]:
    """(kind, groups with their rows, groups in all); no more groups than a page can hold."""
    made = []
    for kind, found in sorted(groups.items()):
        names = sorted(found, key=lambda group: (_grave(group) if kind == "severity" else 0, group))
        shown = [(group, [row(one) for one in found[group]]) for group in names[:MOST_GROUPS]]
        made.append((kind, shown, len(names)))
    return made


def _grave(severity: str) -> int:
    return -SEVERITIES.index(severity) if severity in SEVERITIES else 0


def by_verdict(table: IncidentTable) -> list[tuple[str, list[IncidentRow], bool]]:
    """(verdict, its rows, whether they start unfolded), in the order of the table."""
    groups: dict[str, list[IncidentRow]] = {}
    for row in table.rows:
        groups.setdefault(row.verdict, []).append(row)
    return [
        (verdict, rows, verdict not in {"tied", "unscored", "detected"} and len(rows) <= OPEN_UP_TO)
        for verdict, rows in groups.items()
    ]


def counts_of(table: IncidentTable, roles: tuple[str, ...]) -> str:
    """How many incidents came out which way."""
    counts = ", ".join(f"{n:,} {verdict}" for verdict, n in table.counts)
    if len(roles) == 2:
        return f"Of the labelled incidents the challenger has {counts}."
    return f"Of the labelled incidents: {counts}."


def methods_of(rows: list[PairedRow]) -> list[tuple[str, str]]:
    """How intervals were made, and of which scores."""
    methods: dict[str, list[str]] = {}
    for row in rows:
        if row.method:
            methods.setdefault(row.method, []).append(row.title)
    return [(method, listed(titles, 30)) for method, titles in methods.items()]
