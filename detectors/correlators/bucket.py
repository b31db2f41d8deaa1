"""The correlator of the module: time bucket times neighbourhood. The baseline to beat, defects included."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from titleshot.datasets.contracts.incidents import Hypothesis, IncidentCandidate
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
from titleshot.detectors.world import World

_FLOORS: tuple[tuple[float, Severity], ...] = ((0.85, "critical"), (0.65, "high"), (0.45, "medium"))


class BucketParams(CorrelatorParams):
    """Parameters of ``bucket``."""

    bucket_s: Annotated[float, Field(gt=0, le=86_400 * 366)] = 300.0
    """Length of a time bucket; buckets count from 1970."""


class BucketCorrelator(Correlator):
    """Alerts share an incident if they fall in one time bucket and their services share a neighbourhood.

    Group key = (``timestamp // bucket_s``, the service and what it calls, sorted). Severity comes from the
    highest anomaly score: critical from 0.85, high from 0.65, medium from 0.45. The one hypothesis is the
    service of the earliest alert, with confidence 0.6 if more than one alert is in, else 0.3. A group opens
    at its first alert and closes when its bucket has passed.

    Deaf to, by construction:

    - stories that cross a bucket edge: two alerts a second apart become two incidents;
    - neighbours that do not list each other and the same others: a caller and the service it calls have
      different neighbourhoods, so in a real call graph nearly every service is a group of its own;
    - cause and effect: callers often notice before the service at fault does, and the earliest alert wins;
    - tiers, owners, deploys and how many services are hit. Severity knows only the score, and our score is
      not clipped as the module's is: its grades read differently here (0.85 is 5.7 times the threshold).

    Source: module 10.4, Building Custom AIOps, section 5.
    """

    family = "bucket"
    Params = BucketParams

    def __init__(self, params: BucketParams) -> None:
        super().__init__(params)
        self._bucket = round(params.bucket_s * SECOND)
        self._groups: dict[tuple[int, tuple[str, ...]], _Group] = {}
        self._events: set[str] = set()
        self._due: int | None = None

    @property
    def memory_s(self) -> float:
        return self._bucket / SECOND

    def alert(self, alert: Alert, clock: int, world: World) -> list[Change]:
        if alert.event_id in self._events:
            return []
        self._events.add(alert.event_id)
        service = world.canonical(alert.service, alert.timestamp)
        around = world.callees(service, alert.timestamp)
        key = (alert.timestamp // self._bucket, tuple(sorted({service, *around})))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(incident_id(self.name, alert.event_id), alert.service)
            end = (key[0] + 1) * self._bucket
            self._due = end if self._due is None else min(self._due, end)
        group.take(alert)
        return [self._change("opened" if len(group.events) == 1 else "joined", group, clock)]

    def due(self) -> int | None:
        return self._due

    def tick(self, now: int, clock: int, world: World) -> list[Change]:  # noqa: ARG002
        if self._due is None or now < self._due:
            return []
        passed = [key for key in self._groups if (key[0] + 1) * self._bucket <= now]
        return self._close(passed, clock, flushed=False)

    def flush(self, clock: int, world: World) -> list[Change]:  # noqa: ARG002
        return self._close(self._groups, clock, flushed=True)

    def state(self) -> list[Any]:
        return [[*key, *group.state()] for key, group in self._groups.items()]

    def load(self, state: list[Any]) -> None:
        self._groups = {}
        for bucket, members, *rest in state:
            self._groups[bucket, tuple(members)] = _Group.of(rest)
        self._events = {event_id for group in self._groups.values() for event_id in group.events}
        self._set_due()

    def _close(
        self, keys: Iterable[tuple[int, tuple[str, ...]]], clock: int, *, flushed: bool
    ) -> list[Change]:
        closing = [self._groups.pop(key) for key in sorted(keys)]
        for group in closing:
            self._events.difference_update(group.events)
        self._set_due()
        return [self._change("closed", group, clock, flushed=flushed) for group in closing]

    def _set_due(self) -> None:
        self._due = min(((bucket + 1) * self._bucket for bucket, _ in self._groups), default=None)

    def _change(self, what: What, group: _Group, clock: int, *, flushed: bool = False) -> Change:
        # The group moves on before a record is asked for: hold what it was.
        severity, services, count = _severity(group.score), group.services, len(group.events)

        def candidate() -> IncidentCandidate:
            events = list(islice(group.events.items(), count))
            confidence = 0.6 if count > 1 else 0.3
            reason = "earliest alert of its time bucket and neighbourhood"
            return IncidentCandidate(
                incident_id=group.incident_id,
                status="closed" if what == "closed" else "opened",
                severity=severity,
                services=services,
                event_ids=tuple(event_id for event_id, _ in events),
                opened_at=events[0][1],
                last_event_at=events[-1][1],
                emitted_at=clock,
                hypotheses=(Hypothesis(service=group.earliest, reason=reason, confidence=confidence),),
                correlator=self.name,
                flushed=flushed,
            )

        return Change(what, group.incident_id, severity, count, candidate)


class _Group:
    """Alerts under one key, in the order they came."""

    __slots__ = ("earliest", "events", "incident_id", "score", "services")

    def __init__(self, incident_id: str, earliest: str) -> None:
        self.incident_id = incident_id
        self.earliest = earliest
        self.events: dict[str, int] = {}
        self.services: tuple[str, ...] = ()
        self.score = 0.0

    def take(self, alert: Alert) -> None:
        self.events[alert.event_id] = alert.timestamp
        self.score = max(self.score, alert.anomaly_score)
        if alert.service not in self.services:
            self.services = tuple(sorted((*self.services, alert.service)))

    def state(self) -> list[Any]:
        events = [list(event) for event in self.events.items()]
        return [self.incident_id, self.earliest, self.score, list(self.services), events]

    @classmethod
    def of(cls, row: list[Any]) -> _Group:
        group = cls(*row[:2])
        group.score, group.services, group.events = row[2], tuple(row[3]), dict(row[4])
        return group


def _severity(score: float) -> Severity:
    for floor, severity in _FLOORS:
        if score >= floor:
            return severity
    return "low"
