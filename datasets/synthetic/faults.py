"""Faults: what goes wrong, how big, where, for how long, and how it spreads.

Each fault has a size in units of the natural noise of the signals it hits: at size 1 the root's latency moves
by about one standard deviation of its noise. Sizes are log-normal around 6, from 1.5 (nobody could see it) to
30 (nobody could miss it), so that no contender can find all and a better one can find more.

A fault reaches callers along the calls that hold when it starts, over at most three hops. Each call lets
through its strength times a random factor and adds a delay of seconds to minutes. Where less than one unit
arrives nothing is planted, and the service is not labelled as affected: labels say what was planted, not
what somebody noticed. Drops of traffic run the other way, to the services called.

About two in five faults follow a deploy of their root by minutes. The start is exact: the first moment of the
first effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from titleshot.datasets.contracts.instants import DAY, MINUTE, SECOND, WEEK
from titleshot.datasets.contracts.record import Severity
from titleshot.datasets.synthetic.changes import Rollout, Window, rollout, working_hour
from titleshot.datasets.synthetic.effects import Effect
from titleshot.datasets.synthetic.estate import Estate, Role, Service
from titleshot.datasets.synthetic.fault_kinds import FAULT_KINDS, FaultKind, Reached
from titleshot.datasets.synthetic.streams import stream

_TRIES = 60
_APART = 20 * MINUTE
_OVERLAP_SHARE = 0.1
_HOPS = 3
_LEAST = 1.0
_SIZE, _SIZE_SPREAD, _SMALLEST, _LARGEST = 6.0, 0.65, 1.5, 30.0


@dataclass(frozen=True)
class Fault:
    """One planted incident, within [start, end) (ns)."""

    incident_id: str
    kind: str
    root: str
    start: int
    end: int
    size: float
    severity: Severity
    affected: tuple[str, ...]
    """The root first, then by how much of the fault arrived."""
    effects: tuple[Effect, ...]
    deploy: Rollout | None = None


def plan_faults(
    seed: int, estate: Estate, until: int, per_week: float, windows: Sequence[Window]
) -> list[Fault]:
    """Faults that start before ``until`` (ns), in order of time; none on the first day.

    A week's faults depend on earlier weeks only. Faults rarely overlap, and two of one root never do.
    """
    faults: list[Fault] = []
    for week in range(-(-(until - estate.start) // WEEK)):
        rng = stream(seed, "faults", week)
        placed = list(faults)
        drawn: list[Fault] = []
        count = round(per_week + rng.normal(0, np.sqrt(per_week) / 2))
        for number in range(max(count, 0)):
            fault = _placed(stream(seed, "fault", week, number), seed, estate, week, placed, windows)
            if fault is not None:
                placed.append(fault)
                drawn.append(fault)
        faults += sorted(drawn, key=lambda each: each.start)
    named = [replace(fault, incident_id=f"INC-{number:05d}") for number, fault in enumerate(faults, 1)]
    return [fault for fault in named if fault.start < until]


def _placed(
    rng: np.random.Generator,
    seed: int,
    estate: Estate,
    week: int,
    placed: Sequence[Fault],
    windows: Sequence[Window],
) -> Fault | None:
    kind = _kind(seed, len(placed))
    for _ in range(_TRIES):
        fault = _draw(rng, estate, estate.start + week * WEEK, kind)
        if fault.start >= estate.start + DAY and _fits(rng, fault, placed, windows):
            return fault
    return None


def _kind(seed: int, number: int) -> FaultKind:
    """Kinds come in shuffled decks of all kinds, so that none is missing for long."""
    deck, card = divmod(number, len(FAULT_KINDS))
    return FAULT_KINDS[int(stream(seed, "kinds", deck).permutation(len(FAULT_KINDS))[card])]


def _fits(rng: np.random.Generator, fault: Fault, placed: Sequence[Fault], windows: Sequence[Window]) -> bool:
    may_overlap = rng.random() < _OVERLAP_SHARE
    for other in placed:
        near = fault.start < other.end + _APART and other.start < fault.end + _APART
        if near and (fault.root == other.root or not may_overlap):
            return False
    return not any(
        window.service == fault.root and fault.start < window.end and window.start < fault.end
        for window in windows
    )


def _draw(rng: np.random.Generator, estate: Estate, monday: int, kind: FaultKind) -> Fault:
    root = _root(rng, estate, kind.roles)
    size = float(np.clip(_SIZE * np.exp(rng.normal(0, _SIZE_SPREAD)), _SMALLEST, _LARGEST))
    shortest, longest = kind.hours
    length = _seconds(3600 * float(np.exp(rng.uniform(np.log(shortest), np.log(longest)))))
    deploy = None
    if rng.random() < kind.deploy_share:
        deploy = rollout(rng, root, working_hour(rng, monday), guilty=True)
        start = deploy.at + _seconds(rng.uniform(30, 35 * 60))
    else:
        start = _any_hour(rng, monday)
    end = start + length
    at_root = Reached(root, size, start)
    callers = _spread(rng, estate, at_root, end) if kind.caller else ()
    effects = tuple(kind.effects(estate, at_root, callers, end, int(rng.integers(2**31))))
    affected = tuple(dict.fromkeys(effect.service for effect in effects))
    severity = _severity(root, size, len(affected))
    return Fault("", kind.name, root.id, start, end, size, severity, affected, effects, deploy)


def _root(rng: np.random.Generator, estate: Estate, roles: Sequence[tuple[Role, float]]) -> Service:
    likely = dict(roles)
    weights = np.array([likely.get(service.role, 0.0) for service in estate.services])
    if not weights.any():
        weights = np.ones(len(weights))
    return estate.services[int(rng.choice(len(weights), p=weights / weights.sum()))]


def _any_hour(rng: np.random.Generator, monday: int) -> int:
    """Faults follow load and people: nights and weekends are quieter, not quiet."""
    while True:
        second = int(rng.integers(WEEK // SECOND))
        day, hour = divmod(second // 3600, 24)
        if rng.random() < (0.45 if hour < 7 else 1.0) * (0.7 if day >= 5 else 1.0):
            return monday + second * SECOND


def _spread(rng: np.random.Generator, estate: Estate, root: Reached, end: int) -> tuple[Reached, ...]:
    """Callers that feel the fault, strongest first."""
    arrived: dict[str, Reached] = {root.service.id: root}
    edge = [root]
    for _ in range(_HOPS):
        further: dict[str, Reached] = {}
        for at in edge:
            for call in estate.calls_to(at.service.id, root.at):
                felt = at.size * call.strength * float(rng.uniform(0.6, 1.15))
                moment = at.at + _seconds(rng.uniform(20, 240))
                better = further.get(call.caller) or arrived.get(call.caller)
                if felt >= _LEAST and moment < end - MINUTE and (better is None or felt > better.size):
                    further[call.caller] = Reached(estate.by_id[call.caller], felt, moment)
        further.pop(root.service.id, None)
        arrived.update(further)
        edge = list(further.values())
    del arrived[root.service.id]
    return tuple(sorted(arrived.values(), key=lambda each: (-each.size, each.service.id)))


def _severity(root: Service, size: float, affected: int) -> Severity:
    points = {"critical": 3, "high": 2, "medium": 1, "low": 0}[root.tier]
    points += 2 if size >= 11 else 1 if size >= 5.5 else -1 if size < 3 else 0
    points += affected >= 5
    return "critical" if points >= 5 else "high" if points >= 4 else "medium" if points >= 2 else "low"


def _seconds(value: float) -> int:
    return round(value) * SECOND
