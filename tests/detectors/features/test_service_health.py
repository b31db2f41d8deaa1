"""Feature rows against their definitions in plain Python, and what they say of what is not there."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import DAY, HOUR, MINUTE, SECOND, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import (
    Alias,
    Deploy,
    Maintenance,
    Ownership,
    PlannedChange,
    TopologyEdge,
)
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.features.feature_rows import (
    MISSING,
    NO_HISTORY,
    NO_METRIC,
    NO_SAMPLES,
    NOT_KNOWN,
    PRESENT,
    UNDEFINED,
    FeatureRows,
)
from titleshot.detectors.features.service_health import ServiceHealth
from titleshot.detectors.features.service_health_columns import FEATURES, NAMES
from titleshot.detectors.features.service_health_params import ServiceHealthParams
from titleshot.detectors.features.surroundings import words
from titleshot.detectors.world import World

MONDAY = parse_instant("2026-03-02T00:00:00Z")
METRICS = ("requests_per_second", "error_ratio", "latency_s", "cpu_ratio", "queue_depth")
SERVICES = ("auth", "cart", "pay")
KEYS = [SeriesKey("shop", service, metric) for service in SERVICES for metric in METRICS]
KEYS.append(SeriesKey("shop", "cart", "disk_free"))


def of(rows, name, row=0):
    return float(rows.values[row, NAMES.index(name)]), int(rows.missing[row, NAMES.index(name)])


def health(params=None, tick_s=60):
    made = ServiceHealth(params, tick_s=tick_s)
    made.grow(KEYS)
    return made


def put(made, samples, world=None):
    """samples: (key, at, value) in order of time."""
    made.fold(
        np.array([KEYS.index(key) for key, _, _ in samples], np.int32),
        np.array([at for _, at, _ in samples], np.int64),
        np.array([value for _, _, value in samples], np.float64),
        world or World(),
    )


def naive(samples, now, service):
    """The measured features of a service at a tick, straight from their words."""

    def mean(role, start, end):
        found = [
            v
            for key, at, v in samples
            if key == SeriesKey("shop", service, METRICS[role]) and start < at <= end
        ]
        return sum(found) / len(found) if found else math.nan

    def change(one, other):
        return math.log2(one / other) if one > 0 and other > 0 else math.nan

    closed = now // (5 * MINUTE) * 5 * MINUTE
    short = [mean(role, now - 5 * MINUTE, now) for role in range(5)]
    hour = [mean(role, closed - HOUR, closed) for role in range(5)]
    day = [mean(role, closed - DAY, closed) for role in range(5)]
    halves = now // (30 * MINUTE)
    week = [mean(0, (at - 1) * 30 * MINUTE, at * 30 * MINUTE) for at in range(halves - 335, halves + 1)]
    week = [one for one in week if one == one]
    below = sum((one < short[0]) + 0.5 * (one == short[0]) for one in week)
    return {
        "requests_5m": short[0],
        "requests_change": change(short[0], hour[0]),
        "traffic_percentile": below / len(week) if len(week) >= 2 and short[0] == short[0] else math.nan,
        "error_ratio_5m": short[1],
        "error_ratio_1h": hour[1],
        "burn_rate_5m": short[1] / 0.001,
        "burn_rate_1h": hour[1] / 0.001,
        "latency_5m": short[2],
        "latency_change": change(short[2], day[2]),
        "saturation_5m": short[3],
        "saturation_change": change(short[3], day[3]),
        "queue_change": change(short[4] + 1, day[4] + 1),
    }


streams = st.lists(
    st.tuples(
        st.integers(0, len(KEYS) - 1),
        st.one_of(st.integers(1, 40 * 60), st.integers(1, 9 * 24 * 3600)),
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 100.0]),
    ),
    min_size=1,
    max_size=120,
    unique_by=lambda sample: sample[:2],
)


@settings(max_examples=60)
@given(stream=streams, tick_s=st.sampled_from([30, 60, 300]), cut=st.integers(1, 7))
def test_measured_features_are_those_of_their_words_however_the_stream_is_cut(stream, tick_s, cut):
    samples = sorted(((KEYS[code], MONDAY + s * SECOND, v) for code, s, v in stream), key=lambda one: one[1])
    tick = tick_s * SECOND
    made, cutting = (health(ServiceHealthParams(least_half_hours=2), tick_s) for _ in range(2))
    ticks = sorted({-(-at // tick) * tick for _, at, _ in samples})
    done = 0
    for now in ticks:
        upto = sum(at <= now for _, at, _ in samples)
        due = samples[done:upto]
        put(made, due)
        for start in range(0, len(due), cut):
            put(cutting, due[start : start + cut])
        done = upto
        rows, again = made.close(now, World()), cutting.close(now, World())
        assert rows.values.tobytes() == again.values.tobytes()
        assert rows.missing.tobytes() == again.missing.tobytes()
        fresh = sorted({key.service for key, _, _ in due if key.metric_name in METRICS})
        assert [made.names[place] for place in rows.services.tolist()] == [f"shop/{name}" for name in fresh]
        for row, service in enumerate(fresh):
            for name, wanted in naive(samples[:upto], now, service).items():
                found, why = of(rows, name, row)
                assert found == pytest.approx(wanted, rel=1e-9, nan_ok=True), (name, service)
                assert (why == PRESENT) == (found == found)


def test_every_present_value_lies_in_the_range_of_its_column():
    made, rng = health(), np.random.default_rng(3)
    samples = [(key, MONDAY + i * MINUTE, float(abs(rng.normal()))) for i in range(600) for key in KEYS]
    put(made, samples)
    rows = made.close(MONDAY + 600 * MINUTE, World())
    for place, feature in enumerate(FEATURES):
        found = rows.values[:, place]
        found = found[found == found]
        assert ((found >= feature.low) & (found <= feature.high)).all(), feature.name


def test_what_is_missing_says_why_and_is_never_zero():
    made = health()
    latency, errors = SeriesKey("shop", "cart", "latency_s"), SeriesKey("shop", "cart", "error_ratio")
    put(made, [(latency, MONDAY + MINUTE, 0.0), (errors, MONDAY + MINUTE, 0.0)])
    first = made.close(MONDAY + MINUTE, World())
    assert of(first, "requests_5m")[1] == NO_METRIC
    assert of(first, "latency_change")[1] == NO_HISTORY
    assert of(first, "error_ratio_5m") == (0.0, PRESENT)
    assert of(first, "recent_deploy")[1] == NOT_KNOWN
    assert of(first, "callee_burn_rate")[1] == NOT_KNOWN
    put(made, [(latency, MONDAY + 22 * MINUTE, 1.0)])
    later = made.close(MONDAY + 22 * MINUTE, World())
    assert of(later, "error_ratio_5m")[1] == NO_SAMPLES
    assert of(later, "latency_change")[1] == UNDEFINED  # the day's latency is 0
    assert np.isnan(later.values[later.missing > 0]).all()
    report = made.report()
    assert report["missing"]["requests_5m"] == {MISSING[NO_METRIC]: 2}
    assert report["rows"] == 2


def test_a_renamed_metric_is_missing_with_a_reason_and_counted():
    made = health(ServiceHealthParams(roles={"latency": "p99_*"}))
    put(made, [(SeriesKey("shop", "cart", "latency_s"), MONDAY + SECOND, 1.0)])
    assert not len(made.close(MONDAY + MINUTE, World()))
    assert made.report()["samples_without_role"] == 1


def test_a_metric_renamed_within_its_role_is_told_beside_the_old_one():
    made = ServiceHealth(tick_s=60)
    keys = [SeriesKey("shop", "cart", name) for name in ("latency_s", "latency_ms")]
    made.grow(keys)
    two = np.arange(2)
    made.fold(two.astype(np.int32), MONDAY + two * MINUTE, np.array([0.2, 200.0]), World())
    told = {"shop/cart latency": ["latency_ms", "latency_s"]}
    assert made.report()["several_metrics"] == told
    again = ServiceHealth(tick_s=60)
    again.grow(keys)
    again.load(*made.state())
    assert again.report()["several_metrics"] == told


def test_rows_of_which_nobody_knows_owner_tier_or_version_are_counted():
    made = health()
    put(made, [(KEYS[0], MONDAY + SECOND, 1.0)])
    made.close(MONDAY + MINUTE, World())
    report = made.report()
    assert [report[f"rows_without_{word}"] for word in ("owner", "tier", "version")] == [1, 1, 1]


def test_a_broken_sample_is_counted_and_changes_nothing():
    made, other = health(), health()
    key = SeriesKey("shop", "cart", "latency_s")
    good = [(key, MONDAY + SECOND, 1.0)]
    bad = [(key, MONDAY + 2 * SECOND, v) for v in (math.nan, math.inf, -math.inf, 1e300)]
    put(made, good + bad)
    put(other, good)
    assert (
        made.close(MONDAY + MINUTE, World()).values.tobytes()
        == other.close(MONDAY + MINUTE, World()).values.tobytes()
    )
    assert made.report()["broken_samples"] == 4


def world(*rows):
    made = World()
    for row in rows:
        made.apply(row)
    return made


def test_reference_data_counts_only_from_when_it_is_known():
    made, key = health(), SeriesKey("shop", "cart", "latency_s")
    now = MONDAY + 2 * HOUR
    rows = [
        Deploy(service="shop/cart", version="7", valid_from=now - 10 * MINUTE, known_from=now),
        PlannedChange(service="shop/cart", change="canary", valid_from=now, known_from=now),
        Maintenance(service="shop/pay", valid_from=now, valid_to=now + HOUR, known_from=now),
        Ownership(service="shop/cart", team="baskets", valid_from=MONDAY, known_from=MONDAY),
    ]
    known = world(*rows)
    put(made, [(key, now, 1.0)], known)
    row = made.close(now, known)
    assert of(row, "recent_deploy") == (1.0, PRESENT)
    assert of(row, "planned_change") == (1.0, PRESENT)
    assert of(row, "maintenance") == (0.0, PRESENT)
    assert of(row, "hour") == (2.0, PRESENT)
    assert of(row, "weekday") == (0.0, PRESENT)
    assert words("shop/cart", now, known) == {"owner": "baskets", "version": "7"}
    put(made, [(key, now + 2 * HOUR, 1.0)], known)
    assert of(made.close(now + 2 * HOUR, known), "recent_deploy") == (0.0, PRESENT)


def test_neighbours_are_the_services_called_and_calling_then():
    made, now = health(), MONDAY + HOUR
    edge = {"valid_from": MONDAY, "known_from": MONDAY}
    known = world(
        TopologyEdge(caller="shop/cart", callee="shop/pay", **edge),
        TopologyEdge(caller="shop/cart", callee="shop/auth", **edge),
    )
    errors = {"pay": 0.5, "auth": 0.1, "cart": 0.01}
    put(made, [(SeriesKey("shop", s, "error_ratio"), now, v) for s, v in errors.items()], known)
    rows = made.close(now, known)
    found = {made.names[p]: row for row, p in enumerate(rows.services.tolist())}
    assert of(rows, "callee_burn_rate", found["shop/cart"]) == (pytest.approx(500), PRESENT)
    assert of(rows, "caller_burn_rate", found["shop/pay"]) == (pytest.approx(10), PRESENT)
    assert of(rows, "callee_burn_rate", found["shop/pay"])[1] == NOT_KNOWN


def test_a_service_keeps_its_history_under_a_new_name():
    made, now = health(), MONDAY + 6 * HOUR
    known = world(Alias(alias="shop/cart", service="shop/pay", valid_from=now, known_from=now))
    old, new = SeriesKey("shop", "pay", "latency_s"), SeriesKey("shop", "cart", "latency_s")
    put(made, [(old, now - i * MINUTE, 1.0) for i in range(60, 0, -1)], known)
    made.close(now - MINUTE, known)
    put(made, [(new, now + MINUTE, 4.0)], known)
    rows = made.close(now + MINUTE, known)
    assert [made.names[p] for p in rows.services.tolist()] == ["shop/pay"]
    assert of(rows, "latency_5m")[0] == pytest.approx((3 * 1.0 + 4.0) / 4)
    assert made.report()["aliased_samples"] == 1


def test_state_continues_identically_and_another_version_is_refused():
    rng = np.random.default_rng(5)
    samples = [(key, MONDAY + i * 30 * SECOND, float(rng.random())) for i in range(200) for key in KEYS]
    made, copied = health(), health()
    put(made, samples[:1500])
    made.close(MONDAY + 45 * MINUTE, World())
    arrays, about = made.state()
    copied.load(arrays, about)
    for one in (made, copied):
        put(one, samples[1500:])
    rows, again = (one.close(MONDAY + 100 * MINUTE, World()) for one in (made, copied))
    assert rows.values.tobytes() == again.values.tobytes()
    assert rows.services.tolist() == again.services.tolist()
    with pytest.raises(MalformedInput, match="start afresh"):
        health().load(arrays, {**about, "version": "2.0"})


def test_a_tick_that_does_not_divide_five_minutes_is_refused():
    with pytest.raises(UsageError, match="tick_s"):
        health(tick_s=900)


def test_rows_can_be_joined_and_taken():
    made = health()
    put(made, [(KEYS[0], MONDAY, 1.0), (KEYS[5], MONDAY, 1.0)])
    rows = made.close(MONDAY, World())
    both = FeatureRows.joined([FeatureRows.none(len(FEATURES)), rows])
    assert both.values.tobytes() == rows.values.tobytes()
    assert len(both.take(np.array([1]))) == 1
