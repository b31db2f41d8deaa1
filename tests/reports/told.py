"""Logs with alerts and incident candidates, small enough to read. Times are minutes from START."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from history import START

from titleshot.datasets.contracts.incidents import Hypothesis, IncidentCandidate, Page
from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.record import Severity
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import EVENTS, LogWriter, ReplayLog, incidents_table, pages_table


def minute(at: float) -> int:
    return START + round(at * 60) * SECOND


def alert(
    at: float,
    service: str = "db",
    policy: str = "alerted",
    flushed: bool = False,
    detector: str | None = None,
) -> dict[str, Any]:
    return {
        "event_id": f"{service}@{at:g}" if detector is None else f"{service}@{at:g} {detector}",
        "timestamp": minute(at),
        "namespace": "shop",
        "service": service,
        "metric_name": "latency_p99",
        "detector": detector,
        "policy": policy,
        "emitted_at": minute(at),
        "flushed": flushed,
    }


def candidate(
    name: str,
    alerts: Sequence[dict[str, Any]],
    *,
    causes: Sequence[tuple[str, float]] = (),
    opened: float | None = None,
    severity: Severity = "high",
    merged_into: str | None = None,
    flushed: bool = False,
) -> list[IncidentCandidate]:
    """Its opening record, with the first alert, and its closing record, with all."""
    first, last = alerts[0]["timestamp"], max((one["timestamp"] for one in alerts), default=0)
    whole = IncidentCandidate(
        incident_id=name,
        status="closed",
        severity=severity,
        services=tuple(sorted({f"shop/{one['service']}" for one in alerts})),
        event_ids=tuple(one["event_id"] for one in alerts),
        opened_at=first,
        last_event_at=last,
        emitted_at=last + 900 * SECOND,
        hypotheses=tuple(Hypothesis(service=f"shop/{s}", reason="said", confidence=c) for s, c in causes),
        merged_into=merged_into,
        correlator="made_up",
        flushed=flushed,
    )
    opening = whole.model_copy(
        update={
            "status": "opened",
            "event_ids": whole.event_ids[:1],
            "hypotheses": (),
            "merged_into": None,
            "emitted_at": first if opened is None else minute(opened),
        }
    )
    return [opening, whole]


def log(
    folder: Path,
    of: Dataset,
    alerts: Sequence[dict[str, Any]],
    candidates: Sequence[Sequence[IncidentCandidate]] = (),
    pages: Sequence[Page] = (),
    name: str = "contender",
    **about: Any,
) -> ReplayLog:
    rows = [{**dict.fromkeys(EVENTS.names), **one} for one in alerts]
    columns = [
        pa.array([row[field.name] for row in rows], pa.int64() if pa.types.is_timestamp(field.type) else None)
        for field in EVENTS
    ]
    columns = [column.cast(field.type) for column, field in zip(columns, EVENTS, strict=True)]
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
        writer.append("events", pa.table(columns, schema=EVENTS))
        writer.append("incidents", incidents_table([record for pair in candidates for record in pair]))
        writer.append("pages", pages_table(list(pages)))
    return ReplayLog(folder / f"{name}.log")


def page_of(pair: Sequence[IncidentCandidate], at: float, route: str = "on-call") -> Page:
    """A page sent for a candidate, closed a minute later."""
    return Page(
        page_id=f"{pair[0].incident_id}-{route}",
        incident_id=pair[0].incident_id,
        status="sent",
        route=route,
        severity=pair[0].severity,
        services=pair[0].services,
        opened_at=pair[0].opened_at,
        paged_at=minute(at),
        last_event_at=minute(at),
        closed_at=minute(at + 1),
    )
