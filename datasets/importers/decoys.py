"""Decoy deploys: rollouts that never were, to tell blaming the latest deploy from finding the cause."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Deploy

_SEED = "decoys of titleshot, 1"
_APART = 3600 * SECOND
_TRIES = 200
RULE = (
    "for each guilty change the first decoy goes to another service during the same stretch of rows, the"
    " others to any service and time with rows; never to a service an incident affects from an hour before it"
)


@dataclass(frozen=True)
class Ground:
    """Where decoys of one namespace may go.

    Args:
        services: ``namespace/service``, of the kinds that guilty changes were made to.
        stretches: [first, end) in nanoseconds UTC, with rows.
    """

    services: Sequence[str]
    stretches: Sequence[tuple[int, int]]


def change_name(*parts: object) -> str:
    """A version by which a real change and a decoy cannot be told apart.

    >>> change_name("shop", 1)
    'change-618c2bad'
    """
    text = "\x1f".join(map(str, parts)).encode("utf-8", "backslashreplace")
    return f"change-{hashlib.sha256(text).hexdigest()[:8]}"


def decoys(
    guilty: Sequence[Deploy], ground: Ground, incidents: Iterable[IncidentLabel], per_guilty: int
) -> list[Deploy]:
    """Marked deploys, ``per_guilty`` for each guilty one, fewer where there is no room; always the same.

    A decoy is at a whole second of a stretch of rows and at a service that no incident affects at that time
    or within the hour after.
    """
    if not ground.services or not ground.stretches:
        return []
    held = list(incidents)
    found = []
    for change in guilty:
        for number in range(per_guilty):
            name = (_SEED, change.service, change.valid_from, number)
            chance = random.Random("\x1f".join(map(str, name)))  # noqa: S311  drawn to be repeated
            near = [s for s in ground.stretches if s[0] <= change.valid_from < s[1]]
            placed = _placed(
                chance, ground.services, near if number == 0 and near else ground.stretches, held
            )
            if placed is not None:
                service, at = placed
                found.append(
                    Deploy(
                        service=service,
                        version=change_name(*name),
                        valid_from=at,
                        known_from=at,
                        decoy=True,
                    )
                )
    return found


def _placed(
    chance: random.Random,
    services: Sequence[str],
    stretches: Sequence[tuple[int, int]],
    incidents: Sequence[IncidentLabel],
) -> tuple[str, int] | None:
    lengths = [end - first for first, end in stretches]
    for _ in range(_TRIES):
        service = chance.choice(services)
        first, end = chance.choices(stretches, lengths)[0]
        at = first + chance.randrange(max((end - first) // SECOND, 1)) * SECOND
        if not any(_touches(incident, service, at) for incident in incidents):
            return service, at
    return None


def _touches(incident: IncidentLabel, service: str, at: int) -> bool:
    affected = service == incident.root_service or service in incident.affected_services
    return affected and incident.start - _APART <= at < incident.end
