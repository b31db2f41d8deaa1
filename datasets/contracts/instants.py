"""Instants and durations: int64 nanoseconds since 1970 UTC inside, ISO 8601 with a zone outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

_FORM = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?(Z|z|[+-]\d{2}:?\d{2})?")


def parse_instant(value: Any) -> int:
    """Nanoseconds since 1970 UTC of an ISO 8601 text with a zone, an aware datetime, or nanoseconds.

    Raises:
        ValueError: no zone, not a time, or outside what int64 nanoseconds hold (1677 to 2262).

    >>> parse_instant("1970-01-01T00:00:01.5Z")
    1500000000
    """
    if isinstance(value, bool):
        raise ValueError(f"timestamp {value!r} is not a time; write ISO 8601 with a zone")  # noqa: TRY004
    if isinstance(value, int):
        nanoseconds = value
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"timestamp {value.isoformat()!r} has no zone; add Z or an offset")
        nanoseconds = _of_datetime(value)
    elif isinstance(value, str):
        nanoseconds = _of_text(value)
    else:
        raise ValueError(f"timestamp {value!r} is not a time; write ISO 8601 with a zone")  # noqa: TRY004
    if not -(2**63) < nanoseconds < 2**63:
        raise ValueError(f"timestamp {value!r} is outside 1677 to 2262, what nanoseconds in 64 bits can hold")
    return nanoseconds


def _of_datetime(value: datetime) -> int:
    # Not by astimezone: an offset can lead out of the years that datetime has.
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000


def _of_text(text: str) -> int:
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"timestamp {text!r} is not ISO 8601 like 2026-04-26T01:20:30Z")
    day, clock, fraction, zone = match.groups()
    if zone is None:
        raise ValueError(f"timestamp {text!r} has no zone; add Z or an offset, or name the zone on import")
    whole = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'Zz' else zone}")
    return _of_datetime(whole) + int((fraction or "0").ljust(9, "0"))


def format_instant(nanoseconds: int) -> str:
    """ISO 8601 in UTC, fraction only where there is one.

    >>> format_instant(1500000000)
    '1970-01-01T00:00:01.5Z'
    """
    seconds, rest = divmod(nanoseconds, SECOND)
    # strftime pads years below 1000 differently by platform; isoformat does not.
    text = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
    return f"{text}.{f'{rest:09d}'.rstrip('0')}Z" if rest else f"{text}Z"


Instant = Annotated[
    int,
    BeforeValidator(parse_instant),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A field that is nanoseconds in memory and ISO 8601 with a zone on the wire."""
