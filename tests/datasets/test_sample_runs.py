"""Samples in many runs come out as one stable sort by arrival would put them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets import sample_columns, sample_runs
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.errors import UsageError
from titleshot.datasets.sample_columns import SampleColumns
from titleshot.datasets.sample_files import NO_INSTANT

ROWS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 30), st.none() | st.integers(0, 40)),
        min_size=1,
        max_size=9,
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(autouse=True)
def _small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_columns, "RUN", 8)
    monkeypatch.setattr(sample_runs, "_STRIDE", 3)


def pieces(
    chunks: list[list[tuple[int, int, int | None]]], delay_s: float, rows: int
) -> list[dict[str, Any]]:
    with TemporaryDirectory() as scratch:
        columns = SampleColumns(Path(scratch) / "runs")
        for chunk in chunks:
            ingested = [NO_INSTANT if at is None else at * SECOND for _, _, at in chunk]
            columns.add(
                [code for code, _, _ in chunk],
                [second * SECOND for _, second, _ in chunk],
                [float(second) for _, second, _ in chunk],
                ingested,
                series=3,
                ingest_delay_s=delay_s,
            )
        return list(columns.pieces(rows, delay_s))


@given(ROWS, st.sampled_from([0.0, 5.0]), st.integers(1, 20))
def test_runs_merge_into_one_stable_sort_by_arrival(
    chunks: list[list[tuple[int, int, int | None]]], delay_s: float, rows: int
) -> None:
    flat = [row for chunk in chunks for row in chunk]
    arrivals = [second + delay_s if at is None else at for _, second, at in flat]
    expected = sorted(range(len(flat)), key=lambda i: (arrivals[i], i))

    merged = pieces(chunks, delay_s, rows)

    rows_out = np.concatenate([piece["source_row"] for piece in merged]).tolist()
    assert rows_out == expected
    assert np.concatenate([piece["series"] for piece in merged]).tolist() == [flat[i][0] for i in expected]
    stamps = np.concatenate([piece["timestamp"] for piece in merged]).tolist()
    assert stamps == [flat[i][1] * SECOND for i in expected]
    if any(at is not None for _, _, at in flat):
        ingested = np.concatenate([piece["ingested_at"] for piece in merged]).tolist()
        assert ingested == [NO_INSTANT if flat[i][2] is None else flat[i][2] * SECOND for i in expected]


@given(ROWS, st.integers(1, 20))
def test_a_piece_is_no_larger_than_asked_but_for_a_stride_a_run(
    chunks: list[list[tuple[int, int, int | None]]], rows: int
) -> None:
    total = sum(map(len, chunks))
    runs = total // 8 + 1

    assert all(len(piece["series"]) <= max(rows, 3) + 3 * runs + 3 for piece in pieces(chunks, 0.0, rows))


def test_one_instant_that_all_samples_share_is_still_cut_into_pieces() -> None:
    merged = pieces([[(0, 5, None)] * 8] * 10, 0.0, 9)

    assert max(len(piece["series"]) for piece in merged) < 40
    assert np.concatenate([piece["source_row"] for piece in merged]).tolist() == [*range(80)]


def test_a_delay_changed_after_samples_whose_order_hangs_on_it_is_refused(tmp_path: Path) -> None:
    columns = SampleColumns(tmp_path)
    columns.add([0, 0], [1, 2], [1.0, 2.0], [NO_INSTANT, 5], series=1, ingest_delay_s=0.0)

    with pytest.raises(UsageError, match="before the first"):
        list(columns.pieces(10, 3.0))
