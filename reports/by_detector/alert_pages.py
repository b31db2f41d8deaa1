"""Alerts as pages: what each detector would have sent if every alert it gave were a page of its own.

An alert is an event that the contender's alert policy let pass, so minimum length, hysteresis, the policy's
own cooldown and maintenance have done their work; correlator and paging rule have not: nothing is grouped,
graded or cooled down. Each alert is sent when the engine said it (``emitted_at``), names the one service of
its series, goes where the paging rule sends (the owner's route, or its one route) and is closed at once, so
none is ever carried into an incident. Every further alert within an incident is a duplicate, or fan-out where
it wakes a team that was not paged before; every alert outside an incident is a false page, the tenth in a row
too. An event said twice is one alert; what only the end of the replay said is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.assignment import Members, PageTable
from titleshot.reports.correlation.candidates import alert_rows
from titleshot.reports.exposure import NO_OWNER
from titleshot.reports.match_tables import Codes, scored_anywhere
from titleshot.reports.terms import Terms

Int64 = NDArray[np.int64]
_NO_TEAM = -1
UNNAMED = "(not named)"
"""The detector of events that name none."""


@dataclass(frozen=True)
class Alerts:
    """The alerts of a log by the moment they were said; columns of equal length."""

    event_ids: pa.Array
    emitted_at: Int64
    services: list[str]
    """Canonical names."""
    metrics: list[str]
    detector: Int64
    """Positions in ``detectors``."""
    detectors: tuple[str, ...]
    """Detector strings with an alert, sorted."""

    def __len__(self) -> int:
        return len(self.emitted_at)

    @classmethod
    def of(cls, terms: Terms, log: ReplayLog) -> Alerts:
        """Read a log's alerts."""
        table = log.table("events")
        table = table.take(alert_rows(table))
        table = table.sort_by([("emitted_at", "ascending"), ("event_id", "ascending")])
        emitted_at = table["emitted_at"].cast(pa.int64()).to_numpy()
        named = pc.binary_join_element_wise(table["namespace"], table["service"], "/").to_pylist()
        said = pc.fill_null(table["detector"], UNNAMED).to_pylist()
        detectors = tuple(sorted(set(said)))
        place = {name: number for number, name in enumerate(detectors)}
        return cls(
            table["event_id"].combine_chunks(),
            emitted_at,
            [terms.reference.canonical(n, at) for n, at in zip(named, emitted_at.tolist(), strict=True)],
            table["metric_name"].to_pylist(),
            np.array([place[name] for name in said], np.int64),
            detectors,
        )

    def metrics_of(self, detector: int) -> tuple[str, ...]:
        """What its alerts were about, sorted."""
        rows = np.flatnonzero(self.detector == detector).tolist()
        return tuple(sorted({self.metrics[row] for row in rows}))


@dataclass(frozen=True)
class AlertPages:
    """Alerts as a table of pages, and whom each woke; rows of :class:`Alerts`."""

    table: PageTable
    rotations: Int64

    @classmethod
    def of(cls, terms: Terms, alerts: Alerts, codes: Codes, recipe: dict[str, Any]) -> AlertPages:
        """Number services by ``codes``, those of the incidents they are matched with."""
        reference, at = terms.reference, alerts.emitted_at
        teams = [reference.team(name, when) for name, when in zip(alerts.services, at.tolist(), strict=True)]
        place = {name: number for number, name in enumerate(terms.exposure.rotations)}
        rotations = np.array([place.get(team or NO_OWNER, _NO_TEAM) for team in teams], np.int64)
        paging = recipe.get("paging")
        by_owner = not isinstance(paging, dict) or paging.get("route", "by_owner") == "by_owner"
        routes = Codes()
        route = [routes(team or NO_OWNER) if by_owner else 0 for team in teams]
        members = Members(
            np.arange(len(alerts)), np.array([codes(name) for name in alerts.services], np.int64)
        )
        scored = scored_anywhere(members, at, terms.time, codes)
        return cls(PageTable(at, at, at, np.array(route, np.int64), scored, members), rotations)

    def only(self, rows: Int64) -> AlertPages:
        """These rows, in this order."""
        return AlertPages(self.table.take(rows), self.rotations[rows])
