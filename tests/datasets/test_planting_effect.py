"""What a planted fault does to samples, and what a spread is, against naive versions."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.planting.effect import Bounds, Push
from titleshot.datasets.planting.history import RUN, history_of, spread_of
from titleshot.datasets.planting.kinds import KIND, KINDS, ways_of

MINUTE = 60 * SECOND
OPEN = Bounds(-math.inf, math.inf)
TIMES = np.arange(0, 7200 * SECOND, 5 * MINUTE)


def push(kind: str, size: float = 8.0, bounds: Bounds = OPEN, **more: object) -> Push:
    fields = {"name": "1", "direction": "up", "spread": 0.5, "last": 3.0, "seed": 7, **more}
    return Push(
        series=0,
        kind=KIND[kind],
        size=size,
        start=0,
        end=7200 * SECOND,
        cadence=5 * MINUTE,
        bounds=bounds,
        **fields,
    )


def naive_spread(values: list[float]) -> float:
    runs = [values[at : at + RUN] for at in range(0, len(values), RUN)]
    if len(runs) > 1 and len(runs[-1]) < RUN:
        runs[-2:] = [runs[-2] + runs[-1]]
    apart = [abs(value - statistics.median(run)) for run in runs for value in run]
    return 1.4826 * statistics.median(apart) or 1.2533 * statistics.fmean(apart)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=120))
def test_the_spread_is_the_median_distance_from_the_level_of_each_run(values):
    assert spread_of(np.array(values)) == pytest.approx(naive_spread(values), rel=1e-12, abs=1e-12)


def test_the_spread_of_normal_noise_is_its_deviation_whatever_the_level_does():
    rng = np.random.default_rng(0)
    drift = 50 * np.sin(np.arange(28_800) / 2_000)
    found = spread_of(drift + rng.normal(0, 2, 28_800))
    assert 1.8 < found < 2.05


def test_sparse_values_are_sized_by_their_mean_distance_and_a_constant_by_nothing():
    sparse = np.zeros(288)
    sparse[::10] = 1.0
    assert spread_of(sparse) == pytest.approx(1.2533 * 0.1, rel=0.05)
    assert spread_of(np.full(288, 3.25)) == 0


def test_history_is_in_the_order_of_time_with_the_first_of_repeated_samples():
    times = np.array([30, 10, 20, 10, 40])
    past = history_of(times, np.array([3.0, 1.0, 2.0, 9.0, np.nan]))
    assert (past.last, past.samples) == (3.0, 3)


@given(
    st.sampled_from([kind.name for kind in KINDS if kind.name != "no_data"]),
    st.randoms(use_true_random=False),
)
def test_a_sample_is_changed_alike_in_whatever_block_and_order_it_comes(kind, random):
    values = np.sin(TIMES / 1e12)
    whole, _ = push(kind).on(TIMES, values)
    order = list(range(len(TIMES)))
    random.shuffle(order)
    cut = random.randrange(len(order))
    for part in (order[:cut], order[cut:]):
        assert push(kind).on(TIMES[part], values[part])[0].tolist() == whole[part].tolist()


@pytest.mark.parametrize("kind", ["spike", "step", "slow_leak", "burst"])
def test_what_pushes_reaches_its_size_and_goes_no_further(kind):
    changed, clipped = push(kind).on(TIMES, np.zeros(len(TIMES)))
    assert clipped == 0
    assert 0.7 * 4 < changed.max() <= 4
    assert (changed >= 0).all()
    down, _ = push(kind, direction="down").on(TIMES, np.zeros(len(TIMES)))
    assert (-down).tolist() == changed.tolist()


def test_twice_the_size_moves_twice_as_far():
    small, large = (push("step", size).on(TIMES, np.zeros(len(TIMES)))[0] for size in (4.0, 8.0))
    assert (2 * small).tolist() == large.tolist()


def test_noise_has_the_deviation_of_its_size_and_another_fault_has_other_noise():
    cadence = 10 * SECOND
    times = np.arange(0, 7200 * SECOND, cadence)
    wide = Push("1", 0, KIND["noise"], 8.0, "up", 0.5, 0.0, 0, 7200 * SECOND, cadence, OPEN, 7)
    changed, _ = wide.on(times, np.zeros(len(times)))
    assert changed[60:-60].std() == pytest.approx(4.0, rel=0.1)
    other = Push("2", 0, KIND["noise"], 8.0, "up", 0.5, 0.0, 0, 7200 * SECOND, cadence, OPEN, 7)
    assert not np.allclose(other.on(times, np.zeros(len(times)))[0], changed)


def test_a_flatline_holds_the_last_value_and_what_is_no_number_stays_none():
    values = np.array([1.0, np.nan, np.inf, 5.0])
    changed, _ = push("flatline").on(TIMES[:4], values)
    assert changed[[0, 3]].tolist() == [3.0, 3.0]
    assert np.isnan(changed[1])
    assert changed[2] == np.inf
    pushed, _ = push("step").on(TIMES[10:14], values)
    assert np.isnan(pushed[1])


def test_values_are_held_within_the_range_and_counted():
    changed, clipped = push("step", bounds=Bounds(0.0, 3.0)).on(TIMES, np.full(len(TIMES), 1.0))
    assert changed.max() == 3.0
    assert clipped == np.count_nonzero(changed == 3.0) > 10


def test_a_series_of_whole_numbers_stays_one():
    changed, clipped = push("slow_leak", bounds=Bounds(0.0, 99.0, whole=True)).on(TIMES, np.ones(len(TIMES)))
    assert set(changed.tolist()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert clipped == 0


def test_a_value_outside_the_range_before_is_not_mended():
    changed, _ = push("step", bounds=Bounds(0.0, 1.0)).on(TIMES[10:12], np.array([-5.0, 7.0]))
    assert changed.tolist() == [-1.0, 7.0]


@pytest.mark.parametrize(
    ("metric", "ways"),
    [
        ("requests_per_second", ("down",)),
        ("request_latency_p99", ("up",)),
        ("HTTP_Errors_total", ("up",)),
        ("throughput", ("down",)),
        ("cpu_ratio", ("up",)),
        ("temperature", ("up", "down")),
    ],
)
def test_trouble_goes_where_the_name_says(metric, ways):
    assert ways_of(metric) == ways
