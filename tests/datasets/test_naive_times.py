"""A time without a zone is read in the zone that was named, counted, else refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import SECOND, format_instant, parse_instant
from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.naive_times import NaiveTimes


def test_without_a_named_zone_it_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        NaiveTimes(None).instant("2026-07-01T12:00:00")


def test_a_time_that_has_a_zone_keeps_it() -> None:
    times = NaiveTimes("Europe/Berlin")

    assert times.instant("2026-07-01T12:00:00Z") == parse_instant("2026-07-01T12:00:00Z")
    assert times.read == 0


def test_fractions_are_kept_to_the_nanosecond() -> None:
    assert NaiveTimes("UTC").instant("1970-01-01 00:00:01.000000001") == 1_000_000_001


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),  # happens twice
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),  # never happens
    ],
)
def test_an_hour_a_clock_change_repeats_or_skips_takes_the_earlier_offset_and_is_counted(
    local: str, utc: str
) -> None:
    times = NaiveTimes("Europe/Berlin")

    assert times.instant(local, times=3) == parse_instant(utc)
    assert (times.read, times.at_clock_changes) == (3, 3)


ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Africa/Monrovia",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
]
CHANGES = ["2026-03-29T01:00:00Z", "2026-10-25T00:30:00Z", "2007-11-04T02:31:00Z", "1972-01-07T00:44:30Z"]
NEAR_A_CHANGE = st.builds(
    lambda change, seconds, nanoseconds: parse_instant(change) + seconds * SECOND + nanoseconds,
    st.sampled_from(CHANGES),
    st.integers(-15_000, 15_000),
    st.integers(0, SECOND - 1),
)
ANY_TIME = st.integers(parse_instant("1900-01-01T00:00:00Z"), parse_instant("2200-01-01T00:00:00Z"))


@given(st.sampled_from(ZONES), st.lists(st.one_of(NEAR_A_CHANGE, ANY_TIME), max_size=20))
def test_many_times_are_read_as_each_is_alone(zone: str, local: list[int]) -> None:
    one, many = NaiveTimes(zone), NaiveTimes(zone)

    found = many.instants(np.array(local, np.int64)).tolist()

    assert found == [one.instant(format_instant(time).removesuffix("Z")) for time in local]
    assert (many.read, many.skipped, many.repeated) == (one.read, one.skipped, one.repeated)


def test_a_zone_the_source_names_must_not_contradict() -> None:
    times = NaiveTimes(None)
    times.use("Europe/Berlin")
    times.use("Europe/Berlin")

    assert times.instant("2026-07-01 12:00:00") == parse_instant("2026-07-01T10:00:00Z")
    with pytest.raises(UsageError, match="say one of them"):
        times.use("UTC")


def test_what_is_no_time_stays_no_time() -> None:
    with pytest.raises(ValueError, match="day"):
        NaiveTimes("UTC").instant("2026-02-30T00:00:00")
