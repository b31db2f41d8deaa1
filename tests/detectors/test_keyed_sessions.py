"""Sessions by service, by time alone and by labels, against an oracle that walks the list of a key."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.contracts.reference import Alias, Ownership, Tier, TopologyEdge
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.correlators.correlator import Alert
from titleshot.detectors.correlators.families import correlator_from
from titleshot.detectors.world import World

GAP, PERIOD = 10 * MINUTE, 40 * MINUTE
TEAMS = {"shop/web": "front", "shop/cart": "front", "shop/stock": "back"}
KEYS: dict[str, tuple[dict[str, Any], Callable[[Alert], Any]]] = {
    "service": ({"family": "service_sessions"}, lambda a: a.service),
    "time": ({"family": "time_sessions"}, lambda _: None),
    "team": ({"family": "label_groups", "group_by": ["team"]}, lambda a: TEAMS.get(a.service)),
    "labels": (
        {"family": "label_groups", "group_by": ["namespace", "metric_name"]},
        lambda a: (a.service.split("/")[0], a.metric_name),
    ),
    "no label": ({"family": "label_groups", "group_by": []}, lambda _: None),
}


def world_of() -> World:
    world = World()
    for service, team in TEAMS.items():
        world.apply(Ownership(service=service, team=team, valid_from=0, known_from=0))
    world.apply(TopologyEdge(caller="shop/web", callee="shop/cart", valid_from=0, known_from=0))
    world.apply(Tier(service="shop/web", tier="critical", valid_from=0, known_from=0))
    return world


def alert(service: str, minute: float, metric: str = "latency_p99") -> Alert:
    at = round(minute * MINUTE)
    return Alert(f"{service}/{metric}@{at}", at, service, metric, 0.6, "high", "robust_mad@0")


def groups(spec: dict[str, Any], alerts: list[Alert], *, ticks: bool) -> set[tuple[str, ...]]:
    """Event ids of what closed, with or without a tick a minute."""
    world, correlator = world_of(), correlator_from({"gap_s": 600, "cap_s": 3600, **spec})
    closed = []
    for each in alerts:
        before = (each.timestamp - 1) // MINUTE * MINUTE
        while (
            ticks and (due := correlator.due()) is not None and (now := -(due // -MINUTE) * MINUTE) <= before
        ):
            closed += correlator.tick(now, now, world)
        closed += correlator.alert(each, each.timestamp, world)
    closed += correlator.flush(0, world)
    assert correlator.state() == []
    return {change.candidate.event_ids for change in closed if change.what == "closed"}


def oracle(key: Callable[[Alert], Any], alerts: list[Alert]) -> set[tuple[str, ...]]:
    """Cut the list of each key where an alert is a gap after the one before it, or at the story's cut."""
    by_key = defaultdict(list)
    for each in alerts:
        by_key[key(each)].append(each)
    found = set()
    for listed in by_key.values():
        story: list[Alert] = []
        for each in listed:
            if story:
                cut = (story[0].timestamp // PERIOD + 1) * PERIOD
                cut += PERIOD if cut - story[0].timestamp < PERIOD // 2 else 0
                if each.timestamp - story[-1].timestamp > GAP or each.timestamp >= cut:
                    found.add(tuple(a.event_id for a in story))
                    story = []
            story.append(each)
        found.add(tuple(a.event_id for a in story))
    return found


alerts_in_order = st.lists(
    st.builds(
        lambda service, half, metric: alert(service, half / 2, metric),
        st.sampled_from(["shop/web", "shop/cart", "shop/stock", "bank/web"]),
        st.integers(0, 400),
        st.sampled_from(["latency_p99", "error_ratio"]),
    ),
    max_size=40,
    unique_by=lambda a: a.event_id,
).map(lambda found: sorted(found, key=lambda a: (a.timestamp, a.service, a.metric_name)))


@pytest.mark.parametrize("ticks", [True, False])
@pytest.mark.parametrize("kind", KEYS)
@given(alerts=alerts_in_order)
def test_equals_cutting_the_list_of_each_key(kind: str, ticks: bool, alerts: list[Alert]) -> None:
    spec, key = KEYS[kind]
    assert groups(spec, alerts, ticks=ticks) == oracle(key, alerts)


@pytest.mark.parametrize("kind", KEYS)
@given(alerts=alerts_in_order, at=st.integers(0, 40))
def test_state_through_json_continues_identically(kind: str, alerts: list[Alert], at: int) -> None:
    spec, world = {"gap_s": 600, "cap_s": 3600, **KEYS[kind][0]}, world_of()
    first, second = correlator_from(spec), correlator_from(spec)
    for each in alerts[:at]:
        first.alert(each, each.timestamp, world)
    second.load(json.loads(json.dumps(first.state())))
    assert second.state() == first.state()
    for each in alerts[at:]:
        assert second.alert(each, 0, world) == first.alert(each, 0, world)
        assert second.alert(each, 0, world) == first.alert(each, 0, world) == []
        assert second.due() == first.due()
    assert second.flush(0, world) == first.flush(0, world)


def test_a_renamed_service_stays_one_story() -> None:
    world, correlator = world_of(), correlator_from({"family": "service_sessions"})
    world.apply(Alias(service="shop/stock", alias="shop/warehouse", valid_from=0, known_from=0))
    said = [correlator.alert(alert(s, m), 0, world) for m, s in enumerate(["shop/stock", "shop/warehouse"])]
    assert [change.what for changes in said for change in changes] == ["opened", "joined"]


def test_a_label_that_does_not_exist_is_refused() -> None:
    with pytest.raises(MalformedInput, match="group_by"):
        correlator_from({"family": "label_groups", "group_by": ["owner"]})
