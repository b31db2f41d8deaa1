"""Contenders that know nothing: ``never``, ``always``, and ``random`` at this one's own rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import HOUR
from titleshot.reports.assignment import Members, PageTable
from titleshot.reports.exposure import NO_OWNER, Exposure
from titleshot.reports.match_tables import Codes, scored_anywhere
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scored_time import ScoredTime

Int64 = NDArray[np.int64]

COOLDOWN = HOUR
"""``always`` pages every service this often."""
MOST_PAGES = 200_000
RANDOM_DRAWS = 20
MEANING = (
    f"always pages every service once an hour; random sends this contender's own pages at other times,"
    f" {RANDOM_DRAWS} draws"
)
SHOWN = (
    "incident_recall",
    "detected_in_time_ratio",
    "page_precision",
    "alarming_precision",
    "mean_time_to_detect_s",
    "false_pages_per_week",
    "duplicates_per_week",
    "pages_per_week",
)
"""Scores that baselines are shown on."""


def never() -> PageTable:
    """No page at all."""
    none = np.zeros(0, np.int64)
    return PageTable(none, none, none, none, np.zeros(0, bool), Members(none, none))


def always(
    exposure: Exposure, time: ScoredTime, reference: Reference, codes: Codes
) -> tuple[PageTable, Int64]:
    """A page per service and cooldown, closed at once, and whom each woke.

    The cooldown is an hour, longer where that would be more than ``MOST_PAGES`` pages.
    """
    services = exposure.services
    cooldown = max(COOLDOWN, (time.end - time.start) * max(len(services), 1) // MOST_PAGES)
    at = np.arange(time.start, time.end, cooldown, dtype=np.int64)
    owners = [reference.team(name, time.start) or NO_OWNER for name in services]
    woken = np.array([exposure.rotations.index(team) for team in owners], np.int64)
    paged_at = np.repeat(at, len(services))
    members = Members(
        np.arange(len(paged_at)), np.tile(np.array([codes(name) for name in services], np.int64), len(at))
    )
    table = PageTable(
        paged_at,
        paged_at,
        paged_at,
        np.tile(woken, len(at)),
        scored_anywhere(members, paged_at, time, codes),
        members,
    )
    return table, np.tile(woken, len(at))


def at_random(
    pages: PageTable, rotations: Int64, time: ScoredTime, codes: Codes, seed: int, draw: int
) -> tuple[PageTable, Int64]:
    """The scored pages as they were, services and routes, each at a random instant its service is scored."""
    rows = np.flatnonzero(pages.scored)
    kept, woken = pages.take(rows), rotations[rows]
    if not len(kept):
        return kept, woken
    shares = np.random.default_rng([seed, 3, draw]).random(len(kept))
    at = time.instants(None, shares)
    names = codes.names()
    found, first = np.unique(kept.services.rows, return_index=True)
    head = np.full(len(kept), -1, np.int64)
    head[found] = kept.services.codes[first]
    for code in np.unique(head[found]).tolist():
        of_service = head == code
        if len(set(time.extent(names[code]))) == 2:
            at[of_service] = time.instants(names[code], shares[of_service])
    moved, order = kept.moved(at, scored_anywhere(kept.services, at, time, codes))
    return moved, woken[order]
