"""Lines of CSV into a writer: in one compiled pass what is plain, by the rules row by row what is not."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.delimited import csv_kernel as kernel
from titleshot.datasets.importers.delimited.csv_identities import Identities
from titleshot.datasets.importers.delimited.csv_layout import Fault
from titleshot.datasets.importers.delimited.csv_rules import Row, RowRules, cells_of
from titleshot.datasets.importers.delimited.csv_times import NAIVE
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.source_files import LONGEST_LINE, LongLine
from titleshot.datasets.sample_files import NO_INSTANT

_MOST_ROWS = 1 << 15
_WORDS = 1_000
_COUNTS_FROM = "counts since 1970"
KIND = "samples"


@dataclass
class Counts:
    """What was seen in all files of an import."""

    zones: Counter[str] = field(default_factory=Counter)
    """Rows used, by the offset of their time."""
    empty: int = 0
    """Cells of values that held nothing."""
    trimmed: int = 0
    """Rows whose names had blanks at their ends."""


class CsvRows:
    """Reads the rows of one file.

    Args:
        line: number of the first line that will be added.
    """

    def __init__(
        self,
        rules: RowRules,
        source: str,
        line: int,
        into: DatasetWriter,
        naive: NaiveTimes,
        counts: Counts,
    ) -> None:
        self.rows = 0
        """Rows that are not blank."""
        self.used = 0
        """Those of them that were used."""
        self._rules, self._layout = rules, rules.layout
        self._source, self._into, self._naive, self._counts = source, into, naive, counts
        self._identities = Identities(self._layout, into)
        self._line = line
        self._words: dict[bytes, float | None] = {}
        wide = len(self._layout.values)
        size = max(256, _MOST_ROWS // wide)
        self._starts, self._ends = np.empty(size, np.int64), np.empty(size, np.int64)
        self._lines = np.empty(size, np.int64)
        self._sure = np.empty(size, np.uint8)
        self._entries = np.empty(size, np.int32)
        self._timestamps, self._ingested = np.empty(size, np.int64), np.empty(size, np.int64)
        self._offsets, self._ingested_offsets = np.empty(size, np.int16), np.empty(size, np.int16)
        self._values, self._states = np.empty((size, wide)), np.empty((size, wide), np.uint8)
        self._doubts = np.empty((size * wide, 4), np.int64)

    def add(self, buffer: bytearray, end: int, *, last: bool) -> bytes:
        """Read the lines in ``buffer[:end]``; what it hands back begins a row that goes on after ``end``.

        The buffer goes on for some bytes, and ``last`` says that the file does not.
        """
        data = np.frombuffer(buffer, np.uint8)
        cursors = self._identities.cursors
        cursors[kernel.POSITION] = 0
        while True:
            cursors[kernel.LINE] = self._line
            why = self._scan(data, end)
            self._line = int(cursors[kernel.LINE])
            if cursors[kernel.ROWS]:
                self._keep(buffer)
            at = int(cursors[kernel.POSITION])
            if why == kernel.DONE:
                return b""
            if why == kernel.GROW:
                self._identities.grow(buffer.find(b"\n", at) - at)
            elif why == kernel.OPEN:
                after = self._open_row(buffer, at, end, last=last)
                if after is None:
                    return bytes(memoryview(buffer)[at:end])
                cursors[kernel.POSITION] = after

    def pass_by(self, line: LongLine) -> None:
        """Set aside a line that was too long to be held."""
        self.rows += 1
        detail = f"a line of {line.length:,} bytes, more than {LONGEST_LINE:,}: no row is that long"
        self._aside(Fault("line too long", detail), self._line, line.head)
        self._line += 1

    def _scan(self, data: NDArray[np.uint8], end: int) -> int:
        layout, known = self._layout, self._identities
        return int(
            kernel.scan(
                data,
                end,
                layout.kinds,
                layout.which,
                ord(self._rules.delimiter),
                ord(self._rules.decimal),
                layout.unit,
                layout.ingested_unit,
                csv.field_size_limit(),
                known.cursors,
                known.slots,
                known.hashes,
                known.places,
                known.arena,
                known.following,
                self._starts,
                self._ends,
                self._lines,
                self._sure,
                self._entries,
                self._timestamps,
                self._offsets,
                self._ingested,
                self._ingested_offsets,
                self._values,
                self._states,
                self._doubts,
            )
        )

    def _keep(self, buffer: bytearray) -> None:
        """Add the rows of one scan, those that are not sure by the rules."""
        known, n = self._identities, int(self._identities.cursors[kernel.ROWS])
        known.call()
        entries = self._entries[:n]
        codes = known.codes[entries]
        kept = (self._sure[:n] == kernel.SURE) & (codes[:, 0] >= 0)
        self._decide(buffer, kept)
        if self._naive.zone is None:
            kept &= (self._offsets[:n] != NAIVE) & (self._ingested_offsets[:n] != NAIVE)
        timestamps, ingested = self._timestamps[:n], self._ingested[:n]
        values, states = self._values[:n], self._states[:n]
        self._count(kept, entries)
        timestamps = self._with_zones(timestamps, self._offsets[:n], kept)
        if self._layout.ingested is not None:
            ingested = self._with_zones(ingested, self._ingested_offsets[:n], kept)
        empty = (states == kernel.EMPTY) & kept[:, None]
        empties = int(np.count_nonzero(empty))
        self._counts.empty += empties
        if empties and not self._layout.wide:
            values[empty] = np.nan
        given = np.broadcast_to(kept[:, None], states.shape)
        if empties and self._layout.wide:
            given = given & ~empty
        if not kept.all():
            given = given.copy()
            for row in np.flatnonzero(~kept).tolist():
                raw = buffer[int(self._starts[row]) : int(self._ends[row])]
                found = self._row(raw, int(self._lines[row]))
                if found is not None:
                    timestamps[row], ingested[row] = found.timestamp, found.ingested_at
                    codes[row], values[row], given[row] = self._cells(found)
        self.rows += int(np.count_nonzero(kept))
        self.used += int(np.count_nonzero(kept))
        self._add(codes, timestamps, values, ingested, given)

    def _add(
        self,
        codes: NDArray[np.int32],
        timestamps: NDArray[np.int64],
        values: NDArray[np.float64],
        ingested: NDArray[np.int64],
        given: NDArray[np.bool_],
    ) -> None:
        arrivals: NDArray[np.int64] | None = None
        if given.shape[1] > 1:
            timestamps = np.repeat(timestamps, given.shape[1])
            if self._layout.ingested is not None:
                arrivals = np.repeat(ingested, given.shape[1])
        elif self._layout.ingested is not None:
            arrivals = ingested
        codes, values, chosen = codes.reshape(-1), values.reshape(-1), given.reshape(-1)
        if not chosen.all():
            codes, values, timestamps = codes[chosen], values[chosen], timestamps[chosen]
            arrivals = None if arrivals is None else arrivals[chosen]
        self._into.add_samples(codes, timestamps, values, arrivals)

    def _decide(self, buffer: bytearray, kept: NDArray[np.bool_]) -> None:
        """Read the values that the scan left undecided; a row with one that is no number is not kept."""
        doubts = self._doubts[: self._identities.cursors[kernel.DOUBTS]]
        for row, column, start, end in doubts.tolist():
            text = bytes(memoryview(buffer)[start:end])
            if text not in self._words:
                if len(self._words) >= _WORDS:
                    self._words.clear()
                try:
                    self._words[text] = self._rules.value(text.decode("utf-8", "surrogateescape"), "")
                except Fault:
                    kept[row] = False
                    continue
            value = self._words[text]
            self._states[row, column] = kernel.EMPTY if value is None else kernel.NUMBER
            self._values[row, column] = np.nan if value is None else value

    def _count(self, kept: NDArray[np.bool_], entries: NDArray[np.int32]) -> None:
        offsets = self._offsets[: len(kept)]
        if len(kept) and kept.all() and np.all(offsets == offsets[0]):
            self._counts.zones[self._zone(int(offsets[0]))] += len(kept)
        else:
            found, times = np.unique(offsets[kept], return_counts=True)
            for offset, many in zip(found.tolist(), times.tolist(), strict=True):
                self._counts.zones[self._zone(offset)] += many
        self._counts.trimmed += int(np.count_nonzero(self._identities.trimmed[entries[kept]]))

    def _zone(self, offset: int) -> str:
        if self._layout.unit:
            return _COUNTS_FROM
        if offset == NAIVE:
            return "none"
        return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"

    def _with_zones(
        self, times: NDArray[np.int64], offsets: NDArray[np.int16], kept: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        if self._naive.zone is None or not np.any(offsets == NAIVE):
            return times
        naive = kept & (offsets == NAIVE) & (times != NO_INSTANT)
        read = times.copy()
        read[naive] = self._naive.instants(times[naive])
        return read

    def _cells(self, row: Row) -> tuple[NDArray[np.int32], list[float], list[bool]]:
        given = [value is not None for value in row.values]
        values = [np.nan if value is None else value for value in row.values]
        return self._into.add_series(row.keys), values, given

    def _open_row(self, buffer: bytearray, at: int, end: int, *, last: bool) -> int | None:
        """A row with a line end in a quoted cell: where it ends, None where that is not in the buffer.

        Where the quote is never closed, or what it closes is no row, only its first line is set aside: a
        stray quote costs a line and not the rest of the file.
        """
        lines = _Lines(buffer, at, end)
        first = buffer[at : buffer.find(b"\n", at) + 1]
        try:
            cells = next(csv.reader(lines, delimiter=self._rules.delimiter, strict=True))
            found: Row | None = self._rules.row(cells, self._naive)
        except csv.Error as error:
            if lines.at == end and not last and end - at <= LONGEST_LINE and "unexpected end" in str(error):
                return None
            found, fault = None, Fault("not a row", str(error))
        except Fault as error:
            found, fault = None, error
            whole = "cells" not in error.reason
            if whole:
                first = buffer[at : lines.at]
        self.rows += 1
        if found is None:
            self._aside(fault, self._line, bytes(first))
            self._line += first.count(b"\n")
            return at + len(first)
        codes, values, given = self._cells(found)
        self._tell(found, self._line, buffer[at : lines.at])
        self._add(
            codes[None, :],
            np.array([found.timestamp]),
            np.array([values]),
            np.array([found.ingested_at]),
            np.array([given]),
        )
        self._line += lines.read
        return lines.at

    def _row(self, raw: bytearray, line: int) -> Row | None:
        """One line by the rules; None where it was set aside."""
        text = raw.decode("utf-8", "surrogateescape")
        if not text.strip():
            return None
        self.rows += 1
        try:
            if len(raw) > LONGEST_LINE:
                raise Fault("line too long", f"a line of {len(raw):,} bytes, more than {LONGEST_LINE:,}")
            row = self._rules.row(cells_of(text, self._rules.delimiter), self._naive)
            self._into.add_series(row.keys)
        except MalformedInput as error:
            self._aside(Fault("series: not allowed", str(error)), line, raw)
            return None
        except Fault as fault:
            self._aside(fault, line, raw)
            return None
        self._tell(row, line, raw)
        return row

    def _tell(self, row: Row, line: int, raw: bytes | bytearray) -> None:
        for fault in row.faults:
            self._aside(fault, line, raw)
        self.used += 1
        self._counts.zones[self._zone(row.offset)] += 1
        self._counts.empty += row.empty
        self._counts.trimmed += row.trimmed

    def _aside(self, fault: Fault, line: int, raw: bytes | bytearray) -> None:
        detail = f"{self._source}:{line}: {fault.detail}"
        text = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
        self._into.quarantine(KIND, fault.reason, detail, self._source, line, text)


class _Lines(Iterator[str]):
    """Lines of a buffer as texts, and how far they were read."""

    def __init__(self, buffer: bytearray, at: int, end: int) -> None:
        self._buffer, self._end = buffer, end
        self.at = at
        self.read = 0

    def __next__(self) -> str:
        if self.at == self._end:
            raise StopIteration
        end = self._buffer.find(b"\n", self.at) + 1
        line = self._buffer[self.at : end]
        self.at = end
        self.read += 1
        return line.decode("utf-8", "surrogateescape")
