"""A story under way: its members, its events, and what tied them."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from titleshot.datasets.contracts.record import Severity
from titleshot.detectors.correlators.correlator import Alert, Change

MOST_LINKS = 100
"""Links kept of one story; nobody reads further."""
MOST_PRINTS = 1000
"""Fingerprints kept of one story."""
_GRADES: tuple[Severity, ...] = ("low", "low", "medium", "medium", "high", "high", "critical")
"""By points, the last for all above."""


class Member(NamedTuple):
    """What one service contributed; times in nanoseconds."""

    name: str
    """As in its first alert."""
    first: int
    last: int
    strangest: float
    """Highest u."""
    team: str | None
    deploy: str | None
    """Version rolled out shortly before its first alert."""
    planned: str | None
    """Kind of planned change it was in at its first alert."""


class Fingerprint(NamedTuple):
    """What makes an alert a repetition."""

    service: str
    metric_name: str
    direction: str | None
    detector: str


class LinkSaid(NamedTuple):
    """Why a service came in."""

    event_id: str
    service: str
    to: str
    anchor: str
    score: float
    evidence: dict[str, float]


class Session:
    """One story: its members by canonical name and its events in the order they joined."""

    __slots__ = (
        "anchor", "cut", "events", "incident_id", "last", "links", "members", "opened_at", "prints",
        "recurs_of", "reopened", "strangest", "tier_points", "told",
    )  # fmt: skip

    def __init__(self, incident_id: str, opened_at: int, cut: int) -> None:
        self.incident_id = incident_id
        self.opened_at = opened_at
        self.cut = cut
        self.last = opened_at
        self.anchor = ""
        self.members: dict[str, Member] = {}
        self.events: list[str] = []
        self.prints: dict[Fingerprint, int] = {}
        self.links: list[LinkSaid] = []
        self.strangest = 0.0
        self.tier_points = -1
        self.reopened = 0
        self.recurs_of: tuple[str, ...] = ()
        self.told: weakref.ref[Change] | None = None

    @property
    def severity(self) -> Severity:
        services, alerts = len(self.members), len(self.events)
        points = (self.strangest >= 2) + (self.strangest >= 4) + self.tier_points
        points += (services >= 2) + (services >= 4) + (alerts >= 3) + (alerts >= 6)
        return _GRADES[min(max(points, 0), len(_GRADES) - 1)]

    def moves(self) -> None:
        """Write out the last change said, if somebody still holds it, before it is no longer true."""
        change = self.told() if self.told is not None else None
        if change is not None:
            change.candidate  # noqa: B018  made when first read
        self.told = None

    def take(self, alert: Alert, service: str, member: Member, fingerprint: Fingerprint) -> None:
        """Take in an alert; ``member`` is its service as it stands after it."""
        self.members[service] = member
        self.events.append(alert.event_id)
        if fingerprint in self.prints or len(self.prints) < MOST_PRINTS:
            self.prints[fingerprint] = self.prints.get(fingerprint, 0) + 1
        self.last = alert.timestamp
        self.strangest = max(self.strangest, alert.strangeness)

    def link(self, said: LinkSaid) -> None:
        if len(self.links) < MOST_LINKS:
            self.links.append(said)

    def absorb(self, other: Session) -> None:
        """Take over a session opened later, whose cut is therefore no earlier."""
        for service, theirs in other.members.items():
            ours = self.members.get(service)
            if ours is not None:
                theirs = ours._replace(
                    first=min(ours.first, theirs.first),
                    last=max(ours.last, theirs.last),
                    strangest=max(ours.strangest, theirs.strangest),
                )
            self.members[service] = theirs
        self.events.extend(other.events)
        for fingerprint, count in other.prints.items():
            if fingerprint in self.prints or len(self.prints) < MOST_PRINTS:
                self.prints[fingerprint] = self.prints.get(fingerprint, 0) + count
        self.links = (self.links + other.links)[:MOST_LINKS]
        self.last = max(self.last, other.last)
        self.strangest = max(self.strangest, other.strangest)
        self.tier_points = max(self.tier_points, other.tier_points)
        self.reopened += other.reopened

    def state(self) -> dict[str, Any]:
        """JSON that :meth:`of` reads."""
        return {
            "about": [self.incident_id, self.opened_at, self.cut],
            "last": self.last,
            "anchor": self.anchor,
            "members": [[service, *member] for service, member in self.members.items()],
            "events": list(self.events),
            "prints": [[*print_, count] for print_, count in self.prints.items()],
            "links": [list(link) for link in self.links],
            "strangest": self.strangest,
            "tier_points": self.tier_points,
            "reopened": self.reopened,
            "recurs_of": list(self.recurs_of),
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> Session:
        session = cls(*state["about"])
        for name in ("last", "anchor", "strangest", "tier_points", "reopened"):
            setattr(session, name, state[name])
        session.members = {service: Member(*rest) for service, *rest in state["members"]}
        session.recurs_of = tuple(state["recurs_of"])
        session.events = list(state["events"])
        session.prints = {Fingerprint(*print_): count for *print_, count in state["prints"]}
        session.links = [LinkSaid(*link) for link in state["links"]]
        return session
