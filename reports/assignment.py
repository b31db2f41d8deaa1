"""Which page belongs to which incident, over tables of numbers: the arithmetic of :mod:`matching`.

Cost: O((pages + incidents) log n), a page or incident counting once for each service it names or affects;
``sweep.py`` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.sweep import carried as carried_into
from titleshot.reports.sweep import hits

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

PageResult = Literal[
    "detection", "duplicate", "fan_out", "carried", "false", "unmatched", "unscored", "set_aside"
]
RESULTS: tuple[PageResult, ...] = (
    "detection", "duplicate", "fan_out", "carried", "false", "unmatched", "unscored", "set_aside",
)  # fmt: skip
DETECTION, DUPLICATE, FAN_OUT, CARRIED, FALSE, UNMATCHED, UNSCORED, SET_ASIDE = range(8)


@dataclass(frozen=True)
class Rules:
    """``early_s`` by label source; ``hops`` of callers that count as affected where a label names none."""

    early_s: Mapping[str, float]
    grace_s: float = 0.0
    hops: int = 1
    labels_complete: bool = True


class Members(NamedTuple):
    """Services of each row, as pairs: ``rows[k]`` names service ``codes[k]``."""

    rows: Int64
    codes: Int64

    def take(self, rows: Int64, total: int) -> Members:
        """Of these rows of ``total``, numbered anew."""
        place = np.full(total, -1, np.int64)
        place[rows] = np.arange(len(rows))
        at = place[self.rows]
        return Members(at[at >= 0], self.codes[at >= 0])


@dataclass(frozen=True)
class PageTable:
    """Pages in the order they were sent, as arrays of equal length."""

    paged_at: Int64
    open_until: Int64
    """A page is open within [paged_at, open_until)."""
    active_until: Int64
    """Its last event."""
    route: Int64
    scored: Bool
    services: Members

    def __len__(self) -> int:
        return len(self.paged_at)

    def take(self, rows: Int64) -> PageTable:
        """These rows, in this order."""
        return PageTable(
            self.paged_at[rows],
            self.open_until[rows],
            self.active_until[rows],
            self.route[rows],
            self.scored[rows],
            self.services.take(rows, len(self)),
        )

    def moved(self, paged_at: Int64, scored: Bool) -> tuple[PageTable, Int64]:
        """Each page at another time and closed at once, sorted anew, and which row each one was."""
        order = np.argsort(paged_at, kind="stable").astype(np.int64)
        moved = replace(self, paged_at=paged_at, open_until=paged_at, active_until=paged_at, scored=scored)
        return moved.take(order), order


@dataclass(frozen=True)
class IncidentTable:
    """Incidents by start, as arrays of equal length; times in nanoseconds UTC."""

    start: Int64
    end: Int64
    opens: Int64
    """From here on a page hits: start − early."""
    closes: Int64
    """From here on no page hits: end + grace."""
    scored: Bool
    root: Int64
    affected: Members

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: Int64) -> IncidentTable:
        """These rows, in this order."""
        return IncidentTable(
            self.start[rows],
            self.end[rows],
            self.opens[rows],
            self.closes[rows],
            self.scored[rows],
            self.root[rows],
            self.affected.take(rows, len(self)),
        )

    def stretched(self, early: float, grace: float) -> IncidentTable:
        """The same with early and grace times so many times as long."""
        before, after = (self.start - self.opens) * early, (self.closes - self.end) * grace
        return replace(
            self, opens=self.start - before.astype(np.int64), closes=self.end + after.astype(np.int64)
        )

    def moved(self, by: Int64, scored: Bool) -> IncidentTable:
        """Each incident at another time, sorted anew; ``scored`` says whether it counts there."""
        times = {name: getattr(self, name) + by for name in ("start", "end", "opens", "closes")}
        order = np.argsort(times["start"], kind="stable").astype(np.int64)
        return replace(self, **times, scored=scored).take(order)


@dataclass(frozen=True)
class Assignment:
    """What became of each page and each incident, as arrays over the tables' rows."""

    incident: Int64
    """The incident a page hit or was carried into; −1 for none."""
    result: NDArray[np.int8]
    """Codes of ``RESULTS``."""
    first_page: Int64
    """The page that detected an incident; −1 for none. Unscored incidents have one too."""
    carried: Bool
    """Incidents not detected, but with a page open when they started."""


def assign(pages: PageTable, incidents: IncidentTable, labels_complete: bool) -> Assignment:
    """Match by SCORING 1."""
    number = len(incidents)
    taken = np.zeros(number, bool)
    chosen = np.full(len(pages), -1, np.int64)
    for page, incident in hits(pages, incidents, taken):
        chosen[page] = incident
    hit = chosen >= 0
    detected = taken.copy()
    for page, incident in carried_into(pages, incidents, ~hit, taken):
        chosen[page] = incident
    carried = taken & ~detected

    result = np.full(len(pages), FALSE if labels_complete else UNMATCHED, np.int8)
    result[~hit & (chosen >= 0)] = CARRIED
    first_page = np.full(number, -1, np.int64)
    routes: list[set[int]] = [set() for _ in range(number)]
    for page in np.flatnonzero(hit).tolist():
        incident, route = int(chosen[page]), int(pages.route[page])
        if first_page[incident] < 0:
            first_page[incident] = page
            result[page] = DETECTION
        else:
            result[page] = DUPLICATE if route in routes[incident] else FAN_OUT
        routes[incident].add(route)
    result[(chosen >= 0) & ~np.append(incidents.scored, True)[chosen]] = SET_ASIDE
    result[~pages.scored] = UNSCORED
    return Assignment(chosen, result, first_page, carried)
