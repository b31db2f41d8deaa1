"""Novelty: a value is held against everything the series has been."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import DAY, MINUTE, SECOND, parse_instant
from titleshot.detectors.answers import Ticks
from titleshot.detectors.novelty import Novelty, NoveltyParams
from titleshot.detectors.value_novelty import ValueNovelty, ValueNoveltyParams

SMALL = {"window": 30, "min_points": 5, "young_s": 7_200, "quiet_s": 3_600, "alarms_s": 28 * 3_600}


def answered(detector: ValueNovelty, timestamps: list[int], values: list[float]):
    detector.grow(1)
    codes = np.zeros(len(values), np.int32)
    return detector.answer(codes, np.array(timestamps, np.int64), np.array(values, float), Ticks.none())


def known(points: list[float], value: float, neighbours: int) -> tuple[float, float]:
    """Nearest of some points, and the distance to the so-manieth neighbour that it has itself."""
    near = min(points, key=lambda point: (abs(point - value), -point))
    others = sorted(points)
    others.remove(near)
    return near, sorted(abs(point - near) for point in others)[neighbours - 1]


def reach(points: list[float]) -> float:
    cut = int(0.001 * len(points))
    ordered = sorted(points)
    return ordered[-1 - cut] - ordered[cut]


def slowly(params: ValueNoveltyParams, timestamps: list[int], values: list[float]) -> list[float]:
    """The definition: strangeness of each value, from plain lists of everything there was."""
    p = params
    whole = isinstance(p, NoveltyParams)
    quiet, alarms = int(p.quiet_s * SECOND) // 8, int(p.alarms_s * SECOND) // 28
    kept: list[tuple[int, float, float | None]] = []
    said: list[tuple[int, float]] = []
    loud: set[int] = set()
    missed: set[int] = set()
    looks: list[tuple[float, float]] = []  # strangeness and share of those in the look under way
    looked_at = 0
    out = []
    for now, value in zip(timestamps, values, strict=True):
        if now - looked_at > 8 * quiet or now // alarms != looked_at // alarms:
            looks = []
        old = kept[: len(kept) - len(looks)]
        if p.memory_s:
            old = [row for row in old if now - row[0] <= p.memory_s * SECOND]
        kept = [*old, *kept[len(kept) - len(looks) :]]
        level = None
        if whole and len(kept) >= p.level_points - 1:
            points = [point for _, point, _ in kept]
            level = sum([*points[len(points) - p.level_points + 1 :], value]) / p.level_points
        u = math.nan
        opens = ends = False
        share = 0.0
        if len(old) >= p.min_points:
            points = [point for _, point, _ in old]
            age = now - old[0][0]
            ripe = age / (age + p.young_s * SECOND)
            near, spacing = known(points, value, 2)
            unit = p.known_ratio * reach(points)
            bar = unit + p.spacing_ratio * spacing
            u = ripe * abs(value - near) / bar if bar else 0.0
            share = abs(value - near) / unit
            of_day = 0.0
            if whole:
                u = u and with_level(p, u, ripe, [then for _, _, then in old if then is not None], level)
                if age >= p.min_days * DAY:
                    of_day = by_time_of_day(p, ripe, kept, reach(points), now, value)
                    if of_day >= 0.2:
                        missed.add(now // alarms)
                    days = sum(0 < now // alarms - day <= 28 for day in missed)
                    of_day /= 1 + 2 * days
            u /= p.threshold
            of_day /= p.threshold
            weak = 1 + p.repeat_ratio * sum(0 < now // alarms - day <= 28 for day in loud)
            if max(u, of_day) >= (1 if whole else 2):
                loud.add(now // alarms)
            if whole:
                u /= weak
                if looks:
                    everyone = [*looks, (u, share)]
                    loudest = max(everyone, key=lambda look: look[0])
                    others = sum(other for _, other in everyone) - loudest[1]
                    together = loudest[0] + (1 - p.look_ratio) * others / p.company_points
                    if together >= 1:
                        u = max(u, together)
                else:
                    opens = p.look_ratio <= u < 1
                ends = u >= 1
                u = max(u, of_day / weak)
                weak = 1
            raw = u
            u = raw / weak
            most = max((x for at, x in said if now // quiet - at // quiet <= 8), default=0.0)
            if raw <= most:
                u = min(u, 0.5 * raw / most)
            if raw >= (p.look_ratio if whole else 1):
                said.append((now, raw))
            if opens:
                looked_at = now
            if opens or looks:
                looks.append((raw if opens else everyone[-1][0], share))
        elif looks:
            looks.append((0.0, 0.0))
        if ends or (whole and len(looks) > p.company_points):
            looks = []
        out.append(u)
        kept = [*kept, (now, value, level)][-p.window :]
    return out


def with_level(p: NoveltyParams, u: float, ripe: float, levels: list[float], level: float | None) -> float:
    of_level = 0.0
    if level is not None and len(levels) >= p.min_points:
        near, spacing = known(levels, level, 2)
        room = p.known_ratio * reach(levels) + p.spacing_ratio * spacing
        of_level = ripe * abs(level - near) / room if room else 0.0
    w = p.level_weight
    return float((max(u, 0.1) * max(of_level, 0.1) ** w) ** (1 / (1 + w)))


def by_time_of_day(
    p: NoveltyParams, ripe: float, kept: list[Any], whole: float, now: int, value: float
) -> float:
    def apart(at: int) -> int:
        return min((now - at) % DAY, (at - now) % DAY)

    points = [v for at, v, _ in kept if now - at > DAY // 2 and apart(at) <= p.same_time_s * SECOND]
    if len(points) <= 4:
        return 0.0
    near, spacing = known(points, value, 3)
    away = ripe * abs(value - near)
    if away <= 0.2 * 0.15 * whole:
        return 0.0
    return away / (0.15 * whole + 5 * spacing)


streams = st.lists(st.tuples(st.integers(1, 90), st.sampled_from([1, 2, 4, 8, 16, 33, 70, 150])), max_size=70)


@settings(deadline=None)
@given(streams, st.sampled_from([None, 20_000.0]), st.sampled_from([0.0, 0.5]), st.sampled_from([1.0, 3.0]))
def test_value_novelty_is_its_definition(steps, memory_s, repeat_ratio, threshold):
    params = ValueNoveltyParams(**SMALL, memory_s=memory_s, repeat_ratio=repeat_ratio, threshold=threshold)
    timestamps = (np.cumsum([0, *(step for step, _ in steps)])[1:] * MINUTE).tolist()
    # Every value apart from every other by another distance, so that no nearest one is a tie.
    values = [value + 0.001 * math.sqrt(i) for i, (_, value) in enumerate(steps)]
    found = answered(ValueNovelty(params), timestamps, values).scored.strangeness
    np.testing.assert_allclose(found, slowly(params, timestamps, values), rtol=1e-6, atol=1e-9)


@settings(deadline=None)
@given(streams, st.sampled_from([None, 400_000.0]), st.sampled_from([0.12, 0.5, 1.0]))
def test_novelty_is_its_definition(steps, memory_s, look_ratio):
    # No ratio of .1: parts count as .1 at least, and a logarithm and a power round such a tie apart.
    small = {**SMALL, "level_points": 3, "min_days": 1, "same_time_s": 7_200, "company_points": 3}
    params = NoveltyParams(**small, memory_s=memory_s, look_ratio=look_ratio)
    timestamps = (np.cumsum([0, *(5 * step for step, _ in steps)])[1:] * MINUTE).tolist()
    values = [value + 0.001 * math.sqrt(i) for i, (_, value) in enumerate(steps)]
    found = answered(Novelty(params), timestamps, values).scored.strangeness
    np.testing.assert_allclose(found, slowly(params, timestamps, values), rtol=1e-6, atol=1e-9)


def noisy_days(days: int) -> tuple[list[int], list[float]]:
    timestamps = np.arange(days * 288) * 5 * MINUTE
    noise = np.random.default_rng(3).normal(0, 1, len(timestamps))
    busy = (timestamps % DAY >= DAY // 3) & (timestamps % DAY < DAY // 2)
    return timestamps.tolist(), (20 + 40 * busy + noise).tolist()


def test_what_was_there_once_is_known_and_says_when_it_was_seen():
    timestamps, values = noisy_days(8)
    values[2_000] = values[2_100] = 95.0
    answers = answered(detector := ValueNovelty(), timestamps, values)
    u = answers.scored.strangeness
    assert u[2_000] > 10
    assert u[2_100] == 0
    told = detector.tell(answers.notes, 2_000, timestamps[2_000])
    at = timestamps.index(parse_instant(told["nearest_seen_at"]))
    assert values[at] == answers.scored.expected[2_000]
    assert told["strange"] == "new"
    assert 0 < told["tail_probability"] < 1e-4
    assert answers.scored.upper[2_000] < 95


def test_a_gap_between_two_modes_is_strange_and_the_next_value_of_a_long_tail_is_not():
    timestamps, values = noisy_days(8)
    values[2_000] = 40.0
    assert answered(ValueNovelty(), timestamps, values).scored.strangeness[2_000] > 5
    tail = np.random.default_rng(5).standard_t(2, len(timestamps))
    most = tail[:1_999].max()
    second = np.sort(tail[:1_999])[-3]
    tail[2_000] = most + 0.1 * (most - second)
    assert answered(ValueNovelty(), timestamps, tail.tolist()).scored.strangeness[2_000] < 1


def test_a_fault_is_said_when_it_begins_and_when_it_gets_worse():
    timestamps, values = noisy_days(8)
    for i in range(2_000, 2_020):
        values[i] = 100.0 + 2 * (i % 3)
    values[2_020] = 180.0
    u = answered(ValueNovelty(), timestamps, values).scored.strangeness
    assert (np.flatnonzero(u[2_000:2_040] >= 1) + 2_000).tolist() == [2_000, 2_020]


def test_a_series_that_cries_often_has_to_cry_louder():
    timestamps, values = noisy_days(20)
    for day in range(5, 15):
        values[day * 288 + 7] = 100.0 * 2.0**day
    values[-1] = 1e9
    answers = answered(detector := ValueNovelty(), timestamps, values)
    quiet = answered(ValueNovelty(repeatless()), timestamps, values).scored.strangeness
    days = detector.tell(answers.notes, len(values) - 1, timestamps[-1])["alarms_lately"]
    assert days >= 10
    assert answers.scored.strangeness[-1] == pytest.approx(quiet[-1] / (1 + 0.05 * days))


def repeatless() -> ValueNoveltyParams:
    return ValueNoveltyParams(repeat_ratio=0)


def test_a_peak_that_does_not_come_is_heard_by_the_time_of_day_only():
    timestamps, values = noisy_days(9)
    missing = slice(8 * 288 + 100, 8 * 288 + 140)
    values[missing] = [20.5] * 40
    answers = answered(detector := Novelty(), timestamps, values)
    assert answered(ValueNovelty(), timestamps, values).scored.strangeness[missing].max() < 1
    u = answers.scored.strangeness
    row = int(np.argmax(u[missing])) + 8 * 288 + 100
    assert u[row] > 1
    told = detector.tell(answers.notes, row, timestamps[row])
    assert (told["driven_by"], told["strange"]) == ("time_of_day", "new at this time of day")
    assert answers.scored.expected[row] > 50


def test_a_level_that_is_new_too_lends_weight_to_a_value_that_is():
    timestamps, values = noisy_days(8)
    idle, busy = 7 * 288 + 20, 7 * 288 + 120
    u, levels = [], []
    for row in (idle, busy):
        spiked = [*values]
        spiked[row] = 85.0
        answers = answered(Novelty(), timestamps, spiked)
        u.append(answers.scored.strangeness[row])
        levels.append(answers.notes["level"][row])
    # A mean between idle and busy is seen at every turn of the day, one above busy never.
    assert levels[1] > levels[0]
    assert u[1] > 1.1 * u[0]


def test_a_weak_stranger_speaks_once_it_has_company_and_says_since_when():
    timestamps, values = noisy_days(12)
    # The gap between the modes, in the idle hours: far enough for a second look, not to speak alone.
    row = 10 * 288 + 20
    alone = [*values]
    alone[row] = 25.0
    followed = [*alone]
    followed[row + 1 : row + 4] = [25.7, 26.5, 27.2]
    u = answered(Novelty(), timestamps, alone).scored.strangeness[row : row + 8]
    assert 0.5 <= u[0] < 1
    assert u.max() < 1
    answers = answered(detector := Novelty(), timestamps, followed)
    u = answers.scored.strangeness[row : row + 8]
    spoke = row + int(np.argmax(u >= 1))
    assert row < spoke < row + 4
    told = detector.tell(answers.notes, spoke, timestamps[spoke])
    assert told["driven_by"] == "value"
    assert parse_instant(told["began_at"]) == timestamps[row]
    assert told["company"] > 0


def test_a_second_look_that_finds_nothing_leaves_the_values_known():
    timestamps, values = noisy_days(12)
    row = 10 * 288 + 20
    values[row] = values[row + 20] = 25.0
    u = answered(Novelty(), timestamps, values).scored.strangeness
    assert 0.5 <= u[row] < 1
    assert u[row + 20] < 0.3
