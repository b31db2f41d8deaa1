"""What a contender knows of the platform at an instant: calls, owners, tiers, deploys, windows, aliases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.reference import (
    REFERENCE_ROW,
    Alias,
    Deploy,
    Ownership,
    PlannedChange,
    ReferenceRow,
    Tier,
    TopologyEdge,
)
from titleshot.detectors.kin import Kin, kin_of

ALWAYS = (-(2**63), 2**63)
"""The half-open span of an answer that nothing known bounds, in nanoseconds."""

_Identity = tuple[Any, ...]


_Answer = TypeVar("_Answer")


class World:
    """Reference rows as known so far, asked about one instant at a time.

    A row counts from the moment it is applied and holds within [valid_from, valid_to) of the instant asked
    about. A row about the same fact (same subject, same ``valid_from``) replaces the earlier one unless it
    was known earlier. Of several owners or tiers that hold, the one valid from latest counts; edges and
    windows hold as soon as one row says so. Aliases are resolved on both sides of every question: services
    may be asked about by any of their names, and answers name services canonically.

    Answers are remembered together with the span in which they stand, so a question costs well under a
    microsecond until the span ends or a row of that kind is applied.

    >>> world = World()
    >>> world.apply(TopologyEdge(caller="shop/checkout", callee="shop/payment", valid_from=0, known_from=0))
    >>> sorted(world.callees("shop/checkout", at=5)), sorted(world.neighbours("shop/payment", at=5))
    (['shop/payment'], ['shop/checkout'])
    """

    def __init__(self) -> None:
        self._rows: dict[_Identity, ReferenceRow] = {}
        self._about: dict[str, dict[str, dict[_Identity, ReferenceRow]]] = {}
        self._answers: dict[str, dict[Any, tuple[int, int, Any]]] = {}

    def apply(self, row: ReferenceRow) -> None:
        """Know ``row`` from now on."""
        identity = _identity(row)
        known = self._rows.get(identity)
        if known is not None and known.known_from > row.known_from:
            return
        if known is not None:
            self._remove(identity, known)
        self._rows[identity] = row
        for index, service in _indexes(row):
            self._about.setdefault(index, {}).setdefault(service, {})[identity] = row
        self._forget_answers(row)

    def knows(self, kind: str) -> bool:
        """True once a row of that kind was applied; asking for a million answers can then be spared."""
        return kind in self._about

    def canonical(self, service: str, at: int) -> str:
        """The name ``service`` goes by at ``at``; itself where no alias says otherwise."""
        if "alias" not in self._about:
            return service
        return self._remembered("canonical", service, at, lambda: self._resolve(service, at))

    def callees(self, service: str, at: int) -> frozenset[str]:
        """Services that ``service`` calls."""
        return self._remembered("callees", service, at, lambda: self._adjacent("callees", service, at))

    def callers(self, service: str, at: int) -> frozenset[str]:
        """Services that call ``service``."""
        return self._remembered("callers", service, at, lambda: self._adjacent("callers", service, at))

    def neighbours(self, service: str, at: int) -> frozenset[str]:
        """Services one call away from ``service`` in either direction, itself left out."""
        return self.within(service, at, 1) - {self.canonical(service, at)}

    def within(self, service: str, at: int, hops: int) -> frozenset[str]:
        """Services at most ``hops`` calls away in either direction, ``service`` itself included."""
        return self._remembered("within", (service, hops), at, lambda: self._reach(service, at, hops))

    def kin(self, service: str, at: int, hops: int, through: int) -> Mapping[str, Kin]:
        """Services a fault could share with ``service``, and how: see :func:`kin_of`.

        >>> world = World()
        >>> for callee in ("shop/cart", "shop/pay"):
        ...     world.apply(TopologyEdge(caller="shop/web", callee=callee, valid_from=0, known_from=0))
        >>> world.kin("shop/cart", at=5, hops=3, through=50)
        {'shop/web': Kin(side='caller', hops=1, widest=1)}
        """
        return self._remembered(
            "kin", (service, hops, through), at, lambda: self._related(service, at, hops, through)
        )

    def team(self, service: str, at: int) -> str | None:
        """The team that owns ``service``; None where nobody is known to."""
        row = self._newest("ownership", service, at)
        return row.team if isinstance(row, Ownership) else None

    def tier(self, service: str, at: int) -> str | None:
        """``critical``, ``high``, ``medium`` or ``low``; None where not known."""
        row = self._newest("tier", service, at)
        return row.tier if isinstance(row, Tier) else None

    def in_maintenance(self, service: str, at: int) -> bool:
        """True within a maintenance window of ``service``."""
        return self._newest("maintenance", service, at) is not None

    def maintenance_span(self, service: str, at: int) -> tuple[bool, int, int]:
        """In maintenance or not, and the half-open span around ``at`` in which that stands as known now.

        For callers that ask about many instants at once.
        """
        inside = self.in_maintenance(service, at)
        low, high, _ = self._answers["maintenance"][service]
        return inside, low, high

    def planned_span(self, service: str, at: int) -> tuple[bool, int, int]:
        """In maintenance or in a planned change, or neither, and the half-open span in which that stands.

        For callers that ask about many instants at once.
        """
        inside, low, high = self.maintenance_span(service, at)
        changing = self._newest("planned_change", service, at) is not None
        other = self._answers["planned_change"][service]
        return inside or changing, max(low, other[0]), min(high, other[1])

    def planned_change(self, service: str, at: int) -> str | None:
        """What kind of planned change is under way: canary, load_test, sale or other; None where none is."""
        row = self._newest("planned_change", service, at)
        return row.change if isinstance(row, PlannedChange) else None

    def recent_deploy(self, service: str, at: int, within_s: float) -> str | None:
        """Version of the latest deploy in place at ``at``, if rolled out at most ``within_s`` before."""
        row = self._newest("deploy", service, at)
        if not isinstance(row, Deploy) or at - row.valid_from > within_s * SECOND:
            return None
        return row.version

    def state(self) -> dict[str, Any]:
        """All rows known, as JSON."""
        return {"rows": [row.model_dump(mode="json", exclude_none=True) for row in self._rows.values()]}

    def load(self, state: dict[str, Any]) -> None:
        """Know what ``state`` knows and nothing else."""
        for table in (self._rows, self._about, self._answers):
            table.clear()
        for row in state["rows"]:
            self.apply(REFERENCE_ROW.validate_python(row))

    def _remembered(
        self, index: str, asked: Any, at: int, work_out: Callable[[], tuple[int, int, _Answer]]
    ) -> _Answer:
        known = self._answers.setdefault(index, {})
        entry = known.get(asked)
        if entry is None or not entry[0] <= at < entry[1]:
            entry = known[asked] = work_out()
        answer: _Answer = entry[2]
        return answer

    def _newest(self, index: str, service: str, at: int) -> ReferenceRow | None:
        return self._remembered(index, service, at, lambda: self._latest(index, service, at))

    def _latest(self, index: str, service: str, at: int) -> tuple[int, int, ReferenceRow | None]:
        low, high, rows = self._holding(index, service, at)
        return low, high, max(rows, key=_newness, default=None)

    def _holding(self, index: str, service: str, at: int) -> tuple[int, int, list[ReferenceRow]]:
        """Rows on any name of ``service`` that hold at ``at``, and the span in which exactly they do."""
        low, high, names = self._names(service, at)
        about = self._about.get(index, {})
        holding = []
        for name in names:
            start, end, rows = _holding_at(about.get(name, {}).values(), at)
            low, high = max(low, start), min(high, end)
            holding += rows
        return low, high, holding

    def _names(self, service: str, at: int) -> tuple[int, int, tuple[str, ...]]:
        """Every name that stands for the same service at ``at``."""
        if "alias" not in self._about:
            return *ALWAYS, (service,)
        names = [self.canonical(service, at)]
        low, high = self._narrowed(*ALWAYS, "canonical", service)
        for name in names:  # grows while it is walked: aliases of aliases
            start, end, rows = _holding_at(self._about["names"].get(name, {}).values(), at)
            low, high = max(low, start), min(high, end)
            for alias in sorted({row.alias for row in rows if isinstance(row, Alias)} - set(names)):
                # A name that has moved on to another service no longer stands for this one.
                if self.canonical(alias, at) == names[0]:
                    names.append(alias)
                low, high = self._narrowed(low, high, "canonical", alias)
        return low, high, tuple(names)

    def _resolve(self, service: str, at: int) -> tuple[int, int, str]:
        low, high = ALWAYS
        passed = [service]
        while True:
            start, end, rows = _holding_at(self._about["alias"].get(passed[-1], {}).values(), at)
            low, high = max(low, start), min(high, end)
            if not rows:
                return low, high, passed[-1]
            newest = max(rows, key=_newness)
            name = newest.service if isinstance(newest, Alias) else passed[-1]
            if name in passed:  # names that point at each other: all of them must give one answer
                return low, high, min(passed[passed.index(name) :])
            passed.append(name)

    def _adjacent(self, index: str, service: str, at: int) -> tuple[int, int, frozenset[str]]:
        low, high, rows = self._holding(index, service, at)
        found = set()
        for row in rows:
            if isinstance(row, TopologyEdge):
                other = row.callee if index == "callees" else row.caller
                found.add(self.canonical(other, at))
                low, high = self._narrowed(low, high, "canonical", other)
        return low, high, frozenset(found - {self.canonical(service, at)})

    def _reach(self, service: str, at: int, hops: int) -> tuple[int, int, frozenset[str]]:
        start = self.canonical(service, at)
        low, high = self._narrowed(*ALWAYS, "canonical", service)
        reached = {start}
        edge = [start]
        for _ in range(hops):
            further = []
            for name in edge:
                for index, adjacent in (
                    ("callees", self.callees(name, at)),
                    ("callers", self.callers(name, at)),
                ):
                    low, high = self._narrowed(low, high, index, name)
                    further += [other for other in adjacent if other not in reached]
                    reached |= adjacent
            edge = further
        return low, high, frozenset(reached)

    def _related(self, service: str, at: int, hops: int, through: int) -> tuple[int, int, dict[str, Kin]]:
        start = self.canonical(service, at)
        span = self._narrowed(*ALWAYS, "canonical", service)

        def adjacent(index: str) -> Callable[[str], frozenset[str]]:
            def of(name: str) -> frozenset[str]:
                nonlocal span
                others = self.callees(name, at) if index == "callees" else self.callers(name, at)
                span = self._narrowed(*span, index, name)
                return others

            return of

        found = kin_of(start, hops, through, adjacent("callees"), adjacent("callers"))
        return *span, found

    def _narrowed(self, low: int, high: int, index: str, asked: str) -> tuple[int, int]:
        """The span cut to that of an answer just given."""
        entry = self._answers.get(index, {}).get(asked)
        return (low, high) if entry is None else (max(low, entry[0]), min(high, entry[1]))

    def _remove(self, identity: _Identity, row: ReferenceRow) -> None:
        for index, service in _indexes(row):
            rows = self._about[index][service]
            del rows[identity]
            if not rows:
                del self._about[index][service]

    def _forget_answers(self, row: ReferenceRow) -> None:
        if row.kind == "alias":
            self._answers.clear()
        elif row.kind == "topology":
            for index in ("callees", "callers", "within", "kin"):
                self._answers.pop(index, None)
        else:
            self._answers.pop(row.kind, None)


def _identity(row: ReferenceRow) -> _Identity:
    if isinstance(row, TopologyEdge):
        return row.kind, row.caller, row.callee, row.valid_from
    if isinstance(row, Alias):
        return row.kind, row.alias, row.valid_from
    if isinstance(row, Deploy):
        return row.kind, row.service, row.version, row.valid_from
    return row.kind, row.service, row.valid_from


def _newness(row: ReferenceRow) -> tuple[int, int, str]:
    return row.valid_from, row.known_from, str(_identity(row))


def _indexes(row: ReferenceRow) -> tuple[tuple[str, str], ...]:
    if isinstance(row, TopologyEdge):
        return ("callees", row.caller), ("callers", row.callee)
    if isinstance(row, Alias):
        return ("alias", row.alias), ("names", row.service)
    return ((row.kind, row.service),)


def _holding_at(rows: Iterable[ReferenceRow], at: int) -> tuple[int, int, list[ReferenceRow]]:
    low, high = ALWAYS
    holding = []
    for row in rows:
        if row.valid_from > at:
            high = min(high, row.valid_from)
        elif row.valid_to is not None and row.valid_to <= at:
            low = max(low, row.valid_to)
        else:
            low = max(low, row.valid_from)
            if row.valid_to is not None:
                high = min(high, row.valid_to)
            holding.append(row)
    return low, high, holding
