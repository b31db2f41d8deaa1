"""A table is what it says: whoever wrote the file and however, and not if one cell says something else."""

from __future__ import annotations

import hashlib
import json
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.data_parts import TableEntry
from titleshot.datasets.digest import dataset_digest, table_entries
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.tables import ROW_TABLES, SAMPLES, Column, Kind, Table

TABLES: dict[str, Table] = {"samples": SAMPLES, **ROW_TABLES}
Rows = list[dict[str, Any]]

OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_1234))[0]
INSTANTS = st.one_of(st.integers(0, 5), st.integers(-(2**63) + 1, 2**63 - 1))
CELLS: dict[Kind, st.SearchStrategy[Any]] = {
    "instant": INSTANTS,
    "int32": st.one_of(st.integers(0, 3), st.integers(-(2**31), 2**31 - 1)),
    "int64": st.one_of(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1)),
    "float64": st.one_of(st.sampled_from([0.0, -0.0, float("nan"), OTHER_NAN]), st.floats()),
    "text": st.one_of(
        st.sampled_from(["", "é", "e\u0301", "\x00", "a\nb", "\u202ea", "😀"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    ),
    "bool": st.booleans(),
}


def row_of(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    def cell(column: Column) -> st.SearchStrategy[Any]:
        # A sample file's code and source row say where the sample stands: never below nothing.
        if table is SAMPLES and column.name == "series":
            return st.integers(0, 3)
        of = CELLS[column.kind]
        return st.one_of(st.none(), of) if column.nullable else of

    return st.fixed_dictionaries({column.name: cell(column) for column in table.columns})


@st.composite
def contents(draw: st.DrawFn) -> tuple[str, Rows]:
    name = draw(st.sampled_from(sorted(TABLES)))
    rows = draw(st.lists(row_of(TABLES[name]), min_size=1, max_size=12))
    if name == "samples":
        rows = [{**row, "source_row": number} for number, row in enumerate(rows)]
    return name, rows


def arrow(table: Table, rows: Rows) -> pa.Table:
    return pa.table(
        [
            pa.array([row[field.name] for row in rows], pa.int64()).cast(field.type)
            if pa.types.is_timestamp(field.type)
            else pa.array([row[field.name] for row in rows], field.type)
            for field in table.schema
        ],
        schema=table.schema,
    )


def by_pyarrow(**how: Any) -> Callable[[pa.Table, Path], None]:
    return lambda table, path: pq.write_table(table, path, **how)


def by_polars(table: pa.Table, path: Path) -> None:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    frame.write_parquet(path, row_group_size=3, statistics=False)


def by_pandas(table: pa.Table, path: Path) -> None:
    import pandas as pd

    table.to_pandas(types_mapper=pd.ArrowDtype).to_parquet(path, compression="gzip")


def with_dictionaries(table: pa.Table, path: Path) -> None:
    columns = [c.dictionary_encode() if pa.types.is_string(c.type) else c for c in table.columns]
    pq.write_table(pa.table(columns, names=table.column_names), path)


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "no compression, no dictionary": by_pyarrow(compression="none", use_dictionary=False, row_group_size=1),
    "brotli, new pages": by_pyarrow(compression="brotli", data_page_version="2.0", row_group_size=5),
    "no statistics": by_pyarrow(write_statistics=False, row_group_size=2),
    "dictionaries as such": with_dictionaries,
    "polars": by_polars,
    "pandas": by_pandas,
}


@contextmanager
def stored(name: str, table: pa.Table, write: Callable[[pa.Table, Path], None], files: int) -> Iterator[Path]:
    """A folder with one table in as many files as asked where it may lie in several; series always exist."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if name != "samples":
            put(folder, SAMPLES, arrow(SAMPLES, SAMPLE), by_pyarrow())
        place = TABLES[name].path
        parts = files if name == "samples" else 1
        for number in range(parts):
            size = -(-len(table) // parts)
            part = table.slice(number * size, size)
            put(folder, TABLES[name], part, write, place.replace("00000", f"{number:05d}"))
        yield folder


SAMPLE: Rows = [{"series": 0, "timestamp": 1, "value": 1.0, "ingested_at": None, "source_row": 0}]


def put(
    folder: Path, table: Table, content: pa.Table, write: Callable[[pa.Table, Path], None], at: str = ""
) -> None:
    path = folder / (at or table.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(content, path)


def naive_entry(table: Table, rows: Rows) -> TableEntry:
    """The definition in the docstring of digest.py, cell by cell."""

    def cell(column: Column, value: Any) -> bytes:
        form = {"instant": "<q", "int64": "<q", "int32": "<i", "bool": "<?", "float64": "<d"}.get(column.kind)
        if value is None:
            assert form is not None
            return b"\0" + bytes(struct.calcsize(form))
        if form is None:
            said = struct.pack("<I", len(value.encode())) + value.encode()
        elif column.kind == "float64":
            said = struct.pack(form, float("nan") if value != value else 0.0 if value == 0 else value)
        else:
            said = struct.pack(form, value)
        return b"\1" + said if column.nullable else said

    header = json.dumps([[c.name, c.kind, c.nullable] for c in table.columns], separators=(",", ":")).encode()
    lines = sorted(
        (tuple(row[name] for name in table.order), b"".join(cell(c, row[c.name]) for c in table.columns))
        for row in rows
    )
    content = b"".join(line for _, line in lines)
    said = struct.pack("<Q", len(header)) + header + content + struct.pack("<Q", len(rows))
    return TableEntry(rows=len(rows), digest=hashlib.sha256(said).hexdigest())


@settings(max_examples=150)
@given(
    contents(),
    st.sampled_from(sorted(WRITERS)),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_whoever_wrote_it_and_in_whatever_order_it_is_the_same_table(
    content: tuple[str, Rows], writer: str, files: int, random: Any
) -> None:
    name, rows = content
    shuffled = random.sample(rows, len(rows))

    with stored(name, arrow(TABLES[name], shuffled), WRITERS[writer], files) as folder:
        entry = table_entries(folder)[name]

    assert entry == naive_entry(TABLES[name], rows)


@pytest.mark.parametrize("unit", ["us", "ms", "s"])
def test_the_same_instant_in_another_unit_is_the_same(unit: str) -> None:
    rows = [{**SAMPLE[0], "timestamp": n * 10**9, "ingested_at": 5 * 10**9, "source_row": n} for n in (1, 2)]
    coarse = arrow(SAMPLES, rows)
    for at, name in ((1, "timestamp"), (3, "ingested_at")):
        coarse = coarse.set_column(at, name, coarse.column(name).cast(pa.timestamp(unit, "UTC")))

    with stored("samples", coarse, by_pyarrow(version="2.6", row_group_size=1), 1) as folder:
        assert table_entries(folder)["samples"] == naive_entry(SAMPLES, rows)


def test_parquet_1_0_of_whole_microseconds_is_the_same() -> None:
    rows = [{**SAMPLE[0], "timestamp": n * 1000, "source_row": n} for n in (3, 1, 2)]

    with stored("samples", arrow(SAMPLES, rows), by_pyarrow(version="1.0"), 2) as folder:
        assert table_entries(folder)["samples"] == naive_entry(SAMPLES, rows)


OTHER: dict[Kind, tuple[Any, ...]] = {
    "instant": (11, 12),
    "int32": (1, 2),
    "int64": (21, 22),
    "float64": (0.5, 0.25),
    "text": ("a/x", "b/y"),
    "bool": (False, True),
}


def plain(table: Table) -> Rows:
    """Two rows that differ in every cell; one of them has its empty cells empty."""
    return [
        {c.name: None if c.nullable and at else OTHER[c.kind][at] for c in table.columns} for at in (0, 1)
    ]


@pytest.fixture(scope="module")
def every_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("every-table")
    for table in TABLES.values():
        put(folder, table, arrow(table, plain(table)), by_pyarrow())
    return folder


EVERY_CELL = [
    (name, column, row) for name, table in TABLES.items() for column in table.columns for row in (0, 1)
]


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_counts_in_its_table_and_in_the_dataset_and_nowhere_else(
    every_table: Path, name: str
) -> None:
    table = TABLES[name]
    before = table_entries(every_table)
    seen = {dataset_digest(0.0, before)}
    for of, column, row in EVERY_CELL:
        if of != name:
            continue
        rows = plain(table)
        now = rows[row][column.name]
        changes = [OTHER[column.kind][1 - row] if column.kind == "bool" else _next(column, now)]
        if column.nullable:
            changes.append(None if now is not None else 0)
        for change in changes:
            rows[row][column.name] = change
            put(every_table, table, arrow(table, rows), by_pyarrow())
            after = table_entries(every_table)
            assert [of for of in TABLES if after[of] != before[of]] == [name], (column.name, change)
            seen.add(dataset_digest(0.0, after))
    put(every_table, table, arrow(table, plain(table)), by_pyarrow())
    assert table_entries(every_table) == before
    assert len(seen) == 1 + sum(2 if c.nullable else 1 for of, c, _ in EVERY_CELL if of == name)


def _next(column: Column, value: Any) -> Any:
    """The nearest other value: the last bit, one nanosecond, one more letter."""
    if column.kind == "text":
        return f"{value}\x00"
    if column.kind == "float64":
        return float(
            struct.unpack("<d", struct.pack("<q", struct.unpack("<q", struct.pack("<d", value))[0] + 1))[0]
        )
    return 7 if value is None else value + 1


@pytest.mark.parametrize(
    ("name", "column"), [(name, column.name) for name, table in TABLES.items() for column in table.columns]
)
def test_a_renamed_column_and_one_of_another_type_are_found(
    every_table: Path, name: str, column: str
) -> None:
    table = TABLES[name]
    good = arrow(table, plain(table))
    place = good.schema.get_field_index(column)
    renamed = good.rename_columns([f"{c}_" if c == column else c for c in good.column_names])
    other_type = (
        pa.array([[1], [2]]) if pa.types.is_boolean(good.column(place).type) else pa.array([True, False])
    )
    retyped = good.set_column(place, column, other_type)
    try:
        for changed, says in ((renamed, f"no column '{column}'"), (retyped, f"column '{column}' is ")):
            put(every_table, table, changed, by_pyarrow())
            with pytest.raises(MalformedInput, match=says) as raised:
                table_entries(every_table)
            assert table.path in str(raised.value)
    finally:
        put(every_table, table, good, by_pyarrow())


@pytest.mark.parametrize(
    ("column", "kind"),
    [("timestamp", pa.timestamp("ns")), ("timestamp", pa.timestamp("ns", "Europe/Berlin")),
     ("series", pa.int64()), ("value", pa.float32()), ("source_row", pa.float64())],
)  # fmt: skip
def test_a_type_that_only_looks_alike_is_found(every_table: Path, column: str, kind: pa.DataType) -> None:
    good = arrow(SAMPLES, plain(SAMPLES))
    place = good.schema.get_field_index(column)
    put(every_table, SAMPLES, good.set_column(place, column, good.column(column).cast(kind)), by_pyarrow())
    try:
        with pytest.raises(MalformedInput, match=f"column '{column}' is "):
            table_entries(every_table)
    finally:
        put(every_table, SAMPLES, good, by_pyarrow())


GOLDEN = {
    "log_events": "990acd03b91f42d3",
    "planted": "cc53f92f98484f38",
    "platform_events": "e1b9fc8b9dfd322d",
    "reference/alias": "7e2bca806159e688",
    "reference/deploy": "c8bda879a8d8868d",
    "reference/maintenance": "395043d2d2bb859d",
    "reference/ownership": "32e495bf63e9531e",
    "reference/planned_change": "62807a5ef5e85fde",
    "reference/tier": "2b4a2b303751c998",
    "reference/topology": "65e742690f16c026",
    "replaced": "6d13e8ebbadd63db",
    "samples": "655b180c7963140d",
    "series": "dce5888201bd3470",
}
GOLDEN_DATASET = "5635863969453dc7dc9dd7523d7f8cb342e548e3e56e1ac08042fb135e942a9c"


def test_the_definition_does_not_change_with_the_version_of_titleshot(every_table: Path) -> None:
    """Frozen: every digest in every scorecard, ledger and evidence folder rests on it."""
    entries = table_entries(every_table)

    assert {name: entry.digest[:16] for name, entry in entries.items()} == GOLDEN
    assert dataset_digest(30.0, entries) == GOLDEN_DATASET
