"""A time without a zone is read in the zone that was named, counted, else refused."""

from __future__ import annotations

import pytest

from titleshot.datasets.contracts.instants import parse_instant
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


def test_what_is_no_time_stays_no_time() -> None:
    with pytest.raises(ValueError, match="day"):
        NaiveTimes("UTC").instant("2026-02-30T00:00:00")
