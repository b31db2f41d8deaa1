"""A faulty correlator per law, each wrong in one way only; the honest one is ``topology_sessions``."""

from __future__ import annotations

from typing import Any

from titleshot.datasets.contracts.incidents import Hypothesis
from titleshot.detectors.correlators.correlator import Alert, Change, Correlator
from titleshot.detectors.correlators.session import Session
from titleshot.detectors.correlators.topology_sessions import TopologySessions, TopologySessionsParams
from titleshot.detectors.world import World


class Honest(TopologySessions):
    """Sessions short enough for the streams of the laws."""

    def __init__(self, params: TopologySessionsParams | None = None) -> None:
        super().__init__(params or TopologySessionsParams(gap_s=120, cap_s=600))


def _with_reason(change: Change, reason: str) -> Change:
    first = change.candidate.hypotheses[0]
    said = (Hypothesis(service=first.service, reason=reason, confidence=first.confidence),)
    return Change.of(change.what, change.candidate.model_copy(update={"hypotheses": said}))


class Backdates(Honest):
    """Law 1: a story that closes says so with the clock of its last alert."""

    def tick(self, now: int, clock: int, world: World) -> list[Change]:
        return [
            Change.of(c.what, c.candidate.model_copy(update={"emitted_at": c.candidate.last_event_at}))
            for c in super().tick(now, clock, world)
        ]


class LeavesStateBehind(Honest):
    """Law 4: how strange a story was is not part of the state."""

    def state(self) -> list[Any]:
        return [[*row[:4], 0.0, *row[5:]] for row in super().state()]


class SaltedByProcess(Honest):
    """Law 5: a hash of text, which every process salts anew, is said."""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        return [_with_reason(c, f"because {hash('salt')}") for c in super().alert(alert, clock, world)]


class CountsRedelivery(Honest):
    """Law 6: an alert that comes again makes its story stranger."""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        if alert.event_id in self._events:
            for session in self._sessions.values():
                session.strangest += 4
        return super().alert(alert, clock, world)


class ExplainsNothing(Honest):
    """Law 7: no hypothesis."""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        return [
            Change.of(c.what, c.candidate.model_copy(update={"hypotheses": ()}))
            for c in super().alert(alert, clock, world)
        ]


class HardOfHearing(Honest):
    """Law 8: takes in only what is beyond measure."""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        return super().alert(alert, clock, world) if alert.anomaly_score > 0.999 else []


class RewritesHistory(Honest):
    """Law 9: what a deploy explains is said as of when it was rolled out."""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        known = world.recent_deploy(alert.service, alert.timestamp, 86_400) is not None
        return super().alert(alert, clock - 3600 * 1_000_000_000 if known else clock, world)


class RemembersForever(Honest):
    """Law 10: whether the first alert ever was high colours every reason."""

    first = ""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        self.first = self.first or f"{alert.timestamp} {alert.anomaly_score}"
        return [_with_reason(c, f"since {self.first}") for c in super().alert(alert, clock, world)]

    def state(self) -> Any:
        return [self.first, super().state()]

    def load(self, state: Any) -> None:
        self.first, rows = state
        super().load(rows)


class MergesInSilence(Honest):
    """Law 11: a story merged into another is not closed."""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        return [c for c in super().alert(alert, clock, world) if c.what != "closed"]


class TellsAlertsTwice(Honest):
    """Law 12: a story merged into another closes as if it were one of its own."""

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        return [
            Change.of(c.what, c.candidate.model_copy(update={"merged_into": None}))
            for c in super().alert(alert, clock, world)
        ]


class KeepsWhatClosed(Honest):
    """Law 13: the names of closed stories stay in the state."""

    def _clear(self) -> None:
        super()._clear()
        self.closed: list[str] = []

    def _dropped(self, session: Session) -> None:
        super()._dropped(session)
        self.closed.append(session.incident_id)

    def state(self) -> Any:
        return [self.closed, super().state()]

    def load(self, state: Any) -> None:
        closed, rows = state
        super().load(rows)
        self.closed = list(closed)


MUTANTS: dict[type[Correlator], tuple[int, ...]] = {
    Backdates: (1,),
    LeavesStateBehind: (4,),
    SaltedByProcess: (5,),
    CountsRedelivery: (6,),
    ExplainsNothing: (7,),
    HardOfHearing: (8,),
    RewritesHistory: (9,),
    RemembersForever: (10,),
    MergesInSilence: (11,),
    TellsAlertsTwice: (12,),
    KeepsWhatClosed: (13,),
}
"""Each mutant and the laws it breaks. None breaks law 2: a correlator is given one alert at a time."""
