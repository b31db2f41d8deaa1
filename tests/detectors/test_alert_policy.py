"""The alert policy against a plain retelling of its rules, and the memory it declares."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.alert_policy import POLICY_WORDS, AlertPolicy, AlertPolicyParams

PARAMS = st.builds(
    AlertPolicyParams,
    min_length=st.integers(1, 4),
    clear_ratio=st.sampled_from([0.5, 1.0]),
    clear_samples=st.integers(1, 3),
    cooldown_s=st.sampled_from([0, 300, 1200]),
    forget_s=st.sampled_from([200, 900, 21_600]),
    respect_maintenance=st.booleans(),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([60, 60, 60, 240, 1000]),
        st.sampled_from([0.2, 0.7, 1.0, 3.0, 3.0, math.nan]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=60,
)


def words(policy, times, strangeness, maintenance=None):
    """What the policy says of one series, in words."""
    n = len(times)
    policy.grow(1)
    flags = np.zeros(n, np.bool_) if maintenance is None else np.asarray(maintenance, np.bool_)
    said = policy.fold(
        np.zeros(n, np.int32), np.asarray(times, np.int64), np.asarray(strangeness, np.float64), flags
    )
    return [POLICY_WORDS[code] for code in said]


def minutes(strangeness, **params):
    return words(AlertPolicy(AlertPolicyParams(**params)), np.arange(len(strangeness)) * MINUTE, strangeness)


def retold(params, rows):
    """The docstring's rules, one row after the other, over lists of what happened."""
    run, episode, calm, ended = [], None, 0, -math.inf
    for at, u, maintained in rows:
        if math.isnan(u):
            yield ""
            continue
        if episode and at - episode["earned"] > params.forget_s:
            episode, ended = None, episode["last"]
        if run and at - run[-1] > params.forget_s:
            run = []
        if u < 1:
            run = []
            calm = calm + 1 if u < params.clear_ratio else 0
            if episode and calm >= params.clear_samples:
                episode, ended = None, episode["last"]
            yield ""
        elif maintained and params.respect_maintenance:
            if episode:
                episode, ended = None, episode["last"]
            run = []
            yield "held_maintenance"
        else:
            run.append(at)
            calm = 0
            if len(run) >= params.min_length:
                episode = {"earned": at}
            if episode:
                episode["last"] = at
                yield "held_cooldown" if at - ended < params.cooldown_s else "alerted"
            else:
                yield "held_min_length"


@settings(max_examples=300, deadline=None)
@given(params=PARAMS, rows=ROWS)
def test_agrees_with_the_rules_retold(params, rows):
    times = np.cumsum([gap for gap, _, _ in rows]).tolist()
    given_rows = [(at, u, maintained) for at, (_, u, maintained) in zip(times, rows, strict=True)]
    said = words(
        AlertPolicy(params),
        [at * SECOND for at in times],
        [u for _, u, _ in given_rows],
        [maintained for _, _, maintained in given_rows],
    )
    assert said == list(retold(params, given_rows))


@settings(max_examples=300, deadline=None)
@given(params=PARAMS, one=ROWS, other=ROWS, common=ROWS)
def test_what_is_older_than_its_memory_is_forgotten(params, one, other, common):
    answers = []
    start = 200_000
    for past in (one, other):
        times = [start - gap for gap in np.cumsum([gap for gap, _, _ in past])[::-1]]
        times += (start + np.cumsum([gap for gap, _, _ in common])).tolist()
        rows = [*past, *common]
        said = words(
            AlertPolicy(params),
            [int(at) * SECOND for at in times],
            [u for _, u, _ in rows],
            [maintained for _, _, maintained in rows],
        )
        answers.append(
            [word for at, word in zip(times, said, strict=True) if at >= start + params_memory(params)]
        )
    assert answers[0] == answers[1]


def params_memory(params):
    return AlertPolicy(params).memory_s


@settings(max_examples=100, deadline=None)
@given(params=PARAMS, rows=ROWS, cut=st.integers(0, 60))
def test_a_restored_policy_goes_on_as_if_nothing_happened(params, rows, cut):
    times = np.cumsum([gap for gap, _, _ in rows]) * SECOND
    u, maintained = [u for _, u, _ in rows], [m for _, _, m in rows]
    whole = words(AlertPolicy(params), times, u, maintained)
    first, second = AlertPolicy(params), AlertPolicy(params)
    said = words(first, times[:cut], u[:cut], maintained[:cut])
    second.load({name: array.copy() for name, array in first.state().items()})
    assert said + words(second, times[cut:], u[cut:], maintained[cut:]) == whole


def test_the_defaults_let_every_event_through():
    assert minutes([2.0, 0.5, 1.0, math.nan, 7.0]) == ["alerted", "", "alerted", "", "alerted"]


def test_an_episode_needs_its_length_once():
    said = minutes([2, 2, 2, 0.8, 2, 0.1, 0.1, 2], min_length=3, clear_ratio=0.5, clear_samples=2)
    assert said == ["held_min_length", "held_min_length", "alerted", "", "alerted", "", "", "held_min_length"]


def test_a_flapping_series_alerts_once_and_a_lasting_fault_gets_through():
    flapping = minutes([2, 0, 2, 0, 2, 0], cooldown_s=300)
    assert flapping == ["alerted", "", "held_cooldown", "", "held_cooldown", ""]
    lasting = minutes([2, 0, 2, 2, 2, 2, 2], cooldown_s=300)
    assert lasting == ["alerted", "", *["held_cooldown"] * 3, "alerted", "alerted"]


def test_maintenance_holds_and_starts_afresh():
    policy = AlertPolicy(AlertPolicyParams(min_length=2))
    said = words(policy, np.arange(4) * MINUTE, [2, 2, 2, 2], [False, True, False, False])
    assert said == ["held_min_length", "held_maintenance", "held_min_length", "alerted"]


def test_a_run_does_not_span_a_long_silence():
    policy = AlertPolicy(AlertPolicyParams(min_length=2, forget_s=3600))
    assert words(policy, [0, 3601 * SECOND, 3661 * SECOND], [2, 2, 2]) == [
        "held_min_length",
        "held_min_length",
        "alerted",
    ]


def test_state_of_something_else_is_refused():
    with pytest.raises(MalformedInput, match="state of an alert policy has"):
        AlertPolicy().load({"run": np.zeros(1, np.int32)})
