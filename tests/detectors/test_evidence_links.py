"""Stories held together by evidence: what joins, what does not chain, and that it can be explained."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import HOUR, MINUTE
from titleshot.datasets.contracts.reference import (
    Alias,
    Deploy,
    Ownership,
    PlannedChange,
    ReferenceRow,
    TopologyEdge,
)
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.correlators.correlator import Alert, Change
from titleshot.detectors.correlators.evidence_links import EvidenceLinks
from titleshot.detectors.correlators.evidence_params import EvidenceLinksParams
from titleshot.detectors.correlators.families import correlator_from
from titleshot.detectors.world import World

CALLS = [("web", "cart"), ("web", "pay"), ("cart", "stock"), ("pay", "bank"), ("admin", "stock")]
SERVICES = ["web", "cart", "pay", "stock", "bank", "admin", "batch"]


def world_of(calls: list[tuple[str, str]] = CALLS, *rows: ReferenceRow) -> World:
    world = World()
    for caller, callee in calls:
        world.apply(
            TopologyEdge(caller=f"shop/{caller}", callee=f"shop/{callee}", valid_from=0, known_from=0)
        )
    for row in rows:
        world.apply(row)
    return world


def alert(service: str, minute: float, score: float = 0.6, metric: str = "latency_p99") -> Alert:
    at = round(minute * MINUTE)
    return Alert(f"{service}/{metric}@{at}", at, f"shop/{service}", metric, score, "high", "robust_mad@0")


def links(**params: Any) -> EvidenceLinks:
    return EvidenceLinks(EvidenceLinksParams(**{"gap_s": 600, "reopen_s": 300, "cap_s": 3600, **params}))


def said(changes: list[Change]) -> list[tuple[str, IncidentCandidate]]:
    return [(change.what, change.candidate) for change in changes]


def feed(correlator: EvidenceLinks, alerts: list[Alert], world: World) -> list[tuple[str, IncidentCandidate]]:
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
    correlator = links(**params)
    log = feed(correlator, alerts, world)
    return log + said(correlator.flush(alerts[-1].timestamp, world))


def closed(log: list[tuple[str, IncidentCandidate]]) -> list[IncidentCandidate]:
    return [incident for what, incident in log if what == "closed" and incident.merged_into is None]


def stories(alerts: list[Alert], world: World | None = None, **params: Any) -> list[str]:
    """Services of each story, by when it opened."""
    found = sorted(closed(run(alerts, world, **params)), key=lambda i: (i.opened_at, i.incident_id))
    return [" ".join(service.removeprefix("shop/") for service in i.services) for i in found]


class TestLinking:
    def test_a_fault_climbs_from_what_is_called_to_who_calls(self) -> None:
        assert stories([alert("stock", 0), alert("cart", 2), alert("web", 4)]) == ["cart stock web"]

    def test_two_services_that_only_share_a_caller_are_two_stories(self) -> None:
        assert stories([alert("stock", 0), alert("bank", 1)]) == ["stock", "bank"]

    def test_a_shared_caller_does_not_chain_two_faults_into_one(self) -> None:
        fault_and_caller = [alert("stock", 0), alert("cart", 1), alert("web", 2)]
        assert stories([*fault_and_caller, alert("bank", 3), alert("pay", 4)]) == [
            "cart stock web",
            "bank pay",
        ]

    def test_two_callers_of_a_silent_service_are_one_story(self) -> None:
        assert stories([alert("cart", 0), alert("admin", 1)]) == ["admin cart"]

    def test_a_hub_that_everybody_calls_ties_its_callers_less(self) -> None:
        world = world_of([(f"s{i}", "database") for i in range(40)])
        assert stories([alert("s1", 0), alert("s2", 1)], world) == ["s1", "s2"]

    def test_no_way_leads_through_a_hub_past_the_limit(self) -> None:
        chain = [(f"s{i}", "database") for i in range(5)] + [("database", "disk")]
        fault = [alert("disk", 0), alert("s1", 1)]
        assert stories(fault, world_of(chain)) == ["disk s1"]
        assert stories(fault, world_of(chain), through_callers=4) == ["disk", "s1"]

    def test_an_edge_that_no_longer_holds_ties_nothing(self) -> None:
        edge = TopologyEdge(
            caller="shop/web", callee="shop/cart", valid_from=0, valid_to=5 * MINUTE, known_from=0
        )
        assert stories([alert("web", 4), alert("cart", 4.5)], world_of([], edge)) == ["cart web"]
        assert stories([alert("web", 4), alert("cart", 6)], world_of([], edge)) == ["web", "cart"]

    def test_owner_and_deploys_together_tie_what_no_call_does(self) -> None:
        owners = [Ownership(service=f"shop/{s}", team="money", valid_from=0, known_from=0) for s in "ab"]
        deploys = [Deploy(service=f"shop/{s}", version="v2", valid_from=0, known_from=0) for s in "ab"]
        both = [alert("a", 1), alert("b", 2)]
        assert stories(both, world_of([], *owners), link_from=0.4) == ["a", "b"]
        assert stories(both, world_of([], *owners, *deploys), link_from=0.4) == ["a b"]

    def test_one_planned_change_ties_its_services(self) -> None:
        tests = [
            PlannedChange(service=f"shop/{s}", change="load_test", valid_from=0, known_from=0) for s in "ab"
        ]
        both = [alert("a", 1), alert("b", 2)]
        owners = [Ownership(service=f"shop/{s}", team="money", valid_from=0, known_from=0) for s in "ab"]
        assert stories(both, world_of([], *tests, *owners), link_from=0.4) == ["a b"]

    def test_evidence_fades_with_time(self) -> None:
        late = [alert("stock", 0), alert("cart", 9)]
        assert stories(late) == ["cart stock"]
        assert stories(late, half_life_s=300) == ["stock", "cart"]

    def test_a_renamed_service_is_one_member_under_the_name_it_alerted_with(self) -> None:
        alias = Alias(service="shop/stock", alias="shop/warehouse", valid_from=0, known_from=0)
        log = run([alert("warehouse", 0), alert("stock", 1), alert("cart", 2)], world_of(CALLS, alias))
        assert [what for what, _ in log] == ["opened", "joined", "joined", "closed"]
        assert log[-1][1].services == ("shop/cart", "shop/warehouse")


class TestExplaining:
    def test_every_newcomer_has_a_link_whose_evidence_adds_up_to_its_score(self) -> None:
        incident = closed(run([alert("stock", 0), alert("cart", 2), alert("web", 4), alert("web", 5)]))[0]
        assert incident.links is not None
        assert [link.service for link in incident.links] == ["shop/cart", "shop/web"]
        assert [link.anchor for link in incident.links] == ["shop/stock", "shop/stock"]
        assert incident.links[1].to == "shop/cart"
        for link in incident.links:
            assert sum(link.evidence.values()) == pytest.approx(link.score, abs=5e-4)
            assert set(link.evidence) == {"time", "topology"}

    def test_the_story_hangs_on_the_lowest_service_known(self) -> None:
        incident = closed(run([alert("web", 0), alert("cart", 1), alert("stock", 2), alert("admin", 3)]))[0]
        assert incident.links is not None
        assert [link.anchor for link in incident.links] == ["shop/web", "shop/cart", "shop/stock"]

    def test_hypotheses_say_their_points(self) -> None:
        deploy = Deploy(service="shop/stock", version="v7", valid_from=0, known_from=0)
        first = closed(run([alert("cart", 1), alert("stock", 1.5)], world_of(CALLS, deploy)))[0].hypotheses[0]
        assert first.service == "shop/stock"
        assert first.evidence is not None
        assert set(first.evidence) == {
            "no_anomalous_callee",
            "explains_others",
            "guilty_change",
            "magnitude",
        }

    def test_an_onset_within_one_sample_period_is_no_later(self) -> None:
        one, other = (
            closed(run([alert("cart", 0), alert("stock", later)]))[0].hypotheses for later in (1, 1.5)
        )
        assert all("onset" not in (h.evidence or {}) for h in one)
        assert any("onset" in (h.evidence or {}) for h in other)

    def test_it_abstains_with_a_reason_where_no_service_is_sure_enough(self) -> None:
        lone = closed(run([alert("stock", 0)], abstain_below=0.3))[0]
        assert lone.hypotheses == ()
        assert lone.abstains == "no service is 30% sure to have started it"
        story = [alert("stock", minute, 0.95) for minute in range(6)]
        sure = closed(run(story, abstain_below=0.3))[0]
        assert sure.abstains is None
        assert sure.hypotheses[0].confidence > 0.3

    def test_a_story_of_more_and_stranger_alerts_is_surer(self) -> None:
        story = [alert("stock", minute, 0.95) for minute in range(6)]
        mild, wild = (
            closed(run(alerts, abstain_below=0.0))[0].hypotheses[0].confidence
            for alerts in ([alert("stock", 0)], story)
        )
        assert wild > 3 * mild


class TestMerging:
    def test_an_alert_tied_to_two_stories_leaves_them_apart_if_their_anchors_are_not_tied(self) -> None:
        two_faults = [alert("stock", 0), alert("bank", 0.5), alert("web", 1)]
        assert stories(two_faults) == ["stock", "bank web"]

    def test_a_merged_story_says_into_which(self) -> None:
        calls = [("web", "cart"), ("cart", "stock"), ("admin", "stock")]
        log = run([alert("web", 0), alert("admin", 0.5), alert("stock", 1)], world_of(calls), link_from=0.5)
        merged = next(incident for _, incident in log if incident.merged_into is not None)
        assert merged.services == ("shop/admin", "shop/stock")
        assert merged.merged_into == closed(log)[0].incident_id
        assert closed(log)[0].services == ("shop/admin", "shop/stock", "shop/web")


class TestTime:
    def test_a_repetition_wakes_a_story_after_its_gap_and_another_alert_does_not(self) -> None:
        again = [alert("stock", 0), alert("stock", 14)]
        assert closed(run(again))[0].reopened == 1
        assert stories(again) == ["stock"]
        assert stories([alert("stock", 0), alert("stock", 14, metric="error_ratio")]) == ["stock", "stock"]
        assert stories([alert("stock", 0), alert("stock", 15.1)]) == ["stock", "stock"]

    def test_it_is_said_closed_only_when_nothing_can_wake_it(self) -> None:
        correlator, world = links(), world_of()
        correlator.alert(alert("stock", 0), 0, world)
        assert correlator.due() == 15 * MINUTE
        assert correlator.tick(15 * MINUTE - 1, 0, world) == []
        assert correlator.tick(15 * MINUTE, 16 * MINUTE, world)[0].candidate.emitted_at == 16 * MINUTE
        assert correlator.due() is None

    def test_no_story_outlasts_the_cap_or_a_reset(self) -> None:
        log = closed(run([alert("stock", minute) for minute in range(0, 400, 2)], reset_s=9000))
        assert all(i.last_event_at - i.opened_at < HOUR for i in log)
        assert {150 * MINUTE, 300 * MINUTE} <= {i.opened_at for i in log}

    def test_a_cap_beyond_the_reset_is_refused(self) -> None:
        with pytest.raises(MalformedInput, match="at most reset_s"):
            correlator_from({"family": "evidence_links", "cap_s": 7200, "reset_s": 3600})
        with pytest.raises(MalformedInput, match="at most cap_s"):
            correlator_from({"family": "evidence_links", "cap_s": 300})

    def test_closed_stories_leave_the_state(self) -> None:
        correlator, world = links(history_resets=0), world_of()
        sizes = []
        for minute in range(0, 3000, 20):
            feed(correlator, [alert("stock", minute), alert("bank", minute + 1)], world)
            sizes.append(len(json.dumps(correlator.state())))
        assert max(sizes[10:]) <= 1.2 * max(sizes[:10])


class TestChanges:
    def test_a_change_keeps_what_the_incident_was(self) -> None:
        correlator, world = links(), world_of()
        first = correlator.alert(alert("stock", 0, 0.5), 7 * MINUTE, world)[0]
        correlator.alert(alert("cart", 1, 0.9), 0, world)
        assert first.candidate.services == ("shop/stock",)
        assert len(first.candidate.event_ids) == first.event_count == 1
        assert first.candidate.severity == first.severity == "low"

    def test_it_keeps_it_when_a_tick_closes_the_story(self) -> None:
        correlator, world = links(), world_of()
        first = correlator.alert(alert("stock", 0), 0, world)[0]
        correlator.tick(HOUR, HOUR, world)
        assert (first.candidate.status, first.candidate.emitted_at) == ("opened", 0)


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


@settings(max_examples=40)
@given(alerts.filter(bool), st.integers(0, 40))
def test_state_through_json_continues_identically(found: list[Alert], at: int) -> None:
    world, first = world_of(), links()
    log = feed(first, found[:at], world)
    second = links()
    second.load(json.loads(json.dumps(first.state(), sort_keys=True)))
    assert second.state() == first.state()
    assert second.due() == first.due()
    log += feed(second, found[at:], world) + said(second.flush(found[-1].timestamp, world))
    assert log == run(found)


@settings(max_examples=40)
@given(alerts)
def test_redelivery_while_a_story_is_open_changes_nothing(found: list[Alert]) -> None:
    world, correlator = world_of(), links()
    for each in found:
        correlator.alert(each, each.timestamp, world)
        assert correlator.alert(each, each.timestamp, world) == []


@settings(max_examples=40)
@given(alerts)
def test_each_alert_is_in_one_story_when_all_is_said(found: list[Alert]) -> None:
    if found:
        kept = [event for incident in closed(run(found)) for event in incident.event_ids]
        assert sorted(kept) == sorted(each.event_id for each in found)


@settings(max_examples=40)
@given(alerts, alerts, st.integers(0, 50))
def test_two_pasts_that_agree_over_the_memory_are_continued_alike(
    first: list[Alert], second: list[Alert], offset: int
) -> None:
    """A storm that never pauses is the hard case: something alerts every few minutes in both."""
    params = {"cap_s": 3600, "reset_s": 3600, "history_resets": 1}
    memory = round(links(**params).memory_s) // 60
    now = 400 + offset
    common = [alert(SERVICES[m % 5], m + 0.25) for m in range(now - memory, now + 70, 4)]
    logs = []
    for past in (first, second):
        old = [a for a in past if a.timestamp < (now - memory) * MINUTE]
        correlator, world = links(**params), world_of()
        feed(correlator, old + [a for a in common if a.timestamp < now * MINUTE], world)
        logs.append(feed(correlator, [a for a in common if a.timestamp >= now * MINUTE], world))
    assert logs[0] == logs[1]
