"""Seasonal baseline against the definition in plain Python, and what it leaves unsaid."""

import math
import statistics
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND, WEEK, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Maintenance, PlannedChange
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.answers import Ticks
from titleshot.detectors.contender import Contender
from titleshot.detectors.families import make_detector
from titleshot.detectors.fitted import Fitted
from titleshot.detectors.recipe import Recipe
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


def fitted(params: SeasonalBaselineParams, codes, timestamps, values, keep=None) -> SeasonalBaseline:
    detector = SeasonalBaseline(params)
    arrays = detector.fit([CART, AUTH], codes, timestamps, values, keep)
    detector.grow(2)
    detector.use(arrays, [CART, AUTH])
    return detector


def at_cart(detector: SeasonalBaseline, moment: str, value: float):
    """Answers to one sample of cart."""
    row = np.zeros(1, np.int32), np.array([parse_instant(moment)]), np.array([value])
    return detector.answer(*row, Ticks.none())


def test_slots_follow_the_zone_through_summer_time():
    times = np.arange(parse_instant("2026-03-02T00:00:00Z"), parse_instant("2026-04-13T00:00:00Z"), HOUR // 3)
    local = [datetime.fromtimestamp(at // SECOND, ZoneInfo("Europe/Berlin")) for at in times.tolist()]
    values = np.array([100.0 if at.hour == 9 else 10.0 for at in local])
    codes = np.zeros(len(times), np.int32)
    params = {"min_points": 3, "spread_floor": 1.0}
    zoned = fitted(SeasonalBaselineParams(zone="Europe/Berlin", **params), codes, times, values)
    fixed = fitted(SeasonalBaselineParams(utc_offset_s=3600, **params), codes, times, values)
    summer = "2026-04-14T07:30:00Z"
    assert at_cart(zoned, summer, 100.0).scored.strangeness[0] == 0
    assert at_cart(fixed, summer, 100.0).scored.strangeness[0] > 1
    assert zoned.baseline(12, parse_instant(summer)).startswith("Tuesday 09:00 Europe/Berlin over")


def test_the_offsets_that_were_fitted_are_the_ones_that_are_served():
    codes, timestamps, values = weeks(3, np.random.default_rng(8))
    params = SeasonalBaselineParams(zone="Europe/Berlin", min_points=3)
    arrays = SeasonalBaseline(params).fit([CART, AUTH], codes, timestamps, values)
    arrays["offset"] = arrays["offset"] + 2 * HOUR
    detector = SeasonalBaseline(params)
    detector.grow(2)
    detector.use(arrays, [CART, AUTH])
    assert detector.baseline(1, MONDAY) == "Monday 03:00 Europe/Berlin over 1 samples of history"


def test_a_holiday_is_left_out_or_is_a_sunday():
    codes, timestamps, values = weeks(5, np.random.default_rng(9))
    holiday = date(2025, 12, 25)
    that_day = (timestamps >= parse_instant("2025-12-25T00:00:00Z")) & (
        timestamps < parse_instant("2025-12-26T00:00:00Z")
    )
    spoiled = np.where(that_day, 1e4, values)
    left_out = fitted(SeasonalBaselineParams(holidays=(holiday,)), codes, timestamps, spoiled)
    alone = fitted(SeasonalBaselineParams(), codes[~that_day], timestamps[~that_day], values[~that_day])
    thursday = "2026-01-08T10:00:00Z"
    assert at_cart(left_out, thursday, 12.0).scored == at_cart(alone, thursday, 12.0).scored
    assert math.isnan(at_cart(left_out, "2025-12-25T10:00:00Z", 1e6).scored.strangeness[0])
    params = SeasonalBaselineParams(holidays=(date(2026, 1, 12),), on_holidays="as_sunday")
    sunday = fitted(params, codes, timestamps, values)
    monday, plain = "2026-01-12T09:30:00Z", fitted(SeasonalBaselineParams(), codes, timestamps, values)
    assert at_cart(plain, monday, 40.0).scored.strangeness[0] < 1
    assert at_cart(sunday, monday, 40.0).scored.strangeness[0] > 1
    assert sunday.baseline(15, parse_instant(monday)).startswith("Sunday 09:00")


def test_the_weeks_behind_an_expectation_are_told_and_asked_for():
    codes, timestamps, values = weeks(3, np.random.default_rng(10))
    detector = fitted(SeasonalBaselineParams(min_weeks=3), codes, timestamps, values)
    answers = at_cart(detector, "2026-01-05T03:00:00Z", 50.0)
    assert detector.tell(answers.notes, 0, MONDAY) == {"weeks": 3}
    assert answers.scored.strangeness[0] > 1
    cold = fitted(SeasonalBaselineParams(min_weeks=4), codes, timestamps, values)
    assert at_cart(cold, "2026-01-05T03:00:00Z", 50.0).scored.sample_count.tolist() == [0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Europe/Berlim"}, "time zone 'Europe/Berlim' is not known here"),
        ({"zone": "Europe/Berlin", "utc_offset_s": 3600}, "has its own offsets"),
        ({"holidays": ["2026-02-30"]}, "holidays"),
    ],
)
def test_faulty_calendars_are_refused(wrong, says):
    with pytest.raises(MalformedInput, match=says):
        make_detector("seasonal_baseline", wrong)


@pytest.mark.parametrize("score_planned", [False, True])
def test_planned_changes_and_maintenance_are_not_scored_and_are_counted(score_planned):
    codes, timestamps, values = weeks(4, np.random.default_rng(11))
    detector = {"family": "seasonal_baseline", "score_planned": score_planned}
    recipe = Recipe.model_validate(
        {"name": "weekly", "lateness_s": 0, "detectors": [{"match": {}, "detector": detector}]}
    )
    arrays = recipe.make_detector(0).fit([CART, AUTH], codes, timestamps, values)
    engine = Contender(recipe, Fitted([MONDAY], [{0: arrays}])).engine(keep_scores=True)
    span = {"service": "shop/cart", "known_from": MONDAY}
    known = [
        PlannedChange(valid_from=MONDAY + HOUR, valid_to=MONDAY + 2 * HOUR, change="sale", **span),
        Maintenance(valid_from=MONDAY + 3 * HOUR, valid_to=MONDAY + 4 * HOUR, **span),
    ]
    arrived = [(MONDAY, row) for row in known]
    for key in (CART, AUTH):
        sample = {"namespace": "shop", "service": key.service, "metric_name": "requests", "value": 500.0}
        arrived += [
            (at, Sample.model_validate({**sample, "timestamp": at}))
            for at in range(MONDAY + 1, MONDAY + 5 * HOUR, HOUR // 2)
        ]
    arrived.sort(key=lambda entry: entry[0])
    outputs = [engine.push_records(arrived), engine.flush()]
    events = [event for output in outputs for event in output.events.records(engine.series)]
    hours = sorted((e.timestamp - MONDAY) // HOUR for e in events if e.service == "cart")
    assert hours == ([0, 0, 1, 1, 2, 2, 3, 3, 4, 4] if score_planned else [0, 0, 2, 2, 4, 4])
    assert len([e for e in events if e.service == "auth"]) == 10
    assert engine.detection.counts["left_out_planned"] == (0 if score_planned else 4)
