"""Correlation domains: parts of a platform whose incidents are looked for apart, and calls between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from titleshot.datasets.contracts.reference import Alias, ReferenceRow, TopologyEdge

HUB_NEIGHBOURS = 20
"""A service with more neighbours is a hub where domains are cut."""
ALONE = ""
"""Domain of every service that no domain names."""


@dataclass(frozen=True)
class Domains:
    """Which domain each service is in, where that comes from, and which calls cross."""

    source: Literal["declared", "hubs"]
    of: Mapping[str, str]
    """Service to domain, under every name it has."""
    crossing: tuple[tuple[str, str], ...]
    """Calls (caller, callee) whose ends lie in different domains, sorted."""

    def domain(self, service: str) -> str:
        return self.of.get(service, ALONE)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self.of.values(), ALONE}))


def domains_of(
    declared: Mapping[str, Sequence[str]], rows: Iterable[ReferenceRow], most_neighbours: int = HUB_NEIGHBOURS
) -> Domains:
    """Domains as declared; where none are, what is left in one piece when calls to and from hubs are cut.

    Every call and every name there ever was counts, whenever it held. Pieces carry the name of their first
    service; a hub is a piece of its own.

    >>> calls = [("shop/web", "shop/cart"), ("shop/cart", "ops/db"), ("bank/api", "ops/db")]
    >>> rows = [TopologyEdge(caller=a, callee=b, valid_from=0, known_from=0) for a, b in calls]
    >>> found = domains_of({"shop": ["shop/web", "shop/cart"], "bank": ["bank/api", "ops/db"]}, rows)
    >>> found.crossing
    (('shop/cart', 'ops/db'),)
    >>> sorted(set(domains_of({}, rows, most_neighbours=1).of.values()))
    ['bank/api', 'ops/db', 'shop/cart', 'shop/web']
    """
    rows = list(rows)
    renamed = {row.alias: row.service for row in rows if isinstance(row, Alias)}
    calls = {
        (_canonical(row.caller, renamed), _canonical(row.callee, renamed))
        for row in rows
        if isinstance(row, TopologyEdge)
    }
    if declared:
        of = {_canonical(service, renamed): name for name, members in declared.items() for service in members}
    else:
        of = _pieces(calls, most_neighbours)
    of |= {alias: of[name] for alias in renamed if (name := _canonical(alias, renamed)) in of}
    crossing = sorted(call for call in calls if of.get(call[0], ALONE) != of.get(call[1], ALONE))
    return Domains("declared" if declared else "hubs", of, tuple(crossing))


def _canonical(service: str, renamed: Mapping[str, str]) -> str:
    passed = {service}
    while service in renamed and renamed[service] not in passed:
        service = renamed[service]
        passed.add(service)
    return service


def _pieces(calls: Iterable[tuple[str, str]], most_neighbours: int) -> dict[str, str]:
    near: dict[str, set[str]] = defaultdict(set)
    for caller, callee in calls:
        near[caller].add(callee)
        near[callee].add(caller)
    hubs = {service for service, others in near.items() if len(others - {service}) > most_neighbours}
    of = {hub: hub for hub in hubs}
    for first in sorted(near):
        edge = [] if first in of else [first]
        while edge:
            service = edge.pop()
            of[service] = first
            edge += [other for other in near[service] if other not in of]
    return of
