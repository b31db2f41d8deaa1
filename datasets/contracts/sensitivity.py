"""What ``sensitivity`` says: how big a planted fault must be for a contender to page, and how soon."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.planted import PlantedKind, PlantedMarker, Unit
from titleshot.datasets.contracts.record import Record

Share = Annotated[float, Field(ge=0, le=1)]


class FaultOutcome(BaseModel):
    """What became of one planted fault under one contender."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    planted_id: str
    service: str
    metric_name: str
    """``*`` where the fault took every chosen metric of its service."""
    kind: PlantedKind
    size: float
    unit: Unit
    start: Instant
    end: Instant
    outcome: Literal["found", "missed", "masked"]
    """``found``: paged in time, and not without the fault. ``masked``: without the fault the service was
    paged then as well, or a page about it was open when the fault began. ``missed``: neither."""
    page_id: str | None = None
    paged_at: Instant | None = None
    delay_s: float | None = None
    """From the start of the fault to the page, by the engine's clock; null where it was not found."""


class SensitivityPoint(BaseModel):
    """Faults of one size on a curve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: float
    n: int
    found: int
    masked: int
    """Of those not found."""
    share: Share
    """found / n."""
    low: Share
    high: Share
    fitted: Share
    """Of the nearest curve that does not fall as size grows (isotonic, weighted by n)."""
    delay_s: float | None = None
    """Median from start to page, a fault not found taking for ever; null where less than half were found."""


class SizeAt(BaseModel):
    """The size at which a share of faults is found; null with a reason where planted sizes do not tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Share
    size: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class SensitivityCurve(BaseModel):
    """Share found by size, for one service, metric and kind, or pooled over those that are null."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str | None = None
    metric_name: str | None = None
    kind: PlantedKind | None = None
    """Null: all kinds whose size is in spreads."""
    unit: Unit
    n: int
    found: int
    masked: int
    points: tuple[SensitivityPoint, ...]
    half: SizeAt
    most: SizeAt
    """Nine in ten."""
    delay_found_s: float | None = None
    """Median from start to page of those found; null where none was."""


class ContenderSensitivity(BaseModel):
    """One contender on a planted copy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contender: str
    recipe_digest: str
    artifact_digest: str
    pages: int
    """On the planted copy."""
    pages_without: int
    """On the dataset without the faults."""
    curves: tuple[SensitivityCurve, ...]
    outcomes: tuple[FaultOutcome, ...]


class SensitivityReport(Record):
    """Everything ``sensitivity`` says. Synthetic: it decides nothing and goes into no evidence."""

    dataset: str
    dataset_digest: str
    planted: PlantedMarker
    faults: int
    span_from: Instant
    span_to: Instant
    """From the start of the first fault to the end of the last."""
    grace_s: float
    """Seconds after its end in which a page still finds a fault."""
    confidence: float
    method: str
    contenders: tuple[ContenderSensitivity, ...]
    notes: tuple[str, ...] = ()

    def of(self, contender: str) -> ContenderSensitivity:
        """The contender of that name; KeyError names those there are."""
        for one in self.contenders:
            if one.contender == contender:
                return one
        names = ", ".join(one.contender for one in self.contenders)
        raise KeyError(f"no contender {contender!r}; there are {names}")
