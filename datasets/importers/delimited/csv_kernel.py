"""The compiled pass over lines of CSV: cells into instants, numbers and series, where that is beyond doubt.

What is not plain (doubled or stray quotes, a carriage return inside, another count of cells, a time or number
of any other form) is left to the rules in :mod:`csv_rules`; a row that is called sure is what they would say.
Identities are looked up by their bytes in a table of those met before; the one that followed the row before
the last time is tried first, so that a file which repeats its series in one order is compared and not hashed.

``data`` must hold a line feed at ``stop`` and :data:`csv_machine.PADDING` bytes after it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from titleshot.datasets.importers.delimited.csv_machine import word
from titleshot.datasets.importers.delimited.csv_numbers import number
from titleshot.datasets.importers.delimited.csv_times import time_of

IGNORED, TIMESTAMP, INGESTED, IDENTITY, VALUE = range(5)
"""What a column is for."""

DONE, FULL, GROW, OPEN = range(4)
"""Why a scan ended: at ``stop``; no room for rows; no room for identities; a quoted cell holds a line end."""

SURE, UNSURE = 1, 0
NUMBER, EMPTY, UNDECIDED = range(3)
"""What a value's cell is; an undecided one is listed with its place."""

ROWS, POSITION, LINE, ENTRIES, ARENA, PREVIOUS, DOUBTS = range(7)
"""Cursors: rows of this scan, next byte, its line, identities so far, their bytes, the last row's, doubts."""

NO_INSTANT = np.iinfo(np.int64).min
_QUOTE, _LF, _CR, _SPACE, _TAB = 34, 10, 13, 32, 9
_PLAIN, _QUOTES, _ODD, _UNCLOSED = range(4)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True, forceinline=True)
def _same(data, at, arena, start, length):  # type: ignore[no-untyped-def]
    done = 0
    while done + 8 <= length:
        if word(data, at + done) != word(arena, start + done):
            return False
        done += 8
    left = length - done
    if left == 0:
        return True
    different = word(data, at + done) ^ word(arena, start + done)
    return (different << np.uint64(64 - 8 * left)) == np.uint64(0)


@njit(cache=True, nogil=True)
def _hash(hashed, data, start, end):  # type: ignore[no-untyped-def]
    at = start
    while at + 8 <= end:
        hashed = (hashed ^ word(data, at)) * _MULTIPLIER
        hashed ^= hashed >> np.uint64(29)
        at += 8
    left = end - at
    if left:
        rest = word(data, at) << np.uint64(64 - 8 * left)
        hashed = (hashed ^ rest) * _MULTIPLIER
        hashed ^= hashed >> np.uint64(29)
    return (hashed ^ np.uint64(end - start)) * _MULTIPLIER


@njit(cache=True, nogil=True, forceinline=True)
def _ends(data, at, delimiter):  # type: ignore[no-untyped-def]
    """Whether a cell may end before ``at``."""
    byte = data[at]
    return (byte == delimiter) | (byte == _LF) or (byte == _CR and data[at + 1] == _LF)


@njit(cache=True, nogil=True)
def _cell(data, at, delimiter):  # type: ignore[no-untyped-def]
    """A cell as (start, end, the place of what ends it, how it is written)."""
    how = _PLAIN
    if data[at] == _QUOTE:
        start = at = at + 1
        while True:
            byte = data[at]
            if byte == _QUOTE:
                if data[at + 1] != _QUOTE:
                    break
                how = max(how, _QUOTES)
                at += 1
            elif byte == _LF:
                return start, at, at, _UNCLOSED
            elif byte == _CR:
                how = _ODD
            at += 1
        end = at
        at += 1
        if _ends(data, at, delimiter):
            return start, end, at, how
        while data[at] != _LF:
            at += 1
        return start, end, at, _ODD
    start = at
    while True:
        byte = data[at]
        if byte == delimiter or byte == _LF:  # noqa: SIM109  compiled
            return start, at, at, how
        if byte == _CR:
            if data[at + 1] == _LF:
                return start, at, at, how
            how = _ODD
        elif byte == _QUOTE:
            how = max(how, _QUOTES)
        at += 1


@njit(cache=True, nogil=True)
def _closed(data, at, stop, delimiter):  # type: ignore[no-untyped-def]
    """Where a quoted cell that goes on from the line end at ``at`` ends, and its lines; -1: not by stop."""
    crossed = 0
    while at < stop:
        byte = data[at]
        if byte == _LF:
            crossed += 1
        elif byte == _QUOTE:
            if data[at + 1] != _QUOTE:
                return (at + 1 if _ends(data, at + 1, delimiter) else -1), crossed
            at += 1
        at += 1
    return -1, crossed


@njit(cache=True, nogil=True)
def _trimmed(data, start, end):  # type: ignore[no-untyped-def]
    while start < end and (data[start] == _SPACE or data[start] == _TAB):
        start += 1
    while start < end and (data[end - 1] == _SPACE or data[end - 1] == _TAB):
        end -= 1
    return start, end


@njit(cache=True, nogil=True)
def scan(  # type: ignore[no-untyped-def]
    data,
    stop,
    kinds,
    which,
    delimiter,
    decimal,
    unit,
    ingested_unit,
    longest,
    cursors,
    slots,
    hashes,
    places,
    arena,
    following,
    starts,
    ends,
    lines,
    sure,
    entries,
    timestamps,
    offsets,
    ingested,
    ingested_offsets,
    values,
    states,
    doubts,
):
    """Scan lines from ``cursors[POSITION]``, a row each that is not empty; say why it ended.

    Args:
        data: uint8[:]; ``kinds``, ``which``: for each column what it is for, and the which-th of those.
        unit: nanoseconds in a unit of the timestamp's epoch, 0 for ISO 8601; ``ingested_unit`` likewise.
        longest: bytes of a line that is still a row.
        slots: int32[power of two], identity + 1 by hash, 0 where free; ``hashes``: uint64 of each identity.
        places: int64[identities, columns + 1] starts of cells in ``arena``; ``following``: see the module.
        starts … offsets: a row's first byte and end, line, sureness, identity, times and their offsets.
        values, states: [rows, value columns]; ``doubts``: int64[:, 4] of (row, column, start, end).
    """
    columns, rows = len(kinds), len(starts)
    keys = places.shape[1] - 1
    bounds = np.empty((max(keys, 1), 2), np.int64)
    at, line = cursors[POSITION], cursors[LINE]
    previous, row, doubted = cursors[PREVIOUS], 0, 0
    last_start, last_length = -1, 0
    last_time, last_offset = np.int64(0), 0
    why = DONE
    while at < stop:
        if data[at] == _LF or (data[at] == _CR and data[at + 1] == _LF):
            at += 1 if data[at] == _LF else 2
            line += 1
            continue
        if row == rows or doubted + values.shape[1] > len(doubts):
            why = FULL
            break
        begin, before = at, doubted
        certain, matched, column, crossed = True, True, 0, 0
        guess = following[previous] if previous >= 0 else -1
        ingested[row] = NO_INSTANT
        ingested_offsets[row] = 0
        while True:
            kind = kinds[column] if column < columns else IGNORED
            quoted = 1 if data[at] == _QUOTE else 0
            start = at + quoted
            after = -1
            if kind == TIMESTAMP:
                if last_start >= 0 and _same(data, start, data, last_start, last_length):
                    end = start + last_length
                    if (not quoted or data[end] == _QUOTE) and _ends(data, end + quoted, delimiter):
                        after = end + quoted
                if after < 0:
                    start, end, after, how = _cell(data, at, delimiter)
                    from_, to = _trimmed(data, start, end)
                    last_time, last_offset, told = time_of(data, from_, to, unit)
                    last_start, last_length = start, end - start
                    if how != _PLAIN or not told:
                        certain, last_start = False, -1
                    if how == _UNCLOSED:
                        why = OPEN
                        break
                timestamps[row], offsets[row] = last_time, last_offset
            elif kind == IDENTITY:
                key = which[column]
                if guess >= 0 and matched:
                    length = places[guess, key + 1] - places[guess, key]
                    if _same(data, start, arena, places[guess, key], length):
                        end = start + length
                        if (not quoted or data[end] == _QUOTE) and _ends(data, end + quoted, delimiter):
                            after = end + quoted
                if after < 0:
                    matched = False
                    start, end, after, how = _cell(data, at, delimiter)
                    certain &= how == _PLAIN
                    if how == _UNCLOSED:
                        why = OPEN
                        break
                bounds[key, 0], bounds[key, 1] = start, end
            elif kind == VALUE:
                value, exact, end = number(data, start, decimal)
                state = NUMBER
                if exact and (not quoted or data[end] == _QUOTE) and _ends(data, end + quoted, delimiter):
                    after = end + quoted
                else:
                    start, end, after, how = _cell(data, at, delimiter)
                    certain &= how == _PLAIN
                    if how == _UNCLOSED:
                        why = OPEN
                        break
                    from_, to = _trimmed(data, start, end)
                    value, exact, end = number(data, from_, decimal)
                    if from_ == to:
                        state = EMPTY
                    elif not exact or end != to:
                        state = UNDECIDED
                        doubts[doubted, 0], doubts[doubted, 1] = row, which[column]
                        doubts[doubted, 2], doubts[doubted, 3] = from_, to
                        doubted += 1
                values[row, which[column]] = value
                states[row, which[column]] = state
            else:
                start, end, after, how = _cell(data, at, delimiter)
                # Quotes within a cell that nobody reads are nobody's business.
                certain &= how == _PLAIN or (how != _ODD and kind == IGNORED)
                if how == _UNCLOSED:
                    lines_held = 0
                    if kind == IGNORED:
                        after, lines_held = _closed(data, after, min(stop, begin + longest), delimiter)
                    crossed += lines_held
                    if kind != IGNORED or after < 0:
                        why = OPEN
                        break
                if kind == INGESTED and end > start:
                    from_, to = _trimmed(data, start, end)
                    time, offset, told = time_of(data, from_, to, ingested_unit)
                    ingested[row], ingested_offsets[row] = time, offset
                    certain &= told
            column += 1
            at = after
            if data[at] != delimiter:
                break
            at += 1
        certain &= column == columns and at - begin <= longest
        if why == OPEN or (crossed and not certain):
            # Whether its lines belong together is for the rules to say.
            why, at, doubted = OPEN, begin, before
            break
        ends[row] = at
        at += 1 if data[at] == _LF else 2
        if certain:
            if matched and guess >= 0:
                entry = guess
            else:
                hashed = np.uint64(keys)
                for key in range(keys):
                    hashed = _hash(hashed, data, bounds[key, 0], bounds[key, 1])
                slot = np.int64(hashed >> np.uint64(32)) & (len(slots) - 1)
                entry = -1
                while slots[slot]:
                    candidate = slots[slot] - 1
                    if hashes[candidate] == hashed:
                        same = True
                        for key in range(keys):
                            length = bounds[key, 1] - bounds[key, 0]
                            place = places[candidate, key]
                            if places[candidate, key + 1] - place != length or not _same(
                                data, bounds[key, 0], arena, place, length
                            ):
                                same = False
                                break
                        if same:
                            entry = candidate
                            break
                    slot = (slot + 1) & (len(slots) - 1)
                if entry < 0:
                    size = 0
                    for key in range(keys):
                        size += bounds[key, 1] - bounds[key, 0]
                    used = cursors[ARENA]
                    if cursors[ENTRIES] == len(hashes) or used + size + 16 > len(arena):
                        why, at, doubted = GROW, begin, before
                        break
                    entry = cursors[ENTRIES]
                    for key in range(keys):
                        places[entry, key] = used
                        for byte in range(bounds[key, 0], bounds[key, 1]):
                            arena[used] = data[byte]
                            used += 1
                    places[entry, keys] = used
                    slots[slot] = entry + 1
                    hashes[entry] = hashed
                    following[entry] = -1
                    cursors[ENTRIES], cursors[ARENA] = entry + 1, used
                if previous >= 0:
                    following[previous] = entry
            previous = entry
            entries[row] = entry
        else:
            entries[row] = -1
            doubted = before
        starts[row], lines[row] = begin, line
        sure[row] = SURE if certain else UNSURE
        row += 1
        line += 1 + crossed
    cursors[ROWS], cursors[POSITION], cursors[LINE] = row, at, line
    cursors[PREVIOUS], cursors[DOUBTS] = previous, doubted
    return why
