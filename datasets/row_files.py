"""Rows of records on their way to disk, written in batches: a year of log events fits memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titleshot.datasets.parquet_writers import close_all
from titleshot.datasets.tables import Table

_BATCH = 20_000


class RowFiles:
    """One Parquet file a table below ``folder``, begun with its first row."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[Table, list[dict[str, Any]]] = {}
        self._files: dict[Table, pq.ParquetWriter] = {}

    def add(self, table: Table, rows: Iterable[dict[str, Any]]) -> None:
        """Append rows, in their order."""
        waiting = self._waiting.setdefault(table, [])
        for row in rows:
            waiting.append(row)
            if len(waiting) >= _BATCH:
                self._flush(table)

    def close(self) -> None:
        """Write what waits and close the files."""
        try:
            for table in [*self._waiting]:
                if self._waiting[table]:
                    self._flush(table)
        finally:
            close_all(self._files.values())

    def _flush(self, table: Table) -> None:
        if table not in self._files:
            path = self._folder / table.path
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[table] = pq.ParquetWriter(path, table.schema, compression="zstd")
        waiting = self._waiting[table]
        self._files[table].write_table(pa.Table.from_pylist(waiting, schema=table.schema))
        waiting.clear()
