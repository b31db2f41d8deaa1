"""Samples in sorted runs, on disk where there are many, and their merge in bounded memory.

Each run is sorted by arrival, rows of equal arrival in the order they were added; runs are in the order they
were added too. So the order of the whole is (arrival, run, place in the run), and any row of any run can be a
cut: what lies before it is found in every run by bisection, which reads a few kilobytes a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]
TYPES: dict[str, type[np.generic]] = {
    "series": np.int32,
    "timestamp": np.int64,
    "value": np.float64,
    "ingested_at": np.int64,
    "source_row": np.int64,
    "arrival": np.int64,
}
_STRIDE = 4096
"""Rows between the arrivals of a run that are held in memory."""


@dataclass(frozen=True)
class Run:
    """Rows sorted by arrival: arrays, or files of raw columns below ``folder``."""

    rows: int
    names: tuple[str, ...]
    by: str
    """The column it is sorted by: ``arrival``, or ``timestamp`` where every row arrives equally late."""
    marks: NDArray[np.int64]
    """That column of every ``_STRIDE``-th row."""
    first_row: int
    """Position of its first row among all that were added."""
    arrays: Columns | None = None
    folder: Path | None = None

    def read(self, start: int, stop: int) -> Columns:
        """The columns of rows [start, stop), ``source_row`` among them."""
        columns = {name: self._column(name, start, stop) for name in self.names}
        if "source_row" not in columns:
            columns["source_row"] = np.arange(self.first_row + start, self.first_row + stop, dtype=np.int64)
        return columns

    def before(self, value: int, *, or_equal: bool) -> int:
        """How many rows are before ``value`` in the column it is sorted by, or not after it."""
        side: Any = "right" if or_equal else "left"
        block = max(int(np.searchsorted(self.marks, value, side)) - 1, 0)
        start, stop = block * _STRIDE, min((block + 1) * _STRIDE, self.rows)
        return start + int(np.searchsorted(self._column(self.by, start, stop), value, side))

    def _column(self, name: str, start: int, stop: int) -> NDArray[Any]:
        if self.arrays is not None:
            return self.arrays[name][start:stop]
        kind = np.dtype(TYPES[name])
        return np.fromfile(
            _file(self.folder or Path(), name), kind, stop - start, offset=start * kind.itemsize
        )


def run_of(columns: Columns, first_row: int, folder: Path | None) -> Run:
    """A run of columns that are sorted by ``arrival``, or by ``timestamp`` where there is no such column.

    Args:
        folder: made, and holds the columns from then on; None keeps the arrays.
    """
    by = "arrival" if "arrival" in columns else "timestamp"
    if folder is not None:
        folder.mkdir(parents=True)
        for name, column in columns.items():
            column.astype(TYPES[name], copy=False).tofile(_file(folder, name))
    return Run(
        rows=len(columns[by]),
        names=tuple(columns),
        by=by,
        marks=columns[by][::_STRIDE].copy(),
        first_row=first_row,
        arrays=columns if folder is None else None,
        folder=folder,
    )


def merged(runs: Sequence[Run], rows: int, delay: int) -> Iterator[Columns]:
    """All rows by (arrival, run, place in the run), in pieces of about ``rows``.

    A piece is larger by at most 4,096 rows a run.

    Args:
        delay: nanoseconds from timestamp to arrival in the runs sorted by timestamp.
    """
    late = [delay if run.by == "timestamp" else 0 for run in runs]
    names = tuple(
        dict.fromkeys(name for run in runs for name in (*run.names, "source_row") if name != "arrival")
    )
    done = [0] * len(runs)
    for until in _cuts(runs, rows, late):
        taken = [
            (run.by, by, run.read(start, stop))
            for run, by, start, stop in zip(runs, late, done, until, strict=True)
            if start < stop
        ]
        done = until
        if taken:
            yield _piece(taken, names)


def _cuts(runs: Sequence[Run], rows: int, late: Sequence[int]) -> Iterator[list[int]]:
    """Rows of every run that are before each cut; the last cut is the end."""
    marks = np.concatenate([run.marks + by for run, by in zip(runs, late, strict=True)])
    of_run = np.repeat(np.arange(len(runs)), [len(run.marks) for run in runs])
    at = np.concatenate([np.arange(len(run.marks)) * _STRIDE for run in runs])
    order = np.lexsort((at, of_run, marks))
    every = max(rows // _STRIDE, 1)
    for cut in order[every::every]:
        arrival, mine, place = int(marks[cut]), int(of_run[cut]), int(at[cut])
        yield [
            place if index == mine else run.before(arrival - late[index], or_equal=index < mine)
            for index, run in enumerate(runs)
        ]
    yield [run.rows for run in runs]


def _piece(taken: list[tuple[str, int, Columns]], names: tuple[str, ...]) -> Columns:
    parts = [columns for _, _, columns in taken]
    if len(parts) == 1:
        return {name: _filled(parts[0], name) for name in names}
    arrivals = np.concatenate([columns[name] + by for name, by, columns in taken])
    piece = {name: np.concatenate([_filled(columns, name) for columns in parts]) for name in names}
    if np.all(arrivals[1:] >= arrivals[:-1]):
        return piece
    order = np.argsort(arrivals, kind="stable")
    return {name: column[order] for name, column in piece.items()}


def _filled(columns: Columns, name: str) -> NDArray[Any]:
    """A column; where a run has no ``ingested_at``, none of its rows has."""
    if name in columns:
        return columns[name]
    return np.full(len(columns["timestamp"]), np.iinfo(np.int64).min)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.raw"
