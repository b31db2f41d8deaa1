"""Which incident each page belongs to, page by page, without looking at every page of every incident.

With m pairs of a page and a service it names, or of an incident and a service it affects, both sweeps cost
O(m log m), however many pages lie in one window and however many windows lie over one page:

- *hits* go through pages in the order they were sent. Per service, heaps hold the incidents whose window is
  open, the preferred one on top: those whose root it is and others, those hit already and not. An incident
  enters each heap once, and leaves it once its window is over or it is hit.
- *carried* incidents of a page are those that start while it is open: per service a range of incidents by
  start, in which the last one not taken is found by skipping those that are (sets joined, Tarjan (1975),
  JACM 22).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from titleshot.reports.assignment import IncidentTable, PageTable

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Choice = tuple[int, int]
"""Rows of a page and of the incident it belongs to."""


def hits(pages: PageTable, incidents: IncidentTable, taken: Bool) -> Iterator[Choice]:
    """The incident each scored page hits, for those that hit one; marks incidents as taken on the way."""
    wide = len(pages) + 1
    counting = pages.scored[pages.services.rows]
    rows, codes = pages.services.rows[counting], pages.services.codes[counting]
    incident, code = incidents.affected
    # Pages are sorted by time, so a window is a range of rows.
    lower = np.searchsorted(pages.paged_at, incidents.opens, "left")
    upper = np.searchsorted(pages.paged_at, incidents.closes, "left")
    keys = np.sort(codes * wide + rows)
    met = _count_below(keys, code * wide + upper[incident]) > _count_below(
        keys, code * wide + lower[incident]
    )
    incident, code = incident[met], code[met]
    # A page lies in as many windows as began by it, less those that ended by then.
    began, ended = (np.sort(code * wide + edge[incident]) for edge in (lower, upper))
    after = codes * wide + rows + 1
    inside = _count_below(began, after) > _count_below(ended, after)
    order = np.argsort(lower[incident], kind="stable")
    windows = _Windows(incidents, incident[order], code[order], lower, upper, taken)
    for page, named in _by_page(rows[inside], codes[inside]):
        found = windows.best(page, [code for _, code in named])
        if found is not None:
            yield page, found


class _Windows:
    """The incidents whose window is open, by service, as pages go by."""

    def __init__(
        self, incidents: IncidentTable, incident: Int64, code: Int64, lower: Int64, upper: Int64, taken: Bool
    ) -> None:
        self._to_come = list(zip(lower[incident].tolist(), incident.tolist(), code.tolist(), strict=True))
        self._next = 0
        self._until: list[int] = upper.tolist()
        self._root: list[int] = incidents.root.tolist()
        self._rank: list[int] = _rank(incidents.start).tolist()
        self._codes: dict[int, list[int]] = defaultdict(list)
        for _, one, of in self._to_come:
            self._codes[one].append(of)
        self._taken = taken
        self._heaps: dict[tuple[int, bool, bool], list[tuple[int, int]]] = defaultdict(list)
        """By service, whether it is the root, and whether it is taken: (−rank, incident)."""

    def best(self, page: int, codes: list[int]) -> int | None:
        """The incident a page that names these services hits; it is taken from now on."""
        while self._next < len(self._to_come) and self._to_come[self._next][0] <= page:
            _, incident, code = self._to_come[self._next]
            self._push(incident, code)
            self._next += 1
        for rooted in (True, False):
            for was_taken in (False, True):
                tops = (self._top(page, (code, rooted, was_taken)) for code in codes)
                found = min((top for top in tops if top is not None), default=None)
                if found is not None:
                    return self._take(found[1])
        return None

    def _push(self, incident: int, code: int) -> None:
        heap = self._heaps[code, self._root[incident] == code, bool(self._taken[incident])]
        heappush(heap, (-self._rank[incident], incident))

    def _top(self, page: int, which: tuple[int, bool, bool]) -> tuple[int, int] | None:
        heap = self._heaps.get(which)
        while heap:
            incident = heap[0][1]
            if self._until[incident] > page and self._taken[incident] == which[2]:
                return heap[0]
            heappop(heap)
        return None

    def _take(self, incident: int) -> int:
        if not self._taken[incident]:
            self._taken[incident] = True
            for code in self._codes[incident]:
                self._push(incident, code)
        return incident


def carried(pages: PageTable, incidents: IncidentTable, waiting: Bool, taken: Bool) -> Iterator[Choice]:
    """The incident that starts while a page is open, for ``waiting`` pages; marks incidents as taken."""
    wide = len(incidents) + 1
    rank = _rank(incidents.start)
    incident, code = incidents.affected
    # Services twice: as root and as otherwise affected. Incidents of equal start keep their range by rank.
    keys = (2 * code + (incidents.root[incident] == code)) * wide + rank[incident]
    order = np.argsort(keys)
    keys, at = keys[order], incident[order]
    among = waiting[pages.services.rows]
    page, named = pages.services.rows[among], pages.services.codes[among]
    lower = np.searchsorted(incidents.start, pages.paged_at[page], "right")
    upper = np.maximum(lower, np.searchsorted(incidents.start, pages.open_until[page], "left"))
    ranges = []
    for rooted in (1, 0):
        group = (2 * named + rooted) * wide
        first, last = _count_below(keys, group + lower), _count_below(keys, group + upper)
        some = last > first
        ranges.append((page[some], np.full(int(some.sum()), rooted), first[some], last[some]))
    columns = [np.concatenate(column) for column in zip(*ranges, strict=True)]
    starts = _Starts(rank, at, taken)
    for row, found in _by_page(*columns):
        yield row, starts.best([(bool(rooted), first, last) for _, rooted, first, last in found])


class _Starts:
    """Incidents by service and start, those taken skipped."""

    def __init__(self, rank: Int64, at: Int64, taken: Bool) -> None:
        self._rank: list[int] = rank[at].tolist()
        self._at: list[int] = at.tolist()
        self._taken = taken
        self._places: dict[int, list[int]] = defaultdict(list)
        for place, incident in enumerate(self._at):
            self._places[incident].append(place)
        # The last place up to here that is not taken, found by following; one is before all.
        self._before = [
            place if place and not taken[self._at[place - 1]] else max(place - 1, 0)
            for place in range(len(self._at) + 1)
        ]

    def best(self, ranges: list[tuple[bool, int, int]]) -> int:
        """The preferred incident of ranges of places, none empty; it is taken from now on."""
        for rooted in (True, False):
            mine = [(first, last) for root, first, last in ranges if root == rooted]
            free = [place for first, last in mine if (place := self._last_free(last)) >= first]
            if mine:
                best = max(free or [last - 1 for _, last in mine], key=self._rank.__getitem__)
                return self._take(self._at[best])
        raise ValueError("no incident in any range; ask only for pages that have one")

    def _last_free(self, last: int) -> int:
        place = last
        while (up := self._before[place]) != place:
            self._before[place] = self._before[up]
            place = self._before[place]
        return place - 1

    def _take(self, incident: int) -> int:
        if not self._taken[incident]:
            self._taken[incident] = True
            for place in self._places[incident]:
                self._before[place + 1] = place
        return incident


def _rank(start: Int64) -> Int64:
    """Places in order of preference: a later start is higher, of equal ones the first row."""
    rank = np.empty(len(start), np.int64)
    rank[np.lexsort((-np.arange(len(start)), start))] = np.arange(len(start))
    return rank


def _count_below(ordered: Int64, values: Int64) -> Int64:
    return np.searchsorted(ordered, values, "left")


def _by_page(page: Int64, *of: Int64) -> Iterator[tuple[int, list[tuple[int, ...]]]]:
    """The rows of equal columns that are of one page, pages in order."""
    order = np.argsort(page, kind="stable")
    rows = zip(*(column[order].tolist() for column in (page, *of)), strict=True)
    return ((number, list(group)) for number, group in groupby(rows, key=itemgetter(0)))
