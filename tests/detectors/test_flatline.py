"""Flatline: stretches without change against the definition in plain Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.detectors.answers import Ticks
from titleshot.detectors.flatline import Flatline, FlatlineParams


def scored(params: FlatlineParams, timestamps: list[int], values: list[float]):
    detector = Flatline(params)
    detector.grow(1)
    return detector.fold(np.zeros(len(values), np.int32), np.array(timestamps), np.array(values, float))


def slowly(params: FlatlineParams, timestamps: list[int], values: list[float]) -> list[float]:
    """The definition, stretch by stretch, from everything ever seen."""
    room = (params.days + 1) * DAY
    out: list[float] = []
    ended: list[tuple[int, int]] = []
    run: list[tuple[int, float]] = []
    known_start = False
    for at, value in zip(timestamps, values, strict=True):
        if not np.isfinite(value):
            out.append(np.nan)
            continue
        if run and at - run[-1][0] > room:
            run, known_start = [], False
        if run and at - run[0][0] > room:
            known_start = False
        if run and abs(value - run[-1][1]) > params.tolerance:
            if known_start:
                ended.append((run[0][0], run[-1][0]))
            run, known_start = [], True
        run.append((at, value))
        today = at // DAY
        by_day: dict[int, int] = {}
        for start, stop in ended:
            for day in range(start // DAY, stop // DAY + 1):
                if day > today - params.days - 1:
                    by_day[day] = max(by_day.get(day, 0), min(stop, (day + 1) * DAY) - start)
        if sum(day < today for day in by_day) < params.min_days:
            out.append(np.nan)
        elif not known_start or len(run) < 2:
            out.append(0.0)
        else:
            usual = sorted([0, 0, *by_day.values()])[-2]
            allowed = max(params.times_usual * usual, params.least_s * SECOND)
            out.append(min((at - run[0][0]) / allowed, len(run) / params.least_samples))
    return out


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from([1.0, 1.0, 1.2, 5.0, np.nan])), max_size=80),
    st.sampled_from([0.0, 0.3]),
    st.integers(2, 4),
)
def test_it_is_the_definition(steps, tolerance, least_samples):
    params = FlatlineParams(
        days=3, min_days=1, tolerance=tolerance, least_s=3600, least_samples=least_samples, times_usual=1.5
    )
    timestamps = (np.cumsum([step for step, _ in steps]) * 40 * MINUTE).tolist()
    values = [value for _, value in steps]
    found = scored(params, timestamps, values)
    np.testing.assert_allclose(found.strangeness, slowly(params, timestamps, values), rtol=1e-12)


FIVE = 5 * MINUTE


def gauge(days: int, seed: int = 1) -> tuple[list[int], np.ndarray]:
    timestamps = (np.arange(days * 288) * FIVE).tolist()
    return timestamps, np.random.default_rng(seed).normal(10, 1, days * 288)


def test_a_gauge_that_stops_moving_is_found_within_half_an_hour():
    timestamps, values = gauge(5)
    values[1200:1230] = values[1200]
    found = scored(FlatlineParams(), timestamps, values.tolist())
    assert np.flatnonzero(found.strangeness >= 1)[[0, -1]].tolist() == [1205, 1229]
    assert found.expected[1205] == found.lower[1205] == found.upper[1205] == values[1200]


def test_a_counter_idle_every_night_is_no_flatline_and_one_idle_by_day_as_well_is():
    timestamps, values = gauge(8)
    values = np.round(values * 100)
    night = np.array(timestamps) % DAY < 8 * HOUR
    values[night] = 0
    assert not (scored(FlatlineParams(), timestamps, values.tolist()).strangeness >= 1).any()
    values[7 * 288 :] = 0
    found = scored(FlatlineParams(), timestamps, values.tolist()).strangeness >= 1
    assert np.flatnonzero(found)[0] == pytest.approx(7 * 288 + 2 * 96, abs=3)


def test_one_flatline_does_not_teach_that_flatlines_are_usual():
    timestamps, values = gauge(6)
    values[900:1100] = 3.0
    values[1400:1420] = 4.0
    found = scored(FlatlineParams(), timestamps, values.tolist()).strangeness >= 1
    assert found[1410:1420].all()


def test_what_never_moved_and_what_stopped_for_good_is_constant_by_nature():
    timestamps, values = gauge(30)
    assert not (scored(FlatlineParams(), timestamps, [7.0] * len(values)).strangeness >= 1).any()
    values[5 * 288 :] = 7.0
    found = scored(FlatlineParams(days=4), timestamps, values.tolist()).strangeness >= 1
    assert found[6 * 288]
    assert not found[12 * 288 :].any()


def test_the_evidence_says_since_when_and_what_is_usual():
    timestamps, values = gauge(5)
    values[500:504] = 1.0
    values[650:654] = 1.0
    values[1200:1210] = 2.0
    detector = Flatline()
    detector.grow(1)
    answers = detector.answer(
        np.zeros(len(values), np.int32), np.array(timestamps), np.asarray(values), Ticks.none()
    )
    assert answers.scored.strangeness[1206] >= 1
    assert detector.tell(answers.notes, 1206, timestamps[1206]) == {
        "strange": "stuck",
        "still_since": "1970-01-05T04:00:00Z",
        "still_s": 1800.0,
        "usually_at_most_s": 900.0,
    }


def test_more_days_must_be_remembered_than_are_needed():
    with pytest.raises(ValidationError, match="min_days must be below days"):
        FlatlineParams(days=3, min_days=3)
