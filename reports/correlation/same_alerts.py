"""The same alerts put together by two correlators: who is in which candidate on either side."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.correlation.candidates import alert_rows
from titleshot.reports.responder.candidate_records import Whole, whole_incidents

ALONE = -1
"""The candidate of an alert that is in none."""


@dataclass(frozen=True)
class Grouped:
    """One side: its candidates, and the candidate of each alert by the alert's place in the common list."""

    wholes: list[Whole]
    of_alert: list[int]

    @cached_property
    def alerts(self) -> dict[int, list[int]]:
        """Alerts of each candidate that has any."""
        found: dict[int, list[int]] = defaultdict(list)
        for alert, group in enumerate(self.of_alert):
            if group != ALONE:
                found[group].append(alert)
        return dict(found)

    @cached_property
    def place(self) -> dict[str, int]:
        """A candidate's place by its id and by the ids of what was merged into it."""
        return {
            one.incident_id: place
            for place, whole in enumerate(self.wholes)
            for one in (whole.candidate, *whole.merged)
        }

    def pieces(self, alerts: list[int]) -> dict[tuple[int, int], list[int]]:
        """Alerts by this side's candidate; each that is in none is a piece of its own: (ALONE, alert)."""
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for alert in alerts:
            group = self.of_alert[alert]
            found[group, alert if group == ALONE else 0].append(alert)
        return dict(found)


@dataclass(frozen=True)
class SameAlerts:
    """Both sides over one list of alerts."""

    event_ids: list[str]
    times: list[int]
    services: list[str]
    sides: tuple[Grouped, Grouped]
    correlators: tuple[str, str]

    @classmethod
    def of(cls, champion: ReplayLog | None, challenger: ReplayLog | None) -> SameAlerts | None:
        """None where detectors did not say the same alerts, or one correlator stands on both sides.

        Alerts are the same where their event ids are: they carry detector, series and time.
        """
        if champion is None or challenger is None:
            return None
        if champion.about.get("opaque") or challenger.about.get("opaque"):
            return None
        names = _correlator(champion), _correlator(challenger)
        if names[0] is None or names[1] is None or names[0] == names[1]:
            return None
        tables = [_alerts(log) for log in (champion, challenger)]
        ids = [table["event_id"].to_pylist() for table in tables]
        if not ids[0] or set(ids[0]) != set(ids[1]):
            return None
        first = tables[0]
        return cls(
            ids[0],
            first["timestamp"].cast(pa.int64()).to_pylist(),
            pc.binary_join_element_wise(first["namespace"], first["service"], "/").to_pylist(),
            (_grouped(champion, ids[0]), _grouped(challenger, ids[0])),
            (names[0], names[1]),
        )


def _alerts(log: ReplayLog) -> pa.Table:
    table = log.table("events").select(["event_id", "timestamp", "namespace", "service", "policy", "flushed"])
    return table.take(alert_rows(table))


def _correlator(log: ReplayLog) -> str | None:
    names = sorted(set(log.table("incidents")["correlator"].to_pylist()))
    return ", ".join(names) or None


def _grouped(log: ReplayLog, event_ids: list[str]) -> Grouped:
    wholes = whole_incidents(log)
    owner: dict[str, int] = {}
    for place, whole in enumerate(wholes):
        for name in whole.event_ids:
            owner.setdefault(name, place)  # said in several, it belongs to the one that opened first
    return Grouped(wholes, [owner.get(name, ALONE) for name in event_ids])
