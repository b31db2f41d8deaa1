"""Rolling z-score against exact arithmetic, and where others lose digits."""

import math
from collections import deque
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.families import make_detector
from titleshot.detectors.rolling_z_score import RollingZScore, RollingZScoreParams

LEVELS = st.sampled_from([0.0, 1e9, -3e12, 1e-9])
VALUES = st.one_of(
    st.floats(-1e3, 1e3),
    st.sampled_from([0.0, -0.0, 5.0, 5.0, 1e12, math.nan, math.inf, -math.inf, 1e200]),
)


def folded(values, params=None, timestamps=None):
    """Scored rows of one series, a minute apart unless said otherwise."""
    detector = RollingZScore(RollingZScoreParams(**(params or {})))
    detector.grow(1)
    values = np.asarray(values, np.float64)
    times = np.arange(len(values)) * MINUTE if timestamps is None else np.asarray(timestamps, np.int64)
    return detector.fold(np.zeros(len(values), np.int32), times, values)


def exactly(values, times, params):
    """The definition in rational numbers: (u squared, mean, variance, n) per row, None where unscored."""
    past: deque[tuple[int, Fraction]] = deque(maxlen=params.window)
    for at, value in zip(times, values, strict=True):
        while params.memory_s and past and at - past[0][0] > params.memory_s * SECOND:
            past.popleft()
        n = len(past)
        if not abs(value) <= 1e150:
            yield None, n
            continue
        if n < params.min_points:
            yield None, n
        else:
            mean = sum(v for _, v in past) / n
            lost = 1 if params.deviation == "sample" else 0
            variance = sum((v - mean) ** 2 for _, v in past) / (n - lost)
            floor = max(Fraction(params.spread_floor), Fraction(params.spread_floor_ratio) * abs(mean)) ** 2
            variance = max(variance, floor)
            away = Fraction(value) - mean
            away = {"both": abs(away), "high": max(away, 0), "low": max(-away, 0)}[params.direction]
            squared = away**2 / (variance * Fraction(params.threshold) ** 2) if variance else Fraction(0)
            yield (squared, mean, variance), n
        past.append((at, Fraction(value)))


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(VALUES, min_size=1, max_size=60),
    level=LEVELS,
    gaps=st.lists(st.integers(1, 400), min_size=60, max_size=60),
    params=st.builds(
        RollingZScoreParams,
        window=st.integers(5, 12),
        min_points=st.integers(2, 5),
        threshold=st.sampled_from([1.0, 3.0, 2.5]),
        deviation=st.sampled_from(["population", "sample"]),
        direction=st.sampled_from(["both", "high", "low"]),
        memory_s=st.sampled_from([None, 500.0]),
        spread_floor=st.sampled_from([0.0, 0.5]),
        spread_floor_ratio=st.sampled_from([0.0, 0.01]),
    ),
)
def test_agrees_with_exact_arithmetic(values, level, gaps, params):
    values = [value + level for value in values]
    times = np.cumsum(gaps[: len(values)]) * SECOND
    scored = folded(values, params.model_dump(), times)
    for i, (exact, n) in enumerate(exactly(values, times.tolist(), params)):
        assert scored.sample_count[i] == n
        if exact is None:
            assert math.isnan(scored.strangeness[i])
            continue
        squared, mean, variance = exact
        spread = math.sqrt(variance)
        # What rounding the values themselves costs: a few units in the last place of what lies in the window.
        unit = 1e-14 * (abs(float(mean)) + spread)
        assert scored.expected[i] == pytest.approx(float(mean), rel=1e-14, abs=unit)
        assert scored.upper[i] - scored.expected[i] == pytest.approx(
            params.threshold * spread, rel=1e-9, abs=unit
        )
        assert scored.strangeness[i] == pytest.approx(min(math.sqrt(squared), 1e15), rel=1e-9, abs=1e-12)


def in_fours(terms):
    """Four sums side by side, then what is left over: the order of adding that the kernel promises."""
    whole = len(terms) // 4 * 4
    lanes = [0.0] * 4
    for i in range(whole):
        lanes[i % 4] += terms[i]
    total = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    for term in terms[whole:]:
        total += term
    return total


@pytest.mark.parametrize("window", [5, 8, 20, 23])
def test_every_bit_is_that_of_plain_python(window):
    values = np.random.default_rng(window).normal(1e6, 1, 300).tolist()
    scored = folded(values, {"window": window})
    for i in range(5, len(values)):
        past = values[max(0, i - window) : i]
        first = past[0]
        shift = in_fours([v - first for v in past]) / len(past)
        away = [(v - first) - shift for v in past]
        spread = math.sqrt(in_fours([a * a for a in away]) / len(past))
        assert scored.expected[i] == first + shift
        assert scored.upper[i] == (first + shift) + 3.0 * spread
        assert scored.strangeness[i] == abs((values[i] - first) - shift) / (3.0 * spread)


def test_equal_values_have_no_spread_and_are_not_strange_without_a_floor():
    scored = folded([0.1] * 10 + [7.0])
    assert scored.strangeness[5:].tolist() == [0.0] * 6
    assert (scored.upper - scored.lower)[5:].tolist() == [0.0] * 6


@pytest.mark.parametrize("floor", [{"spread_floor": 0.5}, {"spread_floor_ratio": 0.1}])
def test_a_floor_is_the_least_spread(floor):
    scored = folded([5.0] * 10 + [8.0], floor)
    assert scored.strangeness[10] == 2.0
    assert (scored.lower[10], scored.upper[10]) == (3.5, 6.5)


def test_a_spike_that_has_left_the_window_leaves_no_bit_behind():
    quiet = np.random.default_rng(3).normal(5, 1, 80)
    spiked = quiet.copy()
    spiked[10:13] = 1e12
    with_spike, without = folded(spiked), folded(quiet)
    for one, other in zip(with_spike, without, strict=True):
        assert one[33:].tobytes() == other[33:].tobytes()
    assert with_spike.strangeness[11] < 10 < with_spike.strangeness[10]


@pytest.mark.parametrize("offset", [1e9, -1e9, 2.0**40])
def test_an_offset_does_not_change_what_is_strange(offset):
    values = np.round(np.random.default_rng(4).normal(0, 1, 200) * 1024) / 1024
    assert folded(values + offset).strangeness.tobytes() == folded(values).strangeness.tobytes()


@pytest.mark.parametrize("scale", [2.0**-30, 2.0**30])
def test_a_scale_does_not_change_what_is_strange(scale):
    values = np.random.default_rng(5).normal(3, 1, 200)
    assert folded(values * scale).strangeness.tobytes() == folded(values).strangeness.tobytes()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_a_bad_sample_is_unscored_counted_and_never_part_of_a_baseline(bad):
    values = np.random.default_rng(6).normal(3, 1, 40)
    detector = RollingZScore()
    detector.grow(1)
    spoiled = np.insert(values, 20, bad)
    scored = detector.fold(np.zeros(41, np.int32), np.arange(41) * MINUTE, spoiled)
    assert math.isnan(scored.strangeness[20])
    assert np.delete(scored.strangeness, 20).tobytes() == folded(values).strangeness.tobytes()
    assert detector.state()["broken"].tolist() == [1]


def test_strangeness_stays_finite():
    scored = folded([1.0, 1.0, 1.0, 1.0, 1.0 + 1e-15, 1e150])
    assert scored.strangeness[5] == 1e15
    assert scored.strangeness[5] / (1 + scored.strangeness[5]) < 1


def test_points_older_than_memory_leave_the_window():
    times = np.array([0, 60, 120, 180, 240, 300, 541, 600]) * SECOND
    scored = folded(np.arange(8.0), {"memory_s": 300.0, "min_points": 2}, times)
    assert scored.sample_count.tolist() == [0, 1, 2, 3, 4, 5, 1, 2]


def test_growing_leaves_existing_series_as_they_are():
    values = np.random.default_rng(7).normal(0, 1, 30)
    detector = RollingZScore()
    said = []
    for i, value in enumerate(values):
        detector.grow(1 + i * 3)
        said.append(
            detector.fold(np.zeros(1, np.int32), np.array([i * MINUTE]), np.array([value])).strangeness[0]
        )
    assert np.array(said).tobytes() == folded(values).strangeness.tobytes()
    assert len(detector.state()["filled"]) == 88


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"window": 1}, "window"),
        ({"window": 10, "min_points": 11}, "min_points must be at most window"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": math.nan}, "threshold"),
        ({"windows": 3}, "windows"),
        ({"deviation": "half"}, "deviation"),
    ],
)
def test_wrong_parameters_are_named(params, words):
    with pytest.raises(MalformedInput, match=words):
        make_detector("rolling_z_score", params)


def test_state_of_other_parameters_is_refused():
    small, large = RollingZScore(), RollingZScore(RollingZScoreParams(window=30))
    small.grow(2)
    with pytest.raises(MalformedInput, match="other parameters"):
        large.load(small.state())


def test_the_name_carries_a_digest_of_the_parameters():
    assert RollingZScore().name == RollingZScore(RollingZScoreParams(window=20)).name
    assert RollingZScore().name != RollingZScore(RollingZScoreParams(window=21)).name
    assert RollingZScore().name.startswith("rolling_z_score@")


@pytest.mark.parametrize("deviation", ["population", "sample"])
def test_false_alarms_on_noise_are_as_documented(deviation):
    values = np.random.default_rng(8).normal(0, 1, 200_000)
    params = {"window": 12, "deviation": deviation, "threshold": 2.0}
    scored = folded(values, params)
    documented = RollingZScore(RollingZScoreParams(**params)).false_alarm_ratio(12)
    assert np.mean(scored.strangeness[12:] >= 1) == pytest.approx(documented, rel=0.04)
