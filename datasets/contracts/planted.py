"""Planted faults: what was put into a copy of real telemetry, so that it is known where and how big it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.reference import ServiceId
from titleshot.datasets.contracts.telemetry import Name

PlantedKind = Literal["spike", "step", "slow_leak", "burst", "noise", "flatline", "no_data"]
Unit = Literal["spread", "sample"]
LABEL_KIND = "planted:"
"""What the kind of a planted fault's incident label begins with."""

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PlantedFault(Record):
    """What one planted fault does to one series, within [start, end).

    A fault of scope ``service`` has a row for every series of the service, with one ``planted_id``.
    """

    planted_id: Name
    scope: Literal["series", "service"]
    kind: PlantedKind
    size: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    unit: Unit
    """``spread``: of the series just before the fault; ``sample``: how many samples are stuck or missing."""
    direction: Literal["up", "down", "none"]
    service: ServiceId
    metric_name: Name
    series: Annotated[int, Field(ge=0)]
    """Position in the dataset's list of series."""
    spread: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """One spread in the unit of the metric; 0 where size counts samples."""
    start: Instant
    end: Instant
    samples: Annotated[int, Field(ge=0)]
    """Samples changed or taken away."""
    clipped: Annotated[int, Field(ge=0)]
    """Samples held at the end of the metric's range."""

    @model_validator(mode="after")
    def _in_order(self) -> PlantedFault:
        if self.end <= self.start:
            raise ValueError("end must be after start; a planted fault is half-open [start, end)")
        return self


class PlantedMarker(BaseModel):
    """What ``dataset.yaml`` says of a copy with planted faults: never evidence, only for sensitivity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_name: Name
    from_digest: _Digest
    """Digest of the dataset as it was; taking the faults out must give it back."""
    seed: Annotated[int, Field(ge=0)]
    plan_digest: _Digest
    """Digest of the table of planted faults, which is part of this dataset's own digest."""
    margin_s: _Seconds
    """Seconds kept free between a planted fault and anything labelled."""
    spacing_s: _Seconds
    """Seconds kept free between two planted faults of one service."""
