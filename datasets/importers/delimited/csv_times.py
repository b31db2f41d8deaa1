"""Times as ISO 8601 or as counts since 1970 inside the compiled scan of CSV: exact, or said to be in doubt.

:mod:`csv_kernel` calls these; numba's cache of it notices a change here only when that file changes too.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NAIVE = 32_767
"""Offset of a time without a zone; others are minutes east of UTC. A count since 1970 has offset 0."""

_SECOND = 1_000_000_000
_ZERO, _MINUS, _PLUS, _SPACE, _DOT, _COMMA, _COLON = 48, 45, 43, 32, 46, 44, 58
_WHOLE_TENS = 10 ** np.arange(19, dtype=np.int64)
_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@njit(cache=True, nogil=True)
def _two(data, at):  # type: ignore[no-untyped-def]
    """Two digits as a number; 100 or more where they are none."""
    tens, ones = np.int64(data[at]) - _ZERO, np.int64(data[at + 1]) - _ZERO
    if 0 <= tens <= 9 and 0 <= ones <= 9:
        return tens * 10 + ones
    return 1000


@njit(cache=True, nogil=True)
def _instant(data, start, end):  # type: ignore[no-untyped-def]
    """An ISO 8601 time as (nanoseconds UTC, offset or NAIVE, whether certain); naive: as if it were UTC."""
    wrong = (np.int64(0), 0, False)
    if end - start < 19 or data[start + 4] != _MINUS or data[start + 7] != _MINUS:
        return wrong
    if (data[start + 10] != 84 and data[start + 10] != _SPACE) or data[start + 13] != _COLON:
        return wrong
    year = _two(data, start) * 100 + _two(data, start + 2)
    month, day = _two(data, start + 5), _two(data, start + 8)
    hour, minute, second = _two(data, start + 11), _two(data, start + 14), _two(data, start + 17)
    if data[start + 16] != _COLON or not 1678 <= year <= 2261 or not 1 <= month <= 12:
        return wrong
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS[month] or (month == 2 and day == 29 and not leap):
        return wrong
    if hour > 23 or minute > 59 or second > 59:
        return wrong
    at = start + 19
    fraction = np.int64(0)
    if at < end and (data[at] == _DOT or data[at] == _COMMA):
        at += 1
        digits = 0
        while at < end and data[at] >= _ZERO and data[at] <= _ZERO + 9:
            if digits == 9:
                return wrong
            fraction = fraction * 10 + np.int64(data[at]) - _ZERO
            digits += 1
            at += 1
        if digits == 0:
            return wrong
        fraction *= _WHOLE_TENS[9 - digits]
    offset = NAIVE
    if at < end:
        if data[at] == 90 or data[at] == 122:  # Z, z
            offset = 0
            at += 1
        elif (data[at] == _PLUS or data[at] == _MINUS) and end - at >= 5:
            colon = 1 if data[at + 3] == _COLON else 0
            if end - at < 5 + colon:
                return wrong
            hours, minutes = _two(data, at + 1), _two(data, at + 3 + colon)
            if hours > 23 or minutes > 59:
                return wrong
            offset = hours * 60 + minutes
            if data[at] == _MINUS:
                offset = -offset
            at += 5 + colon
        if at != end:
            return wrong
    # Days since 1970 of a year that begins in March, so that the leap day is its last.
    march = year - (1 if month <= 2 else 0)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = march * 365 + march // 4 - march // 100 + march // 400 + of_year - 719_468
    seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    if offset != NAIVE:
        seconds -= offset * 60
    return seconds * _SECOND + fraction, offset, True


@njit(cache=True, nogil=True)
def _epoch(data, start, end, unit):  # type: ignore[no-untyped-def]
    """A count of units of ``unit`` nanoseconds since 1970 as (nanoseconds, 0, whether certain)."""
    wrong = (np.int64(0), 0, False)
    at = start
    negative = at < end and data[at] == _MINUS
    if negative:
        at += 1
    first, whole = at, np.int64(0)
    while at < end and data[at] >= _ZERO and data[at] <= _ZERO + 9:
        whole = whole * 10 + np.int64(data[at]) - _ZERO
        at += 1
    if at == first or at - first > 18 or whole > 9_000_000_000_000_000_000 // unit:
        return wrong
    instant, part = whole * unit, unit
    if at < end and data[at] == _DOT:
        at += 1
        if at == end:
            return wrong
        while at < end and data[at] >= _ZERO and data[at] <= _ZERO + 9:
            digit = np.int64(data[at]) - _ZERO
            if part % 10 != 0 and digit != 0:
                return wrong
            part //= 10
            instant += digit * part
            at += 1
    return (-instant if negative else instant), 0, at == end


@njit(cache=True, nogil=True)
def time_of(data, start, end, unit):  # type: ignore[no-untyped-def]
    if unit:
        return _epoch(data, start, end, unit)
    return _instant(data, start, end)
