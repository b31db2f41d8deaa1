"""Small worlds in which two contenders page, and what makes one of them worse: a page, a repeat, a miss.

Times are laid out so that one change is one change. Incidents last an hour and begin every other hour; a page
for nothing comes in the hours between, so it hits none and none is carried into it. Each team owns ten
services; an incident affects its team's first two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.reports.assignment import IncidentTable, Members, PageTable
from titleshot.reports.exposure import Exposure
from titleshot.reports.matching import Matching
from titleshot.reports.tally import Tally, tally

TEAMS = ("data", "shop")
SEVERITIES = ("high", "low")
SLOTS = 12
"""Incidents a day at most; the last begins at 23:30 and ends on the next day."""
WITHIN_S = 600.0
_OWNED, _AFFECTED = 10, 2


@dataclass(frozen=True, order=True)
class Incident:
    """One of ``SLOTS`` a day."""

    day: int
    slot: int
    team: int = 0
    severity: int = 0

    @property
    def start(self) -> int:
        return self.day * DAY + (2 * self.slot + 1) * HOUR + (30 * MINUTE if self.slot == SLOTS - 1 else 0)


@dataclass(frozen=True)
class Hit:
    """A first page on an incident, and the repeats that followed."""

    delay_s: int = 120
    right: int = 1
    """Services named that are affected, 1 or 2."""
    wrong: int = 0
    """Services named that are not, 0 to 7."""
    repeats: tuple[int, ...] = ()
    """Minutes after the first page."""


@dataclass(frozen=True)
class Needless:
    """A page for nothing, half an hour after an incident of one of the first eleven slots would be over."""

    day: int
    slot: int = 0
    team: int = 0
    services: int = 1


@dataclass(frozen=True)
class World:
    """What happened, over ``days`` days from the first of 1970."""

    days: int
    incidents: tuple[Incident, ...]

    def may_be_missed(self, row: int) -> bool:
        """One that the end of the span cuts is censored when nobody pages it, which is no miss."""
        return self.incidents[row].start + HOUR <= self.days * DAY


@dataclass(frozen=True)
class Contender:
    """What one paged: for each incident a hit or None, and pages for nothing."""

    hits: tuple[Hit | None, ...]
    needless: tuple[Needless, ...] = ()
    elsewhere: tuple[tuple[int, Hit], ...] = ()
    """First pages that name no affected service any more: (incident, what it was when it hit)."""

    def with_needless(self, page: Needless) -> Contender:
        return replace(self, needless=(*self.needless, page))

    def with_repeat(self, row: int, minutes: int) -> Contender:
        """A detected incident is paged once more."""
        hit = self._hit(row)
        return self._with(row, replace(hit, repeats=(*hit.repeats, minutes)))

    def with_miss(self, row: int, *, page_stays: bool = True) -> Contender:
        """An incident paged once is not detected any more.

        The page stays: sent at the same moment to the same people with as many services, but none of them
        is affected; so it is false. Or it is not sent at all.
        """
        hit = self._hit(row)
        if hit.repeats:
            raise ValueError("a repeat would be the first page then; take an incident that was paged once")
        moved = replace(self, elsewhere=(*self.elsewhere, (row, hit))) if page_stays else self
        return moved._with(row, None)

    def _hit(self, row: int) -> Hit:
        hit = self.hits[row]
        if hit is None:
            raise ValueError(f"incident {row} is not detected")
        return hit

    def _with(self, row: int, hit: Hit | None) -> Contender:
        return replace(self, hits=(*self.hits[:row], hit, *self.hits[row + 1 :]))


def tallied(world: World, contender: Contender) -> Tally:
    """Match and count, by the code that scores real logs."""
    pages = sorted(_pages(world, contender))
    at = np.array([sent for sent, _, _ in pages], np.int64)
    teams = np.array([team for _, team, _ in pages], np.int64)
    until = at + MINUTE
    named = _members([services for _, _, services in pages])
    table = PageTable(at, until, until, teams, np.ones(len(pages), bool), named)
    start = np.array([incident.start for incident in world.incidents], np.int64)
    roots = np.array([_OWNED * incident.team for incident in world.incidents], np.int64)
    affected = _members([tuple(range(root, root + _AFFECTED)) for root in roots.tolist()])
    end = start + HOUR
    counts = np.ones(len(start), bool)
    incidents = IncidentTable(start, end, start, end, counts, roots, affected)
    span = world.days * DAY
    return tally(
        Matching.of(table, incidents, True, span),
        exposure(world.days), teams, end=span, within_s=WITHIN_S, complete=True,
    )  # fmt: skip


def part(world: World, tally: Tally, group: str, name: str) -> Tally:
    """A severity's or a team's share of a tally."""
    members = SEVERITIES if group == "severity" else TEAMS
    mine = np.array([members[getattr(one, group)] == name for one in world.incidents], bool)
    alone = tally.incidents_where(mine)
    if group == "severity":
        return alone
    rotation = TEAMS.index(name)
    weeks = tally.exposure.weeks[:, rotation]
    return alone.pages_where(tally.rotation == rotation, weeks, weeks * 0)


def exposure(days: int) -> Exposure:
    """All services all day, one rotation a team."""
    services = tuple(str(code) for code in range(_OWNED * len(TEAMS)))
    weeks = np.full((days, len(TEAMS)), 1 / 7)
    shifts = np.full(days, 2.0 * len(TEAMS))
    return Exposure(np.arange(days), TEAMS, weeks, shifts, services, np.ones((days, len(services))))


_Sent = tuple[int, int, tuple[int, ...]]


def _pages(world: World, contender: Contender) -> list[_Sent]:
    """When, whom and with which services; a page is in time order with all others."""
    pages: list[_Sent] = []
    for incident, hit in zip(world.incidents, contender.hits, strict=True):
        if hit is None:
            continue
        first, owned = incident.start + hit.delay_s * SECOND, _OWNED * incident.team
        services = (*range(owned, owned + hit.right), *_unaffected(owned, hit.wrong))
        pages += [(first + minutes * MINUTE, incident.team, services) for minutes in (0, *hit.repeats)]
    for row, hit in contender.elsewhere:
        incident = world.incidents[row]
        services = _unaffected(_OWNED * incident.team, hit.right + hit.wrong)
        pages.append((incident.start + hit.delay_s * SECOND, incident.team, services))
    for page in contender.needless:
        sent = page.day * DAY + (2 * page.slot + 2) * HOUR + 30 * MINUTE
        pages.append((sent, page.team, _unaffected(_OWNED * page.team, page.services)))
    return pages


def _unaffected(owned: int, many: int) -> tuple[int, ...]:
    return tuple(range(owned + _AFFECTED, owned + min(_AFFECTED + many, _OWNED)))


def _members(named: list[tuple[int, ...]]) -> Members:
    rows: NDArray[np.int64] = np.repeat(np.arange(len(named)), [len(names) for names in named])
    return Members(rows, np.array([code for names in named for code in names], np.int64))
