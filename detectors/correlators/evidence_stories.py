"""The stories that are open, found by service, by team and by when they end."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.correlators.evidence_params import EvidenceLinksParams
from titleshot.detectors.correlators.evidence_sessions import Fingerprint, Member, Session
from titleshot.detectors.correlators.evidence_ties import Ties
from titleshot.detectors.kin import Kin

_OF_A_TEAM = 8
"""Newest stories of a team that are looked at though no call leads there."""


class Stories:
    """Open sessions; a service is at home in the one of its last alert."""

    def __init__(self, params: EvidenceLinksParams) -> None:
        self._gap = round(params.gap_s * SECOND)
        self._quiet = self._gap + round(params.reopen_s * SECOND)
        self._cap = round(params.cap_s * SECOND)
        self._reset = round(params.reset_s * SECOND)
        self.sessions: dict[str, Session] = {}
        self.home: dict[str, Session] = {}
        """By canonical service."""
        self.events: set[str] = set()
        """Ids of all events in open stories."""
        self._of_team: dict[str, list[str]] = {}  # team to its newest sessions, oldest first
        self._dues: list[tuple[int, str]] = []  # heap; an entry may be early, never late

    def open(self, name: str, at: int, service: str) -> Session:
        """A new story that hangs on ``service``."""
        cut = min(at + self._cap, (at // self._reset + 1) * self._reset)
        session = self.sessions[name] = Session(name, at, cut)
        session.anchor = service
        heapq.heappush(self._dues, (self._due(session), name))
        return session

    def repeated(self, service: str, fingerprint: Fingerprint, at: int) -> Session | None:
        """The open story that an alert of a service already in it goes on with."""
        session = self.home.get(service)
        if session is None or at >= session.cut:
            return None
        silent = at - session.last
        if silent > self._gap:
            return session if silent <= self._quiet and fingerprint in session.prints else None
        return session if at - session.members[service].last <= self._quiet else None

    def awakened(self, session: Session, at: int) -> bool:
        """True where an alert at ``at`` finds the story past its gap."""
        return at - session.last > self._gap

    def near(
        self, service: str, new: Member, kin: Mapping[str, Kin], ties: Ties
    ) -> list[tuple[Session, list[str]]]:
        """Stories that may draw an alert in, each with the members that may be tied to it."""
        at = new.first
        found: dict[str, tuple[Session, list[str]]] = {}
        for name, session in self._around(service, new, kin, ties):
            if at < session.cut and at - session.last <= self._gap:
                _, members = found.setdefault(session.incident_id, (session, []))
                if name is not None:
                    members.append(name)
        return list(found.values())

    def note_team(self, team: str, session: Session) -> None:
        """Remember that a team has a part in a story."""
        names = [n for n in self._of_team.get(team, ()) if n in self.sessions and n != session.incident_id]
        self._of_team[team] = [*names[1 - _OF_A_TEAM :], session.incident_id]

    def drop(self, session: Session) -> None:
        """Let go of a story."""
        session.moves()
        del self.sessions[session.incident_id]
        self.events.difference_update(session.events)
        for service, member in session.members.items():
            if self.home.get(service) is session:
                del self.home[service]
            if member.team in self._of_team:
                names = [name for name in self._of_team[member.team] if name in self.sessions]
                self._of_team[member.team] = names
                if not names:
                    del self._of_team[member.team]

    def due(self) -> int | None:
        """Smallest instant at which nothing can join one of them any more."""
        while self._dues:
            early, name = self._dues[0]
            session = self.sessions.get(name)
            if session is None:
                heapq.heappop(self._dues)
            elif self._due(session) == early:
                return early
            else:
                heapq.heapreplace(self._dues, (self._due(session), name))
        return None

    def ended(self, now: int) -> Iterator[Session]:
        """Stories nothing stamped after ``now`` can join, let go one by one."""
        while (due := self.due()) is not None and due <= now:
            session = self.sessions[heapq.heappop(self._dues)[1]]
            self.drop(session)
            yield session

    def all_ended(self) -> Iterator[Session]:
        """Every story, let go one by one in the order in which they would end."""
        for session in sorted(self.sessions.values(), key=lambda s: (self._due(s), s.incident_id)):
            self.drop(session)
            yield session
        self._dues.clear()

    def state(self) -> dict[str, Any]:
        """JSON that :meth:`load` continues from."""
        return {
            "sessions": [session.state() for session in self.sessions.values()],
            "home": [[service, session.incident_id] for service, session in self.home.items()],
            "of_team": [[team, list(names)] for team, names in self._of_team.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Hold what ``state`` holds and nothing else."""
        sessions = [Session.of(row) for row in state["sessions"]]
        self.sessions = {session.incident_id: session for session in sessions}
        self.events = {event for session in sessions for event in session.events}
        self._dues = [(self._due(session), session.incident_id) for session in sessions]
        heapq.heapify(self._dues)
        self.home = {service: self.sessions[name] for service, name in state["home"]}
        self._of_team = {team: list(names) for team, names in state["of_team"]}

    def _due(self, session: Session) -> int:
        """From this instant on nothing can join."""
        return min(session.last + self._quiet, session.cut)

    def _around(
        self, service: str, new: Member, kin: Mapping[str, Kin], ties: Ties
    ) -> Iterator[tuple[str | None, Session]]:
        """Stories worth a look, each with a member that is near, or None."""
        home = self.home
        if service in home:
            yield service, home[service]
        for name in kin if len(kin) < len(home) else [name for name in home if name in kin]:
            session = home.get(name)
            if session is not None:
                yield name, session
        for named in ties.texts.beside(service, new.first):
            if named in home and named not in kin:
                yield named, home[named]
        for partner in ties.history.partners(service, new.first):
            if partner in home and partner not in kin:
                yield partner, home[partner]
        for known in self._of_team.get(new.team or "", ()):
            if known in self.sessions:
                yield None, self.sessions[known]
