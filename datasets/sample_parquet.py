"""Samples into Parquet files, a row group a piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titleshot.datasets.sample_files import NO_INSTANT, sample_groups
from titleshot.datasets.sample_runs import Columns
from titleshot.datasets.tables import SAMPLES
from titleshot.datasets.validation.profile import Rows

ROW_GROUP = 1 << 20
"""Rows of a piece and so of a row group, more or less."""
_GROUPS_PER_FILE = 64
# Times and codes repeat, so dictionaries; values hardly do. lz4 reads twice as fast as zstd here, 5 % larger.
_STORAGE: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": ["series", "timestamp"],
    "column_encoding": {"value": "PLAIN", "source_row": "DELTA_BINARY_PACKED", "ingested_at": "PLAIN"},
}


def write_samples(folder: Path, pieces: Iterable[Columns], ranks: NDArray[np.int32]) -> Iterator[Rows]:
    """Write sample files below ``folder`` and hand out what was written, row group by row group.

    Args:
        pieces: columns of samples by arrival.
        ranks: final code of each series.
    """
    for number, groups in enumerate(_files(iter(pieces))):
        path = folder / SAMPLES.path.replace("00000", f"{number:05d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, SAMPLES.schema, **_STORAGE) as file:
            for columns in groups:
                codes = ranks[columns["series"]]
                file.write_table(_table(codes, columns), row_group_size=len(codes))
                yield Rows(codes, columns["timestamp"], columns["value"], columns["source_row"])


def written_rows(folder: Path) -> Iterator[Rows]:
    """The rows of the sample files below ``folder``."""
    for group in sample_groups(folder):
        columns = group.read(("series", "timestamp", "value", "source_row"))
        yield Rows(columns["series"], columns["timestamp"], columns["value"], columns["source_row"])


def _files(groups: Iterator[Columns]) -> Iterator[Iterator[Columns]]:
    """Row groups by file; each inner iterator is read to its end before the next."""
    for first in groups:

        def of_file(first: Columns = first) -> Iterator[Columns]:
            yield first
            for _ in range(_GROUPS_PER_FILE - 1):
                following = next(groups, None)
                if following is None:
                    return
                yield following

        yield of_file()


def _table(codes: NDArray[np.int32], columns: Columns) -> pa.Table:
    schema = SAMPLES.schema
    ingested = columns.get("ingested_at")
    arrays = [
        pa.array(codes),
        _times(columns["timestamp"]),
        pa.array(columns["value"]),
        pa.nulls(len(codes), schema.field("ingested_at").type) if ingested is None else _times(ingested),
        pa.array(columns["source_row"]),
    ]
    return pa.table(arrays, schema=schema)


def _times(array: NDArray[np.int64]) -> pa.Array:
    missing = array == NO_INSTANT
    times = pa.array(array, mask=missing if missing.any() else None)
    return times.cast(SAMPLES.schema.field("timestamp").type)
