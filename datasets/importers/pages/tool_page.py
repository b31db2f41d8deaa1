"""A page in its tool's own words, and the contract of what reads one tool's export."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from titleshot.datasets.contracts.instants import SECOND, parse_instant
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.quarantine import Quarantine

KIND = "pages"
"""What set-aside rows of a history are called: ``quarantine/pages.parquet`` of the log."""
_FORM = re.compile(
    r"(\d{4})[-/](\d{2})[-/](\d{2})(?:T|\s+)(\d{2}:\d{2})(?::(\d{2}))?(?:[.,:](\d{1,9}))?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"(\d{9,19})(?:\.(\d{1,9}))?")


class Found(NamedTuple):
    """One record of an export, and where it stood."""

    source: str
    row: int
    record: dict[str, Any]


@dataclass(frozen=True)
class ToolPage:
    """One page as the tool tells it; instants in nanoseconds UTC."""

    page_id: str
    paged_at: int
    names: tuple[str, ...]
    """The tool's own names of the services it was about."""
    severity: str
    """The tool's own word."""
    route: str
    title: str
    opened_at: int
    closed_at: int | None
    """None: the export knows of no end."""
    last_event_at: int
    source: str
    row: int


class Unusable(Exception):
    """This record is no page: it is set aside and the run goes on. ``reason`` is a short word to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass
class Reading:
    """What readers share: how times are read, where records are set aside, and what was counted."""

    naive: NaiveTimes
    quarantine: Quarantine
    service_fields: tuple[str, ...] = ()
    """Fields or labels that name the service, as the user says; empty: those of the tool."""
    counts: Counter[str] = field(default_factory=Counter)

    def aside(self, reason: str, detail: str, source: str, row: int, record: Mapping[str, Any] | str) -> None:
        """Set one record aside."""
        self.quarantine.add(KIND, reason, detail, source, row, record)

    def instant(self, given: object, what: str) -> int:
        """Nanoseconds UTC of a time as exports write them.

        ISO 8601 with ``-`` or ``/``, with or without seconds and zone, or a number since 1970, whose size
        tells seconds (below 1e11) from milli-, micro- and nanoseconds.

        Raises:
            Unusable: no time, or one without a zone where none was named.
        """
        try:
            return self._instant(given)
        except (ValueError, TypeError, OverflowError) as error:
            reason = f"{what}: no zone" if "no zone" in str(error) else f"{what}: no time"
            raise Unusable(reason, f"{what}: {error}") from None

    def _instant(self, given: object) -> int:
        if isinstance(given, bool):
            raise ValueError(f"{given!r} is not a time")  # noqa: TRY004
        if isinstance(given, (int, float)):
            given = f"{given:.0f}" if isinstance(given, float) else str(given)
        text = str(given).strip()
        if number := _EPOCH.fullmatch(text):
            return parse_instant(_since_epoch(*number.groups()))
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(f"{text[:60]!r} is no time like 2026-04-26T01:20:30Z")
        year, month, day, minute, second, fraction, zone = form.groups()
        clock = f"{minute}:{second or '00'}{f'.{fraction}' if fraction else ''}"
        return self.naive.instant(f"{year}-{month}-{day}T{clock}{_offset(zone)}")


def _since_epoch(whole: str, fraction: str | None) -> int:
    number = int(whole)
    for limit, unit in ((10**11, SECOND), (10**14, 10**6), (10**17, 10**3)):
        if number < limit:
            return number * unit + int((fraction or "0").ljust(9, "0")) * unit // SECOND
    return number


def _offset(zone: str | None) -> str:
    if zone is None:
        return ""
    if zone.upper() in {"Z", "UTC", "GMT"}:
        return "Z"
    return f"{zone}:00" if len(zone) == 3 else zone


class Tool(ABC):
    """Reads the records of one tool's export. ``page_of`` is enough where a record is a page."""

    name: ClassVar[str]
    """The word of the command line, and the contender's name."""
    title: ClassVar[str]
    """The tool, in words."""
    rules: ClassVar[tuple[str, ...]]
    """What was decided about this tool, for the log and its readers."""

    def pages(self, records: Iterable[Found], reading: Reading) -> Iterator[ToolPage]:
        """The pages in an export's records; what is none is set aside."""
        for found in records:
            try:
                yield self.page_of(found, reading)
            except Unusable as error:
                reading.aside(error.reason, str(error), found.source, found.row, found.record)

    @abstractmethod
    def page_of(self, found: Found, reading: Reading) -> ToolPage:
        """The page in one record.

        Raises:
            Unusable: there is none.
        """
