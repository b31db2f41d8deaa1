"""Change point: the sum against the definition in plain Python, false changes on noise, and what is told."""

from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.detectors.answers import Ticks
from titleshot.detectors.change_point import ChangePoint, ChangePointParams
from titleshot.detectors.page_tails import false_changes
from titleshot.detectors.robust_mad import GAUSSIAN_MAD

COARSE = {"block_s": 21_600, "days": 8, "min_days": 2, "span": 5, "allowance": 0.5, "threshold": 2.0}


def answered(params: ChangePointParams, timestamps, values):
    detector = ChangePoint(params)
    detector.grow(1)
    at = np.asarray(timestamps, np.int64)
    return detector, detector.answer(np.zeros(len(at), np.int32), at, np.asarray(values, float), Ticks.none())


def slowly(params: ChangePointParams, timestamps: list[int], values: list[float]) -> list[float]:
    """The definition, block by block, from everything ever seen; all samples of a block enter its median."""
    length, slots = params.block_s * SECOND, 86_400 // params.block_s
    cut = params.allowance + params.threshold / 2
    points: dict[int, list[float]] = {}
    medians: dict[int, float] = {}
    z: dict[int, float] = {}
    out = []

    def usual(block: int):
        own, away = [], []
        for beside in (-1, 0, 1):
            same = [block + beside - back * slots for back in range(1, params.days + 1)]
            same = [medians[b] for b in same if b in medians]
            middle = sorted(same)[len(same) // 2 : len(same) // 2 + 1]
            away += sorted(abs(v - middle[0]) for v in same)[1:]
            own = same if beside == 0 else own
        if len(own) < params.min_days:
            return None
        spread = GAUSSIAN_MAD * median(away)
        week = [medians[b] for b in range(block - 7 * slots - 1, block - 7 * slots + 2) if b in medians]
        return median(own), max(spread, params.spread_floor), median(week) if week else None

    begun: int | None = None
    for at, value in zip(timestamps, values, strict=True):
        block = at // length
        if begun is not None and begun != block:
            held = usual(begun)
            middle = median(points[begun])
            if held is not None:
                normal, spread, week = held
                off = (middle - normal) / spread if spread else 0.0
                if spread and week is not None:
                    other = (middle - week) / spread
                    off = 0.0 if off * other <= 0 else min(off, other, key=abs)
                if abs(off) > cut:
                    off = np.sign(off) * (cut + 0.495 * params.threshold * (1 - cut / abs(off)))
                z[begun] = off
            medians[begun] = middle
        begun = block
        points.setdefault(block, []).append(value)
        if usual(block) is None:
            out.append(np.nan)
            continue
        largest = 0.0
        for sign in (1, -1):
            total = calm = 0.0
            for b in range(block - params.span, block):
                if b in z:
                    calm = calm + 1 if abs(z[b]) < params.allowance else 0
                    total = 0.0 if calm >= 2 else max(0.0, total + sign * z[b] - params.allowance)
            largest = max(largest, total)
        out.append(largest / params.threshold)
    return out


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(-6, 6)), min_size=30, max_size=90))
def test_it_is_the_definition(steps):
    params = ChangePointParams(**COARSE, spread_floor=0.5)
    # At most one sample in each twelfth of a block, so that all of them enter its median.
    timestamps = (np.cumsum([step for step, _ in steps]) * 2 * HOUR).tolist()
    values = [float(value) for _, value in steps]
    _, found = answered(params, timestamps, values)
    np.testing.assert_allclose(found.scored.strangeness, slowly(params, timestamps, values), rtol=1e-9)


FIVE = 5 * MINUTE


def cycling(days: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    at = np.arange(days * 288) * FIVE
    busy = 20 * np.sin(2 * np.pi * (at % DAY) / DAY)
    return at, 100 + busy + np.random.default_rng(seed).normal(0, 1, len(at))


def test_a_daily_cycle_and_a_single_wild_block_are_no_change():
    at, values = cycling(20)
    values[3000:3006] += 500
    _, found = answered(ChangePointParams(), at, values)
    assert not (found.scored.strangeness >= 1).any()


def test_a_weekend_like_the_last_one_is_no_change():
    at, values = cycling(30)
    values[(at // DAY) % 7 >= 5] -= 30
    _, found = answered(ChangePointParams(), at, values)
    late = at > 16 * DAY
    assert (found.scored.strangeness[late] >= 1).mean() < 0.01


def test_a_leak_is_a_slope_and_a_deploy_that_costs_is_a_step():
    at, values = cycling(12)
    leak = np.where(at >= 10 * DAY, (at - 10 * DAY) / HOUR * 0.8, 0.0)
    detector, found = answered(ChangePointParams(limit=150.0), at, values + leak)
    first = int(np.flatnonzero(found.scored.strangeness >= 1)[0])
    assert HOUR < at[first] - 10 * DAY < 6 * HOUR
    row = first + 150
    told = detector.tell(found.notes, row, int(at[row]))
    assert (told["change"], told["direction"]) == ("slope", "high")
    assert told["slope_per_hour"] == pytest.approx(0.8, rel=0.2)
    level = (values + leak)[row - 12 : row].mean()
    assert told["hours_to_limit"] == pytest.approx((150 - level) / 0.8, rel=0.3)
    assert told["change_since"].startswith("1970-01-11T0")
    step = np.where(at >= 10 * DAY, 6.0, 0.0)
    detector, found = answered(ChangePointParams(limit=150.0), at, values + step)
    first = int(np.flatnonzero(found.scored.strangeness >= 1)[0])
    told = detector.tell(found.notes, first + 60, int(at[first + 60]))
    assert (told["change"], told["change_since"]) == ("step", "1970-01-11T00:00:00Z")
    assert told["change_by"] == pytest.approx(6, abs=0.6)
    assert "hours_to_limit" not in told


def test_a_change_that_is_over_is_over_within_two_blocks():
    at, values = cycling(12)
    during = (at >= 10 * DAY) & (at < 10 * DAY + 6 * HOUR)
    _, found = answered(ChangePointParams(), at, values - 8 * during)
    strange = at[found.scored.strangeness >= 1]
    assert strange[-1] < 10 * DAY + 6 * HOUR + 3 * 1800 * SECOND
    assert found.notes["sum"][at == strange[-1]] < 0


def test_only_the_side_asked_for_is_listened_to():
    at, values = cycling(12)
    values[at >= 10 * DAY] -= 10
    assert not (answered(ChangePointParams(direction="high"), at, values)[1].scored.strangeness >= 1).any()
    assert (answered(ChangePointParams(direction="low"), at, values)[1].scored.strangeness >= 1).any()


@pytest.mark.parametrize(("allowance", "threshold"), [(1.0, 5.0), (1.5, 5.0)])
def test_false_changes_on_noise_are_as_rare_as_documented(allowance, threshold):
    series, days = 300, 30
    params = ChangePointParams(allowance=allowance, threshold=threshold)
    detector = ChangePoint(params)
    detector.grow(series)
    blocks = days * 48
    at = np.repeat(np.arange(blocks) * 1800 * SECOND, series)
    noise = np.random.default_rng(5).normal(10, 1, len(at))
    codes = np.tile(np.arange(series, dtype=np.int32), blocks)
    strange = (detector.fold(codes, at, noise).strangeness >= 1).reshape(blocks, series)[8 * 48 :]
    begun = (strange[1:] & ~strange[:-1]).sum() / strange.size / 2
    documented = false_changes(allowance, threshold, 3 * params.days)
    assert documented / 8 < begun < documented
    assert detector.false_alarm_ratio(21) / 20 < strange.mean() < detector.false_alarm_ratio(21)


@pytest.mark.parametrize(
    ("wrong", "says"), [({"block_s": 7000}, "block_s must divide a day"), ({"min_days": 9}, "at most days")]
)
def test_faulty_parameters_are_refused(wrong, says):
    with pytest.raises(ValidationError, match=says):
        ChangePointParams(**wrong)
