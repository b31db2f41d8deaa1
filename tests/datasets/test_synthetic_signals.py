"""Signals look like a platform's, and what was planted can be seen where and when it was planted."""

from __future__ import annotations

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND
from titleshot.datasets.synthetic.effects import Effect, add_up, height
from titleshot.datasets.synthetic.faults import Fault
from titleshot.datasets.synthetic.platform import START, SyntheticPlatform
from titleshot.datasets.synthetic.signals import CPU, ERRORS, LATENCY, QUEUE, REQUESTS, Signals

WEEK_OF_SAMPLES = 2016
TELLING = {
    "spike": LATENCY,
    "step": LATENCY,
    "slow_leak": LATENCY,
    "sparse_error_burst": ERRORS,
    "traffic_drop": REQUESTS,
    "flatline": REQUESTS,
    "queue_jump": QUEUE,
    "cache_miss_surge": LATENCY,
}


@pytest.fixture(scope="module")
def platform() -> SyntheticPlatform:
    return SyntheticPlatform(days=84)


@pytest.fixture(scope="module")
def planted(platform: SyntheticPlatform) -> dict[str, Signals]:
    return {signals.service.id: signals for signals in platform.telemetry()}


@pytest.fixture(scope="module")
def otherwise(platform: SyntheticPlatform) -> dict[str, Signals]:
    return {signals.service.id: signals for signals in platform.telemetry(faults=False)}


def within(signals: Signals, start: int, end: int) -> np.ndarray:
    """Samples whose whole window lies in [start, end)."""
    return np.flatnonzero((signals.times - 5 * MINUTE >= start) & (signals.times < end))


def test_days_weeks_and_monday_mornings_show(otherwise: dict[str, Signals]) -> None:
    rate = otherwise["platform/auth-service"].values[:, REQUESTS].reshape(-1, 7, 24, 12).mean(axis=3)
    usual = np.median(rate, axis=0)  # [weekday, hour]
    assert usual[1, 12] > 3 * usual[1, 3]  # noon and night
    assert usual[1, 12] > 1.6 * usual[6, 12]  # Tuesday and Sunday
    assert usual[0, 9] > 1.15 * usual[1, 9]  # Monday morning


def test_noise_is_skewed_and_autocorrelated(otherwise: dict[str, Signals]) -> None:
    for signals in otherwise.values():
        weekly = np.log(signals.values[:, LATENCY]).reshape(-1, WEEK_OF_SAMPLES)
        rest = (weekly - np.median(weekly, axis=0)).ravel()
        assert np.corrcoef(rest[1:], rest[:-1])[0, 1] > 0.25
        latency = signals.values[:, LATENCY]
        assert np.mean((latency - latency.mean()) ** 3) / latency.std() ** 3 > 0.5


def test_values_keep_to_their_ranges(planted: dict[str, Signals]) -> None:
    for signals in planted.values():
        values = signals.values
        assert np.nanmin(values) >= 0
        assert np.nanmax(values[:, [ERRORS, CPU]]) <= 1
        assert np.isfinite(np.delete(values, ERRORS, axis=1)).all()


def surprise(fault: Fault, signals: Signals) -> float:
    """Median deviations of the root's telling metric within the fault from the same hours of other weeks."""
    inside = within(signals, fault.start, fault.end)
    if fault.kind == "slow_leak":
        inside = inside[-len(inside) // 4 :]
    series = np.log(signals.values[:, TELLING[fault.kind]] + 1e-5)
    others = np.concatenate([inside + k * WEEK_OF_SAMPLES for k in range(-12, 13) if k])
    usual = series[others[(others >= 0) & (others < len(series))]]
    spread = 1.4826 * np.median(np.abs(usual - np.median(usual)))
    # A burst is there in some samples only, a spike mostly at its beginning.
    share = 75 if fault.kind in ("sparse_error_burst", "spike") else 50
    return float(np.percentile(np.abs(series[inside] - np.median(usual)), share) / spread)


@pytest.mark.parametrize("kind", TELLING)
def test_a_big_fault_stands_out_from_the_same_hours_of_other_weeks(
    kind: str, platform: SyntheticPlatform, planted: dict[str, Signals]
) -> None:
    big = [
        surprise(fault, planted[fault.root])
        for fault in platform.faults
        if fault.kind == kind and fault.size > 7 and fault.end < platform.until
    ]
    assert len(big) >= 3
    assert np.median(big) > 3


def test_small_faults_hide_in_the_noise(
    platform: SyntheticPlatform, planted: dict[str, Signals], otherwise: dict[str, Signals]
) -> None:
    small = [
        surprise(fault, planted[fault.root])
        for fault in platform.faults
        if fault.size < 3 and fault.kind in ("step", "spike", "cache_miss_surge", "traffic_drop")
    ]
    assert len(small) >= 3
    assert np.median(small) < 3


def test_silence_is_silent_and_a_hang_stands_still(
    platform: SyntheticPlatform, planted: dict[str, Signals]
) -> None:
    for fault in platform.faults:
        signals = planted[fault.root]
        inside = within(signals, fault.start, fault.end)
        if fault.kind == "no_data":
            assert signals.silent[inside].all()
        if fault.kind == "flatline":
            assert not signals.values[inside, REQUESTS].any()
            assert len(np.unique(signals.values[inside, CPU])) == 1


def test_faults_reach_callers_later_and_weaker(
    platform: SyntheticPlatform, planted: dict[str, Signals], otherwise: dict[str, Signals]
) -> None:
    looked_at = 0
    for fault in platform.faults:
        if fault.kind not in ("step", "spike") or len(fault.affected) < 2 or fault.end > platform.until:
            continue
        own = next(effect for effect in fault.effects if effect.service == fault.root)
        for effect in fault.effects:
            if effect.service == fault.root:
                continue
            assert 20 * SECOND <= effect.start - fault.start <= 3 * 240 * SECOND
            assert effect.latency < own.latency
            looked_at += 1
    assert looked_at > 30


def test_nothing_moves_outside_the_affected_services_and_the_fault(
    platform: SyntheticPlatform, planted: dict[str, Signals], otherwise: dict[str, Signals]
) -> None:
    for service, signals in planted.items():
        differs = (signals.values != otherwise[service].values) & ~np.isnan(signals.values)
        moved = differs.any(axis=1)
        mine = [fault for fault in platform.faults if service in fault.affected]
        explained = np.zeros(len(moved), dtype=bool)
        for fault in mine:
            explained |= (signals.times > fault.start) & (signals.times < fault.end + 5 * MINUTE)
        assert moved.any()
        assert not (moved & ~explained).any()


def test_callers_are_reached_along_calls_that_hold(platform: SyntheticPlatform) -> None:
    for fault in platform.faults:
        if fault.kind in ("cache_miss_surge", "traffic_drop"):
            continue  # these also run to the services called
        reached, edge = {fault.root}, {fault.root}
        for _ in range(3):
            edge = {call.caller for at in edge for call in platform.estate.calls_to(at, fault.start)}
            reached |= edge
        assert set(fault.affected) <= reached


def test_an_innocent_deploy_disturbs_and_passes(platform: SyntheticPlatform) -> None:
    for rollout in platform.rollouts:
        assert rollout.effect.end - rollout.effect.start <= 25 * MINUTE
        assert rollout.effect.latency > 0


@pytest.mark.parametrize("shape", ["plateau", "spike", "blip", "ramp", "late_ramp", "burst"])
def test_shapes_stay_between_nothing_and_all(shape: str) -> None:
    effect = Effect("shop/cart", START, START + HOUR, shape)  # type: ignore[arg-type]
    times = START + np.arange(-600, 4200, 7) * SECOND
    heights = height(effect, times)
    inside = (times >= effect.start) & (times < effect.end)
    assert heights.min() >= 0
    assert 0.9 < heights.max() <= 1
    assert not heights[~inside].any()


def test_a_sample_holds_the_mean_of_its_window() -> None:
    effect = Effect("shop/cart", START + 150 * SECOND, START + DAY, "ramp", load=1.0)
    step = Effect("shop/cart", START + 150 * SECOND, START + 450 * SECOND, "blip", errors=1.0)
    pushes = add_up([effect, step], START, 300 * SECOND, 5)
    assert pushes.load[0] == 0
    assert 0 < pushes.load[1] < pushes.load[2] < pushes.load[3]
    assert pushes.errors[1] == pytest.approx(0.5 * np.exp([-0.25, -0.75, -1.25]).mean(), rel=0.01)
    assert pushes.errors[3] == 0
