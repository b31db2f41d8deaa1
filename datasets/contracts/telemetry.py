"""What a platform says of itself: samples, log events, platform events, and ticks of the clock."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record, SeriesKey, canonical_json

Namespace = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[^/\x00-\x1f]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+$")]


def _value(raw: object) -> object:
    # JSON has no NaN: null, "NaN" and "+Inf" are how exporters write a sample that is no number.
    if raw is None:
        return float("nan")
    if isinstance(raw, bool):
        raise ValueError("a boolean is not a sample value; write 1 or 0")  # noqa: TRY004
    if isinstance(raw, str) and raw.strip().lower() not in {"nan", "inf", "+inf", "-inf"}:
        raise ValueError(f"value {raw!r} is text; write a number")
    return raw


def _json_value(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{value:+}".title()


Value = Annotated[
    float,
    BeforeValidator(_value),
    PlainSerializer(_json_value, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["number", "null"]},
                {"type": "string", "pattern": r"^\s*([Nn][Aa][Nn]|[+-]?[Ii][Nn][Ff])\s*$"},
            ]
        }
    ),
]
"""A number, or what is no number in the words of exporters; NaN and infinities in memory."""


class Sample(Record):
    """One value of one series. Non-finite values are kept, counted and never scored."""

    timestamp: Instant
    namespace: Namespace
    service: Name
    metric_name: Name
    value: Value
    series_labels: dict[str, str] = Field(default_factory=dict)
    ingested_at: Instant | None = None

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(self.namespace, self.service, self.metric_name, canonical_json(self.series_labels))


class LogEvent(Record):
    """A log line's template and level, ``count`` times since the last one."""

    timestamp: Instant
    namespace: Namespace
    service: Name
    level: Literal["debug", "info", "warning", "error", "fatal"]
    template: Name
    count: Annotated[int, Field(ge=1)] = 1
    ingested_at: Instant | None = None


class PlatformEvent(Record):
    """What the platform did to a service: OOMKilled, rollout, eviction …"""

    timestamp: Instant
    namespace: Namespace
    service: Name
    reason: Name
    message: str = ""
    ingested_at: Instant | None = None


class Tick(Record):
    """Time moved to ``timestamp`` and everything that arrived until then has been said."""

    timestamp: Instant
