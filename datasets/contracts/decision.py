"""The operational decision a contender exists for; without one nothing is registered."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.telemetry import Name

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]


class Owners(BaseModel):
    """Who answers for each part; a part nobody owns is a reason not to build it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Name
    model: Name
    runtime: Name
    feedback: Name


class Decision(Record):
    """``decision.yaml``: what improves, for whom, how it is measured, who owns it."""

    name: ModelName
    """Name of the model in the registry."""
    decision: Annotated[str, Field(min_length=20)]
    """A concrete sentence: page WHO within HOW LONG when WHAT."""
    services: tuple[Name, ...] = Field(min_length=1)
    """Service ids or globs such as ``commerce/checkout-*``."""
    detect_within_s: Annotated[float, Field(gt=0)]
    """The delay after which a page no longer helps; caps the paired comparison of delays."""
    success_score: Name
    human_workflow: Annotated[str, Field(min_length=10)]
    owners: Owners
