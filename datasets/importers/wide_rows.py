"""Rows of a wide CSV file, one time a line, a series a column, handed on to the writer in blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.csv_lines import CsvLines

_SHOWN = 200
_CELLS_A_BLOCK = 200_000


class WideSamples:
    """Cells of wide rows on their way into the writer.

    An empty cell is no sample and is counted; ``NaN`` and infinities were measured as such and are kept; a
    cell that is no number is set aside, the others of its row stay.
    """

    def __init__(self, rows: CsvLines, into: DatasetWriter) -> None:
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
