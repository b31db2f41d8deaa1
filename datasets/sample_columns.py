"""Samples on their way to disk: appended as they come, written in the order they arrived."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from titleshot.datasets.arrival_report import ArrivalReport, arrival_report
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.sample_files import NO_INSTANT
from titleshot.datasets.tables import SAMPLES

ROW_GROUP = 1_000_000
_GROUPS_PER_FILE = 64
# Times and codes repeat, so dictionaries; values hardly do. lz4 reads twice as fast as zstd here, 5 % larger.
_STORAGE: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": ["series", "timestamp"],
    "column_encoding": {"value": "PLAIN", "source_row": "DELTA_BINARY_PACKED", "ingested_at": "PLAIN"},
}


class SampleColumns:
    """Columns of samples that grow by whole arrays."""

    def __init__(self) -> None:
        self._codes: list[NDArray[np.int32]] = []
        self._timestamps: list[NDArray[np.int64]] = []
        self._values: list[NDArray[np.float64]] = []
        self._ingested: list[NDArray[np.int64] | None] = []
        self._rows = 0

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
        self._codes.append(code.astype(np.int32))
        self._timestamps.append(stamps)
        self._values.append(value)
        self._ingested.append(ingested)
        self._rows += len(code)

    def used(self, series: int) -> NDArray[np.bool_]:
        """Which of the codes below ``series`` have a sample."""
        used = np.zeros(series, np.bool_)
        for part in self._codes:
            used[part] = True
        return used

    def span(self) -> tuple[int, int]:
        """Earliest and latest timestamp."""
        return (
            min(int(part.min()) for part in self._timestamps),
            max(int(part.max()) for part in self._timestamps),
        )

    def report(self) -> ArrivalReport:
        """How the samples came, in the order they were added."""
        if not self._rows:
            return arrival_report(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0))
        return arrival_report(
            np.concatenate(self._codes), np.concatenate(self._timestamps), np.concatenate(self._values)
        )

    def write(self, folder: Path, ranks: NDArray[np.int32], ingest_delay_s: float) -> None:
        """Write sample files below ``folder``, by (arrival, position), codes replaced by their ranks."""
        codes, timestamps = np.concatenate(self._codes), np.concatenate(self._timestamps)
        values = np.concatenate(self._values)
        ingested = self._all_ingested()
        order = _arrival_order(timestamps, ingested, round(ingest_delay_s * SECOND))
        schema = SAMPLES.schema
        per_file = ROW_GROUP * _GROUPS_PER_FILE
        for number, start in enumerate(range(0, len(codes), per_file)):
            path = folder / SAMPLES.path.replace("00000", f"{number:05d}")
            path.parent.mkdir(parents=True, exist_ok=True)
            with pq.ParquetWriter(path, schema, **_STORAGE) as file:
                for first in range(start, min(start + per_file, len(codes)), ROW_GROUP):
                    span = slice(first, first + ROW_GROUP)
                    chosen = span if order is None else order[span]
                    source_rows = np.arange(len(codes))[chosen] if order is None else order[span]
                    at = None if ingested is None else ingested[chosen]
                    arrays = [
                        pa.array(ranks[codes[chosen]]),
                        _times(timestamps[chosen]),
                        pa.array(values[chosen]),
                        pa.nulls(len(source_rows), schema.field("ingested_at").type)
                        if at is None
                        else _times(at),
                        pa.array(source_rows.astype(np.int64)),
                    ]
                    file.write_table(pa.table(arrays, schema=schema), row_group_size=ROW_GROUP)

    def _all_ingested(self) -> NDArray[np.int64] | None:
        if all(part is None for part in self._ingested):
            return None
        return np.concatenate(
            [
                np.full(len(codes), NO_INSTANT) if part is None else part
                for codes, part in zip(self._codes, self._ingested, strict=True)
            ]
        )


def _whole(name: str, given: ArrayLike) -> NDArray[np.int64]:
    array = np.array(given).reshape(-1)
    if array.size and array.dtype.kind not in "iu":
        raise MalformedInput(f"samples: {name} are {array.dtype}, not whole numbers; give int64 nanoseconds")
    return array.astype(np.int64, copy=False)


def _times(array: NDArray[np.int64]) -> pa.Array:
    kind = SAMPLES.schema.field("timestamp").type
    missing = array == NO_INSTANT
    return pa.array(array, mask=missing if missing.any() else None).cast(kind)


def _arrival_order(
    timestamps: NDArray[np.int64], ingested: NDArray[np.int64] | None, delay: int
) -> NDArray[np.intp] | None:
    arrivals = timestamps
    if ingested is not None:
        arrivals = np.where(ingested == NO_INSTANT, timestamps + delay, ingested)
    if np.all(arrivals[1:] >= arrivals[:-1]):
        return None
    return np.argsort(arrivals, kind="stable")
