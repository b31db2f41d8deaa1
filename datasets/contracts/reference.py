"""Reference data: facts with a span in which they hold and a moment from which they were known.

Services are named ``namespace/service`` throughout.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.telemetry import Name

ServiceId = Annotated[str, Field(min_length=3, max_length=1280, pattern=r"^[^/\x00-\x1f]+/[^\x00-\x1f]+$")]


class _Fact(Record):
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant

    @model_validator(mode="after")
    def _in_order(self) -> _Fact:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from; leave it out while the fact still holds")
        return self

    def holds_at(self, instant: int) -> bool:
        """True within [valid_from, valid_to)."""
        return self.valid_from <= instant and (self.valid_to is None or instant < self.valid_to)


class TopologyEdge(_Fact):
    """``caller`` depends on ``callee``."""

    kind: Literal["topology"] = "topology"
    caller: ServiceId
    callee: ServiceId


class Ownership(_Fact):
    """The team whose rotation a service's pages go to."""

    kind: Literal["ownership"] = "ownership"
    service: ServiceId
    team: Name


class Tier(_Fact):
    """How much a service matters to the business."""

    kind: Literal["tier"] = "tier"
    service: ServiceId
    tier: Literal["critical", "high", "medium", "low"]


class Deploy(_Fact):
    """A version rolled out at ``valid_from``."""

    kind: Literal["deploy"] = "deploy"
    service: ServiceId
    version: Name
    decoy: bool = False
    """Added by an importer so that deploy awareness can be scored; never a real rollout."""


class Maintenance(_Fact):
    """A window in which a service's alerts page nobody."""

    kind: Literal["maintenance"] = "maintenance"
    service: ServiceId
    reason: str = ""


class PlannedChange(_Fact):
    """A canary, load test or sale: expected to move the numbers, not suppressed by itself."""

    kind: Literal["planned_change"] = "planned_change"
    service: ServiceId
    change: Literal["canary", "load_test", "sale", "other"]
    reason: str = ""


class Alias(_Fact):
    """Another name of a service, as a migration leaves behind."""

    kind: Literal["alias"] = "alias"
    service: ServiceId
    alias: ServiceId


ReferenceRow = Annotated[
    TopologyEdge | Ownership | Tier | Deploy | Maintenance | PlannedChange | Alias,
    Field(discriminator="kind"),
]
REFERENCE_ROW: TypeAdapter[ReferenceRow] = TypeAdapter(ReferenceRow)
REFERENCE_KINDS: dict[str, type[_Fact]] = {
    "topology": TopologyEdge,
    "ownership": Ownership,
    "tier": Tier,
    "deploy": Deploy,
    "maintenance": Maintenance,
    "planned_change": PlannedChange,
    "alias": Alias,
}
