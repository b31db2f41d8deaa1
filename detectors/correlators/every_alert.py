"""No correlation: every alert is its own incident, opened and closed at once."""

from __future__ import annotations

from typing import Any, ClassVar

from titleshot.datasets.contracts.incidents import Hypothesis, IncidentCandidate
from titleshot.datasets.contracts.record import Severity
from titleshot.detectors.correlators.correlator import (
    Alert,
    Change,
    Correlator,
    CorrelatorParams,
    incident_id,
)
from titleshot.detectors.world import World


class EveryAlert(Correlator):
    """What a detector is worth by itself: each alert a story of its own.

    Deaf to everything that connects alerts; remembers nothing, so a redelivered alert is said again.
    Severity from strangeness u alone: medium from 1, high from 2, critical from 4.
    """

    family: ClassVar[str] = "every_alert"
    Params: ClassVar[type[CorrelatorParams]] = CorrelatorParams

    @property
    def memory_s(self) -> float | None:
        return 0.0

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        opened = IncidentCandidate(
            incident_id=incident_id(self.name, alert.event_id),
            status="opened",
            severity=_severity(alert.strangeness),
            services=(world.canonical(alert.service, alert.timestamp),),
            event_ids=(alert.event_id,),
            opened_at=alert.timestamp,
            last_event_at=alert.timestamp,
            emitted_at=clock,
            hypotheses=(
                Hypothesis(service=alert.service, reason="the service the alert is about", confidence=0.3),
            ),
            correlator=self.name,
        )
        closed = opened.model_copy(update={"status": "closed"})
        return [Change.of("opened", opened), Change.of("closed", closed)]

    def due(self) -> int | None:
        return None

    def tick(self, now: int, clock: int, world: World) -> list[Change]:  # noqa: ARG002  nothing is ever open
        return []

    def flush(self, clock: int, world: World) -> list[Change]:  # noqa: ARG002  nothing is ever open
        return []

    def state(self) -> Any:
        return {}

    def load(self, state: Any) -> None:
        pass


def _severity(strangeness: float) -> Severity:
    if strangeness >= 4:
        return "critical"
    return "high" if strangeness >= 2 else "medium"
