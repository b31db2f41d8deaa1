"""Kin against an oracle that walks every way."""

from collections.abc import Iterator
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.reference import TopologyEdge
from titleshot.detectors.kin import Kin
from titleshot.detectors.world import World

NAMES = [f"shop/{letter}" for letter in "abcdef"]
Calls = set[tuple[str, str]]


def ways(calls: Calls, start: str, hops: int) -> Iterator[list[str]]:
    """Every way down from ``start`` of at most so many calls that passes no service twice."""
    edge = [[start]]
    for _ in range(hops):
        edge = [[*way, b] for way in edge for a, b in sorted(calls) if a == way[-1] and b not in way]
        yield from edge


def oracle(calls: Calls, service: str, hops: int, through: int) -> dict[str, Kin]:
    callers = {name: sum(b == name for _, b in calls) for name in NAMES}
    found: dict[str, Kin] = {}
    for side, turned in (("callee", calls), ("caller", {(b, a) for a, b in calls})):
        best: dict[str, tuple[int, int]] = {}
        for way in ways(turned, service, hops):
            if all(callers[name] <= through for name in way[1:-1]):
                called = way[1:] if side == "callee" else way[:-1]
                width = (len(way) - 1, max(callers[name] for name in called))
                best[way[-1]] = min(width, best.get(way[-1], width))
        found |= {n: Kin(side, *width) for n, width in best.items() if n not in found}  # type: ignore[arg-type]
    shared: dict[str, int] = {}
    for other, below in product(NAMES, NAMES):
        both = (service, below) in calls and (other, below) in calls
        if both and other not in (service, *found) and callers[below] <= through and hops > 1:
            shared[other] = min(callers[below], shared.get(other, callers[below]))
    return found | {name: Kin("sibling", 2, width) for name, width in shared.items()}


@settings(max_examples=150)
@given(
    st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda c: c[0] != c[1])),
    st.integers(0, 3),
    st.integers(1, 4),
)
def test_equals_walking_every_way_where_no_call_goes_round(calls: Calls, hops: int, through: int) -> None:
    calls = {(a, b) for a, b in calls if a < b}
    world = World()
    for caller, callee in calls:
        world.apply(TopologyEdge(caller=caller, callee=callee, valid_from=0, known_from=0))
    for name in NAMES:
        assert world.kin(name, 5, hops, through) == oracle(calls, name, hops, through)


def test_an_answer_ends_with_the_edge_it_rests_on() -> None:
    world = World()
    world.apply(TopologyEdge(caller="shop/a", callee="shop/b", valid_from=0, known_from=0))
    world.apply(TopologyEdge(caller="shop/b", callee="shop/c", valid_from=0, valid_to=10, known_from=0))
    assert set(world.kin("shop/a", 5, 2, 50)) == {"shop/b", "shop/c"}
    assert set(world.kin("shop/a", 10, 2, 50)) == {"shop/b"}
