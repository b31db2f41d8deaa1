"""Local time as numbers: from when on which offset from UTC holds in a zone, and which days are holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from titleshot.datasets.contracts.instants import SECOND

_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
_START = -(2**62)


@lru_cache(maxsize=64)
def offsets_of(zone: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Instants from which on an offset holds, and the offset added to UTC; both in ns, from 1990 to 2060.

    Before and after them the first and the last offset hold.

    Raises:
        ValueError: no zone of that name is known here.

    >>> since, offset = offsets_of("Europe/Berlin")
    >>> sorted(set((offset // 3_600_000_000_000).tolist()))
    [1, 2]
    """
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"time zone {zone!r} is not known here; name one as in Europe/Berlin, or install tzdata"
        ) from None
    since, offsets = [_START], [_offset(_FIRST, known)]
    day = _FIRST
    while day < _LAST:
        after = day + timedelta(days=1)
        if _offset(after, known) != offsets[-1]:
            low, high = day, after
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if _offset(middle, known) == offsets[-1] else (low, middle)
            since.append(round(high.timestamp()) * SECOND)
            offsets.append(_offset(high, known))
        day = after
    return np.array(since, np.int64), np.array(offsets, np.int64)


def days_of(dates: tuple[date, ...]) -> npt.NDArray[np.int64]:
    """Days since 1970 of dates, in order."""
    return np.array(sorted({(day - date(1970, 1, 1)).days for day in dates}), np.int64)


def _offset(at: datetime, zone: ZoneInfo) -> int:
    shift = at.astimezone(zone).utcoffset() or timedelta(0)
    return round(shift.total_seconds()) * SECOND
