"""Samples on their way to disk: added as they come, handed out in the order they arrived."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.sample_files import NO_INSTANT
from titleshot.datasets.sample_runs import Columns, Run, merged, run_of

RUN = 1 << 20
"""Rows held in memory before they are sorted and put on disk."""


class SampleColumns:
    """Grows by whole arrays, in the memory of one run.

    Args:
        folder: for the runs; made when there is more than one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[Columns] = []
        self._runs: list[Run] = []
        self._delays: set[int] = set()
        self._used = np.zeros(0, np.bool_)
        self._rows = self._held = 0
        self._first, self._last = np.iinfo(np.int64).max, np.iinfo(np.int64).min

    def __len__(self) -> int:
        return self._rows

    def add(
        self,
        codes: ArrayLike,
        timestamps: ArrayLike,
        values: ArrayLike,
        ingested_at: ArrayLike | None,
        *,
        series: int,
        ingest_delay_s: float,
    ) -> None:
        """Append arrays of equal length; ``series`` is how many codes there are.

        Raises:
            MalformedInput: lengths differ, a time is no whole number, or a code that was never given out.
        """
        code = _whole("codes", codes)
        stamps = _whole("timestamps", timestamps)
        value = np.array(values, np.float64).reshape(-1)
        ingested = None if ingested_at is None else _whole("ingested_at", ingested_at)
        lengths = {len(code), len(stamps), len(value), len(code if ingested is None else ingested)}
        if len(lengths) > 1:
            raise MalformedInput(
                f"samples: columns of unequal length, {sorted(lengths)}; give one cell a row"
            )
        if not len(code):
            return
        if code.min() < 0 or code.max() >= series:
            raise MalformedInput(f"samples: code {code.max()} of {series} series; take codes from add_series")
        if stamps.min() == NO_INSTANT:
            raise MalformedInput(f"samples: timestamp {NO_INSTANT} stands for none; every sample has one")
        self._mark(code, stamps, series)
        columns: Columns = {"series": code.astype(np.int32), "timestamp": stamps, "value": value}
        if ingested is not None and np.any(ingested != NO_INSTANT):
            columns["ingested_at"] = ingested
            self._delays.add(round(ingest_delay_s * SECOND))
        self._waiting.append(columns)
        self._held += len(code)
        self._rows += len(code)
        if self._held >= RUN:
            self._put_run(on_disk=True)

    def _mark(self, codes: NDArray[np.int64], timestamps: NDArray[np.int64], series: int) -> None:
        if len(self._used) < series:
            self._used = np.append(
                self._used, np.zeros(max(series, 2 * len(self._used)) - len(self._used), np.bool_)
            )
        self._used[codes] = True
        self._first = min(self._first, int(timestamps.min()))
        self._last = max(self._last, int(timestamps.max()))

    def used(self, series: int) -> NDArray[np.bool_]:
        """Which of the codes below ``series`` have a sample."""
        used = np.zeros(series, np.bool_)
        used[: min(series, len(self._used))] = self._used[:series]
        return used

    def span(self) -> tuple[int, int]:
        """Earliest and latest timestamp."""
        return self._first, self._last

    def pieces(self, rows: int, ingest_delay_s: float) -> Iterator[Columns]:
        """All samples by (arrival, position) in pieces of about ``rows``.

        Columns are series (as it was added), timestamp, value, source_row and, where any sample has one,
        ingested_at.

        Raises:
            UsageError: the ingest delay was changed after samples whose order hangs on it were added.
        """
        if self._delays - {round(ingest_delay_s * SECOND)}:
            raise UsageError("ingest_delay_s was changed after samples were added; set it before the first")
        if self._held:
            self._put_run(on_disk=bool(self._runs))
        yield from merged(self._runs, rows, round(ingest_delay_s * SECOND))

    def _put_run(self, *, on_disk: bool) -> None:
        parts, self._waiting = self._waiting, []
        names = dict.fromkeys(name for part in parts for name in part)
        columns = {
            name: np.concatenate(
                [part[name] if name in part else np.full(len(part["series"]), NO_INSTANT) for part in parts]
            )
            for name in names
        }
        parts.clear()
        first_row = self._rows - self._held
        if "ingested_at" in columns:
            delay, ingested = max(self._delays), columns["ingested_at"]
            arrival = np.where(ingested == NO_INSTANT, columns["timestamp"] + delay, ingested)
            columns["arrival"] = arrival
        else:
            arrival = columns["timestamp"]
        if not np.all(arrival[1:] >= arrival[:-1]):
            order = np.argsort(arrival, kind="stable")
            columns = {name: column[order] for name, column in columns.items()}
            columns["source_row"] = first_row + order
        folder = self._folder / f"{len(self._runs):06d}" if on_disk else None
        self._runs.append(run_of(columns, first_row, folder))
        self._held = 0


def _whole(name: str, given: ArrayLike) -> NDArray[np.int64]:
    array = np.array(given).reshape(-1)
    if array.size and array.dtype.kind not in "iu":
        raise MalformedInput(f"samples: {name} are {array.dtype}, not whole numbers; give int64 nanoseconds")
    return array.astype(np.int64, copy=False)
