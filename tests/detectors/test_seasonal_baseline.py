"""Seasonal baseline against the definition in plain Python, and what it leaves unsaid."""

import math
import statistics
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND, WEEK, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.families import make_detector
from titleshot.detectors.robust_mad import GAUSSIAN_MAD
from titleshot.detectors.seasonal_baseline import SeasonalBaseline, SeasonalBaselineParams

MONDAY = parse_instant("2026-01-05T00:00:00Z")
CART, AUTH = SeriesKey("shop", "cart", "requests"), SeriesKey("shop", "auth", "requests")


def weeks(n, rng, step=20 * MINUTE):
    """Codes, timestamps and values of two series with a busy Monday morning."""
    times = np.arange(MONDAY - n * WEEK, MONDAY, step)
    timestamps = np.repeat(times, 2)
    codes = np.tile(np.array([0, 1], np.int32), len(times))
    busy = ((timestamps - MONDAY) % WEEK) // HOUR == 9
    return codes, timestamps, rng.normal(10, 1, len(codes)) + 30 * busy + 5 * codes


@pytest.mark.parametrize("utc_offset_s", [0, 19_800, -18_000])
@pytest.mark.parametrize("period", ["week", "day"])
def test_median_and_spread_are_those_of_the_hour(period, utc_offset_s):
    codes, timestamps, values = weeks(3, np.random.default_rng(1))
    values[5] = math.nan
    detector = SeasonalBaseline(
        SeasonalBaselineParams(period=period, utc_offset_s=utc_offset_s, min_points=3)
    )
    arrays = detector.fit([CART, AUTH], codes, timestamps, values)
    by_slot = defaultdict(list)
    for code, at, value in zip(codes.tolist(), timestamps.tolist(), values.tolist(), strict=True):
        local = datetime.fromtimestamp(at // SECOND, UTC) + timedelta(seconds=utc_offset_s)
        slot = local.hour + (24 * local.weekday() if period == "week" else 0)
        if math.isfinite(value):
            by_slot[code, slot].append(value)
    assert len(by_slot) == arrays["median"].size
    for (code, slot), points in by_slot.items():
        median = statistics.median(points)
        assert arrays["count"][code, slot] == len(points)
        assert arrays["median"][code, slot] == median
        assert arrays["spread"][code, slot] == GAUSSIAN_MAD * statistics.median(
            [abs(v - median) for v in points]
        )


def test_a_busy_hour_is_expected_and_a_busy_night_is_not():
    codes, timestamps, values = weeks(4, np.random.default_rng(2))
    detector = SeasonalBaseline()
    arrays = detector.fit([CART, AUTH], codes, timestamps, values)
    detector.grow(2)
    detector.use(arrays, [CART, AUTH])
    at = MONDAY + np.array([9 * HOUR, 3 * HOUR])
    scored = detector.fold(np.zeros(2, np.int32), at, np.array([41.0, 41.0]))
    assert scored.strangeness[0] < 1 < scored.strangeness[1]
    assert scored.sample_count.tolist() == [12, 12]
    assert detector.baseline(12, int(at[0])) == "Monday 09:00 over 12 samples of history"


def test_history_left_out_by_the_mask_teaches_nothing():
    codes, timestamps, values = weeks(3, np.random.default_rng(3))
    spoiled = values.copy()
    maintained = timestamps < MONDAY - 2 * WEEK
    spoiled[maintained] = 1e6
    detector = SeasonalBaseline(SeasonalBaselineParams(min_points=3))
    kept = detector.fit([CART, AUTH], codes, timestamps, spoiled, ~maintained)
    alone = detector.fit([CART, AUTH], codes[~maintained], timestamps[~maintained], values[~maintained])
    assert all(kept[name].tobytes() == alone[name].tobytes() for name in kept)


def test_unknown_series_and_thin_slots_are_not_scored():
    codes, timestamps, values = weeks(2, np.random.default_rng(4))
    thin = (codes == 1) & ((timestamps - MONDAY) % DAY < HOUR) & (timestamps >= MONDAY - WEEK)
    detector = SeasonalBaseline(SeasonalBaselineParams(min_points=4))
    arrays = detector.fit([CART, AUTH], codes[~thin], timestamps[~thin], values[~thin])
    new = SeriesKey("shop", "new", "requests")
    detector.grow(3)
    detector.use(arrays, [new, AUTH, CART])
    scored = detector.fold(np.arange(3, dtype=np.int32), np.full(3, MONDAY), np.full(3, 10.0))
    assert np.isnan(scored.strangeness).tolist() == [True, True, False]
    assert scored.sample_count.tolist() == [0, 0, 6]


def test_series_that_turn_up_later_are_mapped_when_used_again():
    codes, timestamps, values = weeks(3, np.random.default_rng(5))
    detector = SeasonalBaseline()
    arrays = detector.fit([CART, AUTH], codes, timestamps, values)
    detector.grow(1)
    detector.use(arrays, [AUTH])
    detector.grow(2)
    row = (np.array([1], np.int32), np.array([MONDAY]), np.array([10.0]))
    assert math.isnan(detector.fold(*row).strangeness[0])
    detector.use(arrays, [AUTH, CART])
    assert detector.fold(*row).strangeness[0] < 1


def test_nothing_learnt_scores_nothing():
    detector = SeasonalBaseline()
    detector.grow(1)
    detector.use({}, [CART])
    assert detector.fold(
        np.zeros(1, np.int32), np.array([MONDAY]), np.array([1.0])
    ).sample_count.tolist() == [0]


@pytest.mark.parametrize("spoil", ["keys", "median", "shape"])
def test_foreign_arrays_are_refused(spoil):
    codes, timestamps, values = weeks(2, np.random.default_rng(6))
    detector = SeasonalBaseline()
    arrays = detector.fit([CART, AUTH], codes, timestamps, values)
    if spoil == "shape":
        arrays["count"] = arrays["count"][:, :5]
    else:
        del arrays[spoil]
    with pytest.raises(MalformedInput, match="fit again"):
        detector.use(arrays, [CART])


def test_slots_must_divide_the_period():
    with pytest.raises(MalformedInput, match="slot_s must divide a week"):
        make_detector("seasonal_baseline", {"slot_s": 5000})


def test_false_alarms_on_noise_are_as_documented():
    rng = np.random.default_rng(7)
    times = np.arange(MONDAY - 8 * WEEK, MONDAY, 5 * MINUTE)
    series = 10
    keys = [SeriesKey("shop", f"s{i}", "requests") for i in range(series)]
    codes = np.tile(np.arange(series, dtype=np.int32), len(times))
    timestamps, values = np.repeat(times, series), rng.normal(0, 1, len(times) * series)
    detector = SeasonalBaseline()
    detector.grow(series)
    learnt = timestamps < MONDAY - 4 * WEEK
    detector.use(detector.fit(keys, codes[learnt], timestamps[learnt], values[learnt]), keys)
    scored = detector.fold(codes[~learnt], timestamps[~learnt], values[~learnt])
    assert np.mean(scored.strangeness >= 1) == pytest.approx(detector.false_alarm_ratio(48), rel=0.1)
