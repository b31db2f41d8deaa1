"""What people said afterwards: incident labels and feedback on pages. Both arrive late and only grow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record, Severity
from titleshot.datasets.contracts.reference import ServiceId
from titleshot.datasets.contracts.telemetry import Name

FeedbackVerdict = Literal["useful", "noisy", "late", "duplicated", "dangerous"]


class IncidentLabel(Record):
    """What really happened, within [start, end).

    A later row with the same ``incident_id`` and a later ``known_at`` replaces an earlier one;
    ``retracted`` takes it back.
    """

    incident_id: Name
    start: Instant
    end: Instant
    root_service: ServiceId
    affected_services: tuple[ServiceId, ...] = ()
    """Empty means: not labelled; the scorer then takes the root and its callers."""
    severity: Severity
    kind: Name
    source: Literal["human", "injected", "exact", "imported"]
    known_at: Instant
    deploy: str | None = None
    """Version of the guilty deploy, where one was."""
    notes: str = ""
    retracted: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> IncidentLabel:
        if self.end <= self.start:
            raise ValueError("end must be after start; an incident is half-open [start, end)")
        return self


class FeedbackLabel(Record):
    """A responder's answers on one page: few, so that tired people fill them in."""

    feedback_id: Name
    page_id: Name
    verdict: FeedbackVerdict
    hypothesis_right: bool | None = None
    severity_right: bool | None = None
    actual_service: ServiceId | None = None
    reviewer: Name
    labelled_at: Instant
    comment: str = Field(default="", max_length=10_000)
