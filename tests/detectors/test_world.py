import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import HOUR, SECOND
from titleshot.datasets.contracts.reference import (
    Alias,
    Deploy,
    Maintenance,
    Ownership,
    ReferenceRow,
    Tier,
    TopologyEdge,
)
from titleshot.detectors.world import World


def span(valid_from: int, valid_to: int | None = None, known_from: int = 0) -> dict[str, Any]:
    return {"valid_from": valid_from, "valid_to": valid_to, "known_from": known_from}


def world_of(*rows: ReferenceRow) -> World:
    world = World()
    for row in rows:
        world.apply(row)
    return world


def call(caller: str, callee: str, **times: Any) -> TopologyEdge:
    return TopologyEdge(caller=caller, callee=callee, **times)


class TestWorld:
    def test_an_empty_world_knows_nothing_and_says_so(self) -> None:
        world = World()
        assert world.callees("n/a", 0) == world.callers("n/a", 0) == world.neighbours("n/a", 0) == frozenset()
        assert world.within("n/a", 0, 3) == {"n/a"}
        assert world.team("n/a", 0) is world.tier("n/a", 0) is None
        assert world.recent_deploy("n/a", 0, 3600) is None
        assert not world.in_maintenance("n/a", 0)
        assert world.canonical("n/a", 0) == "n/a"

    def test_calls_are_directed_and_neighbours_are_not(self) -> None:
        world = world_of(call("n/a", "n/b", **span(0)), call("n/b", "n/c", **span(0)))
        assert world.callees("n/b", 1) == {"n/c"}
        assert world.callers("n/b", 1) == {"n/a"}
        assert world.neighbours("n/b", 1) == {"n/a", "n/c"}
        assert world.within("n/a", 1, 1) == {"n/a", "n/b"}
        assert world.within("n/a", 1, 2) == {"n/a", "n/b", "n/c"}

    def test_a_fact_holds_from_its_first_instant_to_just_before_its_last(self) -> None:
        world = world_of(call("n/a", "n/b", **span(10, 20)))
        held = [bool(world.callees("n/a", at)) for at in (9, 10, 19, 20)]
        assert held == [False, True, True, False]

    def test_a_row_is_unknown_until_it_is_applied(self) -> None:
        world = World()
        assert world.team("n/a", 5) is None
        world.apply(Ownership(service="n/a", team="red", **span(0)))
        assert world.team("n/a", 5) == "red"

    def test_a_later_row_about_the_same_fact_replaces_the_earlier(self) -> None:
        world = world_of(call("n/a", "n/b", **span(0)), call("n/a", "n/b", **span(0, 50, known_from=40)))
        assert world.callees("n/a", 49) == {"n/b"}
        assert world.callees("n/a", 50) == frozenset()

    def test_redelivered_old_knowledge_does_not_undo_newer_knowledge(self) -> None:
        old = Ownership(service="n/a", team="red", **span(0))
        new = Ownership(service="n/a", team="blue", **span(0, known_from=7))
        assert world_of(old, new, old).team("n/a", 9) == "blue"

    def test_the_owner_valid_from_latest_counts_and_the_one_before_returns(self) -> None:
        world = world_of(
            Ownership(service="n/a", team="red", **span(0)),
            Ownership(service="n/a", team="night", **span(10, 20)),
        )
        assert [world.team("n/a", at) for at in (9, 10, 19, 20)] == ["red", "night", "night", "red"]

    def test_tiers_are_answered_for_their_time(self) -> None:
        world = world_of(
            Tier(service="n/a", tier="low", **span(0)),
            Tier(service="n/a", tier="critical", **span(5)),
        )
        assert [world.tier("n/a", at) for at in (4, 5)] == ["low", "critical"]

    def test_maintenance_says_how_long_its_answer_stands(self) -> None:
        world = world_of(Maintenance(service="n/a", **span(10, 20)))
        assert world.maintenance_span("n/a", 12) == (True, 10, 20)
        inside, low, high = world.maintenance_span("n/a", 25)
        assert (inside, low) == (False, 20)
        assert high > 10**18

    def test_a_deploy_is_recent_for_a_while_and_the_last_one_counts(self) -> None:
        world = world_of(
            Deploy(service="n/a", version="v1", **span(0)),
            Deploy(service="n/a", version="v2", **span(HOUR)),
        )
        assert world.recent_deploy("n/a", HOUR - 1, 3600) == "v1"
        assert world.recent_deploy("n/a", HOUR + 60 * SECOND, 60) == "v2"
        assert world.recent_deploy("n/a", HOUR + 61 * SECOND, 60) is None
        assert world.recent_deploy("n/b", HOUR, 3600) is None

    def test_a_decoy_deploy_looks_like_any_other(self) -> None:
        world = world_of(Deploy(service="n/a", version="v1", decoy=True, **span(0)))
        assert world.recent_deploy("n/a", 1, 60) == "v1"

    def test_names_a_migration_left_behind_are_the_same_service(self) -> None:
        world = world_of(
            Alias(service="n/new", alias="n/old", **span(100)),
            call("n/a", "n/old", **span(0)),
            Ownership(service="n/new", team="blue", **span(100)),
            Maintenance(service="n/old", **span(150, 160)),
        )
        assert world.canonical("n/old", 99) == "n/old"
        assert world.canonical("n/old", 100) == "n/new"
        assert world.callees("n/a", 99) == {"n/old"}
        assert world.callees("n/a", 100) == {"n/new"}
        assert world.callers("n/new", 99) == frozenset()
        assert world.callers("n/new", 100) == world.callers("n/old", 100) == {"n/a"}
        assert world.team("n/old", 100) == "blue"
        assert world.in_maintenance("n/new", 155)

    def test_aliases_that_point_at_each_other_are_one_service(self) -> None:
        world = world_of(
            Alias(service="n/a", alias="n/b", **span(0)), Alias(service="n/b", alias="n/a", **span(0))
        )
        assert world.canonical("n/a", 1) == world.canonical("n/b", 1) == "n/a"

    def test_state_goes_through_json(self) -> None:
        rows = (
            call("n/a", "n/b", **span(0, 50, 3)),
            Alias(service="n/b", alias="n/c", **span(10)),
            Deploy(service="n/a", version="v1", **span(0)),
        )
        restored = World()
        restored.load(json.loads(json.dumps(world_of(*rows).state(), sort_keys=True)))
        assert restored.state() == world_of(*rows).state()
        assert restored.callers("n/c", 20) == {"n/a"}

    def test_loading_forgets_what_was_known_before(self) -> None:
        world = world_of(call("n/a", "n/b", **span(0)))
        world.load(World().state())
        assert world.callees("n/a", 0) == frozenset()


class Plain:
    """The obvious world: every question reads every row."""

    def __init__(self, rows: list[ReferenceRow]) -> None:
        newest: dict[Any, ReferenceRow] = {}
        for row in rows:
            content = row.model_dump()
            subject = {
                "topology": ("caller", "callee"),
                "alias": ("alias",),
                "deploy": ("service", "version"),
            }.get(row.kind, ("service",))
            fact = (row.kind, row.valid_from, *(content[name] for name in subject))
            if fact not in newest or newest[fact].known_from <= row.known_from:
                newest[fact] = row
        self.rows = list(newest.values())

    def holding(self, kind: str, at: int) -> list[Any]:
        rows = [row for row in self.rows if row.kind == kind and row.holds_at(at)]
        return sorted(rows, key=lambda row: (row.valid_from, row.known_from))

    def canonical(self, service: str, at: int) -> str:
        names = [service]
        while True:
            points_to = [row.service for row in self.holding("alias", at) if row.alias == names[-1]]
            if not points_to:
                return names[-1]
            if points_to[-1] in names:
                return min(names[names.index(points_to[-1]) :])
            names.append(points_to[-1])

    def edges(self, at: int) -> set[tuple[str, str]]:
        both = {
            (self.canonical(row.caller, at), self.canonical(row.callee, at))
            for row in self.holding("topology", at)
        }
        return {(caller, callee) for caller, callee in both if caller != callee}

    def within(self, service: str, at: int, hops: int) -> set[str]:
        reached = {self.canonical(service, at)}
        for _ in range(hops):
            reached |= {b for a, b in self.edges(at) if a in reached} | {
                a for a, b in self.edges(at) if b in reached
            }
        return reached

    def said(self, kind: str, service: str, at: int, field: str) -> Any:
        name = self.canonical(service, at)
        found = [
            getattr(row, field) for row in self.holding(kind, at) if self.canonical(row.service, at) == name
        ]
        return found[-1] if found else None


SERVICES = [f"n/{letter}" for letter in "abcde"]
service = st.sampled_from(SERVICES)
spans = st.tuples(st.integers(0, 30), st.integers(1, 20) | st.none(), st.integers(0, 3)).map(
    lambda t: span(t[0], None if t[1] is None else t[0] + t[1], t[2])
)
rows = st.one_of(
    st.builds(lambda a, b, t: call(a, b, **t), service, service, spans),
    st.builds(
        lambda a, team, t: Ownership(service=a, team=team, **t), service, st.sampled_from("rgb"), spans
    ),
    st.builds(lambda a, t: Maintenance(service=a, **t), service, spans),
    st.builds(lambda a, b, t: Alias(service=a, alias=b, **t), service, service, spans),
)


@given(st.lists(rows, max_size=12), st.lists(st.tuples(service, st.integers(0, 50)), min_size=1, max_size=8))
def test_remembered_answers_are_those_of_reading_every_row(
    told: list[ReferenceRow], asked: list[tuple[str, int]]
) -> None:
    world = World()
    for count in range(len(told) + 1):
        if count:
            world.apply(told[count - 1])
        plain = Plain(told[:count])
        for name, at in asked:
            assert world.canonical(name, at) == plain.canonical(name, at)
            assert world.callees(name, at) == {
                b for a, b in plain.edges(at) if a == plain.canonical(name, at)
            }
            assert world.within(name, at, 2) == plain.within(name, at, 2)
            assert world.in_maintenance(name, at) == (plain.said("maintenance", name, at, "kind") is not None)


@given(st.lists(rows, max_size=12), service, st.integers(0, 50))
def test_the_owner_is_one_of_those_valid_from_latest(told: list[ReferenceRow], name: str, at: int) -> None:
    world, plain = world_of(*told), Plain(told)
    team = world.team(name, at)
    owners = [
        row
        for row in plain.holding("ownership", at)
        if plain.canonical(row.service, at) == plain.canonical(name, at)
    ]
    latest = [row.team for row in owners if row.valid_from == owners[-1].valid_from]
    assert team in latest if owners else team is None


def test_a_question_about_a_known_span_costs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(call("n/a", "n/b", **span(0)))
    world.callees("n/a", 5)
    monkeypatch.setattr(world, "_adjacent", None)
    assert world.callees("n/a", 6) == {"n/b"}
