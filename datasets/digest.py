"""The canonical digest of a table: what it says, however it is stored.

SHA-256 over

1. the columns, as canonical JSON of ``[[name, kind, nullable], …]``, behind its length (u64),
2. the rows in canonical order, each the bytes of its cells in column order: integers and instants
   (nanoseconds UTC) as int64 or int32, floats as float64 with one NaN and no negative zero, booleans as one
   byte, text as UTF-8 behind its length (u32); a cell that may be empty is led by one byte, 0 with a zeroed
   cell or 1,
3. the number of rows (u64).

All numbers are little-endian. Samples go by (timestamp, series, source_row), where a series is the rank of
its key; other tables by the columns in ``Table.order``, then by their bytes. File layout, row order on disk,
compression and writer have no part in it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.dataset_card import TableEntry
from titleshot.datasets.sample_files import NO_INSTANT, SampleGroup, sample_groups
from titleshot.datasets.tables import ROW_TABLES, SAMPLES, Column, Table, read_columns

_ROW = np.dtype(
    [
        ("series", "<i4"),
        ("timestamp", "<i8"),
        ("value", "<f8"),
        ("has_ingested_at", "u1"),
        ("ingested_at", "<i8"),
        ("source_row", "<i8"),
    ]
)
_ONE_NAN = struct.pack("<d", float("nan"))
_WIDTH = {"instant": "<q", "int64": "<q", "int32": "<i", "bool": "<?"}
_SLICE = 1 << 18
_ROWS_AT_ONCE = 1 << 14
Columns = dict[str, NDArray[Any]]


def dataset_digest(ingest_delay_s: float, tables: dict[str, TableEntry]) -> str:
    """64 hex digits over the tables' rows and digests and the delay that arrival times rest on."""
    content = {name: [entry.rows, entry.digest] for name, entry in tables.items() if entry.rows}
    return hashlib.sha256(
        canonical_json({"ingest_delay_s": float(ingest_delay_s), "tables": content}).encode()
    ).hexdigest()


def table_entries(folder: Path) -> dict[str, TableEntry]:
    """Rows and digest of every table there is below a dataset's folder.

    Raises:
        MalformedInput: a file that is missing, cut off, or breaks the contract.
    """
    entries = {
        name: columns_entry(table, read_columns(folder, table))
        for name, table in ROW_TABLES.items()
        if (folder / table.path).is_file()
    }
    return {"samples": samples_entry(sample_groups(folder)), **entries}


def rows_entry(table: Table, rows: Iterable[dict[str, Any]]) -> TableEntry:
    """Rows and digest of a table of records.

    >>> from titleshot.datasets.tables import SERIES
    >>> row = {"series": 0, "namespace": "a", "service": "b", "metric_name": "c", "series_labels": "{}"}
    >>> rows_entry(SERIES, [row]).digest[:8]
    '2f98e426'
    """
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in table.order))
    return _digested(table, ordered)


def columns_entry(table: Table, columns: pa.Table) -> TableEntry:
    """The same of a table in columns, with some thousand rows as records at a time."""
    by = [(name, "ascending") for name in table.order]
    order = pc.sort_indices(columns, sort_keys=by)

    def rows() -> Iterator[dict[str, Any]]:
        for start in range(0, len(order), _ROWS_AT_ONCE):
            yield from columns.take(order[start : start + _ROWS_AT_ONCE]).to_pylist()

    return _digested(table, rows())


def _digested(table: Table, ordered: Iterable[dict[str, Any]]) -> TableEntry:
    digest, count = _started(table), 0
    for _, alike in groupby(ordered, key=lambda row: tuple(row[name] for name in table.order)):
        for cells in sorted(b"".join(_cell(c, row[c.name]) for c in table.columns) for row in alike):
            digest.update(cells)
            count += 1
    digest.update(struct.pack("<Q", count))
    return TableEntry(rows=count, digest=digest.hexdigest())


def samples_entry(groups: Sequence[SampleGroup]) -> TableEntry:
    """Rows and digest of the samples in row groups.

    Holds only the groups whose timestamps overlap: rows earlier than every timestamp still to come are
    digested and let go.
    """
    digest, rows = _started(SAMPLES), 0
    for columns in _in_order(groups):
        for start in range(0, len(columns["timestamp"]), _SLICE):
            digest.update(_packed({name: c[start : start + _SLICE] for name, c in columns.items()}))
        rows += len(columns["timestamp"])
    digest.update(struct.pack("<Q", rows))
    return TableEntry(rows=rows, digest=digest.hexdigest())


def _started(table: Table) -> hashlib._Hash:
    header = canonical_json([[c.name, c.kind, c.nullable] for c in table.columns]).encode()
    return hashlib.sha256(struct.pack("<Q", len(header)) + header)


def _cell(column: Column, value: Any) -> bytes:
    if column.nullable and value is None:
        return bytes(1 + struct.calcsize(_WIDTH[column.kind]))
    lead = b"\x01" if column.nullable else b""
    if column.kind == "text":
        text = str(value).encode()
        return lead + struct.pack("<I", len(text)) + text
    if column.kind == "float64":
        return lead + (_ONE_NAN if value != value else struct.pack("<d", value + 0.0))
    return lead + struct.pack(_WIDTH[column.kind], value)


def _packed(columns: Columns) -> memoryview:
    rows = np.zeros(len(columns["timestamp"]), _ROW)
    for name in ("series", "timestamp", "source_row"):
        rows[name] = columns[name]
    values = columns["value"] + np.float64(0.0)
    values[np.isnan(values)] = np.nan
    rows["value"] = values
    if "ingested_at" in columns:
        has = columns["ingested_at"] != NO_INSTANT
        rows["has_ingested_at"] = has
        rows["ingested_at"] = np.where(has, columns["ingested_at"], 0)
    return rows.view(np.uint8).data


def _in_order(groups: Sequence[SampleGroup]) -> Iterator[Columns]:
    """The samples in canonical order, in pieces."""
    ingested = any(group.ingested for group in groups)
    names = tuple(c.name for c in SAMPLES.columns if ingested or c.name != "ingested_at")
    still_to_come = [*accumulate((group.first for group in reversed(groups)), min)][::-1][1:]
    held: Columns | None = None
    for index, group in enumerate(groups):
        read = group.read(names)
        held = read if held is None else {n: np.concatenate([held[n], read[n]]) for n in names}
        if index == len(groups) - 1:
            yield _sorted(held)
            return
        ready = held["timestamp"] < still_to_come[index]
        if ready.all():
            yield _sorted(held)
            held = None
        elif ready.any():
            yield _sorted({name: column[ready] for name, column in held.items()})
            held = {name: column[~ready] for name, column in held.items()}


def _sorted(columns: Columns) -> Columns:
    order = canonical_order(columns["timestamp"], columns["series"], columns["source_row"])
    return columns if order is None else {name: column[order] for name, column in columns.items()}


def canonical_order(
    timestamps: NDArray[Any], series: NDArray[Any], source_rows: NDArray[Any]
) -> NDArray[np.intp] | None:
    """Positions that sort rows by (timestamp, series, source_row); None where they are in that order.

    Telemetry comes nearly sorted, so cheap looks come before the sorts.
    """
    order: NDArray[np.intp] | None = None
    if not _rising(timestamps):
        order = np.argsort(timestamps, kind="stable")
        timestamps, series, source_rows = timestamps[order], series[order], source_rows[order]
    moment = np.zeros(len(timestamps), np.int64)
    np.cumsum(timestamps[1:] != timestamps[:-1], out=moment[1:])
    key = moment * (int(series.max()) + 1 if len(series) else 1) + series
    if not _rising(key):
        within = np.argsort(key, kind="stable")
        order = within if order is None else order[within]
        key, source_rows = key[within], source_rows[within]
    if np.any((key[1:] == key[:-1]) & (source_rows[1:] < source_rows[:-1])):
        within = np.lexsort((source_rows, key))
        order = within if order is None else order[within]
    return order


def _rising(array: NDArray[Any]) -> bool:
    return bool(np.all(array[1:] >= array[:-1]))
