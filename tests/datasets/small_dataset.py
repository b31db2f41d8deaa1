"""A clean dataset of two days with something in every table, small enough to be validated in a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import (
    Alias,
    Deploy,
    Maintenance,
    Ownership,
    PlannedChange,
    ReferenceRow,
    Tier,
    TopologyEdge,
)
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import CARD, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.sample_files import NO_INSTANT
from titleshot.datasets.validation.thresholds import Thresholds

START = 20_000 * DAY
STEP = 5 * MINUTE
STEPS = 576
SERVICES = ("cart", "checkout", "payment")


@dataclass
class Small:
    """A defect changes it before it is written, or the folder after."""

    samples: list[list[Any]] = field(default_factory=list)
    """[service, metric_name, timestamp, value, ingested_at or None], in source order."""
    reference: list[ReferenceRow] = field(default_factory=list)
    incidents: list[IncidentLabel] = field(default_factory=list)
    feedback: list[FeedbackLabel] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    log_events: list[LogEvent] = field(default_factory=list)
    platform_events: list[PlatformEvent] = field(default_factory=list)
    created_at: int = START + 3 * DAY
    cadence_s: float | None = 300.0
    domains: dict[str, list[str]] = field(default_factory=dict)
    evaluation: Evaluation = field(default_factory=Evaluation)
    thresholds: Thresholds = field(default_factory=Thresholds)
    report: dict[str, Any] = field(default_factory=dict)
    quarantined: int = 0

    def write(self, path: Path) -> Dataset:
        with DatasetWriter(
            path,
            name="small",
            cadence_s=self.cadence_s,
            created_at=self.created_at,
            evaluation=self.evaluation,
            correlation_domains=self.domains,
        ) as writer:
            codes = writer.add_series([SeriesKey("commerce", row[0], row[1]) for row in self.samples])
            arrived = [NO_INSTANT if row[4] is None else row[4] for row in self.samples]
            writer.add_samples(
                codes,
                np.array([row[2] for row in self.samples], np.int64),
                np.array([row[3] for row in self.samples], np.float64),
                np.array(arrived, np.int64),
            )
            writer.add_reference(self.reference)
            writer.add_labels(self.incidents, self.feedback, self.pages)
            writer.add_log_events(self.log_events)
            writer.add_platform_events(self.platform_events)
            for row in range(self.quarantined):
                writer.quarantine(
                    "samples", "bad_value", "value 'x' is text", "a.csv", row + 1, {"value": "x"}
                )
            writer.report.update(self.report)
        card = Dataset.open(path).card.model_copy(update={"validation": self.thresholds})
        (path / CARD).write_text(card.to_yaml(), encoding="utf-8")
        return Dataset.open(path)

    def sample(self, service: str, step: int) -> list[Any]:
        """The sample of a service's latency at a step, to be changed."""
        at = START + step * STEP
        return next(row for row in self.samples if row[:3] == [service, "latency_p99", at])

    def series(self, service: str, metric: str, times: list[int], values: list[float]) -> None:
        """Add a series."""
        self.samples += [[service, metric, at, value, None] for at, value in zip(times, values, strict=True)]


def incident(**changes: Any) -> IncidentLabel:
    given = {
        "incident_id": "inc-1",
        "start": START + 30 * HOUR,
        "end": START + 31 * HOUR,
        "root_service": "commerce/payment",
        "affected_services": ("commerce/checkout",),
        "severity": "high",
        "kind": "step",
        "source": "human",
        "known_at": START + 40 * HOUR,
        "deploy": "v2",
    }
    return IncidentLabel.model_validate({**given, **changes})


def feedback(**changes: Any) -> FeedbackLabel:
    given = {
        "feedback_id": "f-1",
        "page_id": "page-1",
        "verdict": "useful",
        "reviewer": "ana",
        "labelled_at": START + 33 * HOUR,
        "actual_service": "commerce/payment",
    }
    return FeedbackLabel.model_validate({**given, **changes})


def page(**changes: Any) -> Page:
    given = {
        "page_id": "page-1",
        "incident_id": "story-1",
        "status": "sent",
        "route": "shop",
        "severity": "high",
        "services": ("commerce/payment",),
        "opened_at": START + 30 * HOUR,
        "paged_at": START + 30 * HOUR + 2 * MINUTE,
        "last_event_at": START + 30 * HOUR,
    }
    return Page.model_validate({**given, **changes})


def log_event(**changes: Any) -> LogEvent:
    given = {"timestamp": START + HOUR, "namespace": "commerce", "service": "cart"}
    return LogEvent.model_validate({**given, "level": "error", "template": "timeout", **changes})


def platform_event(**changes: Any) -> PlatformEvent:
    given = {"timestamp": START + HOUR, "namespace": "commerce", "service": "cart"}
    return PlatformEvent.model_validate({**given, "reason": "OOMKilled", **changes})


def clean() -> Small:
    small = Small()
    for step in range(STEPS):
        small.samples += [
            [service, "latency_p99", START + step * STEP, 0.2 + step / 1e4, None] for service in SERVICES
        ]
    since = {"valid_from": START, "known_from": START}
    window = {"valid_from": START + 5 * HOUR, "valid_to": START + 6 * HOUR, "known_from": START}
    small.reference = [
        TopologyEdge(caller="commerce/cart", callee="commerce/checkout", **since),
        TopologyEdge(caller="commerce/checkout", callee="commerce/payment", **since),
        # Services that call each other in a ring are a fact, not a fault.
        TopologyEdge(caller="commerce/payment", callee="commerce/cart", **since),
        *(Ownership(service=f"commerce/{name}", team="shop", **since) for name in SERVICES),
        *(Tier(service=f"commerce/{name}", tier="high", **since) for name in SERVICES),
        Deploy(service="commerce/payment", version="v1", valid_from=START - DAY, known_from=START - DAY),
        Deploy(service="commerce/payment", version="v2", valid_from=START + HOUR, known_from=START + HOUR),
        Maintenance(service="commerce/cart", reason="disk", **window),
        PlannedChange(service="commerce/cart", change="canary", **window),
        Alias(service="commerce/cart", alias="legacy/basket", **since),
    ]
    small.incidents = [
        incident(),
        incident(
            incident_id="inc-2",
            start=START + 10 * HOUR,
            end=START + 11 * HOUR,
            root_service="legacy/basket",
            affected_services=(),
            deploy=None,
        ),
    ]
    small.pages = [page(), page(page_id="page-2", status="sent", route="web", closed_at=START + 31 * HOUR)]
    small.feedback = [feedback(), feedback(feedback_id="f-2", page_id="story-1")]
    small.log_events = [log_event(), log_event(template="retry")]
    small.platform_events = [platform_event()]
    small.domains = {"shop": ["commerce/cart"]}
    return small
