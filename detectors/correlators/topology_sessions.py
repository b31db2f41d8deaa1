"""Alerts near each other in time and in the call graph are one story."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.correlators.session import Session
from titleshot.detectors.correlators.sessions import SessionParams, Sessions
from titleshot.detectors.world import World


class TopologySessionsParams(SessionParams):
    """Parameters of ``topology_sessions``."""

    hops: Annotated[int, Field(ge=0, le=5)] = 1
    """Calls, in either direction, that an alert may be away from a service of the story."""


class TopologySessions(Sessions):
    """An alert joins a session if its service is within ``hops`` of a member that alerted within ``gap_s``.

    An alert near several sessions merges them into the one opened first; the others close with
    ``merged_into``. A session closes when its last alert is ``gap_s`` old, or at its cut: the first multiple
    of two thirds of ``cap_s`` (counted from 1970) at which it is at least a third of ``cap_s`` old. So a
    session can always last a third of the cap, never longer than the cap, and how a ceaseless storm is cut
    does not depend on when it began: the past is forgotten after 4/3 of ``cap_s``.

    Severity adds a point each for strangeness (u from 2, from 4; with ``rare`` by
    tail probability), blast radius (from 2 services, from 4),
    persistence (from 3 alerts, from 6) and a critical tier, and takes one where all tiers are low: up to 1
    low, 2 and 3 medium, 4 and 5 high, 6 and 7 critical. It never falls, so a paging rule that waits for a
    severity waits for evidence: one wild alert on a critical service is as good as three mild ones on two.

    Deaf to: causes that share no call (a node, a zone, a database nobody listed); two stories that touch
    one hub, which become one.
    """

    family = "topology_sessions"
    Params = TopologySessionsParams
    params: TopologySessionsParams

    def _clear(self) -> None:
        super()._clear()
        self._latest: dict[str, Session] = {}  # canonical service to the session of its last alert

    def _joinable(self, alert: Alert, world: World) -> list[Session]:
        at = alert.timestamp
        found: dict[str, Session] = {}
        since = at - self._gap
        for service in world.within(alert.service, at, self.params.hops):
            session = self._latest.get(service)
            if session is not None and session.members[service].last >= since and at < session.cut:
                found[session.incident_id] = session
        if len(found) < 2:
            return list(found.values())
        return sorted(found.values(), key=lambda s: (s.opened_at, s.incident_id))

    def _joined(self, session: Session, alert: Alert, service: str, world: World) -> None:  # noqa: ARG002
        self._latest[service] = session

    def _absorbed(self, session: Session, other: Session) -> None:
        self._latest.update((service, session) for service in other.members if service not in self._latest)

    def _dropped(self, session: Session) -> None:
        for service in session.members:
            if self._latest.get(service) is session:
                del self._latest[service]

    def _restored(self, session: Session) -> None:
        for service, member in session.members.items():
            other = self._latest.get(service)
            if other is None or other.members[service].last <= member.last:
                self._latest[service] = session
