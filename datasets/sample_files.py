"""The sample files of a dataset, row group by row group, with only the columns asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.tables import SAMPLES, checked, unreadable

NO_INSTANT = np.iinfo(np.int64).min
"""Stands in numpy arrays where a sample has no ``ingested_at``."""

FILES = "samples-*.parquet"
_NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


@dataclass(frozen=True)
class SampleGroup:
    """One row group: where it is, the span of its timestamps, whether any has ``ingested_at``."""

    path: Path
    index: int
    rows: int
    first: int
    """Earliest timestamp; the least int64 where the file does not say."""
    last: int
    ingested: bool

    def read(self, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
        """The columns named, as numpy arrays of ``rows`` rows; instants as int64, empty ones ``NO_INSTANT``.

        Raises:
            MalformedInput: truncated, no Parquet, or other columns than the contract has.
        """
        try:
            with pq.ParquetFile(self.path) as file:
                read = file.read_row_group(self.index, columns=list(names), use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self.path, error) from None
        return self._arrays(read, names)

    def _arrays(self, read: pa.Table, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
        table = checked(read, SAMPLES.only(names), self.path)
        arrays: dict[str, NDArray[Any]] = {}
        for name in names:
            column = table.column(name)
            if column.null_count:
                column = column.fill_null(NO_INSTANT)
            arrays[name] = column.to_numpy()
        return arrays


def sample_groups(folder: Path) -> list[SampleGroup]:
    """Every row group of a dataset's sample files, in the order of the files.

    Raises:
        MalformedInput: no sample files, or one that cannot be read.
    """
    paths = sorted((folder / SAMPLES.path).parent.glob(FILES))
    if not paths:
        raise MalformedInput(f"{folder}: no telemetry/{FILES}; import the dataset again")
    return [group for path in paths for group in _groups(path)]


def _groups(path: Path) -> Iterator[SampleGroup]:
    try:
        with pq.ParquetFile(path) as file:
            about = file.metadata
            schema = file.schema_arrow
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None
    missing = [column.name for column in SAMPLES.columns if column.name not in schema.names]
    if missing:
        raise MalformedInput(f"{path}: no column {missing[0]!r}; import the dataset again")
    unit = _NANOSECONDS.get(getattr(schema.field("timestamp").type, "unit", ""))
    for index in range(about.num_row_groups):
        group = about.row_group(index)
        columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
        times, ingested = columns["timestamp"].statistics, columns["ingested_at"].statistics
        spans = unit is not None and times is not None and times.has_min_max
        empty = ingested is not None and ingested.has_null_count and ingested.null_count == group.num_rows
        if group.num_rows:
            yield SampleGroup(
                path,
                index,
                group.num_rows,
                # raw: the converted form of nanoseconds would import pandas
                times.min_raw * unit if spans else NO_INSTANT,
                times.max_raw * unit if spans else np.iinfo(np.int64).max,
                not empty,
            )
