"""The anomaly event: what a detector says, with the evidence behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from titleshot.datasets.contracts.instants import Instant, parse_instant
from titleshot.datasets.contracts.record import Record, SeriesKey, canonical_json
from titleshot.datasets.contracts.telemetry import Name, Namespace

Policy = Literal["alerted", "held_min_length", "held_cooldown", "held_maintenance"]


class Evidence(BaseModel):
    """Why a detector spoke. Detectors may add fields of their own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    sample_count: int | None = None
    """Samples the expectation rests on."""
    baseline: str | None = None
    """Which expectation it is, in words: ``previous 20 samples``, ``Monday 09:00 over 4 weeks``."""
    direction: Literal["high", "low"] | None = None
    missing_samples: int | None = None
    recent_deploy: str | None = None
    tail_probability: float | None = None


class AnomalyEvent(Record):
    """One value that was strange, as strange as ``anomaly_score`` says.

    ``anomaly_score = u / (1 + u)`` with u in units of the detector's threshold: 0.5 is just strange
    enough, 0.67 twice as strange, nothing saturates. Range [0, 1).
    """

    VERSION: ClassVar[str] = "1.1"

    schema_version: str = "1.1"
    event_type: Literal["anomaly"] = "anomaly"
    event_id: str = ""
    timestamp: Instant
    namespace: Namespace
    service: Name
    metric_name: Name
    series_labels: dict[str, str] = Field(default_factory=dict)
    window_seconds: float | None = None
    value: float
    expected: float
    lower_bound: float
    upper_bound: float
    anomaly_score: Annotated[float, Field(ge=0, le=1)]
    detector: Name
    labels: dict[str, str] = Field(default_factory=dict)
    evidence: Evidence = Field(default_factory=Evidence)

    @model_validator(mode="before")
    @classmethod
    def _derive_id(cls, data: Any) -> Any:
        # 1.0 events carry no id: derive it, so that redelivery is recognised.
        if isinstance(data, dict) and not data.get("event_id"):
            try:
                key = SeriesKey(
                    data["namespace"],
                    data["service"],
                    data["metric_name"],
                    canonical_json(data.get("series_labels", {})),
                )
                return {**data, "event_id": event_id(data["detector"], key, parse_instant(data["timestamp"]))}
            except (KeyError, ValueError, TypeError):
                return data  # the field checks say what is wrong
        return data

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(self.namespace, self.service, self.metric_name, canonical_json(self.series_labels))


def event_prefix(detector: str, key: SeriesKey) -> bytes:
    """What every event id of one detector on one series starts from."""
    return hashlib.sha256(canonical_json([detector, *key]).encode()).digest()


def event_id(detector: str, key: SeriesKey, timestamp: int) -> str:
    """32 hex digits from (detector string, series, timestamp), equal however the event arrived.

    >>> event_id("rolling_z_score", SeriesKey("commerce", "checkout-api", "latency_p99"), 0)[:8]
    '05af595a'
    """
    return event_ids([event_prefix(detector, key)], [timestamp])[0]


def event_ids(prefixes: Sequence[bytes], timestamps: Sequence[int]) -> list[str]:
    """The ids of many events at once, from the prefix and the timestamp of each."""
    return [
        hashlib.blake2b(prefix + timestamp.to_bytes(8, "big", signed=True), digest_size=16).hexdigest()
        for prefix, timestamp in zip(prefixes, timestamps, strict=True)
    ]
