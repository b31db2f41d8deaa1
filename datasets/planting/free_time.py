"""Where a fault may lie: away from incidents, from what is not scored, and from other planted faults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.reference import Maintenance
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.validation.known_services import KnownServices

Incidents = Literal["any", "affected"]


class Blocked(NamedTuple):
    """[start, end) in nanoseconds UTC; None for ``service`` means all of them."""

    start: int
    end: int
    service: str | None


class FreeTime:
    """Instants within [start, end) at which faults may be planted, by service.

    Args:
        blocked: spans nothing may touch, margins included.
        spacing: nanoseconds between two faults of one service.
        apart: nanoseconds between faults of two services; None lets them overlap.
    """

    def __init__(
        self, start: int, end: int, blocked: Iterable[Blocked], *, spacing: int, apart: int | None
    ) -> None:
        self.start, self.end = start, end
        self._spacing, self._apart = spacing, apart
        self._blocked: dict[str | None, list[tuple[int, int]]] = defaultdict(list)
        for span in blocked:
            self._blocked[span.service].append((span.start, span.end))
        self._taken: dict[object, tuple[int, int, str]] = {}

    def take(self, name: object, service: str, start: int, end: int) -> None:
        """Put a fault there, under a name to give it back by."""
        self._taken[name] = (start, end, service)

    def give_back(self, name: object) -> None:
        """Let go of a fault's place."""
        del self._taken[name]

    def gaps(self, service: str, start: int, end: int) -> list[tuple[int, int]]:
        """What is free for a service within [start, end), in order."""
        spans = [*self._blocked[None], *self._blocked[service]]
        for begun, ended, other in self._taken.values():
            room = self._spacing if other == service else self._apart
            if room is not None:
                spans.append((begun - room, ended + room))
        at, until = max(start, self.start), min(end, self.end)
        free = []
        for begun, ended in sorted(spans):
            if begun > at:
                free.append((at, min(begun, until)))
            at = max(at, ended)
            if at >= until:
                break
        if at < until:
            free.append((at, until))
        return [(begun, ended) for begun, ended in free if begun < ended]

    def draw(self, rng: np.random.Generator, service: str, length: int, start: int, end: int) -> int | None:
        """A start, on a whole second, for a fault of ``length`` ns; any that fits is as likely as another.

        None where there is no room within [start, end).
        """
        choices = [
            (-(-begun // SECOND), (ended - length) // SECOND)
            for begun, ended in self.gaps(service, start, end)
        ]
        choices = [(first, last) for first, last in choices if last >= first]
        if not choices:
            return None
        counts = np.cumsum([last - first + 1 for first, last in choices])
        drawn = int(rng.integers(int(counts[-1])))
        place = int(np.searchsorted(counts, drawn, "right"))
        return (choices[place][1] - (int(counts[place]) - 1 - drawn)) * SECOND


def forbidden(dataset: Dataset, margin: int, incidents: Incidents) -> list[Blocked]:
    """What the dataset says must be left alone, with ``margin`` ns on either side of incidents.

    Args:
        incidents: ``any`` keeps every service free while any labelled incident lasts; ``affected`` only the
            services an incident names (all where it names none but its root, whose callers feel it too).
    """
    reference = dataset.reference()
    spans: list[Blocked] = []

    def block(start: int, end: int, services: Iterable[str] | None) -> None:
        names = {None} if services is None else one_name.of(services)
        spans.extend(Blocked(start, end, name) for name in names)

    one_name = _SameServices(KnownServices(dataset.series(), reference))
    for label in dataset.labels().incidents:
        named = (label.root_service, *label.affected_services)
        everyone = incidents == "any" or not label.affected_services
        block(label.start - margin, label.end + margin, None if everyone else named)
    for span in dataset.card.evaluation.dont_care:
        block(span.from_, span.to, span.services)
    for row in reference:
        if isinstance(row, Maintenance):
            end = dataset.card.span_to if row.valid_to is None else row.valid_to
            block(row.valid_from, end, (row.service,))
    return spans


class _SameServices:
    """Services of the series that a name may mean, whether it or they are the alias."""

    def __init__(self, known: KnownServices) -> None:
        self._known = known
        self._called: dict[str, set[str]] = defaultdict(set)
        for service in known.series:
            for name in known.names(service):
                self._called[name].add(service)

    def of(self, services: Iterable[str]) -> set[str]:
        names = {name for service in services for name in self._known.names(service)}
        return names.union(*(self._called.get(name, set()) for name in names))
