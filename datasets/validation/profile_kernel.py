"""The compiled pass over samples: one visit a row, memory by series and period and not by rows.

Rows come in the order they arrived. Each series holds its newest ``RECENT`` timestamps in order of time, so
that a row that arrives late is still compared with its neighbours in time: repeats and gaps are exact for
rows late by fewer than ``RECENT`` samples. Older ones are handed back as *strays*, for a second pass.
"""

from __future__ import annotations

import numba
import numpy as np

RECENT = 32

ROWS, NAN, INFINITE, OUT_OF_RANGE, REPEATED, DISORDERED, FIRST, LAST, LARGEST_GAP = range(9)
COUNTERS = 9
"""Columns of ``counters``; the three last are nanoseconds."""

NEWEST, BEFORE, SOURCE, HELD, LEFT, STEP, VOTES, OUTSIDE = range(8)
CURSORS = 8
"""Columns of ``cursors``, one row a series: newest timestamp, timestamp and source row of the row before,
timestamps held, newest timestamp no longer held, the step a majority voted for, its votes, rows outside the
declared span."""

NEVER = np.iinfo(np.int64).min
FOREVER = np.iinfo(np.int64).max
SECOND = 1_000_000_000

COUNTED = (NAN, INFINITE, OUT_OF_RANGE, REPEATED, DISORDERED)
"""Defects of single rows, of which examples are kept."""


@numba.njit(cache=True, nogil=True)
def _example(kind, series, timestamp, value, row, examples, values, kept):  # type: ignore[no-untyped-def]
    at = kept[kind]
    if at < examples.shape[1]:
        examples[kind, at, 0] = series
        examples[kind, at, 1] = timestamp
        examples[kind, at, 2] = row
        values[kind, at] = value
        kept[kind] = at + 1


@numba.njit(cache=True, nogil=True)
def _slot(series, timestamp, origin, period, periods):  # type: ignore[no-untyped-def]
    index = timestamp // period - origin
    return series * periods + min(max(index, 0), periods - 1)


@numba.njit(cache=True, nogil=True)
def _step(series, before, after, slot, counters, cursors):  # type: ignore[no-untyped-def]
    """Two neighbours in time: the largest gap of the period, and a vote on the usual step."""
    step = after - before
    if step < 0:
        step = FOREVER  # centuries apart: more than 64 bits hold
    if step > counters[slot, LARGEST_GAP]:
        counters[slot, LARGEST_GAP] = step
    # Rounded, so that clocks which jitter by milliseconds still agree on a step.
    if step >= 5 * SECOND:
        step = (step + SECOND // 2) // SECOND * SECOND
    if cursors[series, VOTES] == 0:
        cursors[series, STEP] = step
        cursors[series, VOTES] = 1
    elif cursors[series, STEP] == step:
        cursors[series, VOTES] += 1
    else:
        cursors[series, VOTES] -= 1


@numba.njit(cache=True, nogil=True)
def fold(  # type: ignore[no-untyped-def]
    codes,
    timestamps,
    values,
    source_rows,
    origin,
    begin,
    end,
    period,
    periods,
    low,
    high,
    counters,
    extremes,
    cursors,
    recent,
    examples,
    example_values,
    kept,
    strays,
):
    """Fold one block into the state; returns how many strays were written to ``strays`` (row, in order).

    Slot ``series * periods + i`` is for timestamps t with ``t // period == origin + i``.
    """
    stray = 0
    for row in range(codes.size):
        series = codes[row]
        timestamp = timestamps[row]
        value = values[row]
        slot = _slot(series, timestamp, origin, period, periods)
        if timestamp < begin or timestamp >= end:
            cursors[series, OUTSIDE] += 1
        counters[slot, ROWS] += 1
        if counters[slot, ROWS] == 1:
            counters[slot, FIRST] = timestamp
            counters[slot, LAST] = timestamp
        else:
            counters[slot, FIRST] = min(counters[slot, FIRST], timestamp)
            counters[slot, LAST] = max(counters[slot, LAST], timestamp)

        if value != value:
            counters[slot, NAN] += 1
            _example(NAN, series, timestamp, value, source_rows[row], examples, example_values, kept)
        elif value == np.inf or value == -np.inf:
            counters[slot, INFINITE] += 1
            _example(INFINITE, series, timestamp, value, source_rows[row], examples, example_values, kept)
        else:
            extremes[slot, 0] = min(extremes[slot, 0], value)
            extremes[slot, 1] = max(extremes[slot, 1], value)
            if value < low[series] or value > high[series]:
                counters[slot, OUT_OF_RANGE] += 1
                _example(
                    OUT_OF_RANGE, series, timestamp, value, source_rows[row], examples, example_values, kept
                )

        held = cursors[series, HELD]
        at = held
        is_stray = timestamp <= cursors[series, LEFT]
        if timestamp > cursors[series, NEWEST]:
            cursors[series, NEWEST] = timestamp
        elif not is_stray:
            while at > 0 and recent[series, at - 1] > timestamp:
                at -= 1
            if at > 0 and recent[series, at - 1] == timestamp:
                counters[slot, REPEATED] += 1
                _example(REPEATED, series, timestamp, value, source_rows[row], examples, example_values, kept)
                continue  # never used, so it puts nothing out of order either

        if timestamp < cursors[series, BEFORE] or source_rows[row] < cursors[series, SOURCE]:
            counters[slot, DISORDERED] += 1
            _example(DISORDERED, series, timestamp, value, source_rows[row], examples, example_values, kept)
        cursors[series, BEFORE] = timestamp
        cursors[series, SOURCE] = source_rows[row]

        if is_stray:
            strays[stray] = row
            stray += 1
            continue
        if held == recent.shape[1]:
            # Let the older half go at once: moving them one by one would cost a pass a row.
            half = held // 2
            for index in range(half):
                before = cursors[series, LEFT] if index == 0 else recent[series, index - 1]
                if before != NEVER:
                    after = recent[series, index]
                    _step(
                        series,
                        before,
                        after,
                        _slot(series, after, origin, period, periods),
                        counters,
                        cursors,
                    )
            cursors[series, LEFT] = recent[series, half - 1]
            for index in range(half, held):
                recent[series, index - half] = recent[series, index]
            held -= half
            at -= half
            if at < 0:
                # Late by more than is held now: its neighbours have left.
                cursors[series, HELD] = held
                strays[stray] = row
                stray += 1
                continue
        for index in range(held, at, -1):
            recent[series, index] = recent[series, index - 1]
        recent[series, at] = timestamp
        cursors[series, HELD] = held + 1
    return stray


@numba.njit(cache=True, nogil=True)
def finish(origin, period, periods, counters, cursors, recent):  # type: ignore[no-untyped-def]
    """Let go of the timestamps still held: the stream has ended."""
    for series in range(cursors.shape[0]):
        before = cursors[series, LEFT]
        for index in range(cursors[series, HELD]):
            after = recent[series, index]
            if before != NEVER:
                _step(series, before, after, _slot(series, after, origin, period, periods), counters, cursors)
            before = after
        cursors[series, LEFT] = before
        cursors[series, HELD] = 0


@numba.njit(cache=True, nogil=True)
def settle(  # type: ignore[no-untyped-def]
    codes,
    timestamps,
    values,
    source_rows,
    start,
    origin,
    period,
    periods,
    key_from,
    key_timestamps,
    seen,
    stray_rows,
    next_stray,
    counters,
    examples,
    example_values,
    kept,
):
    """Second pass: a stray repeats where its (series, timestamp) was already seen. Returns the next stray.

    ``key_timestamps[key_from[s]:key_from[s + 1]]`` are the sorted distinct stray timestamps of series s.
    """
    for row in range(codes.size):
        series = codes[row]
        is_stray = next_stray < stray_rows.size and stray_rows[next_stray] == start + row
        if is_stray:
            next_stray += 1
        left, right = key_from[series], key_from[series + 1]
        timestamp = timestamps[row]
        if left == right or timestamp < key_timestamps[left] or timestamp > key_timestamps[right - 1]:
            continue
        while left < right:
            middle = (left + right) // 2
            if key_timestamps[middle] < timestamp:
                left = middle + 1
            else:
                right = middle
        if key_timestamps[left] != timestamp:
            continue
        if is_stray and seen[left]:
            counters[_slot(series, timestamp, origin, period, periods), REPEATED] += 1
            _example(
                REPEATED, series, timestamp, values[row], source_rows[row], examples, example_values, kept
            )
        seen[left] = True
    return next_stray
