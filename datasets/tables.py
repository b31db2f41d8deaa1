"""The tables of a dataset: their columns on disk, and how records become rows and rows records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from titleshot.datasets.contracts.reference import REFERENCE_KINDS
from titleshot.datasets.errors import MalformedInput

Kind = Literal["instant", "int32", "int64", "float64", "text", "bool"]
_ARROW: dict[Kind, pa.DataType] = {
    "instant": pa.timestamp("ns", tz="UTC"),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
}


@dataclass(frozen=True)
class Column:
    """One column: its name, what it holds, and whether a cell may be empty."""

    name: str
    kind: Kind
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: where it is, its columns, and the columns its canonical order goes by."""

    path: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, _ARROW[c.kind], nullable=c.nullable) for c in self.columns])

    def only(self, names: Iterable[str]) -> Table:
        """The same table with the columns named, in the order named."""
        columns = {column.name: column for column in self.columns}
        return replace(self, columns=tuple(columns[name] for name in names))


def _fact(kind: str, *columns: Column) -> Table:
    span = (Column("valid_from", "instant"), Column("valid_to", "instant", nullable=True))
    return Table(
        f"reference/{kind}.parquet", (*columns, *span, Column("known_from", "instant")), ("known_from",)
    )


def _event(path: str, *columns: Column) -> Table:
    start = (Column("timestamp", "instant"), Column("namespace", "text"), Column("service", "text"))
    end = (Column("ingested_at", "instant", nullable=True), Column("source_row", "int64"))
    return Table(path, (*start, *columns, *end), ("timestamp", "namespace", "service", "source_row"))


SAMPLES = Table(
    "telemetry/samples-00000.parquet",
    (
        Column("series", "int32"),
        Column("timestamp", "instant"),
        Column("value", "float64"),
        Column("ingested_at", "instant", nullable=True),
        Column("source_row", "int64"),
    ),
    ("timestamp", "series", "source_row"),
)
SERIES = Table(
    "telemetry/series.parquet",
    (
        Column("series", "int32"),
        Column("namespace", "text"),
        Column("service", "text"),
        Column("metric_name", "text"),
        Column("series_labels", "text"),
    ),
    ("series",),
)
LOG_EVENTS = _event(
    "telemetry/log_events.parquet",
    Column("level", "text"),
    Column("template", "text"),
    Column("count", "int64"),
)
PLATFORM_EVENTS = _event(
    "telemetry/platform_events.parquet", Column("reason", "text"), Column("message", "text")
)
_SERVICE = Column("service", "text")
REFERENCE: dict[str, Table] = {
    "topology": _fact("topology", Column("caller", "text"), Column("callee", "text")),
    "ownership": _fact("ownership", _SERVICE, Column("team", "text")),
    "tier": _fact("tier", _SERVICE, Column("tier", "text")),
    "deploy": _fact("deploy", _SERVICE, Column("version", "text"), Column("decoy", "bool")),
    "maintenance": _fact("maintenance", _SERVICE, Column("reason", "text")),
    "planned_change": _fact("planned_change", _SERVICE, Column("change", "text"), Column("reason", "text")),
    "alias": _fact("alias", _SERVICE, Column("alias", "text")),
}
PLANTED = Table(
    "telemetry/planted.parquet",
    (
        Column("planted_id", "text"),
        Column("scope", "text"),
        Column("kind", "text"),
        Column("size", "float64"),
        Column("unit", "text"),
        Column("direction", "text"),
        Column("service", "text"),
        Column("metric_name", "text"),
        Column("series", "int32"),
        Column("spread", "float64"),
        Column("start", "instant"),
        Column("end", "instant"),
        Column("samples", "int64"),
        Column("clipped", "int64"),
    ),
    ("planted_id", "series"),
)
"""What was planted into a copy; there in no other dataset."""
REPLACED = Table(
    "telemetry/replaced.parquet",
    (*SAMPLES.columns, Column("removed", "bool")),
    SAMPLES.order,
)
"""The samples a planted fault changed or took away, as they were."""
ROW_TABLES: dict[str, Table] = {
    "series": SERIES,
    "log_events": LOG_EVENTS,
    "platform_events": PLATFORM_EVENTS,
    "planted": PLANTED,
    "replaced": REPLACED,
    **{f"reference/{kind}": REFERENCE[kind] for kind in REFERENCE_KINDS},
}
"""Every table but ``samples`` by the name it has in ``dataset.yaml``: few enough rows to hold as records."""

QUARANTINE = pa.schema(
    [
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("source", pa.string()),
        ("row", pa.int64()),
        ("record", pa.string()),
    ]
)


def write_rows(folder: Path, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as the table's file below ``folder``."""
    path = folder / table.path
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=table.schema), path, compression="zstd")


def read_rows(folder: Path, table: Table) -> list[dict[str, Any]]:
    """All rows of a table, instants as int64 nanoseconds; none where the file is absent.

    Raises:
        MalformedInput: truncated, no Parquet, or other columns than the contract has.
    """
    rows: list[dict[str, Any]] = read_columns(folder, table).to_pylist()
    return rows


def read_columns(folder: Path, table: Table) -> pa.Table:
    """All rows of a table as columns, instants as int64 nanoseconds; none where the file is absent.

    Raises:
        MalformedInput: truncated, no Parquet, or other columns than the contract has.
    """
    path = folder / table.path
    if not path.is_file():
        return checked(table.schema.empty_table(), table, path)
    try:
        read = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None
    return checked(read, table, path)


def checked(read: pa.Table, table: Table, path: Path) -> pa.Table:
    """The table's columns in their order with instants as int64.

    Writers differ in how they spell a type: large or dictionary-encoded text is text, and an instant in
    another unit is the same instant. No other type stands for the one of the contract.

    Raises:
        MalformedInput: a column is missing, of another type, or empty where it may not be.
    """
    arrays = []
    for column in table.columns:
        position = read.schema.get_field_index(column.name)
        if position < 0:
            raise MalformedInput(f"{path}: no column {column.name!r}; import the dataset again")
        array = read.column(position)
        if array.type != _ARROW[column.kind]:
            array = _as_in_the_contract(array, column, path)
        if array.null_count and not column.nullable:
            raise MalformedInput(
                f"{path}: column {column.name!r} has {array.null_count} empty cells and may have none"
            )
        arrays.append(array.cast(pa.int64()) if column.kind == "instant" else array)
    return pa.table(arrays, names=[column.name for column in table.columns])


def _as_in_the_contract(array: pa.ChunkedArray, column: Column, path: Path) -> pa.ChunkedArray:
    target = _ARROW[column.kind]
    inner = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    is_text = pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner)
    same = (column.kind == "text" and is_text) or (
        column.kind == "instant" and pa.types.is_timestamp(array.type) and array.type.tz == "UTC"
    )
    try:
        if same:
            return array.cast(target)
    except pa.ArrowInvalid as error:  # a moment that nanoseconds do not reach
        raise unreadable(path, error) from None
    raise MalformedInput(
        f"{path}: column {column.name!r} is {array.type}, not {target}; import the dataset again"
    )


def unreadable(path: Path, error: Exception) -> MalformedInput:
    """The error to raise for a Parquet file that cannot be read."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return MalformedInput(f"{path} cannot be read as Parquet ({first}); it may be cut off: import again")
