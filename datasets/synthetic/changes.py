"""What people do to the platform on purpose: deploys, planned changes, maintenance.

All of it moves numbers and none of it is an incident, so a contender that pages on it is wrong. Deploys come
on working days and disturb their service for some minutes (cold caches, fewer replicas); a few percent of
level shift stay (see ``signals``). Guilty deploys, those that start an incident, are made by ``faults``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND, WEEK
from titleshot.datasets.contracts.reference import Deploy, Maintenance, PlannedChange, ReferenceRow
from titleshot.datasets.synthetic.effects import Effect
from titleshot.datasets.synthetic.estate import HUBS, Estate, Service
from titleshot.datasets.synthetic.streams import stream

ChangeKind = Literal["canary", "load_test", "sale"]

_DEPLOYS_PER_WEEK = {"gateway": 1.5, "api": 2.5, "worker": 1.0, "auth": 0.5, "database": 0.25, "cache": 0.25}
_DEPLOY_DAYS = (0.22, 0.24, 0.24, 0.22, 0.08)  # Monday to Friday
_SALE_EVERY, _FIRST_SALE = 4, 2  # in weeks


@dataclass(frozen=True)
class Rollout:
    """A version that went out at ``at`` (ns); ``guilty`` when it started an incident."""

    service: str
    at: int
    version: str
    effect: Effect
    guilty: bool = False

    def reference(self) -> ReferenceRow:
        """Known the moment it happens, not before; that it is guilty is known to nobody."""
        return Deploy(service=self.service, version=self.version, valid_from=self.at, known_from=self.at)


@dataclass(frozen=True)
class Planned:
    """A canary, load test or sale within [start, end) (ns), announced at ``known_from``."""

    kind: ChangeKind
    services: tuple[str, ...]
    start: int
    end: int
    known_from: int
    effects: tuple[Effect, ...]

    def reference(self) -> Iterator[ReferenceRow]:
        """A row for each service it was announced for; its callees are left to be found out."""
        for service in self.services:
            yield PlannedChange(
                service=service,
                change=self.kind,
                reason=f"{self.kind.replace('_', ' ')} of {', '.join(self.services)}",
                valid_from=self.start,
                valid_to=self.end,
                known_from=self.known_from,
            )


@dataclass(frozen=True)
class Window:
    """A maintenance window of one service within [start, end) (ns), announced at ``known_from``."""

    service: str
    start: int
    end: int
    known_from: int
    effects: tuple[Effect, ...]

    def reference(self) -> ReferenceRow:
        """The announcement."""
        return Maintenance(
            service=self.service,
            reason="planned maintenance",
            valid_from=self.start,
            valid_to=self.end,
            known_from=self.known_from,
        )


def rollout(rng: np.random.Generator, service: Service, at: int, *, guilty: bool = False) -> Rollout:
    """A deploy with its short disturbance; most are small, some look like trouble."""
    size = float(rng.lognormal(0.0, 0.6))
    effect = Effect(
        service.id,
        at,
        at + _seconds(rng.uniform(8 * 60, 25 * 60)),
        "blip",
        load=-0.03 * size,
        cpu=0.18 * size,
        latency=0.16 * size,
        errors=0.0008 * size,
        queue=0.25 * size,
    )
    day = datetime.fromtimestamp(at // SECOND, UTC)
    return Rollout(service.id, at, f"{service.name}-{day:%Y.%m.%d-%H%M}", effect, guilty)


def innocent_deploys(seed: int, estate: Estate, week: int) -> list[Rollout]:
    """Deploys of one week that start nothing, in order of time."""
    made = []
    for service in estate.services:
        rng = stream(seed, "deploys", service.id, week)
        count = int(rng.poisson(_DEPLOYS_PER_WEEK[service.role]))
        monday = estate.start + week * WEEK
        made += [rollout(rng, service, working_hour(rng, monday)) for _ in range(count)]
    return sorted(made, key=lambda each: (each.at, each.service))


def working_hour(rng: np.random.Generator, week: int) -> int:
    """A time people deploy at, in the week that starts on Monday ``week`` (ns)."""
    day = int(rng.choice(5, p=_DEPLOY_DAYS))
    return week + day * DAY + _seconds(rng.triangular(9, 11, 17.5) * 3600)


def planned_changes(seed: int, estate: Estate, week: int) -> list[Planned]:
    """Canaries, load tests and the sale of one week."""
    rng = stream(seed, "planned", week)
    monday = estate.start + week * WEEK
    apis = [service for service in estate.services if service.role in ("api", "gateway")]
    made = [_canary(rng, apis, monday) for _ in range(int(rng.poisson(1.5)))]
    made += [_load_test(rng, estate, apis, monday) for _ in range(int(rng.poisson(0.8)))]
    if week % _SALE_EVERY == _FIRST_SALE:
        made.append(_sale(rng, estate, monday))
    return sorted(made, key=lambda each: (each.start, each.services))


def _canary(rng: np.random.Generator, apis: list[Service], monday: int) -> Planned:
    service = apis[int(rng.integers(len(apis)))].id
    start = working_hour(rng, monday)
    end = start + _seconds(rng.uniform(2, 5) * 3600)
    shift = float(rng.normal(0.08, 0.12))
    effect = Effect(service, start, end, latency=shift, cpu=max(0.0, shift / 2), errors=max(0.0, shift / 200))
    return Planned("canary", (service,), start, end, start - _seconds(rng.uniform(0.5, 20) * 3600), (effect,))


def _load_test(rng: np.random.Generator, estate: Estate, apis: list[Service], monday: int) -> Planned:
    service = apis[int(rng.integers(len(apis)))].id
    start = monday + int(rng.integers(1, 5)) * DAY + _seconds(rng.uniform(6, 16) * 3600)
    end = start + _seconds(rng.uniform(40, 90) * 60)
    push = float(np.log(rng.uniform(1.4, 2.2)))
    effects = [
        Effect(service, start, end, load=push),
        *(
            Effect(call.callee, start + 30 * SECOND, end, load=push * call.strength / 2)
            for call in estate.calls_from(service, start)
        ),
    ]
    known = start - _seconds(rng.uniform(20, 90) * 3600)
    return Planned("load_test", (service,), start, end, known, tuple(effects))


def _sale(rng: np.random.Generator, estate: Estate, monday: int) -> Planned:
    start = monday + 3 * DAY + 8 * HOUR
    end = start + 60 * HOUR
    names = [service for service in estate.services if service.namespace in ("commerce", "platform")]
    push = float(rng.uniform(0.22, 0.38))
    effects = tuple(Effect(service.id, start, end, load=push) for service in names)
    announced = tuple(service.id for service in names if service.role not in HUBS)
    return Planned("sale", announced, start, end, monday - 4 * DAY, effects)


def maintenance_windows(seed: int, estate: Estate, week: int) -> list[Window]:
    """Windows of one week, at night; callers feel a little of them."""
    rng = stream(seed, "maintenance", week)
    made = []
    for _ in range(int(rng.poisson(1.2))):
        service = estate.services[int(rng.integers(len(estate.services)))].id
        night = int(rng.choice((1, 2, 6)))
        start = estate.start + week * WEEK + night * DAY + int(rng.integers(4, 16)) * 15 * MINUTE
        end = start + int(rng.integers(3, 9)) * 15 * MINUTE
        effects = [
            Effect(service, start, end, load=-1.2, latency=0.35, errors=0.004, queue=0.6),
            *(
                Effect(call.caller, start, end, latency=0.08 * call.strength)
                for call in estate.calls_to(service, start)
            ),
        ]
        known = start - _seconds(rng.uniform(1.5, 6) * 86_400)
        made.append(Window(service, start, end, known, tuple(effects)))
    return sorted(made, key=lambda each: (each.start, each.service))


def _seconds(value: float) -> int:
    """Whole seconds as ns: nobody notes when a deploy started to the nanosecond."""
    return round(value) * SECOND
