"""The estate: services, who calls whom, who owns what, and what of that changes over time.

The first twelve services are a shop: a gateway, APIs, a worker, and three hubs that many depend on (a
database, a cache, an authentication service). Services beyond the twelfth come in product lines of six that
share the gateway and the authentication service. The first N services are the same for every N.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.contracts.reference import Alias, Ownership, ReferenceRow, Tier, TopologyEdge
from titleshot.datasets.errors import UsageError

Role = Literal["gateway", "api", "worker", "auth", "database", "cache"]
TierName = Literal["critical", "high", "medium", "low"]
HUBS: tuple[Role, ...] = ("auth", "database", "cache")
LEAST_SERVICES = 4
_MOST_SERVICES = 2000

_KNOWN_BEFORE = 30 * DAY

_SHOP: tuple[tuple[str, str, Role, TierName, str], ...] = (
    ("commerce", "web-gateway", "gateway", "critical", "storefront"),
    ("commerce", "checkout-api", "api", "critical", "payments"),
    ("commerce", "catalog-api", "api", "high", "storefront"),
    ("platform", "orders-db", "database", "critical", "platform"),
    ("platform", "auth-service", "auth", "critical", "platform"),
    ("commerce", "payment-api", "api", "critical", "payments"),
    ("commerce", "inventory-api", "api", "high", "fulfilment"),
    ("commerce", "cart-api", "api", "high", "storefront"),
    ("platform", "session-cache", "cache", "high", "platform"),
    ("commerce", "search-api", "api", "medium", "storefront"),
    ("commerce", "shipping-api", "api", "medium", "fulfilment"),
    ("commerce", "notification-worker", "worker", "low", "fulfilment"),
)
# caller, callee, how much of the callee's trouble the caller feels (0 to 1)
_CALLS: tuple[tuple[str, str, float], ...] = (
    ("web-gateway", "checkout-api", 0.6),
    ("web-gateway", "catalog-api", 0.55),
    ("web-gateway", "search-api", 0.4),
    ("web-gateway", "cart-api", 0.45),
    ("web-gateway", "auth-service", 0.5),
    ("checkout-api", "payment-api", 0.8),
    ("checkout-api", "inventory-api", 0.6),
    ("checkout-api", "cart-api", 0.4),
    ("checkout-api", "auth-service", 0.5),
    ("checkout-api", "orders-db", 0.5),
    ("checkout-api", "shipping-api", 0.35),
    ("catalog-api", "orders-db", 0.4),
    ("catalog-api", "session-cache", 0.5),
    ("search-api", "catalog-api", 0.5),
    ("cart-api", "session-cache", 0.7),
    ("payment-api", "auth-service", 0.4),
    ("payment-api", "orders-db", 0.6),
    ("inventory-api", "orders-db", 0.7),
    ("shipping-api", "inventory-api", 0.4),
    ("notification-worker", "orders-db", 0.35),
    ("auth-service", "session-cache", 0.5),
)
# day of the change, caller, callee, strength; None takes the call away
_CALL_CHANGES: tuple[tuple[int, str, str, float | None], ...] = (
    (8, "catalog-api", "auth-service", 0.4),
    (40, "catalog-api", "orders-db", None),
    (40, "catalog-api", "inventory-api", 0.5),
    (75, "notification-worker", "auth-service", 0.4),
)
_OWNER_CHANGES: tuple[tuple[int, str, str], ...] = (
    (10, "auth-service", "identity"),
    (55, "cart-api", "payments"),
)
_ALIASES: tuple[tuple[int, str, str], ...] = (
    (0, "orders-db", "platform/postgres-main"),
    (33, "inventory-api", "commerce/stock-api"),
)
_LINES = ("returns", "loyalty", "reviews", "pricing", "fraud", "billing", "warehouse", "support", "reporting")
_LINE: tuple[tuple[str, Role, TierName], ...] = (
    ("api", "api", "high"),
    ("db", "database", "high"),
    ("rules", "api", "medium"),
    ("cache", "cache", "medium"),
    ("worker", "worker", "low"),
    ("admin", "api", "low"),
)
_LINE_CALLS: tuple[tuple[str, str, float], ...] = (
    ("api", "db", 0.6),
    ("api", "rules", 0.5),
    ("api", "cache", 0.5),
    ("rules", "db", 0.5),
    ("worker", "db", 0.4),
    ("admin", "api", 0.5),
)


@dataclass(frozen=True)
class Service:
    """One service of the estate."""

    namespace: str
    name: str
    role: Role
    tier: TierName
    team: str

    @property
    def id(self) -> str:
        """``namespace/service``."""
        return service_id(self.namespace, self.name)


@dataclass(frozen=True)
class Call:
    """``caller`` depends on ``callee`` within [start, end) (ns), as strongly as ``strength`` says."""

    caller: str
    callee: str
    strength: float
    start: int
    end: int | None = None

    def holds_at(self, instant: int) -> bool:
        """True within [start, end)."""
        return self.start <= instant and (self.end is None or instant < self.end)


@dataclass(frozen=True)
class Estate:
    """Services and calls; facts hold from 30 days before ``start`` (ns), the first moment of telemetry."""

    start: int
    services: tuple[Service, ...]
    calls: tuple[Call, ...]

    @cached_property
    def by_id(self) -> dict[str, Service]:
        """Services by ``namespace/service``."""
        return {service.id: service for service in self.services}

    @cached_property
    def _into(self) -> dict[str, list[Call]]:
        return {
            service.id: [call for call in self.calls if call.callee == service.id]
            for service in self.services
        }

    @cached_property
    def _out_of(self) -> dict[str, list[Call]]:
        return {
            service.id: [call for call in self.calls if call.caller == service.id]
            for service in self.services
        }

    def calls_to(self, service: str, at: int) -> list[Call]:
        """Calls into ``service`` at that time: its callers feel its faults."""
        return [call for call in self._into[service] if call.holds_at(at)]

    def calls_from(self, service: str, at: int) -> list[Call]:
        """Calls out of ``service`` at that time."""
        return [call for call in self._out_of[service] if call.holds_at(at)]

    def team(self, service: str, at: int) -> str:
        """The owning team at that time."""
        team = self.by_id[service].team
        for day, name, taken_by in _OWNER_CHANGES:
            if service == self._shop_ids.get(name) and at >= self.start + day * DAY:
                team = taken_by
        return team

    @cached_property
    def _shop_ids(self) -> dict[str, str]:
        return {service.name: service.id for service in self.services[: len(_SHOP)]}

    def domains(self) -> dict[str, list[str]]:
        """Correlation domains: the shop, and each product line; only calls to shared services cross them."""
        domains: dict[str, list[str]] = {"shop": sorted(self._shop_ids.values())}
        for service in self.services[len(_SHOP) :]:
            domains.setdefault(service.namespace, []).append(service.id)
        return domains

    def reference(self, until: int) -> Iterator[ReferenceRow]:
        """Topology, ownership, tiers and aliases known before ``until`` (ns).

        What holds from the beginning was known before it; a change is known a day ahead. Nobody knows the
        end of a fact when it begins: a fact that ends has an open row first, and a second row of the same
        ``valid_from`` with the end, known a day before the end, that replaces the open one.
        """
        for row in self._all_reference():
            if row.known_from < until:
                yield row

    def _all_reference(self) -> Iterator[ReferenceRow]:
        before = self.start - _KNOWN_BEFORE
        for call in self.calls:
            known = before if call.start == before else call.start - DAY
            edge = TopologyEdge(
                caller=call.caller, callee=call.callee, valid_from=call.start, known_from=known
            )
            yield edge
            if call.end is not None:
                yield edge.model_copy(update={"valid_to": call.end, "known_from": call.end - DAY})
        for service in self.services:
            yield Tier(service=service.id, tier=service.tier, valid_from=before, known_from=before)
            yield from self._ownership(service, before)
        for day, name, alias in _ALIASES:
            if name in self._shop_ids:
                at = self.start + day * DAY if day else before
                yield Alias(service=self._shop_ids[name], alias=alias, valid_from=at, known_from=at)

    def _ownership(self, service: Service, before: int) -> Iterator[Ownership]:
        owner = Ownership(service=service.id, team=service.team, valid_from=before, known_from=before)
        yield owner
        for day, name, taken_by in _OWNER_CHANGES:
            if service.id == self._shop_ids.get(name):
                at = self.start + day * DAY
                yield owner.model_copy(update={"valid_to": at, "known_from": at - DAY})
                owner = Ownership(service=service.id, team=taken_by, valid_from=at, known_from=at - DAY)
                yield owner


def build_estate(services: int, start: int) -> Estate:
    """An estate of that many services whose telemetry starts at ``start`` (ns).

    Raises:
        UsageError: fewer than four services; a call graph needs something to spread along.

    >>> estate = build_estate(12, 0)
    >>> sorted(call.caller for call in estate.calls_to("platform/session-cache", 0))
    ['commerce/cart-api', 'commerce/catalog-api', 'platform/auth-service']
    """
    if not LEAST_SERVICES <= services <= _MOST_SERVICES:
        raise UsageError(
            f"services must be from {LEAST_SERVICES}, which the call graph needs, to {_MOST_SERVICES},"
            f" got {services}; try 12"
        )
    made = [Service(*row) for row in _SHOP[:services]]
    before = start - _KNOWN_BEFORE
    ids = {service.name: service.id for service in made}
    calls = list(_shop_calls(ids, start, before))
    line = 0
    while len(made) < services:
        name = _LINES[line % len(_LINES)] + (str(line // len(_LINES) + 1) if line >= len(_LINES) else "")
        members = [
            Service(name, f"{name}-{part}", role, tier, name)
            for part, role, tier in _LINE[: services - len(made)]
        ]
        made += members
        here = {member.name: member.id for member in members}
        for caller, callee, strength in _LINE_CALLS:
            if f"{name}-{caller}" in here and f"{name}-{callee}" in here:
                calls.append(Call(here[f"{name}-{caller}"], here[f"{name}-{callee}"], strength, before))
        calls.append(Call(here[f"{name}-api"], ids["auth-service"], 0.4, before))
        calls.append(Call(ids["web-gateway"], here[f"{name}-api"], 0.3, before))
        line += 1
    return Estate(start, tuple(made), tuple(calls))


def _shop_calls(ids: dict[str, str], start: int, before: int) -> Iterator[Call]:
    ends = {(caller, callee): day for day, caller, callee, strength in _CALL_CHANGES if strength is None}
    for caller, callee, strength in _CALLS:
        if caller in ids and callee in ids:
            day = ends.get((caller, callee))
            yield Call(ids[caller], ids[callee], strength, before, None if day is None else start + day * DAY)
    for day, caller, callee, strength_or_end in _CALL_CHANGES:
        if strength_or_end is not None and caller in ids and callee in ids:
            yield Call(ids[caller], ids[callee], strength_or_end, start + day * DAY)
