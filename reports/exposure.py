"""What rates are per: day blocks, on-call weeks by rotation, service-days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND, WEEK
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scored_time import ScoredTime

Float64 = NDArray[np.float64]

SHIFT = 12 * HOUR
NO_OWNER = "(no owner)"
"""The rotation of services that no team is known to own."""


@dataclass(frozen=True)
class Exposure:
    """How much there was to score, by day block. It depends on the dataset, never on what was paged."""

    days: NDArray[np.int64]
    """Number of the UTC day of each block, rising."""
    rotations: tuple[str, ...]
    weeks: Float64
    """On-call weeks, blocks x rotations: a rotation has one person on call at any time."""
    shifts: Float64
    """Shifts of all rotations with any scored time, by block."""
    services: tuple[str, ...]
    service_days: Float64
    """Blocks x services, maintenance left out."""
    shifts_of: Float64 | None = None
    """Shifts of each rotation, blocks x rotations; None where nobody asks by team."""

    @classmethod
    def of(cls, time: ScoredTime, services: Iterable[str], reference: Reference) -> Exposure:
        """The rotations of a day are the owners, as the scored part of the day begins, of the services."""
        names = tuple(sorted(set(services)))
        days = time.days
        weeks = time.seconds(None, days * DAY, DAY) * SECOND / WEEK
        on_call = [
            {reference.team(name, max(day * DAY, time.start)) or NO_OWNER for name in names} or {NO_OWNER}
            for day in days.tolist()
        ]
        rotations = tuple(sorted(set().union(*on_call)))
        present = np.array([[name in teams for name in rotations] for teams in on_call], float)
        service_days = [time.seconds(name, days * DAY, DAY) * SECOND / DAY for name in names]
        halves = [time.seconds(None, days * DAY + start, SHIFT) > 0 for start in range(0, DAY, SHIFT)]
        on_call_of = present.reshape(len(days), len(rotations))
        shifts_of = on_call_of * np.sum(halves, axis=0)[:, None]
        return cls(
            days,
            rotations,
            on_call_of * weeks[:, None],
            shifts_of.sum(axis=1),
            names,
            np.array(service_days).T.reshape(len(days), len(names)),
            shifts_of,
        )

    def block(self, instants: NDArray[np.int64]) -> NDArray[np.int64]:
        """The block of each instant of scored time."""
        return np.searchsorted(self.days, instants // DAY)

    def woken(self, pages: Sequence[Page], reference: Reference) -> NDArray[np.int64]:
        """Whom each page woke: positions in ``rotations``, −1 for a team that is not there."""
        place = {name: position for position, name in enumerate(self.rotations)}
        return np.array([place.get(rotation_of(page, reference), -1) for page in pages], np.int64)


def rotation_of(page: Page, reference: Reference) -> str:
    """Whom a page woke: the team it was sent to if that owns a service named, else an owner of one."""
    owners = {
        service: reference.team(reference.canonical(service, page.paged_at), page.paged_at)
        for service in page.services
    }
    if page.route in owners.values():
        return page.route
    head = owners.get(head_service(page))
    return head or min((team for team in owners.values() if team), default=NO_OWNER)


def head_service(page: Page) -> str:
    """The one service a page is counted under: the probable one if it was named, else the first by name."""
    if page.probable_service in page.services:
        return page.probable_service or ""
    return min(page.services, default="")
