"""How samples came is counted as plainly as one would by hand."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.arrival_report import arrival_report
from titleshot.datasets.contracts.instants import SECOND


def report_of(rows: list[tuple[int, int]], values: list[float] | None = None):
    codes, seconds = (np.array([row[i] for row in rows], np.int64) for i in range(2))
    return arrival_report(
        codes.astype(np.int32),
        seconds * SECOND,
        np.array(values if values is not None else [0.0] * len(rows)),
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=40))
def test_repeats_and_steps_back_are_those_a_plain_loop_finds(rows: list[tuple[int, int]]) -> None:
    seen: dict[int, list[int]] = defaultdict(list)
    repeats = back = 0
    for series, second in rows:
        repeats += second in seen[series]
        back += bool(seen[series]) and second < seen[series][-1]
        seen[series].append(second)

    report = report_of(rows)

    assert (report.duplicates, report.out_of_order) == (repeats, back)
    assert (report.rows, report.series) == (len(rows), len(seen))


def test_a_gap_is_a_step_wider_than_the_series_own_cadence() -> None:
    report = report_of([(0, 0), (0, 60), (0, 120), (0, 300), (1, 0), (1, 600), (1, 1200)])

    assert (report.gaps, report.missing_samples, report.longest_gap_s) == (1, 2, 180)
    assert report.series_by_cadence_s == {"60": 1, "600": 1}


def test_a_cadence_is_the_one_most_series_share_or_none() -> None:
    minute = [(series, 60 * i) for series in range(2) for i in range(3)]
    hourly = [(2, 3600 * i) for i in range(3)]

    assert report_of(minute + hourly).cadence_s == 60
    assert report_of([(s, (s + 1) * 10 * i) for s in range(3) for i in range(3)]).cadence_s is None
    assert report_of([(0, 0)]).cadence_s is None


def test_what_is_no_number_is_counted() -> None:
    assert report_of([(0, 0), (0, 1), (0, 2)], [np.nan, np.inf, 1]).non_finite == 2


def test_nothing_is_a_legal_report() -> None:
    assert report_of([]).rows == 0
