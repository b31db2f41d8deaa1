"""Ways to break what titleshot wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = "telemetry/samples-00000.parquet"


def cut(path: Path) -> None:
    """Only the first half of a file arrived."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Another table in the place of one."""
    pq.write_table(change(pq.read_table(path)), path)


def fill(column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    """A column of nothing but one value."""

    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(column)
        return table.set_column(place, column, pa.array([value] * len(table)))

    return change


def edit(path: Path, old: str, new: str) -> None:
    """A text edited by hand, once."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_json(path: Path, **changes: Any) -> None:
    """A JSON document with other fields; None takes one away."""
    document = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    kept = {name: value for name, value in document.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def edit_label(dataset: Path, **changes: Any) -> None:
    """The first incident label with other fields."""
    path = dataset / "labels" / "incidents.jsonl"
    first, *others = path.read_text(encoding="utf-8").splitlines()
    lines = [json.dumps({**json.loads(first), **changes}), *others]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def as_folder(path: Path) -> None:
    """A folder in the place of a file."""
    path.unlink()
    path.mkdir()
