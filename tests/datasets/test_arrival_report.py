"""How samples came is counted as plainly as one would by hand."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter


def report_of(rows: list[tuple[int, int]], values: list[float] | None = None) -> dict:
    """The report of an import of (series, second) in this order."""
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "shop"
        with DatasetWriter(path, name="shop") as writer:
            codes = writer.add_series([SeriesKey("shop", f"service-{code}", "rps") for code, _ in rows])
            seconds = np.array([second for _, second in rows], np.int64)
            writer.add_samples(codes, seconds * SECOND, values or [0.0] * len(rows))
        return Dataset.open(path).import_report()["samples"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=40))
def test_repeats_and_late_rows_are_those_a_plain_loop_finds(rows: list[tuple[int, int]]) -> None:
    seen: dict[int, set[int]] = defaultdict(set)
    repeats = 0
    for series, second in rows:
        repeats += second in seen[series]
        seen[series].add(second)
    first = {pair: position for position, pair in reversed([*enumerate(rows)])}
    late = 0
    for series, seconds in seen.items():
        # By arrival, which here is time: a row late in its source stands before one that came earlier.
        places = [first[series, second] for second in sorted(seconds)]
        late += sum(after < before for before, after in pairwise(places))

    report = report_of(rows)

    assert (report["duplicates"], report["out_of_order"]) == (repeats, late)
    assert (report["rows"], report["series"]) == (len(rows), len(seen))


def test_a_gap_is_a_step_wider_than_the_series_own_cadence() -> None:
    report = report_of([(0, 0), (0, 60), (0, 120), (0, 300), (1, 0), (1, 600), (1, 1200)])

    assert (report["gaps"], report["missing_samples"], report["longest_gap_s"]) == (1, 2, 180)
    assert report["series_by_cadence_s"] == {"60": 1, "600": 1}


def test_a_cadence_is_the_one_most_series_share_or_none() -> None:
    minute = [(series, 60 * i) for series in range(2) for i in range(3)]
    hourly = [(2, 3600 * i) for i in range(3)]

    assert report_of(minute + hourly)["cadence_s"] == 60
    assert report_of([(s, (s + 1) * 10 * i) for s in range(3) for i in range(3)])["cadence_s"] is None
    assert report_of([(0, 0)])["cadence_s"] is None


def test_a_series_without_a_usual_step_is_irregular_and_has_no_gaps() -> None:
    report = report_of([(0, step * step) for step in range(30)])

    assert report["series_by_cadence_s"] == {"irregular": 1}
    assert (report["gaps"], report["missing_samples"], report["cadence_s"]) == (0, 0, None)


def test_what_is_no_number_is_counted() -> None:
    assert report_of([(0, 0), (0, 1), (0, 2)], [np.nan, np.inf, 1])["non_finite"] == 2
