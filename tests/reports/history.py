"""A history small enough to read, on disk as ``replay`` and ``import`` leave it. Times are in days."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND, format_instant, parse_instant
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey, Severity
from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.replay_log import LogWriter, ReplayLog, pages_table

START = parse_instant("2026-01-05T00:00:00Z")
MINUTES = 1 / 1440
SERVICES = ("cart", "db", "web")


def at(day: float) -> int:
    return START + round(day * 86_400) * SECOND


def page(
    day: float,
    service: str = "db",
    *more: str,
    route: str = "on-call",
    minutes: float = 1,
    severity: Severity = "high",
    probable: str | None = None,
) -> Page:
    sent = at(day)
    services = tuple(f"shop/{name}" for name in (service, *more))
    return Page(
        page_id=f"{sent}-{route}-{','.join(services)}",
        incident_id="candidate",
        status="sent",
        route=route,
        severity=severity,
        services=services,
        opened_at=sent,
        paged_at=sent,
        last_event_at=sent + round(minutes * 60 * SECOND),
        closed_at=sent + round(minutes * 60 * SECOND),
        probable_service=None if probable is None else f"shop/{probable}",
    )


def incident(
    day: float,
    root: str = "db",
    *,
    hours: float = 1.0,
    severity: Severity = "high",
    kind: str = "spike",
    source: Literal["human", "injected", "exact", "imported"] = "exact",
    known_day: float | None = None,
) -> IncidentLabel:
    start = at(day)
    return IncidentLabel(
        incident_id=f"INC-{start}-{root}",
        start=start,
        end=start + round(hours * HOUR),
        root_service=f"shop/{root}",
        severity=severity,
        kind=kind,
        source=source,
        known_at=start + DAY if known_day is None else at(known_day),
    )


def dataset(
    folder: Path,
    incidents: Sequence[IncidentLabel],
    *,
    days: float = 30,
    reference: Sequence[ReferenceRow] = (),
    name: str = "history",
    value: float = 1.0,
    **evaluation: Any,
) -> Dataset:
    """Hourly samples of three services; ``value`` makes another dataset of the same form."""
    hours = START + np.arange(0, round(days * 24), dtype=np.int64) * HOUR
    with DatasetWriter(folder / name, name=name, evaluation=Evaluation(**evaluation)) as writer:
        codes = writer.add_series([SeriesKey("shop", service, "latency_p99") for service in SERVICES])
        for code in codes:
            writer.add_samples(np.full(len(hours), code), hours, np.full(len(hours), value))
        writer.add_reference(list(reference))
        writer.add_labels(incidents=list(incidents))
    return Dataset.open(folder / name)


def log(folder: Path, pages: Sequence[Page], of: Dataset, name: str = "contender", **about: Any) -> ReplayLog:
    with LogWriter(folder / f"{name}.log") as writer:
        writer.about = {
            "contender": name,
            "recipe_digest": "0" * 64,
            "artifact_digest": None,
            "dataset": {"name": of.card.name, "digest": of.card.digest},
            "span": {"from": format_instant(of.card.span_from), "to": format_instant(of.card.span_to)},
            "opaque": False,
            **about,
        }
        writer.append("pages", pages_table(list(pages)))
    return ReplayLog(folder / f"{name}.log")
