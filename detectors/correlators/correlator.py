"""What a correlator is: a pure transition over alerts and ticks that says which alerts are one story."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.record import Severity, canonical_json
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.detectors.world import World

What = Literal["opened", "joined", "closed"]
STRANGEST = 1e9
"""Strangeness of a score of 1, which says no more than beyond measure; keeps states free of inf."""


class Alert(NamedTuple):
    """An anomaly event that passed the alert policy; ``service`` is an id ``namespace/service``."""

    event_id: str
    timestamp: int
    service: str
    metric_name: str
    anomaly_score: float
    direction: str | None
    detector: str
    tail_probability: float | None = None
    """How rare such strangeness is for the series while nothing is wrong; None: not known."""

    @property
    def strangeness(self) -> float:
        """u = s / (1 - s), in units of the detector's threshold: the score with its clip undone.

        >>> Alert("e", 0, "shop/cart", "latency_p99", 0.8, "high", "robust_mad").strangeness
        4.000000000000001
        """
        score = self.anomaly_score
        return min(score / (1.0 - score), STRANGEST) if score < 1.0 else STRANGEST


class Change:
    """What one alert or tick did to one incident.

    ``severity`` and ``event_count`` are those after the change. The whole record is ``candidate``, made when
    first asked for, because most changes are joins that nobody reads further; it asks the world, so read it
    before the world moves on.
    """

    __slots__ = ("__weakref__", "_candidate", "_make", "event_count", "incident_id", "severity", "what")

    def __init__(
        self,
        what: What,
        incident_id: str,
        severity: Severity,
        event_count: int,
        make: Callable[[], IncidentCandidate],
    ) -> None:
        self.what = what
        self.incident_id = incident_id
        self.severity = severity
        self.event_count = event_count
        self._make = make
        self._candidate: IncidentCandidate | None = None

    @property
    def candidate(self) -> IncidentCandidate:
        """The incident after the change."""
        if self._candidate is None:
            self._candidate = self._make()
        return self._candidate

    @classmethod
    def of(cls, what: What, candidate: IncidentCandidate) -> Change:
        """A change whose record is there already."""
        return cls(
            what, candidate.incident_id, candidate.severity, len(candidate.event_ids), lambda: candidate
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Change):
            return NotImplemented
        return (self.what, self.candidate) == (other.what, other.candidate)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Change({self.what!r}, {self.candidate!r})"


class CorrelatorParams(BaseModel):
    """Base of a family's parameters: frozen, nothing unknown, nothing infinite, units in the names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Correlator(ABC):
    """Groups alerts into incident candidates.

    The engine gives alerts in the order (timestamp, namespace, service, metric name) and a tick stamped
    ``now`` after every alert stamped at or before ``now``. ``clock`` is the engine's clock, which becomes
    ``emitted_at``. All state is in :meth:`state`; an ``event_id`` that is in an open incident already changes
    nothing. What closed has left the state.
    """

    family: ClassVar[str]
    Params: ClassVar[type[CorrelatorParams]]
    hears_texts: ClassVar[bool] = False
    """It is given log and platform events."""

    def __init__(self, params: CorrelatorParams) -> None:
        self.params = params
        # An option that is off is left out, so that what it was added to keeps its name.
        said = canonical_json(params.model_dump(mode="json", exclude_none=True))
        self.name = f"{self.family}@{hashlib.sha256(said.encode()).hexdigest()[:8]}"

    @property
    @abstractmethod
    def memory_s(self) -> float | None:
        """Two pasts that agree over so many seconds give equal output; None: never forgets.

        Closings are said at ticks, so a contender adds its ``tick_s``.
        """

    @abstractmethod
    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        """Take one alert; say what it changed, incidents that close because of it first."""

    def hear(self, event: LogEvent | PlatformEvent, world: World) -> None:  # noqa: B027
        """Take note of a log or platform event; only where ``hears_texts``.

        It comes before alerts of its own timestamp and says nothing by itself.
        """

    @abstractmethod
    def due(self) -> int | None:
        """Smallest ``now`` at which :meth:`tick` says something; None while nothing is open."""

    @abstractmethod
    def tick(self, now: int, clock: int, world: World) -> list[Change]:
        """Close what no alert stamped after ``now`` can join."""

    @abstractmethod
    def flush(self, clock: int, world: World) -> list[Change]:
        """Close everything because the replay ends; those records are marked ``flushed``."""

    @abstractmethod
    def state(self) -> Any:
        """All that is remembered, as JSON."""

    @abstractmethod
    def load(self, state: Any) -> None:
        """Remember what ``state`` says and nothing else."""


def incident_id(correlator: str, first_event_id: str) -> str:
    """32 hex digits from the correlator's name and the event that opened the incident.

    >>> incident_id("bucket@00000000", "e1")[:8]
    '83078535'
    """
    return hashlib.blake2b(f"{correlator}\n{first_event_id}".encode(), digest_size=16).hexdigest()
