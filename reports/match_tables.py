"""Pages and incident labels as the tables that are matched: services by number, times as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.reports.assignment import IncidentTable, Members, PageTable, Rules
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scored_time import ScoredTime

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


class Codes:
    """Numbers for names, in the order they are met."""

    def __init__(self) -> None:
        self._of: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        return self._of.setdefault(name, len(self._of))

    def names(self) -> list[str]:
        return list(self._of)


def page_table(pages: Sequence[Page], reference: Reference, time: ScoredTime, codes: Codes) -> PageTable:
    """Pages as a table. ``pages`` must be sorted by :func:`page_order`.

    Services are named canonically. A page that was never closed is open as far as its activity is known.
    """
    route = Codes()
    named = [sorted({reference.canonical(name, page.paged_at) for name in page.services}) for page in pages]
    paged_at = np.array([page.paged_at for page in pages], np.int64)
    services = _members(named, codes)
    return PageTable(
        paged_at,
        np.array([p.last_event_at if p.closed_at is None else p.closed_at for p in pages], np.int64),
        np.array([page.last_event_at for page in pages], np.int64),
        np.array([route(page.route) for page in pages], np.int64),
        scored_anywhere(services, paged_at, time, codes),
        services,
    )


def page_order(page: Page) -> tuple[int, str, str, tuple[str, ...]]:
    """Pages are matched in this order, whatever order they come in."""
    return page.paged_at, page.page_id, page.route, page.services


def scored_anywhere(services: Members, paged_at: Int64, time: ScoredTime, codes: Codes) -> Bool:
    """Whether a page counts: sent in scored time of one of its services, or of any where it names none."""
    scored = time.scored(None, paged_at)
    scored[services.rows] = False
    names = codes.names()
    by_code = np.argsort(services.codes, kind="stable")
    edges = np.searchsorted(services.codes[by_code], np.arange(len(names) + 1))
    for code, name in enumerate(names):
        rows = services.rows[by_code[edges[code] : edges[code + 1]]]
        scored[rows] |= time.scored(name, paged_at[rows])
    return scored


def incident_table(
    incidents: Sequence[IncidentLabel], rules: Rules, reference: Reference, time: ScoredTime, codes: Codes
) -> IncidentTable:
    """Incidents as a table. ``incidents`` must be sorted by (start, incident_id).

    Affected are the services labelled, with the root; where none are, the root and its callers.
    """
    roots = [reference.canonical(label.root_service, label.start) for label in incidents]
    affected = [
        {root, *(reference.canonical(name, label.start) for name in label.affected_services)}
        if label.affected_services
        else reference.affected(root, label.start, rules.hops)
        for label, root in zip(incidents, roots, strict=True)
    ]
    start = np.array([label.start for label in incidents], np.int64)
    end = np.array([label.end for label in incidents], np.int64)
    early = np.array([round(rules.early_s[label.source] * SECOND) for label in incidents], np.int64)
    return IncidentTable(
        start,
        end,
        start - early,
        end + round(rules.grace_s * SECOND),
        root_scored(roots, start, time),
        np.array([codes(root) for root in roots], np.int64),
        _members([sorted(names) for names in affected], codes),
    )


def root_scored(roots: Sequence[str], start: Int64, time: ScoredTime) -> Bool:
    """Whether an incident counts: it starts in scored time of its root."""
    scored = np.zeros(len(start), bool)
    rows: dict[str, list[int]] = {}
    for row, root in enumerate(roots):
        rows.setdefault(root, []).append(row)
    for root, of_root in rows.items():
        scored[of_root] = time.scored(root, start[of_root])
    return scored


def _members(named: Sequence[Sequence[str]], codes: Codes) -> Members:
    rows = [row for row, names in enumerate(named) for _ in names]
    return Members(
        np.array(rows, np.int64), np.array([codes(name) for names in named for name in names], np.int64)
    )
