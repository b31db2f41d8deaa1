"""The kinds of faults: which signals each moves on its root, on callers and on the services called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.synthetic.effects import Effect, Shape
from titleshot.datasets.synthetic.estate import Call, Estate, Role, Service

Likely = tuple[tuple[Role, float], ...]

_ALL: Likely = (
    ("gateway", 0.6),
    ("api", 1.0),
    ("worker", 0.6),
    ("auth", 1.0),
    ("database", 1.2),
    ("cache", 0.7),
)
_QUEUES: Likely = (("gateway", 0.2), ("api", 0.7), ("worker", 3.0), ("auth", 0.5), ("database", 1.5))
_CACHES: Likely = (("api", 0.5), ("auth", 0.5), ("cache", 4.0))
_FRONTS: Likely = (("gateway", 1.5), ("api", 1.0), ("worker", 0.5), ("auth", 0.5))
_LEAST_TRAFFIC, _MOST_QUEUE = -2.5, 4.5
_LEAST_CALLED = 2.0


class Reached(NamedTuple):
    """A service, how much of a fault arrived there, and when (ns)."""

    service: Service
    size: float
    at: int


class Push(NamedTuple):
    """Pushes per unit of size, as ``Effect`` has them; one unit is about the noise of the signal."""

    shape: Shape = "plateau"
    load: float = 0.0
    cpu: float = 0.0
    latency: float = 0.0
    errors: float = 0.0
    queue: float = 0.0
    stuck: bool = False
    silent: bool = False

    def on(self, service: str, size: float, start: int, end: int, pattern: int) -> Effect:
        """The effect of that size on a service."""
        return Effect(
            service,
            start,
            end,
            self.shape,
            load=max(self.load * size, _LEAST_TRAFFIC),
            cpu=self.cpu * size,
            latency=self.latency * size,
            errors=self.errors * size,
            queue=min(self.queue * size, _MOST_QUEUE),
            stuck=self.stuck,
            silent=self.silent,
            seed=pattern,
        )


_WAITING = Push(latency=0.085, errors=0.0006, queue=0.06)


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault."""

    name: str
    root: tuple[Push, ...]
    caller: Push | None = _WAITING
    """None: callers do not notice."""
    called: Push | None = None
    """What the services see that the root calls; for a cache, the databases it spares."""
    hours: tuple[float, float] = (0.25, 6.0)
    """Shortest and longest."""
    roles: Likely = _ALL
    """How likely a service of that role is the root."""
    deploy_share: float = 0.4

    def effects(
        self, estate: Estate, root: Reached, callers: Iterable[Reached], end: int, pattern: int
    ) -> Iterator[Effect]:
        """All effects of one fault, the root's first."""
        for push in self.root:
            yield push.on(root.service.id, root.size, root.at, end, pattern)
        if self.caller is not None:
            for reached in callers:
                yield self.caller.on(reached.service.id, reached.size, reached.at, end, pattern)
        if self.called is not None:
            for call in _called(estate, root):
                felt = root.size * call.strength
                if felt >= _LEAST_CALLED:
                    yield self.called.on(call.callee, felt, root.at + 20 * SECOND, end, pattern)


def _called(estate: Estate, root: Reached) -> list[Call]:
    if root.service.role != "cache":
        return estate.calls_from(root.service.id, root.at)
    behind: dict[str, Call] = {}
    for caller in estate.calls_to(root.service.id, root.at):
        for call in estate.calls_from(caller.caller, root.at):
            if estate.by_id[call.callee].role == "database":
                behind.setdefault(call.callee, call)
    return list(behind.values())


FAULT_KINDS: tuple[FaultKind, ...] = (
    FaultKind(
        "spike",
        (Push("spike", latency=0.11, errors=0.001, cpu=0.02, queue=0.12),),
        caller=_WAITING._replace(shape="spike"),
        hours=(0.25, 1.2),
    ),
    FaultKind(
        "step",
        (Push(latency=0.085, errors=0.0003, cpu=0.03, queue=0.1),),
        hours=(0.75, 6.0),
        deploy_share=0.65,
    ),
    FaultKind(
        "slow_leak",
        (Push("ramp", cpu=0.09, latency=0.02), Push("late_ramp", latency=0.1, errors=0.0015, queue=0.12)),
        caller=_WAITING._replace(shape="late_ramp"),
        hours=(4.0, 12.0),
        deploy_share=0.6,
    ),
    FaultKind(
        "sparse_error_burst",
        (Push("burst", errors=0.0025, latency=0.01),),
        caller=Push("burst", errors=0.0015),
        hours=(0.4, 4.0),
    ),
    FaultKind(
        "traffic_drop",
        (Push(load=-0.11),),
        caller=None,
        called=Push(load=-0.08),
        hours=(0.4, 4.0),
        roles=_FRONTS,
        deploy_share=0.25,
    ),
    FaultKind(
        "flatline",
        (Push(stuck=True),),
        caller=_WAITING._replace(errors=0.003),
        hours=(0.25, 2.0),
        deploy_share=0.2,
    ),
    FaultKind(
        "no_data",
        (Push(silent=True),),
        caller=_WAITING._replace(errors=0.002),
        hours=(0.3, 2.5),
        deploy_share=0.15,
    ),
    FaultKind(
        "queue_jump",
        (Push(queue=0.3, latency=0.05, cpu=0.01),),
        hours=(0.5, 4.0),
        roles=_QUEUES,
        deploy_share=0.3,
    ),
    FaultKind(
        "cache_miss_surge",
        (Push(latency=0.085, cpu=0.02, queue=0.06),),
        called=Push(load=0.06),
        hours=(0.4, 3.0),
        roles=_CACHES,
    ),
)
"""A flatline is a service that hangs: it serves nothing and its gauges stand still."""
