"""Several Parquet files under way, closed together."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

import pyarrow.parquet as pq


def close_all(writers: Iterable[pq.ParquetWriter]) -> None:
    """Close every writer, even where one of them cannot be.

    A writer that could not write its end, as on a full disk, would try again when it is collected and
    complain past everybody; it is told that it is closed.

    Raises:
        OSError: one of them could not be closed; the others are.
    """
    with ExitStack() as stack:
        for writer in writers:
            stack.callback(_close, writer)


def _close(writer: pq.ParquetWriter) -> None:
    try:
        writer.close()
    finally:
        writer.is_open = False
