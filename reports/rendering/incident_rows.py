"""One row per labelled incident: what each contender made of it."""

from __future__ import annotations

from dataclasses import dataclass

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SEVERITIES
from titleshot.datasets.contracts.scores import IncidentOutcome, Scorecard
from titleshot.reports.rendering.wording import counted, duration, moment

MOST_ROWS = 2_000
"""Lost and won ones come first, so that what is left out is what changes nothing."""
_ORDER = {"lost": 0, "won": 1, "tied": 2, "unscored": 3, "missed": 0, "detected": 1}


@dataclass(frozen=True)
class IncidentRow:
    """``results`` hold one text per contender and ``sort`` the keys the columns sort by."""

    anchor: str
    incident_id: str
    verdict: str
    why: str
    start: str
    lasted: str
    service: str
    kind: str
    severity: str
    team: str | None
    results: tuple[tuple[str, str], ...]
    sort: tuple[float, ...]


@dataclass(frozen=True)
class IncidentTable:
    """Rows as shown, counts of all by verdict, and how many are not shown."""

    rows: tuple[IncidentRow, ...]
    counts: tuple[tuple[str, int], ...]
    left_out: int

    def anchors(self) -> dict[str, str]:
        """Incident id to the id of its row on the page."""
        return {row.incident_id: row.anchor for row in self.rows}

    def apart(self) -> list[str]:
        """Incidents the contenders did not do equally well on."""
        return [row.incident_id for row in self.rows if row.verdict in {"won", "lost"}]


def of_comparison(comparison: Comparison) -> IncidentTable:
    """Lost first, then won, tied and unscored; within those by start."""
    pairs = sorted(comparison.incidents, key=lambda p: (_ORDER[p.verdict], p.champion.start, p.incident_id))
    return _table([(p.verdict, p.why, (p.champion, p.challenger)) for p in pairs])


def of_scorecard(card: Scorecard) -> IncidentTable:
    """Missed first, then caught, then the rest."""
    ordered = sorted(card.incidents, key=lambda o: (_ORDER.get(o.outcome, 2), o.start, o.incident_id))
    return _table([(o.outcome, "", (o,)) for o in ordered])


def _table(entries: list[tuple[str, str, tuple[IncidentOutcome, ...]]]) -> IncidentTable:
    counts: dict[str, int] = {}
    for verdict, _, _ in entries:
        counts[verdict] = counts.get(verdict, 0) + 1
    rows = tuple(_row(f"i-{index}", *entry) for index, entry in enumerate(entries[:MOST_ROWS]))
    return IncidentTable(rows, tuple(counts.items()), max(0, len(entries) - MOST_ROWS))


def _row(anchor: str, verdict: str, why: str, outcomes: tuple[IncidentOutcome, ...]) -> IncidentRow:
    incident = outcomes[0]
    return IncidentRow(
        anchor=anchor,
        incident_id=incident.incident_id,
        verdict=verdict,
        why=why,
        start=moment(incident.start),
        lasted=duration((incident.end - incident.start) / SECOND),
        service=incident.root_service,
        kind=incident.kind,
        severity=incident.severity,
        team=incident.team,
        results=tuple((outcome.outcome, _result(outcome)) for outcome in outcomes),
        sort=(
            _ORDER.get(verdict, 2),
            incident.start // SECOND,
            -SEVERITIES.index(incident.severity),
            *(_delay(outcome) for outcome in outcomes),
        ),
    )


def _delay(outcome: IncidentOutcome) -> float:
    return 1e12 if outcome.time_to_detect_s is None else round(outcome.time_to_detect_s, 3)


def _result(outcome: IncidentOutcome) -> str:
    if outcome.outcome == "detected":
        after = outcome.time_to_detect_s
        parts = ["caught" if after is None else "at once" if after == 0 else f"after {duration(after)}"]
    else:
        parts = [
            {
                "missed": "missed",
                "carried": "already paged when it began",
                "censored": "cut by the end of the span",
                "unscored": "not scored",
            }[outcome.outcome]
        ]
    if outcome.duplicates:
        parts.append(f"{counted(outcome.duplicates, 'repeat')}")
    if outcome.fan_out:
        parts.append(counted(outcome.fan_out, "other route"))
    return ", ".join(parts)
