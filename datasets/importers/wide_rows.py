"""A wide CSV file: one time a line, a series a column; read line by line and handed on in blocks."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.source_files import LONGEST_LINE, opened

_SHOWN = 200
_BOM = b"\xef\xbb\xbf"
_CELLS_A_BLOCK = 200_000


class WideRows:
    """Lines of a comma-separated file as cells, header lines among them.

    A cell may be quoted and holds no line break. What is no line of UTF-8 text in CSV goes to quarantine.

    Args:
        path: the file; a byte order mark is passed over.
        name: what reports call it.
        into: takes the faulty lines; None on a first look, before the one that sets them aside.
        kind: which table's quarantine they go to.
    """

    def __init__(self, path: Path, name: str, into: DatasetWriter | None, kind: str = "samples") -> None:
        self.name = name
        self._path, self._into, self._kind = path, into, kind

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Line number from 1 and cells of every line that is not blank."""
        with opened(self._path) as file:
            for number, line in self._lines(file):
                try:
                    text = line.decode()
                    # A line at a time and strict: an open quote costs its own line, not the rest of the file.
                    cells = next(csv.reader([text.strip("\r\n")], strict=True), [])
                except UnicodeDecodeError as error:
                    self.set_aside("not UTF-8", f"byte {error.start}: {error.reason}", number, _text(line))
                except csv.Error as error:
                    self.set_aside("no row", str(error), number, _text(line))
                else:
                    if cells:
                        yield number, [cell.strip() for cell in cells]

    def set_aside(self, reason: str, detail: str, number: int, cells: Sequence[str] | str) -> None:
        """Put a line into quarantine."""
        if self._into is not None:
            record = cells if isinstance(cells, str) else ",".join(cells)
            self._into.quarantine(self._kind, reason, detail, self.name, number, record)

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(_BOM)
            if len(line) > LONGEST_LINE:
                self.set_aside("line too long", f"more than {LONGEST_LINE} bytes", number, _text(line))
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
            elif line.strip():
                yield number, line


class WideSamples:
    """Cells of wide rows on their way into the writer.

    An empty cell is no sample and is counted; ``NaN`` and infinities were measured as such and are kept; a
    cell that is no number is set aside, the others of its row stay.
    """

    def __init__(self, rows: WideRows, into: DatasetWriter) -> None:
        self.rows = 0
        """Rows with at least one sample."""
        self.empty_cells = 0
        self.first: int | None = None
        """Earliest and latest time with a sample, nanoseconds UTC."""
        self.last: int | None = None
        self._of, self._into = rows, into
        self._codes: list[NDArray[np.int32]] = []
        self._times: list[int] = []
        self._values: list[list[float]] = []
        self._cells = 0

    def add(self, number: int, at: int, codes: NDArray[np.int32], cells: Sequence[str]) -> None:
        """Add the cells of line ``number``, one a code, measured at ``at``."""
        values, kept = [], []
        for place, text in enumerate(cells):
            if not text:
                self.empty_cells += 1
                continue
            try:
                # Python reads 1_000 as a number; no exporter writes it.
                values.append(float(text if "_" not in text else "no number"))
                kept.append(place)
            except ValueError:
                self._of.set_aside("no number", f"cell {text[:_SHOWN]!r} is not a number", number, cells)
        if not values:
            return
        self.rows += 1
        self.first = at if self.first is None else min(at, self.first)
        self.last = at if self.last is None else max(at, self.last)
        self._codes.append(codes if len(kept) == len(codes) else codes[kept])
        self._times.append(at)
        self._values.append(values)
        self._cells += len(values)
        if self._cells >= _CELLS_A_BLOCK:
            self.flush()

    def flush(self) -> None:
        """Hand what waits to the writer; call it after the last row."""
        if not self._times:
            return
        widths = [len(values) for values in self._values]
        self._into.add_samples(
            np.concatenate(self._codes),
            np.repeat(np.array(self._times, np.int64), widths),
            np.concatenate([np.array(values) for values in self._values]),
        )
        self._codes, self._times, self._values, self._cells = [], [], [], 0


def _text(line: bytes) -> str:
    return line[:_SHOWN].decode("utf-8", "replace")
