"""What PetShop and Nezha share, against slow and obvious versions of it."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import HOUR, SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Deploy
from titleshot.datasets.importers.call_graph import Calls, on_the_way, topology_rows
from titleshot.datasets.importers.decoys import Ground, decoys
from titleshot.datasets.importers.stretches import Stretch, between

NODES = st.sampled_from([f"n/{name}" for name in "abcdef"])
CALLS = st.sets(st.tuples(NODES, NODES), max_size=12)
STRETCHES = st.lists(
    st.builds(lambda of, first, long: Stretch(of, first, first + long), st.sampled_from("xy"),
              st.integers(0, 30), st.integers(1, 10)),
    min_size=1,
    max_size=6,
)  # fmt: skip


def walks(calls: Calls, at: str, last: str, met: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every way from ``at`` to ``last`` that meets no node twice."""
    if at in met:
        return
    way = (*met, at)
    if at == last:
        yield way
    for caller, callee in calls:
        if caller == at:
            yield from walks(calls, callee, last, way)


@given(CALLS, NODES, NODES)
def test_nodes_on_the_way_are_at_least_those_of_every_walk(calls: Calls, first: str, last: str) -> None:
    found = on_the_way(calls, first, last)

    assert {node for way in walks(calls, first, last) for node in way} <= found
    for node in found:
        assert any(walks(calls, first, node)), "it can be reached"
        assert any(walks(calls, node, last)), "and leads there"


@given(CALLS, st.sets(NODES))
def test_every_service_is_in_a_topology_that_there_is(calls: Calls, services: set[str]) -> None:
    rows = topology_rows(calls, services, {"n": 5})

    named = {end for row in rows for end in (row.caller, row.callee)}
    assert {(row.caller, row.callee) for row in rows} >= calls
    assert named == (services | {end for call in calls for end in call} if calls else set())
    assert all((row.valid_from, row.known_from, row.valid_to) == (5, 5, None) for row in rows)


@given(STRETCHES)
def test_an_instant_is_scored_where_a_stretch_of_its_namespace_covers_it(stretches: list[Stretch]) -> None:
    services = {"x": ["x/a"], "y": ["y/a", "y/b"]}
    spans = between(stretches, services)

    begin, end = min(of.first for of in stretches), max(of.end for of in stretches)
    for namespace in {of.namespace for of in stretches}:
        for service in services[namespace]:
            for at in range(begin, end):
                covered = any(of.namespace == namespace and of.first <= at < of.end for of in stretches)
                left_out = any(
                    span.from_ <= at < span.to and (span.services is None or service in span.services)
                    for span in spans
                )
                assert left_out == (not covered)


@given(
    st.lists(st.integers(0, 40), max_size=5, unique=True),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc")), max_size=5),
    st.integers(0, 4),
)
def test_decoys_keep_to_their_ground(
    guilty_at: list[int], incidents_at: list[tuple[int, str]], per_guilty: int
) -> None:
    guilty = [
        Deploy(service="n/a", version=f"v{at}", valid_from=at * HOUR, known_from=at * HOUR)
        for at in guilty_at
    ]
    labels = [
        IncidentLabel(
            incident_id=str(number),
            start=at * HOUR,
            end=(at + 1) * HOUR,
            root_service=f"n/{service}",
            severity="high",
            kind="latency",
            source="injected",
            known_at=(at + 1) * HOUR,
        )
        for number, (at, service) in enumerate(incidents_at)
    ]
    ground = Ground(["n/a", "n/b", "n/c"], [(0, 10 * HOUR), (20 * HOUR, 41 * HOUR)])

    found = decoys(guilty, ground, labels, per_guilty)

    assert len(found) == per_guilty * len(guilty), "there is room"
    for row in found:
        assert row.decoy
        assert row.valid_from % SECOND == 0
        assert any(first <= row.valid_from < end for first, end in ground.stretches)
        assert not any(
            label.root_service == row.service and label.start - HOUR <= row.valid_from < label.end
            for label in labels
        )


def test_the_first_decoy_of_a_guilty_change_is_in_its_stretch() -> None:
    stretches = [(day * 24 * HOUR, (day * 24 + 1) * HOUR) for day in range(20)]
    guilty = [
        Deploy(service="n/a", version=f"v{first}", valid_from=first + SECOND, known_from=first + SECOND)
        for first, _ in stretches
    ]

    found = decoys(guilty, Ground(["n/a", "n/b"], stretches), [], 2)

    for (first, end), decoy in zip(stretches, found[::2], strict=True):
        assert first <= decoy.valid_from < end
    assert len({row.valid_from // (24 * HOUR) for row in found[1::2]}) > 5, "the others are anywhere"


def test_there_are_no_decoys_where_there_is_no_room() -> None:
    change = Deploy(service="n/a", version="v", valid_from=0, known_from=0)
    label = IncidentLabel(
        incident_id="1",
        start=0,
        end=HOUR,
        root_service="n/a",
        severity="high",
        kind="latency",
        source="injected",
        known_at=HOUR,
    )

    assert decoys([change], Ground(["n/a"], [(0, HOUR)]), [label], 3) == []
    assert decoys([change], Ground([], [(0, HOUR)]), [], 3) == []
