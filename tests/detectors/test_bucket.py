"""The module's correlator, defects included, against the module's way: group the whole list at the end."""

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.contracts.instants import SECOND, parse_instant
from titleshot.datasets.contracts.reference import TopologyEdge
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.correlators.bucket import BucketCorrelator, BucketParams
from titleshot.detectors.correlators.correlator import Alert, Change
from titleshot.detectors.correlators.families import correlator_from
from titleshot.detectors.world import World

MODULE_TOPOLOGY = {
    "checkout-api": {"payment-api", "inventory-api", "cart-api"},
    "payment-api": {"checkout-api"},
    "inventory-api": {"checkout-api", "warehouse-api"},
    "catalog-api": {"search-api"},
}


def module_world(topology: dict[str, set[str]] = MODULE_TOPOLOGY) -> World:
    world = World()
    for service, listed in topology.items():
        for other in sorted(listed):
            world.apply(
                TopologyEdge(
                    caller=f"commerce/{service}", callee=f"commerce/{other}", valid_from=0, known_from=0
                )
            )
    return world


def alert(service: str, at: int | str, score: float = 0.6, event_id: str = "") -> Alert:
    instant = parse_instant(at) if isinstance(at, str) else at
    name = event_id or f"{service}@{instant}"
    return Alert(name, instant, f"commerce/{service}", "latency_p99", score, "high", "rolling_z_score@0")


def said(changes: list[Change]) -> list[tuple[str, IncidentCandidate]]:
    return [(change.what, change.candidate) for change in changes]


def run(
    correlator: BucketCorrelator, alerts: list[Alert], world: World
) -> list[tuple[str, IncidentCandidate]]:
    """Alerts in order with a tick as soon as one is due, then the end."""
    log = []
    for each in alerts:
        due = correlator.due()
        if due is not None and due < each.timestamp:
            log += said(correlator.tick(due, due, world))
        log += said(correlator.alert(each, each.timestamp, world))
    return log + said(correlator.flush(alerts[-1].timestamp if alerts else 0, world))


class TestTheModulesScenario:
    """Checkout spikes, payment follows thirty seconds later, both in the bucket from 01:05 to 01:10."""

    checkout = alert("checkout-api", "2026-04-26T01:09:00Z", 0.93)
    payment = alert("payment-api", "2026-04-26T01:09:30Z", 0.70)

    def test_checkout_and_payment_are_not_grouped_because_their_lists_differ(self) -> None:
        log = run(BucketCorrelator(BucketParams()), [self.checkout, self.payment], module_world())
        assert [incident.services for what, incident in log if what == "opened"] == [
            ("commerce/checkout-api",),
            ("commerce/payment-api",),
        ]

    def test_they_would_be_if_both_listed_the_same_services(self) -> None:
        world = module_world({"checkout-api": {"payment-api"}, "payment-api": {"checkout-api"}})
        log = run(BucketCorrelator(BucketParams()), [self.checkout, self.payment], world)
        assert [what for what, _ in log] == ["opened", "joined", "closed"]
        incident = log[-1][1]
        assert incident.services == ("commerce/checkout-api", "commerce/payment-api")
        assert incident.severity == "critical"
        assert incident.hypotheses[0].service == "commerce/checkout-api"
        assert incident.hypotheses[0].confidence == 0.6

    def test_a_lone_alert_is_half_as_sure(self) -> None:
        log = run(BucketCorrelator(BucketParams()), [self.checkout], module_world())
        assert log[0][1].hypotheses[0].confidence == 0.3


class TestBucket:
    def test_a_bucket_edge_splits_a_story_in_two(self) -> None:
        alerts = [
            alert("catalog-api", "2026-04-26T01:09:59Z"),
            alert("catalog-api", "2026-04-26T01:10:00Z"),
        ]
        log = run(BucketCorrelator(BucketParams()), alerts, module_world())
        assert sorted(what for what, _ in log) == ["closed", "closed", "opened", "opened"]

    @pytest.mark.parametrize(
        ("score", "severity"),
        [
            (0.85, "critical"),
            (0.84, "high"),
            (0.65, "high"),
            (0.64, "medium"),
            (0.45, "medium"),
            (0.44, "low"),
        ],
    )
    def test_severity_is_that_of_the_highest_score(self, score: float, severity: str) -> None:
        alerts = [alert("catalog-api", 0, 0.1), alert("catalog-api", SECOND, score)]
        assert run(BucketCorrelator(BucketParams()), alerts, module_world())[-1][1].severity == severity

    def test_a_group_closes_when_its_bucket_has_passed_and_not_before(self) -> None:
        correlator, world = BucketCorrelator(BucketParams(bucket_s=300)), module_world()
        assert correlator.due() is None
        correlator.alert(alert("catalog-api", 10 * SECOND), 10 * SECOND, world)
        assert correlator.due() == 300 * SECOND
        assert correlator.tick(300 * SECOND - 1, 0, world) == []
        closed = correlator.tick(300 * SECOND, 301 * SECOND, world)
        assert said(closed)[0][1].emitted_at == 301 * SECOND
        assert correlator.due() is None
        assert correlator.state() == []

    def test_what_is_open_at_the_end_is_closed_and_marked(self) -> None:
        log = run(BucketCorrelator(BucketParams()), [alert("catalog-api", 0)], module_world())
        assert [(what, incident.flushed) for what, incident in log] == [("opened", False), ("closed", True)]

    def test_a_change_keeps_what_the_incident_was(self) -> None:
        correlator, world = BucketCorrelator(BucketParams()), module_world()
        first = correlator.alert(alert("catalog-api", 0, 0.5), 0, world)[0]
        correlator.alert(alert("catalog-api", SECOND, 0.9), SECOND, world)
        assert len(first.candidate.event_ids) == first.event_count == 1
        assert first.candidate.severity == first.severity == "medium"

    def test_a_redelivered_alert_is_known_even_if_the_topology_changed(self) -> None:
        correlator, world = BucketCorrelator(BucketParams()), World()
        correlator.alert(alert("a", 0), 0, world)
        world.apply(TopologyEdge(caller="commerce/a", callee="commerce/b", valid_from=0, known_from=0))
        assert correlator.alert(alert("a", 0), 0, world) == []

    def test_no_family_and_no_such_family_say_what_there_is(self) -> None:
        with pytest.raises(UsageError, match="did you mean 'bucket'"):
            correlator_from({"family": "buckett"})
        with pytest.raises(MalformedInput, match="family is missing"):
            correlator_from({})
        with pytest.raises(MalformedInput, match="bucket_s"):
            correlator_from({"family": "bucket", "bucket_s": 0})

    def test_the_name_carries_the_parameters(self) -> None:
        assert correlator_from({"family": "bucket"}).name == correlator_from({"family": "bucket"}).name
        assert (
            correlator_from({"family": "bucket", "bucket_s": 60}).name
            != correlator_from({"family": "bucket"}).name
        )


alerts = st.lists(
    st.builds(
        lambda service, second, score: alert(service, second * SECOND, score),
        st.sampled_from(
            ["checkout-api", "payment-api", "inventory-api", "catalog-api", "cart-api", "a", "b"]
        ),
        st.integers(0, 1500),
        st.floats(0, 0.999),
    ),
    max_size=25,
    unique_by=lambda a: a.event_id,
).map(lambda found: sorted(found, key=lambda a: (a.timestamp, a.service)))
topologies = st.just(MODULE_TOPOLOGY) | st.just({**MODULE_TOPOLOGY, "a": {"b"}, "b": {"a"}})


@given(alerts, topologies)
def test_equals_grouping_the_whole_list_at_the_end(found: list[Alert], topology: dict[str, set[str]]) -> None:
    groups: dict[Any, list[Alert]] = defaultdict(list)
    for each in found:
        service = each.service.removeprefix("commerce/")
        members = sorted({service, *topology.get(service, set())})
        groups[each.timestamp // SECOND // 300, *members].append(each)
    expected = {
        (
            tuple(a.event_id for a in group),
            tuple(sorted({a.service for a in group})),
            group[0].service,
            0.6 if len(group) > 1 else 0.3,
            max(a.anomaly_score for a in group) >= 0.85,
        )
        for group in groups.values()
    }
    log = run(BucketCorrelator(BucketParams()), found, module_world(topology))
    assert {
        (
            i.event_ids,
            i.services,
            i.hypotheses[0].service,
            i.hypotheses[0].confidence,
            i.severity == "critical",
        )
        for what, i in log
        if what == "closed"
    } == expected


@given(alerts, st.integers(0, 25))
def test_state_through_json_continues_identically(found: list[Alert], at: int) -> None:
    world = module_world()
    whole = run(BucketCorrelator(BucketParams()), found, world)
    first, second = BucketCorrelator(BucketParams()), BucketCorrelator(BucketParams())
    log = []
    for number, each in enumerate(found):
        if number == at:
            second.load(json.loads(json.dumps(first.state(), sort_keys=True)))
            assert second.state() == first.state()
            assert second.due() == first.due()
            first = second
        due = first.due()
        if due is not None and due < each.timestamp:
            log += said(first.tick(due, due, world))
        log += said(first.alert(each, each.timestamp, world))
    assert log + said(first.flush(found[-1].timestamp if found else 0, world)) == whole


@given(alerts)
def test_a_redelivered_alert_changes_nothing(found: list[Alert]) -> None:
    world, correlator = module_world(), BucketCorrelator(BucketParams())
    for each in found:
        correlator.alert(each, each.timestamp, world)
        assert correlator.alert(each, each.timestamp, world) == []


@given(alerts, st.integers(300, 1500))
def test_what_is_older_than_the_memory_is_forgotten(found: list[Alert], second: int) -> None:
    world = module_world()
    memory = round(BucketCorrelator(BucketParams()).memory_s * SECOND)
    short = [each for each in found if each.timestamp >= second * SECOND - memory]
    logs = []
    for past in (found, short):
        correlator = BucketCorrelator(BucketParams())
        for each in past:
            if each.timestamp < second * SECOND:
                correlator.alert(each, 0, world)
        correlator.tick(second * SECOND - 1, 0, world)
        rest = [each for each in past if each.timestamp >= second * SECOND]
        logs.append(run(correlator, rest, world))
    assert logs[0] == logs[1]
