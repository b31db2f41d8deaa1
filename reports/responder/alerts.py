"""The alerts of some incidents, read out of a log's events without making records of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from titleshot.datasets.contracts.incident_views import EvidenceView
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.replay_log import ReplayLog

_COLUMNS = (
    "event_id", "timestamp", "namespace", "service", "metric_name", "value", "expected", "lower_bound",
    "upper_bound", "anomaly_score", "detector", "labels", "evidence",
)  # fmt: skip
_SHOWN = _COLUMNS[4:11]


@dataclass(frozen=True)
class SaidAlert:
    """One alert of a log; ``row`` holds its columns, instants as nanoseconds UTC."""

    row: dict[str, Any]

    @property
    def service(self) -> str:
        """``namespace/service``."""
        return service_id(self.row["namespace"], self.row["service"])

    @property
    def timestamp(self) -> int:
        at: int = self.row["timestamp"]
        return at

    @property
    def metric(self) -> str:
        name: str = self.row["metric_name"]
        return name

    @property
    def score(self) -> float:
        """0 where the log has none."""
        return float(self.row["anomaly_score"] or 0.0)

    @property
    def whole(self) -> bool:
        """Whether the log has everything a responder is shown of it."""
        return None not in (self.row[name] for name in _SHOWN)

    @property
    def event_id(self) -> str:
        name: str = self.row["event_id"]
        return name

    def label(self, name: str) -> str | None:
        """What enrichment said of the service; None where it said nothing."""
        said: str | None = _object(self.row["labels"], "labels").get(name)
        return said

    def shown(self) -> EvidenceView:
        """The alert as a responder sees it."""
        said = _object(self.row["evidence"], "evidence")
        return EvidenceView(
            event_id=self.event_id,
            timestamp=self.timestamp,
            service=self.service,
            **{name: self.row[name] for name in _SHOWN},
            **{name: said.get(name) for name in ("sample_count", "baseline", "direction", "recent_deploy")},
        )


def alerts_of(log: ReplayLog, event_ids: Iterable[str]) -> dict[str, SaidAlert]:
    """The events of these ids that the log has, each once."""
    events = log.table("events")
    wanted = pa.array(sorted(set(event_ids)), pa.string())
    found = events.filter(pc.is_in(events["event_id"], value_set=wanted)).select(list(_COLUMNS))
    at = found.schema.get_field_index("timestamp")
    found = found.set_column(at, "timestamp", found["timestamp"].cast(pa.int64()))
    return {row["event_id"]: SaidAlert(row) for row in reversed(found.to_pylist())}


def _object(text: str | None, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise MalformedInput(
            f"{what} of an event are not JSON ({error}); replay the contender again"
        ) from None
    if not isinstance(found, dict):
        raise MalformedInput(f"{what} of an event are no JSON object; replay the contender again")
    return found
