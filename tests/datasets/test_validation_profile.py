"""The compiled pass sees what a plain loop sees, late and repeated rows included, cut any way."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.validation import profile as profiling
from titleshot.datasets.validation import profile_kernel as kernel
from titleshot.datasets.validation.profile import Profile, Rows, profile_samples
from titleshot.datasets.validation.suite import Range

KEYS = [SeriesKey("commerce", name, "latency_p99") for name in ("cart", "checkout", "payment")]
START = 20_000 * DAY
Row = tuple[int, int, float, int]


def rows_of(rows: list[Row]) -> Rows:
    codes, timestamps, values, source_rows = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Rows(
        np.array(codes, np.int32),
        np.array(timestamps, np.int64),
        np.array(values, np.float64),
        np.array(source_rows, np.int64),
    )


def profiled(rows: list[Row], cuts: tuple[int, ...] = (), days: int = 4) -> Profile:
    def blocks() -> Iterator[Rows]:
        edges = [0, *sorted(cuts), len(rows)]
        for begin, end in pairwise(edges):
            yield rows_of(rows[begin:end])

    def at_most_5(metric_name: str) -> Range:
        return Range(metric=metric_name, low=-5.0, high=5.0)

    return profile_samples(KEYS, blocks, (START, START + days * DAY), range_of=at_most_5)


def plainly(rows: list[Row]) -> dict[tuple[int, int], dict[str, float]]:
    """The same profile, the obvious way."""
    found: dict[tuple[int, int], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    seen: dict[int, set[int]] = defaultdict(set)
    before: dict[int, tuple[int, int]] = {}
    for series, timestamp, value, source_row in rows:
        day = found[series, timestamp // DAY * DAY]
        day["rows"] += 1
        day["nan"] += math.isnan(value)
        day["infinite"] += math.isinf(value)
        day["out_of_range"] += math.isfinite(value) and abs(value) > 5
        if math.isfinite(value):
            day["minimum"] = min(value, day.get("minimum", value))
            day["maximum"] = max(value, day.get("maximum", value))
        day["first"] = min(timestamp, day.get("first", timestamp))
        day["last"] = max(timestamp, day.get("last", timestamp))
        if timestamp in seen[series]:
            day["repeated"] += 1
            continue
        seen[series].add(timestamp)
        if series in before and (timestamp < before[series][0] or source_row < before[series][1]):
            day["disordered"] += 1
        before[series] = (timestamp, source_row)
    for series, timestamps in seen.items():
        in_time = sorted(timestamps)
        for earlier, later in pairwise(in_time):
            day = found[series, later // DAY * DAY]
            day["largest_gap_s"] = max(day["largest_gap_s"], (later - earlier) / 1e9)
    return found


COUNTED = ("rows", "nan", "infinite", "out_of_range", "first", "last")
samples = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 40).map(lambda step: START + step * 2 * HOUR),
        st.sampled_from([0.0, 1.5, -7.0, 6.0, math.nan, math.inf, -math.inf]),
        st.integers(0, 50),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(samples, st.lists(st.integers(0, 60), max_size=3))
def test_profile_equals_a_plain_loop_however_the_rows_are_cut(rows: list[Row], cuts: list[int]) -> None:
    profile = profiled(rows, tuple(min(cut, len(rows)) for cut in cuts))
    expected = plainly(rows)
    days = profile.days
    assert profile.rows == len(rows)
    assert len(days["rows"]) == len(expected)
    for at in range(len(days["rows"])):
        wanted = expected[int(days["series"][at]), int(days["day"][at])]
        seen = {name: days[name][at] for name in COUNTED}
        assert seen == {name: wanted[name] for name in COUNTED}
        assert days["repeated"][at] == wanted["repeated"]
        assert days["disordered"][at] == wanted["disordered"]
        assert days["largest_gap_s"][at] == wanted["largest_gap_s"]
        assert days["minimum"][at] == wanted.get("minimum", math.nan) or "minimum" not in wanted
        assert days["maximum"][at] == wanted.get("maximum", math.nan) or "maximum" not in wanted


@settings(max_examples=150, deadline=None)
@given(samples)
def test_repeats_are_exact_even_where_a_row_is_later_than_what_is_held(rows: list[Row]) -> None:
    held, kernel.RECENT = kernel.RECENT, 4
    try:
        days = profiled(rows).days
    finally:
        kernel.RECENT = held
    expected = plainly(rows)
    for at in range(len(days["rows"])):
        wanted = expected[int(days["series"][at]), int(days["day"][at])]
        assert days["repeated"][at] == wanted["repeated"]


def regular(count: int, step: int, series: int = 0) -> list[Row]:
    return [(series, START + i * step, 1.0, i) for i in range(count)]


def test_cadence_is_the_step_of_the_majority_and_missing_samples_are_counted() -> None:
    rows = regular(200, 5 * MINUTE)
    del rows[50:53], rows[90]
    series = profiled(rows).series
    assert series["cadence_s"][0] == 300
    assert series["missing"].tolist() == [4, 0, 0]
    assert np.isnan(series["cadence_s"][1])


def test_clocks_that_jitter_by_milliseconds_still_have_a_cadence_and_no_gaps() -> None:
    random = np.random.default_rng(3)
    rows = [(0, t + int(random.integers(0, 90_000_000)), 1.0, i) for _, t, _, i in regular(200, MINUTE)]
    profile = profiled(rows)
    assert profile.series["cadence_s"][0] == 60
    assert profile.days["gap_cadences"].max() < 1.1


def test_a_series_without_a_usual_step_has_no_gaps() -> None:
    random = np.random.default_rng(5)
    stamps = np.sort(random.integers(START, START + DAY, 60))
    profile = profiled([(0, int(t), 1.0, i) for i, t in enumerate(stamps)])
    assert np.isnan(profile.series["cadence_s"][0])
    assert profile.days["gap_cadences"].tolist() == [0.0]


def test_examples_name_series_time_value_and_source_row() -> None:
    rows = regular(3, HOUR)
    rows[1] = (0, START + HOUR, math.inf, 17)
    violations = profiled(rows).violations
    said = violations.examples("non_finite", 5)
    assert said == ("commerce/cart latency_p99 at 2024-10-04T01:00:00Z = inf (source row 17)",)


def test_rows_outside_the_declared_span_are_counted_and_do_not_stretch_memory() -> None:
    rows = [*regular(3, HOUR), (0, START + 40_000 * DAY, 1.0, 9)]
    profile = profiled(rows)
    assert profile.series["outside_span"].tolist() == [1, 0, 0]


def test_a_span_of_centuries_is_profiled_in_longer_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "MOST_SLOTS", 30)
    profile = profiled(regular(24, 20 * HOUR), days=40)
    assert profile.period_days == 4
    assert profile.days["rows"].sum() == 24
    assert len(profile.days["rows"]) == 5


def test_timestamps_as_far_apart_as_64_bits_allow_leave_a_gap_and_no_overflow() -> None:
    ends = (-(2**63) + 2, 2**63 - 2)
    rows = rows_of([(0, ends[0], 1.0, 0), (0, ends[1], 1.0, 1)])
    profile = profile_samples(KEYS, lambda: [rows], (ends[0], ends[1] + 1))
    assert profile.days["largest_gap_s"].max() > 9e9
    assert profile.series["rows"].tolist() == [2, 0, 0]


def test_a_series_nobody_declared_is_refused() -> None:
    with pytest.raises(MalformedInput, match="samples name series 3 and there are series 0 to 2"):
        profiled([(3, START, 1.0, 0)])


@pytest.mark.slow
def test_ten_million_rows_take_few_seconds_and_no_memory_by_the_row() -> None:
    keys = [SeriesKey("commerce", f"service-{i:04}", "rate") for i in range(1000)]

    def blocks() -> Iterator[Rows]:
        for start in range(0, 10_000_000, 1_000_000):
            row = np.arange(start, start + 1_000_000)
            yield Rows((row % 1000).astype(np.int32), START + row // 1000 * 5 * MINUTE, row * 0.1, row)

    began = time.process_time()
    for _ in blocks():
        pass
    made = time.process_time() - began
    began = time.process_time()
    profile = profile_samples(keys, blocks, (START, START + 35 * DAY))
    assert profile.rows == 10_000_000
    assert time.process_time() - began - made < 3
