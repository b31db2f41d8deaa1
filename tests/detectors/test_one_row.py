"""A row by itself is scored by the step that folds blocks: same bits said, same bits kept."""

from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.errors import UsageError
from titleshot.detectors.families import FAMILIES
from titleshot.detectors.law_streams import START, history, plain_keys
from titleshot.detectors.one_row import StepDetector

KEYS = plain_keys()[:3]
STEPPED = [name for name, family in FAMILIES.items() if issubclass(family, StepDetector)]
STEP, BEFORE = 15 * MINUTE, 250
HARD = st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 1e200, 1e9, 10.0])
VALUES = st.one_of(HARD, st.floats(-50, 50))
ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 200), VALUES), min_size=1, max_size=25)


@cache
def fitted(name):
    return FAMILIES[name]().fit(KEYS, *history(KEYS, weeks=3))


def warm(name, params=None):
    """A detector that has watched three series for a while."""
    family = FAMILIES[name]
    detector = family(family.Params(**(params or {})))
    detector.grow(3)
    if detector.needs_fit:
        detector.use(fitted(name), KEYS)
    moments = START + np.repeat(np.arange(BEFORE), 3) * STEP
    values = 10 + np.random.default_rng(0).normal(size=3 * BEFORE)
    detector.fold(np.tile(np.arange(3, dtype=np.int32), BEFORE), moments, values)
    return detector


def columns(rows):
    """Rows of (series, minutes since the row before, value) as arrays."""
    codes, minutes, values = zip(*rows, strict=True)
    moments = START + BEFORE * STEP + np.cumsum(minutes) * MINUTE
    return np.array(codes, np.int32), moments, np.array(values, np.float64)


def bits(said):
    return [[np.float64(x).tobytes() for x in row[:4]] + [row[4]] for row in said]


def kept(detector):
    return {name: array.tobytes() for name, array in detector.state().items()}


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
def test_one_row_is_what_a_block_says_of_it(name, rows):
    block, single = warm(name), warm(name)
    codes, moments, values = columns(rows)
    scored = block.fold(codes, moments, values)
    said = [single.one(*row) for row in zip(codes.tolist(), moments.tolist(), values.tolist(), strict=True)]
    assert bits(said) == bits(zip(*(column.tolist() for column in scored), strict=True))
    assert kept(single) == kept(block)


@pytest.mark.parametrize("params", [{"memory_s": 36_000.0, "direction": "low"}, {"spread_floor": 1.5}])
@pytest.mark.parametrize("name", ["rolling_z_score", "robust_mad", "dspot"])
def test_parameters_reach_a_row_by_itself(name, params):
    block, single = warm(name, params), warm(name, params)
    codes, moments, values = columns([(i % 3, 7, 10.0 + (-1) ** i * i) for i in range(40)])
    scored = block.fold(codes, moments, values)
    said = [single.one(*row) for row in zip(codes.tolist(), moments.tolist(), values.tolist(), strict=True)]
    assert bits(said) == bits(zip(*(column.tolist() for column in scored), strict=True))
    assert kept(single) == kept(block)


@pytest.mark.parametrize("name", STEPPED)
def test_single_rows_go_on_after_growing_blocks_and_loading(name):
    block, single = warm(name), warm(name)
    now = START + BEFORE * STEP
    said, wanted = [], []

    def both(code, value):
        nonlocal now
        now += STEP
        said.append(single.one(code, now, value))
        scored = block.fold(np.array([code], np.int32), np.array([now]), np.array([value]))
        wanted.append([column[0].item() for column in scored])

    both(0, 11.0)
    for detector in (block, single):
        detector.grow(4_000)
    both(3_999, 12.0)
    both(0, 13.0)
    snapshot = {key: array.copy() for key, array in single.state().items()}
    both(1, 14.0)
    for detector in (block, single):
        detector.load(snapshot)
    both(1, 15.0)
    both(0, 40.0)
    assert bits(said) == bits(wanted)
    assert kept(single) == kept(block)


@pytest.mark.parametrize("code", [-1, 3])
@pytest.mark.parametrize("name", STEPPED)
def test_a_series_there_is_no_state_for_is_refused(name, code):
    with pytest.raises(UsageError, match="grow first"):
        warm(name).one(code, START, 1.0)


def test_rolling_families_are_among_those_without_arrays():
    assert {"rolling_z_score", "robust_mad"} <= set(STEPPED)
