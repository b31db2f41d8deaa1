"""Times without a zone: read in the zone the user or the format names, counted, else refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from titleshot.datasets.contracts.instants import SECOND, parse_instant
from titleshot.datasets.errors import UsageError
from titleshot.datasets.nearest import nearest

_NAIVE = re.compile(r"\s*(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s*")


class NaiveTimes:
    """Reads times, those without a zone as in ``zone``, and counts those.

    An hour that a clock change skips or repeats has no one answer: the earlier offset is taken and the times
    are counted.

    >>> times = NaiveTimes("Europe/Berlin")
    >>> times.instant("2026-07-01 12:00:00") == parse_instant("2026-07-01T10:00:00Z")
    True
    >>> times.read
    1
    """

    def __init__(self, zone: str | None) -> None:
        self.zone = zone
        self.read = 0
        """Times without a zone that were read."""
        self.at_clock_changes = 0
        """Those of them within an hour that was skipped or repeated."""
        self._tzinfo = _zone(zone)

    def instant(self, given: object, times: int = 1) -> int:
        """Nanoseconds UTC of one time that occurs ``times`` times.

        Raises:
            ValueError: no time; or no zone, and none was named.
        """
        match = _NAIVE.fullmatch(given) if isinstance(given, str) and self._tzinfo is not None else None
        if match is None:
            return parse_instant(given)
        day, clock, fraction = match.groups()
        local = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=self._tzinfo)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            self.at_clock_changes += times
        self.read += times
        since = local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        whole = (since.days * 86_400 + since.seconds) * SECOND
        return parse_instant(whole + int((fraction or "0").ljust(9, "0")))


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    if name.upper() in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(zone for zone in available_timezones() if "/" in zone)
        hint = nearest(name, known) if known else "; this machine has no time zone data, only UTC"
        if len(hint) > 200:  # all of them is no help
            hint = "; give a name like Europe/Berlin, or UTC"
        raise UsageError(f"zone {name!r} is unknown{hint}") from None
