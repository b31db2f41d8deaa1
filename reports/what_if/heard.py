"""What a rule could have known at each moment: alerts as they were said, incidents as they stood then."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc

from titleshot.datasets.contracts.incidents import Hypothesis
from titleshot.datasets.contracts.record import SEVERITIES, Severity
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.correlation.candidates import alert_rows


@dataclass(frozen=True)
class Heard:
    """An alert at the moment it was said; ``at`` is the engine clock, nanoseconds UTC."""

    at: int
    event_id: str
    service: str
    """``namespace/service``."""
    metric: str
    score: float
    incident: str | None
    """The candidate it was in then."""


@dataclass(frozen=True)
class Standing:
    """What was known of an incident from ``at`` on, until more was said."""

    at: int
    severity: Severity
    suspected: str | None = None
    confidence: float | None = None
    """None where only a page said who is suspected: pages carry no confidence."""
    of_page: bool = False


class Hearing:
    """A log as a rule engine beside it would have heard it."""

    def __init__(self, alerts: list[Heard], standings: dict[str, list[Standing]]) -> None:
        self.alerts = alerts
        """By the moment they were said."""
        self.standings = standings
        """By candidate, in the order they were said."""

    @classmethod
    def of(cls, log: ReplayLog) -> Hearing:
        """Everything a log said before its replay ended."""
        standings, owner = _incidents(log)
        return cls(_alerts(log, owner), standings)

    def standing(self, incident: str | None, at: int) -> Standing | None:
        """What was known of an incident at ``at``; None before anything was said."""
        known = self.standings.get(incident or "", [])
        place = bisect_right(known, at, key=attrgetter("at"))
        return known[place - 1] if place else None


def _alerts(log: ReplayLog, owner: dict[str, str]) -> list[Heard]:
    table = log.table("events")
    table = table.take(alert_rows(table))
    services = pc.binary_join_element_wise(table["namespace"], table["service"], "/").to_pylist()
    # What was said before clocks were kept was said when it happened.
    at = pc.coalesce(table["emitted_at"], table["timestamp"]).cast(pa.int64()).to_pylist()
    names = table["event_id"].to_pylist()
    scores = pc.fill_null(table["anomaly_score"], 0.0).to_pylist()
    heard = [
        Heard(moment, name, service, metric, score, owner.get(name))
        for moment, name, service, metric, score in zip(
            at, names, services, table["metric_name"].to_pylist(), scores, strict=True
        )
    ]
    return sorted(heard, key=lambda one: (one.at, one.event_id))


def _incidents(log: ReplayLog) -> tuple[dict[str, list[Standing]], dict[str, str]]:
    """Standings by candidate, and the candidate each event was in when it was said."""
    said: dict[str, list[Standing]] = defaultdict(list)
    for record in log.incident_records():
        if not record.flushed:
            said[record.incident_id].append(
                Standing(record.emitted_at, record.severity, *_first(record.hypotheses))
            )
    for page in log.pages():
        if not page.flushed:
            said[page.incident_id].append(
                Standing(page.paged_at, page.severity, page.probable_service, of_page=True)
            )
    last = log.incidents()
    # An event of a candidate that was merged later was in that one first.
    owner = {name: one.incident_id for one in last if one.merged_into is None for name in one.event_ids}
    owner |= {name: one.incident_id for one in last if one.merged_into is not None for name in one.event_ids}
    return {name: _settled(standings) for name, standings in said.items()}, owner


def _first(hypotheses: tuple[Hypothesis, ...]) -> tuple[str | None, float | None]:
    return (hypotheses[0].service, hypotheses[0].confidence) if hypotheses else (None, None)


def _settled(standings: Iterable[Standing]) -> list[Standing]:
    """In order; of one moment the gravest, and a page that suspects whom the candidate did keeps its word."""
    ordered = sorted(standings, key=lambda one: (one.at, SEVERITIES.index(one.severity)))
    settled: list[Standing] = []
    for one in ordered:
        before = settled[-1] if settled else None
        if one.of_page and before is not None and one.suspected in {None, before.suspected}:
            settled.append(replace(one, suspected=before.suspected, confidence=before.confidence))
        else:
            settled.append(one)
    return settled
