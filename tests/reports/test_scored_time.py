"""Scored time against a second-by-second reading."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import DAY, HOUR, SECOND
from titleshot.datasets.contracts.reference import Maintenance, Ownership, TopologyEdge
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scored_time import ScoredTime, Window

windows = st.lists(
    st.tuples(st.integers(-5, 60), st.integers(1, 20), st.sampled_from([None, "a", "b"])), max_size=5
)


@given(windows, st.integers(0, 20), st.integers(0, 50), st.integers(0, 30))
def test_scored_time_equals_asking_every_second(
    left_out: list[tuple[int, int, str | None]], start: int, length: int, warm_up: int
) -> None:
    time = ScoredTime(
        start * SECOND,
        (start + length) * SECOND,
        warm_up,
        [
            Window(at * SECOND, (at + wide) * SECOND, None if service is None else frozenset({service}))
            for at, wide, service in left_out
        ],
    )
    seconds = np.arange(-10, 100)
    for service in (None, "a", "b"):
        expected = [
            start + warm_up <= second < start + length
            and not any(at <= second < at + wide and of in {None, service} for at, wide, of in left_out)
            for second in seconds.tolist()
        ]
        assert time.scored(service, seconds * SECOND).tolist() == expected
        pieces = np.arange(0, 90, 10)
        counted = [sum(expected[10 + piece : 20 + piece]) for piece in pieces.tolist()]
        assert time.seconds(service, pieces * SECOND, 10 * SECOND).tolist() == counted


def test_days_without_scored_time_are_no_days_and_random_instants_are_scored() -> None:
    time = ScoredTime(0, 5 * DAY, 6 * 3600, [Window(DAY, 3 * DAY)])
    assert time.days.tolist() == [0, 3, 4]
    instants = time.instants(None, np.random.default_rng(0).random(1000))
    assert time.scored(None, instants).all()
    assert instants.min() >= 6 * HOUR
    assert not len(ScoredTime(0, HOUR, 3600).days)


def test_a_row_replaces_the_one_known_before_it_and_only_as_far_as_asked() -> None:
    rows = [
        Ownership(service="s/a", team="first", valid_from=0, known_from=0),
        Ownership(service="s/a", team="corrected", valid_from=0, known_from=50),
        Ownership(service="s/a", team="moved", valid_from=100, known_from=60),
    ]
    assert [Reference(rows).team("s/a", at) for at in (10, 99, 100)] == ["corrected", "corrected", "moved"]
    assert [Reference(rows, as_of=40).team("s/a", at) for at in (10, 100)] == ["first", "first"]
    assert Reference(rows).team("s/b", 10) is None


def test_callers_are_found_hop_by_hop_and_cycles_end() -> None:
    calls = [("b", "a"), ("c", "b"), ("a", "c")]
    edges = [
        TopologyEdge(caller=f"s/{caller}", callee=f"s/{callee}", valid_from=0, known_from=0)
        for caller, callee in calls
    ]
    found = Reference(edges)
    assert [len(found.affected("s/a", 5, hops)) for hops in range(4)] == [1, 2, 3, 3]


def test_an_open_maintenance_window_has_no_end() -> None:
    rows = [Maintenance(service="s/a", valid_from=5, known_from=0)]
    assert Reference(rows).maintenance() == {"s/a": [(5, None)]}
