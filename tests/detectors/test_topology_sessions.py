"""Sessions over the call graph, against an oracle that looks at every alert of every session."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import MINUTE, SECOND
from titleshot.datasets.contracts.reference import Alias, Deploy, Tier, TopologyEdge
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.correlators.correlator import Alert, Change
from titleshot.detectors.correlators.families import correlator_from
from titleshot.detectors.correlators.topology_sessions import TopologySessions, TopologySessionsParams
from titleshot.detectors.world import World

CALLS = [("web", "cart"), ("web", "pay"), ("cart", "stock"), ("pay", "bank"), ("admin", "stock")]


def world_of(calls: list[tuple[str, str]] = CALLS) -> World:
    world = World()
    for caller, callee in calls:
        world.apply(
            TopologyEdge(caller=f"shop/{caller}", callee=f"shop/{callee}", valid_from=0, known_from=0)
        )
    return world


def alert(service: str, minute: float, score: float = 0.6, metric: str = "latency_p99") -> Alert:
    at = round(minute * MINUTE)
    return Alert(f"{service}/{metric}@{at}", at, f"shop/{service}", metric, score, "high", "robust_mad@0")


def sessions(**params: Any) -> TopologySessions:
    return TopologySessions(TopologySessionsParams(**{"gap_s": 600, "cap_s": 3600, **params}))


def said(changes: list[Change]) -> list[tuple[str, IncidentCandidate]]:
    return [(change.what, change.candidate) for change in changes]


def feed(
    correlator: TopologySessions, alerts: list[Alert], world: World
) -> list[tuple[str, IncidentCandidate]]:
    """Alerts in order, each after the ticks (one a minute) before it."""
    log = []
    for each in alerts:
        before = (each.timestamp - 1) // MINUTE * MINUTE
        while (due := correlator.due()) is not None and due <= before:
            now = -(due // -MINUTE) * MINUTE
            if now > before:
                break
            log += said(correlator.tick(now, now, world))
        log += said(correlator.alert(each, each.timestamp, world))
    return log


def run(
    alerts: list[Alert], world: World | None = None, **params: Any
) -> list[tuple[str, IncidentCandidate]]:
    world = world or world_of()
    correlator = sessions(**params)
    log = feed(correlator, alerts, world)
    return log + said(correlator.flush(alerts[-1].timestamp, world))


def closed(log: list[tuple[str, IncidentCandidate]]) -> list[IncidentCandidate]:
    return [incident for what, incident in log if what == "closed"]


class TestJoining:
    def test_neighbours_join_whichever_side_calls(self) -> None:
        log = run([alert("stock", 0), alert("cart", 2), alert("web", 4)])
        assert [what for what, _ in log] == ["opened", "joined", "joined", "closed"]
        assert log[-1][1].services == ("shop/cart", "shop/stock", "shop/web")
        assert log[-1][1].opened_at == 0
        assert log[-1][1].last_event_at == 4 * MINUTE

    def test_the_modules_checkout_and_payment_are_one_story_here(self) -> None:
        world = world_of([("checkout-api", "payment-api"), ("checkout-api", "inventory-api")])
        log = run([alert("checkout-api", 69, 0.93), alert("payment-api", 69.5, 0.7)], world)
        assert [what for what, _ in log] == ["opened", "joined", "closed"]

    def test_services_two_calls_apart_do_not_join_at_one_hop(self) -> None:
        assert len(closed(run([alert("stock", 0), alert("web", 1)]))) == 2
        assert len(closed(run([alert("stock", 0), alert("web", 1)], hops=2))) == 1

    def test_a_service_the_topology_does_not_know_is_a_story_of_its_own(self) -> None:
        assert len(closed(run([alert("stock", 0), alert("batch", 1), alert("batch", 2)]))) == 2

    def test_a_member_silent_for_longer_than_the_gap_draws_nobody_in(self) -> None:
        story = [alert("stock", 0), alert("cart", 9), alert("web", 18)]
        assert len(closed(run([*story, alert("admin", 19)]))) == 2
        assert len(closed(run([*story, alert("pay", 19)]))) == 1

    def test_an_alert_exactly_one_gap_later_still_joins(self) -> None:
        assert len(closed(run([alert("stock", 0), alert("stock", 10)]))) == 1
        assert len(closed(run([alert("stock", 0), alert("stock", 10.01)]))) == 2

    def test_an_edge_that_no_longer_holds_joins_nothing(self) -> None:
        world = World()
        world.apply(
            TopologyEdge(
                caller="shop/web", callee="shop/cart", valid_from=0, valid_to=5 * MINUTE, known_from=0
            )
        )
        assert len(closed(run([alert("web", 4), alert("cart", 4.5)], world))) == 1
        assert len(closed(run([alert("web", 4), alert("cart", 6)], world))) == 2

    def test_a_renamed_service_is_one_member_under_the_name_it_alerted_with(self) -> None:
        world = world_of()
        world.apply(Alias(service="shop/stock", alias="shop/warehouse", valid_from=0, known_from=0))
        log = run([alert("warehouse", 0), alert("stock", 1), alert("cart", 2)], world)
        assert [what for what, _ in log] == ["opened", "joined", "joined", "closed"]
        assert log[-1][1].services == ("shop/cart", "shop/warehouse")


class TestMerging:
    def test_an_alert_between_two_stories_makes_them_one(self) -> None:
        log = run([alert("stock", 0), alert("pay", 1), alert("cart", 2), alert("web", 3)])
        assert [what for what, _ in log] == ["opened", "opened", "joined", "closed", "joined", "closed"]
        merged, survivor = log[3][1], log[4][1]
        assert merged.services == ("shop/pay",)
        assert merged.merged_into == survivor.incident_id
        assert len(survivor.event_ids) == 4
        assert log[-1][1].merged_into is None

    def test_severity_of_the_whole_is_no_less_than_that_of_its_parts(self) -> None:
        log = run([alert("stock", 0, 0.5), alert("pay", 1, 0.9), alert("cart", 2, 0.5), alert("web", 3, 0.5)])
        assert [i.severity for _, i in log] == ["low", "medium", "low", "medium", "high", "high"]

    def test_events_of_a_merged_story_are_still_known_when_redelivered(self) -> None:
        correlator, world = sessions(), world_of()
        story = [alert("stock", 0), alert("pay", 1), alert("cart", 2), alert("web", 3)]
        feed(correlator, story, world)
        assert [correlator.alert(each, 0, world) for each in story] == [[], [], [], []]


class TestChanges:
    def test_a_change_keeps_what_the_incident_was(self) -> None:
        correlator, world = sessions(), world_of()
        first = correlator.alert(alert("stock", 0, 0.5), 7 * MINUTE, world)[0]
        correlator.alert(alert("cart", 1, 0.9), 0, world)
        assert first.candidate.services == ("shop/stock",)
        assert len(first.candidate.event_ids) == first.event_count == 1
        assert first.candidate.severity == first.severity == "low"
        assert (first.candidate.last_event_at, first.candidate.emitted_at) == (0, 7 * MINUTE)

    def test_a_service_in_two_open_stories_is_restored_to_the_later_one(self) -> None:
        correlator, restored, world = sessions(), sessions(), world_of()
        feed(correlator, [alert("stock", 0), alert("cart", 9), alert("web", 18), alert("stock", 19.5)], world)
        assert len(correlator.state()) == 2
        restored.load(correlator.state())
        assert [change.what for change in restored.alert(alert("stock", 20), 0, world)] == ["joined"]


class TestClosing:
    def test_a_story_closes_one_gap_after_its_last_alert(self) -> None:
        correlator, world = sessions(), world_of()
        correlator.alert(alert("stock", 0), 0, world)
        correlator.alert(alert("cart", 5), 0, world)
        assert correlator.due() == 15 * MINUTE
        assert correlator.tick(15 * MINUTE - 1, 0, world) == []
        change = correlator.tick(15 * MINUTE, 16 * MINUTE, world)[0]
        assert change.candidate.status == "closed"
        assert change.candidate.emitted_at == 16 * MINUTE
        assert correlator.due() is None
        assert correlator.state() == []

    @pytest.mark.parametrize("begin", [0, 7, 13, 21, 39])
    def test_a_ceaseless_story_lasts_between_a_third_of_the_cap_and_the_cap(self, begin: int) -> None:
        log = closed(run([alert("stock", begin + minute) for minute in range(300)]))
        lengths = [(i.last_event_at - i.opened_at) / MINUTE for i in log[:-1]]
        assert all(20 - 1 <= length < 60 for length in lengths)
        assert len(log) > 5

    def test_an_alert_at_the_cut_opens_the_next_story_before_any_tick_says_so(self) -> None:
        correlator, world = sessions(), world_of()
        changes = [correlator.alert(alert("stock", minute), 0, world)[0] for minute in range(0, 50, 5)]
        assert [5 * i for i, change in enumerate(changes) if change.what == "opened"] == [0, 40]

    def test_a_cap_of_less_than_three_gaps_is_refused(self) -> None:
        with pytest.raises(MalformedInput, match="three times gap_s"):
            correlator_from({"family": "topology_sessions", "gap_s": 600, "cap_s": 1700})

    def test_closed_stories_leave_the_state(self) -> None:
        correlator, world = sessions(), world_of()
        sizes = []
        for minute in range(0, 3000, 20):
            feed(correlator, [alert("stock", minute), alert("bank", minute + 1)], world)
            sizes.append(len(json.dumps(correlator.state())))
        assert max(sizes[10:]) <= 1.2 * max(sizes[:10])


class TestHypotheses:
    def ranked(self, alerts: list[Alert], world: World | None = None) -> list[str]:
        incident = closed(run(alerts, world))[-1]
        confidences = [hypothesis.confidence for hypothesis in incident.hypotheses]
        assert confidences == sorted(confidences, reverse=True)
        assert sum(confidences) < 1
        return [hypothesis.service.removeprefix("shop/") for hypothesis in incident.hypotheses]

    def test_what_is_wrong_below_shows_above_so_the_lowest_comes_first(self) -> None:
        assert self.ranked([alert("web", 0), alert("cart", 1), alert("stock", 2)])[0] == "stock"

    def test_a_recent_deploy_decides_between_equals(self) -> None:
        world = world_of()
        world.apply(Deploy(service="shop/bank", version="v7", valid_from=0, known_from=0))
        alerts = [alert("stock", 5), alert("cart", 5), alert("bank", 5), alert("pay", 5), alert("web", 5)]
        assert self.ranked(alerts, world)[0] == "bank"

    def test_a_deploy_after_the_first_alert_explains_nothing(self) -> None:
        world = world_of()
        world.apply(Deploy(service="shop/bank", version="v7", valid_from=6 * MINUTE, known_from=0))
        alerts = [alert("stock", 5), alert("cart", 5), alert("web", 5), alert("pay", 5), alert("bank", 5)]
        alerts += [alert("stock", 7), alert("bank", 7)]
        assert "deployed" not in "".join(h.reason for h in closed(run(alerts, world))[0].hypotheses)

    def test_between_equals_the_stranger_comes_first(self) -> None:
        ends = [alert("stock", 0), alert("bank", 0, 0.9)]
        assert self.ranked([*ends, alert("cart", 0), alert("pay", 0), alert("web", 0)])[:2] == [
            "bank",
            "stock",
        ]

    def test_between_equals_the_earlier_comes_first(self) -> None:
        order = ["bank", "pay", "web", "cart", "stock"]
        assert self.ranked([alert(service, i) for i, service in enumerate(order)])[:2] == ["bank", "stock"]

    def test_a_lone_service_is_not_certain_either(self) -> None:
        incident = closed(run([alert("stock", 0)]))[0]
        assert 0.2 < incident.hypotheses[0].confidence < 0.8


class TestSeverity:
    def severity(self, alerts: list[Alert], **tiers: str) -> str:
        world = world_of()
        for service, tier in tiers.items():
            world.apply(Tier(service=f"shop/{service}", tier=tier, valid_from=0, known_from=0))  # type: ignore[arg-type]
        return closed(run(alerts, world))[-1].severity

    def test_each_kind_of_evidence_adds_points_up_to_two(self) -> None:
        mild, strange, wild = 0.5, 0.67, 0.8
        assert self.severity([alert("stock", 0, mild)]) == "low"
        assert self.severity([alert("stock", 0, strange)]) == "low"
        assert self.severity([alert("stock", 0, wild)]) == "medium"
        assert self.severity([alert("stock", 0, strange)], stock="critical") == "medium"
        assert self.severity([alert("stock", 0, wild)], stock="low") == "low"
        assert self.severity([alert("stock", 0, mild), alert("cart", 0, strange)]) == "medium"
        assert self.severity([alert("stock", minute, mild) for minute in range(3)]) == "low"
        assert self.severity([alert("stock", minute, mild) for minute in range(6)]) == "medium"
        assert self.severity([alert("stock", minute, wild) for minute in range(6)]) == "high"

    def test_a_wide_lasting_and_wild_story_is_critical(self) -> None:
        story = [alert(service, 0, 0.8) for service in ("cart", "pay", "stock", "web")]
        assert self.severity([*story, alert("web", 1), alert("pay", 1)]) == "critical"

    def test_a_score_of_one_is_beyond_measure_and_breaks_nothing(self) -> None:
        assert self.severity([alert("stock", 0, 1.0)]) == "medium"


SERVICES = ["web", "cart", "pay", "stock", "bank", "admin", "batch"]
alerts = st.lists(
    st.builds(
        lambda service, half, score, metric: alert(service, half / 2, score, metric),
        st.sampled_from(SERVICES),
        st.integers(0, 300),
        st.sampled_from([0.5, 0.7, 0.9]),
        st.sampled_from(["latency_p99", "error_ratio"]),
    ),
    max_size=40,
    unique_by=lambda a: a.event_id,
).map(lambda found: sorted(found, key=lambda a: (a.timestamp, a.service, a.metric_name)))


@dataclass
class Story:
    cut: int
    alerts: list[Alert] = field(default_factory=list)


def stories(found: list[Alert], world: World, hops: int) -> set[tuple[frozenset[str], int]]:
    """The obvious way: every alert looks at every alert before it."""
    gap, period = 600 * SECOND, 2400 * SECOND
    told: list[Story] = []
    for new in found:
        near = world.within(new.service, new.timestamp, hops)
        joined = [
            story
            for story in told
            if new.timestamp < story.cut
            and any(a.service in near and new.timestamp - a.timestamp <= gap for a in story.alerts)
        ]
        cut = (new.timestamp // period + 1) * period
        first = Story(cut if cut - new.timestamp >= period // 2 else cut + period)
        whole = min(joined, key=lambda story: story.alerts[0].timestamp, default=first)
        for other in joined:
            if other is not whole:
                whole.alerts += other.alerts
                told.remove(other)
        if whole is first:
            told.append(first)
        whole.alerts.append(new)
    return {(frozenset(a.event_id for a in s.alerts), min(a.timestamp for a in s.alerts)) for s in told}


@given(alerts.filter(bool), st.integers(0, 2), st.booleans())
def test_equals_looking_at_every_alert_of_every_story(found: list[Alert], hops: int, ticking: bool) -> None:
    if ticking:
        log = closed(run(found, hops=hops))
    else:
        correlator, world = sessions(hops=hops), world_of()
        log = closed([one for each in found for one in said(correlator.alert(each, 0, world))])
        log += closed(said(correlator.flush(0, world)))
    assert {(frozenset(i.event_ids), i.opened_at) for i in log if i.merged_into is None} == stories(
        found, world_of(), hops
    )


@given(alerts.filter(bool), st.integers(0, 40))
def test_state_through_json_continues_identically(found: list[Alert], at: int) -> None:
    world, first = world_of(), sessions()
    log = feed(first, found[:at], world)
    second = sessions()
    second.load(json.loads(json.dumps(first.state(), sort_keys=True)))
    assert second.state() == first.state()
    assert second.due() == first.due()
    log += feed(second, found[at:], world) + said(second.flush(found[-1].timestamp, world))
    assert log == run(found)


@given(alerts)
def test_redelivery_while_a_story_is_open_changes_nothing(found: list[Alert]) -> None:
    world, correlator = world_of(), sessions()
    for each in found:
        correlator.alert(each, each.timestamp, world)
        assert correlator.alert(each, each.timestamp, world) == []


@given(alerts, st.integers(0, 40))
def test_what_was_said_does_not_hang_on_what_comes(found: list[Alert], at: int) -> None:
    past = feed(sessions(), found[:at], world_of())
    assert feed(sessions(), found, world_of())[: len(past)] == past


@given(alerts, alerts, st.integers(0, 50))
def test_two_pasts_that_agree_over_the_memory_are_continued_alike(
    first: list[Alert], second: list[Alert], offset: int
) -> None:
    """A storm that never pauses is the hard case: something alerts every few minutes in both."""
    memory = round(sessions().memory_s) // 60
    now = 200 + offset
    common = [alert(SERVICES[m % 3], m + 0.25) for m in range(now - memory, now + 120, 3)]
    logs = []
    for past in (first, second):
        old = [a for a in past if a.timestamp < (now - memory) * MINUTE]
        correlator, world = sessions(), world_of()
        before = [a for a in common if a.timestamp < now * MINUTE]
        feed(correlator, old + before, world)
        correlator.tick(now * MINUTE - 1, 0, world)
        state = correlator.state()
        rest = feed(correlator, [a for a in common if a.timestamp >= now * MINUTE], world)
        logs.append((state, rest))
    assert logs[0] == logs[1]


def test_an_incident_is_named_after_its_first_alert_and_the_correlator() -> None:
    def name(**params: Any) -> str:
        return closed(run([alert("stock", 0)], **params))[0].incident_id

    assert name() == name()
    assert name() != name(gap_s=700)


def test_with_rare_an_alert_is_as_grave_as_it_is_rare_for_its_series() -> None:
    def severity(probability: float | None, score: float) -> str:
        strange = alert("cart", 0, score)._replace(tail_probability=probability)
        (change,) = sessions(rare=[1e-3, 1e-5]).alert(strange, strange.timestamp, world_of())
        return change.severity

    assert severity(1e-6, 0.6) == severity(None, 0.9) == "medium"
    assert severity(0.01, 0.9) == severity(None, 0.6) == "low"
