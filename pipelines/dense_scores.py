"""The dense scores of a replay log, read back beside the samples they are of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.errors import IntegrityError, UsageError
from titleshot.datasets.log_about import unreadable
from titleshot.datasets.replay_log import SCORES, ReplayLog


class DenseScores:
    """``scores.parquet`` row by row, a row group in memory at a time."""

    def __init__(self, log: ReplayLog) -> None:
        self._path = log.path / "scores.parquet"
        self._log = log
        if "scores" not in log.about["rows"] or not self._path.is_file():
            raise UsageError(
                f"{log.path} holds no dense scores, which curves against threshold are drawn from; replay"
                " again with --scores"
            )
        try:
            self._file = pq.ParquetFile(self._path)
            if not set(SCORES.names) <= set(self._file.schema_arrow.names):
                raise pa.ArrowInvalid(f"columns {self._file.schema_arrow.names}, not {SCORES.names}")
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self._path, error) from None
        self._groups = iter(range(self._file.num_row_groups))
        self._held = SCORES.empty_table()
        self._row = 0

    def next(self, codes: NDArray[np.int32], timestamps: NDArray[np.int64]) -> NDArray[np.float64]:
        """u of the next rows, which must be of these samples; NaN where unscored."""
        n = len(codes)
        parts = [self._held]
        have = self._held.num_rows
        while have < n and (group := next(self._groups, None)) is not None:
            parts.append(self._read(group))
            have += parts[-1].num_rows
        held = pa.concat_tables(parts)
        taken, self._held = held.slice(0, n), held.slice(n)
        if taken.num_rows < n:
            raise self._other(f"holds {self._row + taken.num_rows:,} scores, and there are more samples")
        same = taken["series"].to_numpy() == codes
        same &= taken["timestamp"].cast(pa.int64()).to_numpy() == timestamps
        if not same.all():
            at = int(np.argmin(same))
            raise self._other(
                f"row {self._row + at + 1} is not of the sample of series {codes[at]} at"
                f" {format_instant(int(timestamps[at]))} that the dataset has there"
            )
        self._row += n
        graded = taken["anomaly_score"].to_numpy(zero_copy_only=False)
        if ((graded < 0) | (graded >= 1)).any():
            raise self._other("holds an anomaly score outside [0, 1)")
        strangeness: NDArray[np.float64] = graded / (1 - graded)
        return strangeness

    def check_end(self) -> None:
        """Raise IntegrityError where rows are left."""
        if self._held.num_rows or next(self._groups, None) is not None:
            raise self._other(f"holds more scores than there are samples ({self._row:,})")

    def _read(self, group: int) -> pa.Table:
        try:
            return self._file.read_row_group(group, columns=SCORES.names).cast(SCORES)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise unreadable(self._path, error) from None

    def _other(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"{self._path} {what}: these are not the dense scores of this log's replay; replay again"
            " with --scores"
        )
