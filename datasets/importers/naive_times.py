"""Times without a zone: read in the zone the user or the format names, counted, else refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import MINUTE, SECOND, parse_instant
from titleshot.datasets.errors import UsageError
from titleshot.datasets.nearest import nearest

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock's
_BUCKET = 15 * MINUTE
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
        self.skipped = 0
        """Those of them within an hour that a clock change skipped."""
        self.repeated = 0
        """Those of them within an hour that a clock change repeated."""
        self._tzinfo = _zone(zone)

    @property
    def at_clock_changes(self) -> int:
        """Times without a zone within an hour that was skipped or repeated."""
        return self.skipped + self.repeated

    def use(self, zone: str) -> None:
        """Read times without a zone in this zone, as the source itself says.

        Raises:
            UsageError: no such zone, or another was named already.
        """
        if self.zone is not None and self.zone != zone:
            raise UsageError(
                f"zone {zone!r} is said by the source and {self.zone!r} by --zone; say one of them"
            )
        self.zone, self._tzinfo = zone, _zone(zone)

    def instant(self, given: object, times: int = 1) -> int:
        """Nanoseconds UTC of one time that occurs ``times`` times.

        Raises:
            ValueError: no time; or no zone, and none was named.
        """
        match = _NAIVE.fullmatch(given) if isinstance(given, str) and self._tzinfo is not None else None
        if match is None:
            return parse_instant(given)
        day, clock, fraction = match.groups()
        local = datetime.fromisoformat(f"{day}T{clock}")
        offset_s, change = self._offset(local)
        self._count(times, change)
        since = local - _EPOCH
        whole = (since.days * 86_400 + since.seconds - offset_s) * SECOND
        return parse_instant(whole + int((fraction or "0").ljust(9, "0")))

    def instants(self, local: NDArray[np.int64]) -> NDArray[np.int64]:
        """Nanoseconds UTC of many times without a zone, all of them used.

        Args:
            local: int64[n], nanoseconds from 1970 to what the clock showed, as if it had shown UTC;
                within 1678 to 2261.
        """
        self.read += len(local)
        if self._tzinfo is UTC:
            return local
        buckets, inverse = np.unique(local // _BUCKET, return_inverse=True)
        offsets = np.zeros(len(buckets), np.int64)
        unclear = []
        for at, bucket in enumerate(buckets.tolist()):
            first, last = (
                self._offset(_EPOCH + timedelta(seconds=seconds))
                for seconds in (bucket * _BUCKET // SECOND, (bucket + 1) * _BUCKET // SECOND - 1)
            )
            offsets[at] = first[0] * SECOND
            if first != last or first[1]:
                unclear.append(at)
        found: NDArray[np.int64] = local - offsets[inverse]
        for row in np.flatnonzero(np.isin(inverse, unclear)) if unclear else ():
            offset_s, change = self._offset(_EPOCH + timedelta(seconds=int(local[row]) // SECOND))
            self._count(1, change, read=0)
            found[row] = local[row] - offset_s * SECOND
        return found

    def _count(self, times: int, change: int, *, read: int = 1) -> None:
        self.read += times * read
        self.skipped += times * (change > 0)
        self.repeated += times * (change < 0)

    def _offset(self, local: datetime) -> tuple[int, int]:
        """Seconds east of UTC, the earlier ones where there are two, and how much the later have more."""
        before, after = (
            _seconds(local.replace(tzinfo=self._tzinfo, fold=fold).utcoffset()) for fold in (0, 1)
        )
        return before, after - before


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset.days * 86_400 + offset.seconds


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
