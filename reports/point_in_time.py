"""Reference data as the scorer asks for it: who called whom, who owned what, what a service was called and
how much it mattered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from titleshot.datasets.contracts.reference import (
    Alias,
    Maintenance,
    Ownership,
    ReferenceRow,
    Tier,
    TopologyEdge,
)

_Fact = TypeVar("_Fact", TopologyEdge, Ownership, Maintenance, Alias, Tier)


class Reference:
    """Reference rows known by ``as_of`` (nanoseconds UTC; None: all), asked about an instant.

    A row about the same fact with the same ``valid_from`` replaces one known earlier. A label is judged
    with hindsight, so a row counts at the instants it is valid for, whenever it became known.

    >>> edge = TopologyEdge(caller="shop/web", callee="shop/cart", valid_from=0, known_from=9)
    >>> sorted(Reference([edge]).affected("shop/cart", at=5, hops=1))
    ['shop/cart', 'shop/web']
    """

    def __init__(self, rows: Iterable[ReferenceRow] = (), as_of: int | None = None) -> None:
        latest: dict[Any, ReferenceRow] = {}
        for row in rows:
            if as_of is not None and row.known_from > as_of:
                continue
            known = latest.get(identity := _identity(row))
            if known is None or (known.known_from, known.to_json()) <= (row.known_from, row.to_json()):
                latest[identity] = row
        self._callers: dict[str, list[TopologyEdge]] = defaultdict(list)
        self._callees: dict[str, list[TopologyEdge]] = defaultdict(list)
        self._tiers: dict[str, list[Tier]] = defaultdict(list)
        self._owners: dict[str, list[Ownership]] = defaultdict(list)
        self._maintenance: dict[str, list[Maintenance]] = defaultdict(list)
        self._aliases: dict[str, list[Alias]] = defaultdict(list)
        # Oldest first, so that of several rows that hold the last one counts.
        for row in sorted(latest.values(), key=lambda row: (row.valid_from, row.known_from, row.to_json())):
            if isinstance(row, TopologyEdge):
                self._callers[row.callee].append(row)
                self._callees[row.caller].append(row)
            elif isinstance(row, Ownership):
                self._owners[row.service].append(row)
            elif isinstance(row, Maintenance):
                self._maintenance[row.service].append(row)
            elif isinstance(row, Alias):
                self._aliases[row.alias].append(row)
            elif isinstance(row, Tier):
                self._tiers[row.service].append(row)

    def canonical(self, service: str, at: int) -> str:
        """The name ``service`` goes by at ``at``; itself where no alias says otherwise."""
        if service not in self._aliases:
            return service
        passed = [service]
        while (row := _newest(self._aliases.get(passed[-1], ()), at)) is not None:
            if row.service in passed:  # names that point at each other must give one answer
                return min(passed[passed.index(row.service) :])
            passed.append(row.service)
        return passed[-1]

    def affected(self, root: str, at: int, hops: int) -> frozenset[str]:
        """The root and every service that reached it in at most ``hops`` calls at ``at``."""
        reached = {root}
        edge = [root]
        for _ in range(hops):
            callers = (row.caller for name in edge for row in self._callers.get(name, ()) if row.holds_at(at))
            edge = sorted({self.canonical(caller, at) for caller in callers} - reached)
            reached.update(edge)
        return frozenset(reached)

    def callers(self, service: str, at: int) -> frozenset[str]:
        """Services that called ``service`` at ``at``, itself left out."""
        rows = (row for row in self._callers.get(service, ()) if row.holds_at(at))
        return frozenset({self.canonical(row.caller, at) for row in rows} - {service})

    def callees(self, service: str, at: int) -> frozenset[str]:
        """Services that ``service`` called at ``at``, itself left out."""
        rows = (row for row in self._callees.get(service, ()) if row.holds_at(at))
        return frozenset({self.canonical(row.callee, at) for row in rows} - {service})

    def in_topology(self, service: str, at: int) -> bool:
        """Whether any call of or to ``service`` was known at ``at``; a row that names it twice counts."""
        rows = (*self._callers.get(service, ()), *self._callees.get(service, ()))
        return any(row.holds_at(at) for row in rows)

    def tier(self, service: str, at: int) -> str | None:
        """How much ``service`` mattered at ``at``; None where nobody said."""
        row = _newest(self._tiers.get(service, ()), at)
        return None if row is None else row.tier

    def team(self, service: str, at: int) -> str | None:
        """The team that owned ``service`` at ``at``; None where nobody is known to."""
        row = _newest(self._owners.get(service, ()), at)
        return None if row is None else row.team

    def owned(self) -> list[str]:
        """Every service with an owner at some time, sorted."""
        return sorted(self._owners)

    def maintenance(self) -> dict[str, list[tuple[int, int | None]]]:
        """Maintenance windows [from, to) of each service; to is None where the window was left open."""
        return {
            service: [(row.valid_from, row.valid_to) for row in rows]
            for service, rows in self._maintenance.items()
        }


def _newest(rows: Sequence[_Fact], at: int) -> _Fact | None:
    return next((row for row in reversed(rows) if row.holds_at(at)), None)


def _identity(row: ReferenceRow) -> tuple[Any, ...]:
    if isinstance(row, TopologyEdge):
        return row.kind, row.caller, row.callee, row.valid_from
    if isinstance(row, Alias):
        return row.kind, row.alias, row.valid_from
    return row.kind, row.service, row.valid_from
