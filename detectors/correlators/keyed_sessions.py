"""Sessions by a key of the alert: one open story a key, no topology, nothing ever merges."""

from __future__ import annotations

from abc import abstractmethod

from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.correlators.session import Session
from titleshot.detectors.correlators.sessions import Sessions
from titleshot.detectors.world import World


class KeyedSessions(Sessions):
    """Alerts of one key share a session until a gap or the cut; a family says what the key is."""

    @abstractmethod
    def key(self, alert: Alert, world: World) -> str:
        """What alerts of one story have in common."""

    def _clear(self) -> None:
        super()._clear()
        self._newest: dict[str, Session] = {}

    def _joinable(self, alert: Alert, world: World) -> list[Session]:
        at = alert.timestamp
        session = self._newest.get(self.key(alert, world))
        return (
            [session] if session is not None and at - self._gap <= session.last and at < session.cut else []
        )

    def _joined(self, session: Session, alert: Alert, service: str, world: World) -> None:  # noqa: ARG002
        if session.key is None:
            session.key = self.key(alert, world)
            self._newest[session.key] = session

    def _dropped(self, session: Session) -> None:
        if session.key is not None and self._newest.get(session.key) is session:
            del self._newest[session.key]

    def _restored(self, session: Session) -> None:
        if session.key is not None:
            self._newest[session.key] = session
