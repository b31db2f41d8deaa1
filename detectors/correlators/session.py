"""A story under way: who is in it, since when, how strange, and what was last said of it."""

from __future__ import annotations

import weakref
from typing import Any

from titleshot.datasets.contracts.record import Severity
from titleshot.detectors.correlators.correlator import Alert, Change
from titleshot.detectors.correlators.hypotheses import Member

_GRADES: tuple[Severity, ...] = ("low", "low", "medium", "medium", "high", "high", "critical")
"""By points, the last for all above."""


class Session:
    """One story: its members by canonical name and its events in the order they joined.

    ``key`` is what its alerts have in common, in families that go by one.
    """

    __slots__ = (
        "cut", "events", "incident_id", "key", "last", "members", "opened_at", "strange_points",
        "tier_points", "told",
    )  # fmt: skip

    def __init__(self, incident_id: str, opened_at: int, cut: int) -> None:
        self.key: str | None = None
        self.incident_id = incident_id
        self.opened_at = opened_at
        self.cut = cut
        self.last = opened_at
        self.members: dict[str, Member] = {}
        self.events: list[str] = []
        self.strange_points = 0
        self.tier_points = -1
        self.told: weakref.ref[Change] | None = None

    def moves(self) -> None:
        """Write out the last change said, if somebody still holds it, before it is no longer true."""
        change = self.told() if self.told is not None else None
        if change is not None:
            change.candidate  # noqa: B018  made when first read
        self.told = None

    @property
    def severity(self) -> Severity:
        services, alerts = len(self.members), len(self.events)
        points = self.strange_points + self.tier_points
        points += (services >= 2) + (services >= 4) + (alerts >= 3) + (alerts >= 6)
        return _GRADES[min(max(points, 0), len(_GRADES) - 1)]

    def due(self, gap: int) -> int:
        """From this instant on nothing can join."""
        return min(self.last + gap, self.cut)

    def take(self, alert: Alert, service: str, points: int) -> None:
        """Take an alert in; ``points`` is what it adds to severity by being strange."""
        u = alert.strangeness
        member = self.members.get(service)
        if member is None:
            self.members[service] = Member(alert.service, alert.timestamp, alert.timestamp, u)
        else:
            self.members[service] = Member(
                member.name, member.first, alert.timestamp, max(member.strangest, u)
            )
        self.events.append(alert.event_id)
        self.last = alert.timestamp
        self.strange_points = max(self.strange_points, points)

    def absorb(self, other: Session) -> None:
        """Take over a session opened later, whose cut is therefore no earlier."""
        for service, theirs in other.members.items():
            ours = self.members.get(service)
            self.members[service] = (
                theirs
                if ours is None
                else Member(
                    ours.name,
                    min(ours.first, theirs.first),
                    max(ours.last, theirs.last),
                    max(ours.strangest, theirs.strangest),
                )
            )
        self.events.extend(other.events)
        self.last = max(self.last, other.last)
        self.strange_points = max(self.strange_points, other.strange_points)
        self.tier_points = max(self.tier_points, other.tier_points)

    def state(self) -> list[Any]:
        whole = [self.incident_id, self.opened_at, self.cut, self.last, self.strange_points, self.tier_points]
        row = [*whole, [[service, *member] for service, member in self.members.items()], list(self.events)]
        return row if self.key is None else [*row, self.key]

    @classmethod
    def of(cls, row: list[Any]) -> Session:
        session = cls(*row[:3])
        session.last, session.strange_points, session.tier_points = row[3:6]
        session.members = {service: Member(*rest) for service, *rest in row[6]}
        session.events = list(row[7])
        session.key = row[8] if len(row) > 8 else None
        return session
