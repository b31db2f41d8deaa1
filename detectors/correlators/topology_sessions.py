"""Alerts near each other in time and in the call graph are one story."""

from __future__ import annotations

import heapq
from itertools import islice
from typing import Annotated, Any

from pydantic import Field, model_validator

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import Severity
from titleshot.detectors.correlators.correlator import (
    Alert,
    Change,
    Correlator,
    CorrelatorParams,
    What,
    incident_id,
)
from titleshot.detectors.correlators.hypotheses import Member, ranked
from titleshot.detectors.world import World

_TIER_POINTS = {"critical": 1, "low": -1}
_GRADES: tuple[Severity, ...] = ("low", "low", "medium", "medium", "high", "high", "critical")
"""By points, the last for all above."""


Probability = Annotated[float, Field(gt=0, lt=1)]


class TopologySessionsParams(CorrelatorParams):
    """Parameters of ``topology_sessions``."""

    hops: Annotated[int, Field(ge=0, le=5)] = 1
    """Calls, in either direction, that an alert may be away from a service of the story."""
    gap_s: Annotated[float, Field(gt=0, le=86_400 * 30)] = 900.0
    """Silence after which a service no longer draws alerts into its story."""
    cap_s: Annotated[float, Field(gt=0, le=86_400 * 366)] = 14_400.0
    """No story lasts longer; at least three gaps."""
    deploy_within_s: Annotated[float, Field(ge=0, le=86_400 * 30)] = 3600.0
    """A deploy counts as recent for this long."""
    rare: tuple[Probability, Probability] | None = None
    """Tail probabilities that give one and two points of strangeness instead of u from 2 and from 4, where
    an alert has one."""

    @model_validator(mode="after")
    def _cap_spans_gaps(self) -> TopologySessionsParams:
        if self.cap_s < 3 * self.gap_s:
            raise ValueError(
                f"cap_s must be at least three times gap_s ({3 * self.gap_s:g}), got {self.cap_s:g}"
            )
        return self


class TopologySessions(Correlator):
    """An alert joins a session if its service is within ``hops`` of a member that alerted within ``gap_s``.

    An alert near several sessions merges them into the one opened first; the others close with
    ``merged_into``. A session closes when its last alert is ``gap_s`` old, or at its cut: the first multiple
    of two thirds of ``cap_s`` (counted from 1970) at which it is at least a third of ``cap_s`` old. So a
    session can always last a third of the cap, never longer than the cap, and how a ceaseless storm is cut
    does not depend on when it began: the past is forgotten after 4/3 of ``cap_s``.

    Severity adds a point each for strangeness (u from 2, from 4; with ``rare`` by tail
    probability), blast radius (from 2 services, from 4),
    persistence (from 3 alerts, from 6) and a critical tier, and takes one where all tiers are low: up to 1
    low, 2 and 3 medium, 4 and 5 high, 6 and 7 critical. It never falls, so a paging rule that waits for a
    severity waits for evidence: one wild alert on a critical service is as good as three mild ones on two.

    Deaf to: causes that share no call (a node, a zone, a database nobody listed); two stories that touch
    one hub, which become one.
    """

    family = "topology_sessions"
    Params = TopologySessionsParams

    def __init__(self, params: TopologySessionsParams) -> None:
        super().__init__(params)
        self.params: TopologySessionsParams = params
        self._gap = round(params.gap_s * SECOND)
        self._period = round(params.cap_s * SECOND) * 2 // 3
        self._clear()

    def _clear(self) -> None:
        self._sessions: dict[str, _Session] = {}
        self._latest: dict[str, _Session] = {}  # canonical service to the session of its last alert
        self._events: set[str] = set()
        self._dues: list[tuple[int, str]] = []  # heap; an entry may be early, never late

    @property
    def memory_s(self) -> float:
        return 2 * self._period / SECOND

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        if alert.event_id in self._events:
            return []
        at = alert.timestamp
        near = world.within(alert.service, at, self.params.hops)
        found = self._joinable(near, at)
        changes: list[Change] = []
        what: What = "joined"
        if not found:
            what = "opened"
            session = self._open(alert)
        else:
            session = found[0]
            for other in found[1:]:
                self._drop(other)
                changes.append(self._change("closed", other, clock, world, merged_into=session.incident_id))
                session.absorb(other)
                self._events.update(other.events)
                self._latest.update(
                    (service, session) for service in other.members if service not in self._latest
                )
        service = world.canonical(alert.service, at)
        if service not in session.members:
            points = _TIER_POINTS.get(world.tier(service, at) or "", 0)
            session.tier_points = max(session.tier_points, points)
        session.take(alert, service, self._points(alert))
        self._events.add(alert.event_id)
        self._latest[service] = session
        changes.append(self._change(what, session, clock, world))
        return changes

    def _points(self, alert: Alert) -> int:
        """What an alert adds to severity by being strange."""
        rare, p = self.params.rare, alert.tail_probability
        if rare is None or p is None:
            return (alert.strangeness >= 2) + (alert.strangeness >= 4)
        return (p <= rare[0]) + (p <= rare[1])

    def due(self) -> int | None:
        while self._dues:
            early, name = self._dues[0]
            session = self._sessions.get(name)
            if session is None:
                heapq.heappop(self._dues)
            elif session.due(self._gap) == early:
                return early
            else:
                heapq.heapreplace(self._dues, (session.due(self._gap), name))
        return None

    def tick(self, now: int, clock: int, world: World) -> list[Change]:
        changes = []
        while (due := self.due()) is not None and due <= now:
            session = self._sessions[heapq.heappop(self._dues)[1]]
            self._drop(session)
            changes.append(self._change("closed", session, clock, world))
        return changes

    def flush(self, clock: int, world: World) -> list[Change]:
        changes = []
        for session in sorted(self._sessions.values(), key=lambda s: (s.due(self._gap), s.incident_id)):
            self._drop(session)
            changes.append(self._change("closed", session, clock, world, flushed=True))
        self._dues.clear()
        return changes

    def state(self) -> list[Any]:
        return [session.state() for session in self._sessions.values()]

    def load(self, state: list[Any]) -> None:
        self._clear()
        for row in state:
            session = _Session.of(row)
            self._sessions[session.incident_id] = session
            self._events.update(session.events)
            self._dues.append((session.due(self._gap), session.incident_id))
            for service, member in session.members.items():
                other = self._latest.get(service)
                if other is None or other.members[service].last <= member.last:
                    self._latest[service] = session
        heapq.heapify(self._dues)

    def _joinable(self, near: frozenset[str], at: int) -> list[_Session]:
        """Sessions the alert belongs to, opened first ahead."""
        found: dict[str, _Session] = {}
        since = at - self._gap
        for service in near:
            session = self._latest.get(service)
            if session is not None and session.members[service].last >= since and at < session.cut:
                found[session.incident_id] = session
        if len(found) < 2:
            return list(found.values())
        return sorted(found.values(), key=lambda s: (s.opened_at, s.incident_id))

    def _open(self, alert: Alert) -> _Session:
        name = incident_id(self.name, alert.event_id)
        # Ceiling division: the first multiple of the period at least half a period away.
        cut = -((alert.timestamp + self._period // 2) // -self._period) * self._period
        session = self._sessions[name] = _Session(name, alert.timestamp, cut)
        heapq.heappush(self._dues, (min(alert.timestamp + self._gap, cut), name))
        return session

    def _drop(self, session: _Session) -> None:
        del self._sessions[session.incident_id]
        self._events.difference_update(session.events)
        for service in session.members:
            if self._latest.get(service) is session:
                del self._latest[service]

    def _change(
        self,
        what: What,
        session: _Session,
        clock: int,
        world: World,
        *,
        merged_into: str | None = None,
        flushed: bool = False,
    ) -> Change:
        # The session moves on before a record is asked for: hold what it was.
        severity, count, last = session.severity, len(session.events), session.last
        members = session.members.copy()

        def candidate() -> IncidentCandidate:
            params = self.params
            return IncidentCandidate(
                incident_id=session.incident_id,
                status="closed" if what == "closed" else "opened",
                severity=severity,
                services=tuple(sorted({member.name for member in members.values()})),
                event_ids=tuple(islice(session.events, count)),
                opened_at=session.opened_at,
                last_event_at=last,
                emitted_at=clock,
                hypotheses=ranked(
                    members, last, world, gap_s=params.gap_s, deploy_within_s=params.deploy_within_s
                ),
                merged_into=merged_into,
                correlator=self.name,
                flushed=flushed,
            )

        return Change(what, session.incident_id, severity, count, candidate)


class _Session:
    """One story: its members by canonical name and its events in the order they joined."""

    __slots__ = (
        "cut",
        "events",
        "incident_id",
        "last",
        "members",
        "opened_at",
        "strange_points",
        "tier_points",
    )

    def __init__(self, incident_id: str, opened_at: int, cut: int) -> None:
        self.incident_id = incident_id
        self.opened_at = opened_at
        self.cut = cut
        self.last = opened_at
        self.members: dict[str, Member] = {}
        self.events: list[str] = []
        self.strange_points = 0
        self.tier_points = -1

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

    def absorb(self, other: _Session) -> None:
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
        return [*whole, [[service, *member] for service, member in self.members.items()], self.events]

    @classmethod
    def of(cls, row: list[Any]) -> _Session:
        session = cls(*row[:3])
        session.last, session.strange_points, session.tier_points = row[3:6]
        session.members = {service: Member(*rest) for service, *rest in row[6]}
        session.events = list(row[7])
        return session
