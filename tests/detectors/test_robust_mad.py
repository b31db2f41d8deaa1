"""Robust MAD against the definition in plain Python, bit for bit."""

import math
import statistics
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.detectors.robust_mad import GAUSSIAN_MAD, RobustMad, RobustMadParams

VALUES = st.one_of(
    st.integers(-4, 4).map(float),
    st.floats(-1e3, 1e3),
    st.sampled_from([-0.0, 1e12, 1e9, 1e-9, math.nan, math.inf]),
)


def folded(values, params=None, timestamps=None):
    detector = RobustMad(RobustMadParams(**(params or {})))
    detector.grow(1)
    values = np.asarray(values, np.float64)
    times = np.arange(len(values)) * MINUTE if timestamps is None else np.asarray(timestamps, np.int64)
    return detector.fold(np.zeros(len(values), np.int32), times, values)


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(VALUES, min_size=1, max_size=70),
    gaps=st.lists(st.integers(1, 400), min_size=70, max_size=70),
    params=st.builds(
        RobustMadParams,
        window=st.integers(5, 14),
        min_points=st.integers(3, 5),
        memory_s=st.sampled_from([None, 500.0]),
        spread_floor=st.sampled_from([0.0, 0.5]),
        spread_floor_ratio=st.sampled_from([0.0, 0.01]),
        direction=st.sampled_from(["both", "high", "low"]),
    ),
)
def test_agrees_with_the_definition_bit_for_bit(values, gaps, params):
    times = (np.cumsum(gaps[: len(values)]) * SECOND).tolist()
    scored = folded(values, params.model_dump(), times)
    past: deque[tuple[int, float]] = deque(maxlen=params.window)
    for i, (at, value) in enumerate(zip(times, values, strict=True)):
        while params.memory_s and past and at - past[0][0] > params.memory_s * SECOND:
            past.popleft()
        points = [v for _, v in past]
        assert scored.sample_count[i] == len(points)
        if not math.isfinite(value) or len(points) < params.min_points:
            assert math.isnan(scored.strangeness[i])
        else:
            median = statistics.median(points)
            spread = GAUSSIAN_MAD * statistics.median([abs(v - median) for v in points])
            spread = max(spread, params.spread_floor, params.spread_floor_ratio * abs(median))
            away = {"both": abs(value - median), "high": value - median, "low": median - value}[
                params.direction
            ]
            assert scored.expected[i] == median
            assert scored.lower[i] == median - 3.0 * spread
            assert scored.upper[i] == median + 3.0 * spread
            assert scored.strangeness[i] == (min(max(away, 0.0) / (3.0 * spread), 1e15) if spread else 0.0)
        if math.isfinite(value):
            past.append((at, value))


def test_spikes_in_the_baseline_cost_nothing():
    values = np.random.default_rng(1).normal(10, 1, 60)
    values[[50, 53, 56]] = 1e9
    scored = folded(values, {"window": 20})
    assert (scored.strangeness[[50, 53, 56]] > 1e7).all()


def test_half_a_window_equal_needs_a_floor():
    counts = [0.0] * 15 + [1.0, 0.0, 0.0, 40.0]
    assert folded(counts, {"window": 15}).strangeness[-1] == 0.0
    assert folded(counts, {"window": 15, "spread_floor": 2.0}).strangeness[-1] == pytest.approx(40 / 6)


@pytest.mark.parametrize("window", [15, 20, 60])
def test_false_alarms_on_noise_are_as_documented(window):
    values = np.random.default_rng(8).normal(0, 1, 200_000)
    scored = folded(values, {"window": window})
    documented = RobustMad().false_alarm_ratio(window)
    assert np.mean(scored.strangeness[window:] >= 1) == pytest.approx(documented, rel=0.12)
