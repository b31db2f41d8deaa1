"""No data: silence against the definition in plain Python, and through a whole contender."""

import json
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import Maintenance
from titleshot.datasets.contracts.telemetry import Sample, Tick
from titleshot.detectors.answers import Ticks
from titleshot.detectors.contender import Contender, Engine
from titleshot.detectors.no_data import NoData, NoDataParams
from titleshot.detectors.recipe import Recipe

TICK = 60 * SECOND


def asked(params: NoDataParams, samples: list[tuple[int, float]], ticks: list[int], cut: int = 10**9):
    """What it says of one series at ticks: (tick, u, last seen, missed periods); in blocks of ``cut``."""
    detector = NoData(params)
    detector.grow(1)
    rows = sorted([(at, 0, value) for at, value in samples] + [(at, 1, 0.0) for at in ticks])
    said = []
    for start in range(0, len(rows), cut):
        block = rows[start : start + cut]
        given_samples = [(at, value) for at, kind, value in block if kind == 0]
        given_ticks = [at for at, kind, _ in block if kind == 1]
        places = [sum(1 for at, _ in given_samples if at <= tick) for tick in given_ticks]
        heard = Ticks(np.array(places, np.int64), np.array(given_ticks, np.int64), TICK)
        at = np.array([at for at, _ in given_samples], np.int64)
        values = np.array([value for _, value in given_samples], float)
        found = detector.answer(np.zeros(len(at), np.int32), at, values, heard).at_ticks
        if found is not None:
            moments = heard.timestamps[found.ticks].tolist()
            columns = found.scored.strangeness, found.notes["last"], found.notes["missed"]
            said += list(zip(moments, *(column.tolist() for column in columns), strict=True))
    return said


def slowly(params: NoDataParams, samples: list[tuple[int, float]], ticks: list[int]):
    """The definition, from everything ever seen."""
    gone = params.gone_s * SECOND
    said = []
    told: tuple[int, int] | None = None
    for number, now in enumerate(ticks):
        times = [at for at, value in samples if at <= now and np.isfinite(value)]
        if not times or now - times[-1] > gone:
            continue
        since = times[-1]
        appeared = next((b for a, b in reversed(list(pairwise(times))) if b - a > gone), times[0])
        for before, tick in pairwise(ticks[: number + 1]):
            if before >= appeared and tick > times[-1] and tick - before > 2 * TICK:
                since = tick
        # What was known when the last sample came in, back to the last time it had been gone.
        known = [times[-1]]
        for at in reversed(times[:-1]):
            if times[-1] - at > gone or known[-1] - at > gone:
                break
            known.append(at)
        gaps = sorted(a - b for a, b in pairwise(known[:25]))
        if params.period_s is None:
            if len(gaps) < params.min_points:
                continue
            usual, pace = gaps[len(gaps) // 2], gaps[max(len(gaps) - 3, len(gaps) // 2)]
        else:
            usual = pace = int(params.period_s * SECOND)
        allowed = max(int(params.missed_periods * pace), int(params.least_s * SECOND))
        silence = now - since
        missed = silence // usual
        if silence >= allowed and told != (times[-1], missed) and (not told or told < (times[-1], missed)):
            told = (times[-1], missed)
            said.append((now, silence / allowed, times[-1], missed))
    return said


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 14), st.sampled_from([0.1, 0.2, np.nan])), min_size=1, max_size=60),
    st.sets(st.integers(0, 200), max_size=30),
    st.sampled_from([None, 90.0]),
    st.sampled_from([2.0, 3.5]),
    st.sampled_from([1200.0, 1e6]),
    st.sampled_from([1, 3, 10**9]),
)
def test_it_is_the_definition_in_any_blocks(steps, missing, period_s, missed, gone_s, cut):
    params = NoDataParams(period_s=period_s, missed_periods=missed, gone_s=gone_s, min_points=4)
    at = np.cumsum([step for step, _ in steps]) * 30 * SECOND
    samples = [(int(t), value) for t, (_, value) in zip(at, steps, strict=True)]
    first = -(-samples[0][0] // TICK)
    ticks = [t * TICK for t in range(first, first + int(at[-1]) // TICK + 30) if t not in missing]
    found = asked(params, samples, ticks, cut)
    expected = slowly(params, samples, ticks)
    assert found == expected


def steady(minutes: int, every: int = 1) -> list[tuple[int, float]]:
    return [(minute * MINUTE, float(minute)) for minute in range(1, minutes + 1, every)]


def test_a_steady_series_is_missed_from_the_fourth_period_on_and_once_a_period():
    ticks = [minute * MINUTE for minute in range(60)]
    found = asked(NoDataParams(), steady(30), ticks)
    assert [(at // MINUTE, u, missed) for at, u, _, missed in found][:3] == [
        (34, 1.0, 4),
        (35, 1.25, 5),
        (36, 1.5, 6),
    ]
    slow = asked(NoDataParams(), steady(200, every=5), [minute * MINUTE for minute in range(240)])
    assert [at // MINUTE for at, *_ in slow] == [216, 221, 226, 231, 236]


def test_one_silence_does_not_teach_that_silence_is_usual():
    silent = [sample for sample in steady(60) if not 30 * MINUTE < sample[0] <= 45 * MINUTE]
    found = asked(NoDataParams(), silent, [minute * MINUTE for minute in range(80)])
    assert {last // MINUTE for _, _, last, _ in found} == {30, 60}
    assert min(at for at, _, last, _ in found if last == 60 * MINUTE) == 64 * MINUTE


def test_a_series_that_has_gone_is_forgotten_and_learned_anew():
    ticks = [minute * MINUTE for minute in range(400)]
    back = [(at + 200 * MINUTE, value) for at, value in steady(5)]
    found = asked(NoDataParams(gone_s=3600), steady(30) + back, ticks)
    assert max(at for at, *_ in found) <= 90 * MINUTE


def test_time_in_which_nobody_listened_is_no_silence():
    ticks = [minute * MINUTE for minute in [*range(32), *range(100, 110)]]
    found = asked(NoDataParams(), steady(30), ticks)
    assert [at // MINUTE for at, *_ in found] == [104, 105, 106, 107, 108, 109]


def test_nan_is_no_data():
    broken = [(minute * MINUTE, np.nan) for minute in range(31, 60)]
    found = asked(NoDataParams(), steady(30) + broken, [minute * MINUTE for minute in range(40)])
    assert found[0][0] == 34 * MINUTE


def test_a_silence_must_be_strange_before_the_series_has_gone():
    with pytest.raises(ValidationError, match="gone_s must be above what makes a silence strange"):
        NoDataParams(period_s=3600, gone_s=7200)


def recipe(**more: object) -> Recipe:
    selectors = [
        {"match": {}, "detector": {"family": "no_data"}, "also": True},
        {"match": {}, "detector": {"family": "robust_mad", "min_points": 5, "threshold": 6}},
    ]
    given = {"name": "silence", "lateness_s": 0, "skew_s": 0, "detectors": selectors, **more}
    return Recipe.model_validate(given)


def records(minutes: int, silent: range, services: tuple[str, ...] = ("cart", "auth")):
    """Two services with a sample and a tick a minute; cart sends nothing in ``silent``."""
    out: list[tuple[int, object]] = []
    for minute in range(minutes):
        at = minute * MINUTE
        for service in services:
            if service != "cart" or minute not in silent:
                value = {"timestamp": at, "namespace": "shop", "service": service, "metric_name": "latency"}
                out.append((at, Sample.model_validate({**value, "value": 1.0 + minute % 3})))
        out.append((at, Tick(timestamp=at)))
    return out


def said_by(engine: Engine, arrived, cut: int = 10**9):
    parts = [engine.push_records(arrived[i : i + cut]) for i in range(0, len(arrived), cut)]
    parts.append(engine.flush())
    return [event for part in parts for event in part.events.records(engine.series)], parts


def test_a_silent_series_is_an_event_without_a_sample():
    engine = Contender(recipe()).engine(keep_scores=True)
    arrived = records(50, range(30, 40))
    events, parts = said_by(engine, arrived)
    assert [(e.service, e.timestamp // MINUTE) for e in events] == [("cart", m) for m in range(33, 40)]
    first = events[0]
    assert first.detector.startswith("no_data@")
    assert (first.value, first.expected, first.anomaly_score) == (3.0, 3.0, 0.5)
    evidence = json.loads(first.evidence.model_dump_json(exclude_none=True))
    assert evidence == {
        "baseline": "the distances of the last 25 samples",
        "last_seen": "1970-01-01T00:29:00Z",
        "missing_samples": 4,
        "sample_count": 24,
        "silent_s": 240.0,
        "strange": "silence",
        "usual_period_s": 60.0,
        "value_is": "the last one seen",
    }
    assert sum(len(part.scores.codes) for part in parts) == 90


@pytest.mark.parametrize("cut", [1, 7])
def test_how_the_stream_is_cut_and_a_snapshot_on_the_way_change_nothing(cut):
    arrived = records(60, range(30, 40))
    whole, _ = said_by(Contender(recipe()).engine(), arrived)
    pieces, _ = said_by(Contender(recipe()).engine(), arrived, cut)
    assert pieces == whole
    first, second = Contender(recipe()).engine(), Contender(recipe()).engine()
    before = first.push_records(arrived[:95]).events.records(first.series)
    second.restore(first.snapshot())
    after, _ = said_by(second, arrived[95:])
    assert before + after == whole


def test_the_end_of_the_data_is_no_silence():
    arrived = records(40, range(0))
    engine = Contender(recipe(lateness_s=600)).engine()
    late = [(at + 500 * SECOND if isinstance(record, Sample) else at, record) for at, record in arrived]
    late = sorted(late, key=lambda entry: (entry[0], isinstance(entry[1], Tick)))
    late = [entry for entry in late if entry[0] <= 40 * MINUTE]
    events, _ = said_by(engine, late)
    assert events == []


def test_silence_in_maintenance_is_held():
    arrived = records(50, range(20, 45))
    row = Maintenance(service="shop/cart", valid_from=0, valid_to=30 * MINUTE, known_from=0)
    engine = Contender(recipe()).engine()
    _, parts = said_by(engine, [(0, row), *arrived])
    policies = np.concatenate([part.events.policies for part in parts])
    times = np.concatenate([part.events.timestamps for part in parts]) // MINUTE
    assert set(times[policies == 4].tolist()) == set(range(23, 30))
    assert set(times[policies == 1].tolist()) == set(range(30, 45))


def test_ticks_that_are_not_the_contenders_own_change_nothing():
    arrived = records(60, range(30, 40))
    more = [(m * MINUTE + 7 * SECOND, Tick(timestamp=m * MINUTE + 7 * SECOND)) for m in range(60)]
    more += [(m * MINUTE, Tick(timestamp=m * MINUTE)) for m in range(60)]
    both = sorted([*arrived, *more], key=lambda entry: (entry[0], isinstance(entry[1], Tick)))
    without, _ = said_by(Contender(recipe()).engine(), arrived)
    assert said_by(Contender(recipe()).engine(), both)[0] == without


def test_a_selector_without_also_keeps_its_series_and_the_digest_of_old_recipes():
    key = SeriesKey("shop", "cart", "latency")
    assert recipe().watchers(key) == (0, 1)
    assert recipe().route(key) == 1
    plain = [{"match": {}, "detector": {"family": "robust_mad"}, "also": False}]
    assert Recipe.model_validate({"name": "a", "detectors": plain}).watchers(key) == (0,)
    content = Recipe.model_validate({"name": "a", "detectors": plain})
    without = Recipe.model_validate(
        {"name": "a", "detectors": [{k: plain[0][k] for k in ("match", "detector")}]}
    )
    assert content.digest == without.digest != recipe().digest


def test_gaps_at_random_times_are_rarely_called_strange():
    rng = np.random.default_rng(3)
    gaps = rng.exponential(300 * SECOND, 20_000).astype(np.int64) + 1
    at = np.cumsum(gaps)
    detector = NoData(NoDataParams())
    detector.grow(1)
    ticks = np.arange(at[0] // TICK + 1, at[-1] // TICK) * TICK
    heard = Ticks(np.searchsorted(at, ticks, "right"), ticks, TICK)
    found = detector.answer(np.zeros(len(at), np.int32), at, np.ones(len(at)), heard).at_ticks
    assert found is not None
    silences = len(set(found.notes["last"].tolist()))
    assert silences / len(at) < 0.003
    assert median(found.notes["usual"].tolist()) == pytest.approx(300 * SECOND * np.log(2), rel=0.3)


def test_a_long_silence_may_be_spoken_of_at_every_doubling_only():
    ticks = [minute * MINUTE for minute in range(100)]
    found = asked(NoDataParams(again_times=2), steady(30), ticks)
    assert [missed for *_, missed in found] == [4, 8, 16, 32, 64]
