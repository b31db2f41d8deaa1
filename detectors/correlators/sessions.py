"""What every family of sessions shares: joining, merging, the cut, closing, state."""

from __future__ import annotations

import heapq
import weakref
from abc import abstractmethod
from typing import Annotated, Any

from pydantic import Field, model_validator

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.correlators.correlator import (
    Alert,
    Change,
    Correlator,
    CorrelatorParams,
    What,
    incident_id,
)
from titleshot.detectors.correlators.hypotheses import ranked
from titleshot.detectors.correlators.session import Session
from titleshot.detectors.world import World

_TIER_POINTS = {"critical": 1, "low": -1}
Probability = Annotated[float, Field(gt=0, lt=1)]


class SessionParams(CorrelatorParams):
    """Parameters of every family of sessions."""

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
    def _cap_spans_gaps(self) -> SessionParams:
        if self.cap_s < 3 * self.gap_s:
            raise ValueError(
                f"cap_s must be at least three times gap_s ({3 * self.gap_s:g}), got {self.cap_s:g}"
            )
        return self


class Sessions(Correlator):
    """Stories that alerts join until a gap or the cut; a family says which stories an alert may join.

    A session closes when its last alert is ``gap_s`` old, or at its cut: the first multiple of two thirds of
    ``cap_s`` (counted from 1970) at which it is at least a third of ``cap_s`` old. So a session can always
    last a third of the cap, never longer than the cap, and how a ceaseless storm is cut does not depend on
    when it began: the past is forgotten after 4/3 of ``cap_s``.

    An alert that may join several merges them into the one opened first; the others close with
    ``merged_into``. An alert costs the same whatever the size of its story; a record of it is written when
    it is read.
    """

    def __init__(self, params: SessionParams) -> None:
        super().__init__(params)
        self.params: SessionParams = params
        self._gap = round(params.gap_s * SECOND)
        self._period = round(params.cap_s * SECOND) * 2 // 3
        self._clear()

    def _clear(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._events: set[str] = set()
        self._dues: list[tuple[int, str]] = []  # heap; an entry may be early, never late

    @abstractmethod
    def _joinable(self, alert: Alert, world: World) -> list[Session]:
        """Sessions the alert belongs to, opened first ahead."""

    @abstractmethod
    def _joined(self, session: Session, alert: Alert, service: str, world: World) -> None:
        """Note where to find a session that took an alert of ``service``."""

    def _absorbed(self, session: Session, other: Session) -> None:
        """Note that what was found under ``other`` is part of ``session``."""

    @abstractmethod
    def _dropped(self, session: Session) -> None:
        """Find it no more."""

    @abstractmethod
    def _restored(self, session: Session) -> None:
        """Note where to find a session that came with a state; those opened first come first."""

    @property
    def memory_s(self) -> float:
        return 2 * self._period / SECOND

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        if alert.event_id in self._events:
            return []
        at = alert.timestamp
        found = self._joinable(alert, world)
        changes: list[Change] = []
        what: What = "joined"
        if not found:
            what = "opened"
            session = self._open(alert)
        else:
            session = found[0]
            session.moves()
            for other in found[1:]:
                self._drop(other)
                changes.append(self._change("closed", other, clock, world, merged_into=session.incident_id))
                session.absorb(other)
                self._events.update(other.events)
                self._absorbed(session, other)
        service = world.canonical(alert.service, at)
        if service not in session.members:
            points = _TIER_POINTS.get(world.tier(service, at) or "", 0)
            session.tier_points = max(session.tier_points, points)
        session.take(alert, service, self._points(alert))
        self._events.add(alert.event_id)
        self._joined(session, alert, service, world)
        changes.append(self._change(what, session, clock, world))
        return changes

    def _points(self, alert: Alert) -> int:
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
            session = Session.of(row)
            self._sessions[session.incident_id] = session
            self._events.update(session.events)
            self._dues.append((session.due(self._gap), session.incident_id))
            self._restored(session)
        heapq.heapify(self._dues)

    def _open(self, alert: Alert) -> Session:
        name = incident_id(self.name, alert.event_id)
        # Ceiling division: the first multiple of the period at least half a period away.
        cut = -((alert.timestamp + self._period // 2) // -self._period) * self._period
        session = self._sessions[name] = Session(name, alert.timestamp, cut)
        heapq.heappush(self._dues, (min(alert.timestamp + self._gap, cut), name))
        return session

    def _drop(self, session: Session) -> None:
        session.moves()
        del self._sessions[session.incident_id]
        self._events.difference_update(session.events)
        self._dropped(session)

    def _change(
        self,
        what: What,
        session: Session,
        clock: int,
        world: World,
        *,
        merged_into: str | None = None,
        flushed: bool = False,
    ) -> Change:
        severity = session.severity

        def candidate() -> IncidentCandidate:
            params = self.params
            return IncidentCandidate(
                incident_id=session.incident_id,
                status="closed" if what == "closed" else "opened",
                severity=severity,
                services=tuple(sorted({member.name for member in session.members.values()})),
                event_ids=tuple(session.events),
                opened_at=session.opened_at,
                last_event_at=session.last,
                emitted_at=clock,
                hypotheses=ranked(
                    session.members,
                    session.last,
                    world,
                    gap_s=params.gap_s,
                    deploy_within_s=params.deploy_within_s,
                ),
                merged_into=merged_into,
                correlator=self.name,
                flushed=flushed,
            )

        change = Change(what, session.incident_id, severity, len(session.events), candidate)
        session.told = weakref.ref(change)
        return change
