"""Corners of the digest; test_identity_of_tables.py holds it against its definition over every table."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.digest import canonical_order, rows_entry, samples_entry
from titleshot.datasets.sample_files import sample_groups
from titleshot.datasets.tables import REFERENCE, SAMPLES

Row = tuple[int, int, float, int | None, int]
INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
SAMPLE_ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.one_of(st.integers(0, 5), INT64),
        st.floats(),
        st.one_of(st.none(), INT64),
    ),
    min_size=1,
    max_size=30,
).map(lambda rows: [(*row, number) for number, row in enumerate(rows)])


def write(folder: Path, rows: list[Row], row_group: int, **how: Any) -> None:
    columns = list(zip(*rows, strict=True))
    arrays = [
        pa.array(column, pa.int64()).cast(field.type) if pa.types.is_timestamp(field.type) else column
        for column, field in zip(columns, SAMPLES.schema, strict=True)
    ]
    path = folder / SAMPLES.path
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays, schema=SAMPLES.schema), path, row_group_size=row_group, **how)


def digest(rows: list[Row], row_group: int = 100, **how: Any) -> str:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), rows, row_group, **how)
        entry = samples_entry(sample_groups(Path(folder)))
    assert entry.rows == len(rows)
    return entry.digest


@settings(deadline=None, max_examples=60)
@given(SAMPLE_ROWS, st.data())
def test_one_other_cell_makes_another(rows: list[Row], data: Any) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 4))
    old = rows[at][column]
    new = {
        0: lambda: old + 1,
        1: lambda: old + 1 if old < 2**63 - 1 else old - 1,
        2: lambda: 1.0 if old != 1.0 else 2.0,
        3: lambda: 0 if old is None else None,
        4: lambda: old + 1000,
    }[column]()
    changed = [*rows]
    changed[at] = (*rows[at][:column], new, *rows[at][column + 1 :])

    assert digest(changed) != digest(rows)


def test_equal_numbers_are_one_number() -> None:
    other_nan = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_1234))[0]

    assert digest([(0, 1, -0.0, None, 0)]) == digest([(0, 1, 0.0, None, 0)])
    assert digest([(0, 1, other_nan, None, 0)]) == digest([(0, 1, float("nan"), None, 0)])


def test_an_empty_cell_is_not_a_zero() -> None:
    assert digest([(0, 1, 1.0, None, 0)]) != digest([(0, 1, 1.0, 0, 0)])


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 20)), max_size=40, unique=True)
)
def test_the_quick_order_is_the_plain_order(rows: list[tuple[int, int, int]]) -> None:
    timestamps, series, source_rows = (np.array([row[i] for row in rows], np.int64) for i in range(3))

    order = canonical_order(timestamps, series, source_rows)

    assert [rows[i] for i in (range(len(rows)) if order is None else order)] == sorted(rows)


OWNERS = [
    {"service": "a/b", "team": "x", "valid_from": 0, "valid_to": None, "known_from": 1},
    {"service": "a/b", "team": "x", "valid_from": 0, "valid_to": 5, "known_from": 1},
    {"service": "a/c", "team": "é", "valid_from": 0, "valid_to": None, "known_from": 0},
]


def test_text_cannot_slide_from_one_cell_into_the_next() -> None:
    table = REFERENCE["ownership"]
    left, right = {**OWNERS[0], "service": "a/bx", "team": "y"}, {**OWNERS[0], "service": "a/b", "team": "xy"}

    assert rows_entry(table, [left]) != rows_entry(table, [right])
