"""Log events and platform events: a few around faults and changes, some for no reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND, WEEK
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.synthetic.changes import Rollout
from titleshot.datasets.synthetic.estate import Estate, Service
from titleshot.datasets.synthetic.faults import Fault
from titleshot.datasets.synthetic.streams import stream

_LOGS_PER_WEEK = 5.0
_MOST_LOGS = 8
_USUAL_LOGS = (
    ("info", "configuration reloaded"),
    ("info", "leader election finished in <n> ms"),
    ("warning", "slow request <path> took <n> ms"),
    ("warning", "retrying <callee> attempt <n>"),
    ("error", "client closed connection before response"),
)
_ROOT_LOGS = {
    "spike": "request queue full, shedding load",
    "step": "p99 budget exceeded for <path>",
    "slow_leak": "garbage collection pause <n> ms",
    "sparse_error_burst": "unexpected response from handler <path>",
    "traffic_drop": "no healthy listener for route <path>",
    "flatline": "worker pool blocked, no progress for <n> s",
    "queue_jump": "consumer lag <n> above limit",
    "cache_miss_surge": "cache miss ratio <n> above limit",
}


def log_events(seed: int, estate: Estate, faults: Sequence[Fault], until: int) -> list[LogEvent]:
    """Log events before ``until`` (ns), in order of time."""
    events = [event for fault in faults for event in _fault_logs(seed, estate, fault)]
    for service in estate.services:
        for week in range(-(-(until - estate.start) // WEEK)):
            events += _usual_logs(stream(seed, "logs", service.id, week), service, estate.start + week * WEEK)
    return sorted(
        (event for event in events if estate.start <= event.timestamp < until),
        key=lambda event: (event.timestamp, event.namespace, event.service, event.template),
    )


def _fault_logs(seed: int, estate: Estate, fault: Fault) -> Iterator[LogEvent]:
    rng = stream(seed, "fault logs", fault.incident_id, fault.start)
    started: dict[str, int] = {}
    for effect in fault.effects:
        started.setdefault(effect.service, effect.start)
    for name, start in started.items():
        root = name == fault.root
        template = _ROOT_LOGS.get(fault.kind) if root else f"upstream {fault.root} timed out"
        if template is None:
            continue
        service = estate.by_id[name]
        step = max(5 * MINUTE, (fault.end - start) // _MOST_LOGS)
        for at in range(start + int(rng.integers(5, 90)) * SECOND, fault.end, step):
            # Small faults leave few traces, and some none.
            if count := int(rng.poisson(fault.size if root else fault.size / 3)):
                yield LogEvent(
                    timestamp=at,
                    namespace=service.namespace,
                    service=service.name,
                    level="error" if fault.size > 4 else "warning",
                    template=template,
                    count=count,
                )


def _usual_logs(rng: np.random.Generator, service: Service, week: int) -> Iterator[LogEvent]:
    for _ in range(int(rng.poisson(_LOGS_PER_WEEK))):
        level, template = _USUAL_LOGS[int(rng.integers(len(_USUAL_LOGS)))]
        yield LogEvent.model_validate(
            {
                "timestamp": week + int(rng.integers(WEEK // SECOND)) * SECOND,
                "namespace": service.namespace,
                "service": service.name,
                "level": level,
                "template": template,
                "count": int(rng.geometric(0.4)),
            }
        )


def platform_events(
    seed: int, estate: Estate, faults: Sequence[Fault], rollouts: Iterable[Rollout], until: int
) -> list[PlatformEvent]:
    """Platform events before ``until`` (ns), in order of time."""
    events = [
        _event(estate.by_id[each.service], each.at, "rollout", f"rolling out {each.version}")
        for each in rollouts
    ]
    for fault in faults:
        events += _fault_events(seed, estate, fault)
    for service in estate.services:
        for week in range(-(-(until - estate.start) // WEEK)):
            events += _usual_events(
                stream(seed, "events", service.id, week), service, estate.start + week * WEEK
            )
    return sorted(
        (event for event in events if estate.start <= event.timestamp < until),
        key=lambda event: (event.timestamp, event.namespace, event.service, event.reason),
    )


def _fault_events(seed: int, estate: Estate, fault: Fault) -> Iterator[PlatformEvent]:
    rng = stream(seed, "fault events", fault.incident_id, fault.start)
    root, soon = estate.by_id[fault.root], fault.start + int(rng.integers(40, 200)) * SECOND
    if fault.kind == "slow_leak":
        yield _event(root, fault.end - 20 * SECOND, "OOMKilled", "memory limit reached")
    elif fault.kind == "flatline":
        yield _event(root, soon, "Unhealthy", "liveness probe failed")
    elif fault.kind == "no_data" and rng.random() < 0.6:
        yield _event(root, soon, "NodeNotReady", "node stopped reporting")
    elif fault.size > 10 and rng.random() < 0.5:
        yield _event(root, soon + 3 * MINUTE, "BackOff", "restarting failed container")


def _usual_events(rng: np.random.Generator, service: Service, week: int) -> Iterator[PlatformEvent]:
    if service.role in ("gateway", "api"):
        for day in range(7):
            for hour, replicas in ((8, 6), (22, 3)):
                if rng.random() < 0.5:
                    at = week + day * DAY + hour * HOUR + int(rng.integers(3600)) * SECOND
                    yield _event(service, at, "SuccessfulRescale", f"{replicas} replicas")
    for _ in range(int(rng.poisson(0.15))):
        at = week + int(rng.integers(WEEK // SECOND)) * SECOND
        yield _event(
            service, at, *(("OOMKilled", "job pod") if rng.random() < 0.5 else ("Evicted", "node drained"))
        )


def _event(service: Service, at: int, reason: str, message: str) -> PlatformEvent:
    return PlatformEvent(
        timestamp=at, namespace=service.namespace, service=service.name, reason=reason, message=message
    )
