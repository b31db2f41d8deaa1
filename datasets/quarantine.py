"""Records that break their contract: set aside with the reason, counted, and never in the way."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from titleshot.datasets.errors import UsageError
from titleshot.datasets.parquet_writers import close_all
from titleshot.datasets.tables import QUARANTINE

_BATCH = 20_000
_LONGEST = 10_000


class Quarantine:
    """One Parquet file a kind below ``folder``, written in batches: a file full of faults fits memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._files: dict[str, pq.ParquetWriter] = {}
        self._counts: dict[str, Counter[str]] = {}

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Records set aside, by kind and reason."""
        return {kind: dict(sorted(counter.items())) for kind, counter in sorted(self._counts.items())}

    def add(
        self, kind: str, reason: str, detail: str, source: str, row: int, record: Mapping[str, Any] | str
    ) -> None:
        """Set one record aside; what is longer than 10,000 characters is cut."""
        if not re.fullmatch(r"[a-z_]{1,40}", kind):
            raise UsageError(f"quarantine kind {kind!r} is not a word of a-z and _")
        text = record if isinstance(record, str) else json.dumps(record, sort_keys=True, default=str)
        self._counts.setdefault(kind, Counter())[reason] += 1
        waiting = self._waiting.setdefault(kind, [])
        waiting.append(
            {
                "reason": _storable(reason),
                "detail": _storable(detail)[:_LONGEST],
                "source": _storable(source),
                "row": row,
                "record": _storable(text)[:_LONGEST],
            }
        )
        if len(waiting) >= _BATCH:
            self._flush(kind)

    def close(self) -> None:
        """Write what waits and close the files."""
        try:
            for kind in [*self._waiting]:
                self._flush(kind)
        finally:
            close_all(self._files.values())

    def _flush(self, kind: str) -> None:
        waiting = self._waiting.pop(kind, [])
        if kind not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files[kind] = pq.ParquetWriter(
                self._folder / f"{kind}.parquet", QUARANTINE, compression="zstd"
            )
        self._files[kind].write_table(pa.Table.from_pylist(waiting, schema=QUARANTINE))


def _storable(text: str) -> str:
    # Half of a surrogate pair is legal in JSON text and cannot be stored as UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()
