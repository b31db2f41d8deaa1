"""Time of day: the same hour of the days before is what a value is held against."""

from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.detectors.robust_mad import GAUSSIAN_MAD
from titleshot.detectors.time_of_day import TimeOfDay, TimeOfDayParams

COARSE = {"days": 2, "slot_s": 21_600, "every_s": 10_800, "min_points": 3, "threshold": 3.0}


def scored(params: TimeOfDayParams, timestamps: list[int], values: list[float]):
    detector = TimeOfDay(params)
    detector.grow(1)
    codes = np.zeros(len(values), np.int32)
    return detector.fold(codes, np.array(timestamps, np.int64), np.array(values, float))


def slowly(params: TimeOfDayParams, timestamps: list[int], values: list[float]) -> list[tuple[float, int]]:
    """The definition: strangeness and number of points of each value, from everything that ever entered."""
    slot, every = params.slot_s * SECOND, params.every_s * SECOND
    slots = DAY // slot
    kept: list[tuple[int, float]] = []
    cell = None
    out = []
    for at, value in zip(timestamps, values, strict=True):
        here = at % DAY // slot
        near = [
            v
            for t, v in kept
            if at - t <= params.days * DAY + slot and (t % DAY // slot - here) % slots in {0, 1, slots - 1}
        ]
        if len(near) < params.min_points:
            out.append((np.nan, len(near)))
        else:
            middle = median(near)
            spread = GAUSSIAN_MAD * median(abs(v - middle) for v in near)
            spread = max(spread, params.spread_floor, params.spread_floor_ratio * abs(middle))
            strange = abs(value - middle) / (params.threshold * spread) if spread else 0.0
            out.append((strange, len(near)))
        if cell != at // every:
            cell = at // every
            kept.append((at, value))
    return out


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(-20, 20)), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.0, 0.1]),
)
def test_it_is_the_definition(steps, floor, ratio):
    params = TimeOfDayParams(**COARSE, spread_floor=floor, spread_floor_ratio=ratio)
    timestamps = (np.cumsum([step for step, _ in steps]) * 30 * MINUTE).tolist()
    values = [float(value) for _, value in steps]
    found = scored(params, timestamps, values)
    expected = slowly(params, timestamps, values)
    assert found.sample_count.tolist() == [count for _, count in expected]
    np.testing.assert_allclose(found.strangeness, [u for u, _ in expected], rtol=1e-12)


def busy_mornings(days: int) -> tuple[list[int], list[float]]:
    timestamps = np.arange(days * 288) * 5 * MINUTE
    hours = timestamps % DAY / HOUR
    noise = np.random.default_rng(1).normal(0, 1, len(timestamps))
    return timestamps.tolist(), (100 + 60 * ((hours >= 8) & (hours < 12)) + noise).tolist()


def test_a_morning_like_every_morning_is_not_strange_and_a_quiet_night_like_a_morning_is():
    timestamps, values = busy_mornings(5)
    params = TimeOfDayParams(threshold=5.0)
    usual = scored(params, timestamps, values).strangeness[4 * 288 :]
    assert (usual >= 1).mean() < 0.02
    night = 4 * 288 + 3 * 12
    values[night] = 160.0
    found = scored(params, timestamps, values)
    assert found.strangeness[night] > 5
    assert found.lower[night] < found.expected[night] < found.upper[night] < 160


def test_scoring_starts_on_the_second_day_or_with_few_points_within_the_hour():
    timestamps, values = busy_mornings(2)
    assert np.isnan(scored(TimeOfDayParams(), timestamps, values).strangeness[:280]).all()
    assert np.isfinite(scored(TimeOfDayParams(), timestamps, values).strangeness[288:]).all()
    soon = scored(TimeOfDayParams(min_points=6), timestamps, values).strangeness
    assert np.isnan(soon[:6]).all()
    assert np.isfinite(soon[6:]).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"slot_s": 7000}, "must divide a day"), ({"slot_s": 1800, "every_s": 700}, "must divide slot_s")],
)
def test_slots_that_do_not_divide_are_refused(wrong, says):
    with pytest.raises(ValidationError, match=says):
        TimeOfDayParams(**wrong)
