"""What a responder sees of small logs that can be read, and what is said to be missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from history import START, dataset
from hypothesis import given
from hypothesis import strategies as st
from told import alert, candidate, log, minute, page_of

from titleshot.datasets.contracts.incident_views import IncidentView, ResponderView
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Ownership, Tier, TopologyEdge
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.pipelines.incidents import incidents
from titleshot.reports.responder.incident_views import MOST_EVIDENCE, spread

ALWAYS = {"valid_from": START - DAY, "known_from": START - DAY}
CALLS = (
    TopologyEdge(caller="shop/web", callee="shop/cart", **ALWAYS),
    TopologyEdge(caller="shop/cart", callee="shop/db", **ALWAYS),
)
PEOPLE = tuple(
    row
    for name in ("web", "cart", "db")
    for row in (
        Ownership(service=f"shop/{name}", team=f"{name}-team", **ALWAYS),
        Tier(service=f"shop/{name}", tier="high", **ALWAYS),
    )
)


def strange(at: float, service: str, score: float = 0.8, metric: str = "latency_p99") -> dict[str, Any]:
    return {
        **alert(at, service),
        "event_id": f"{service} {metric}@{at:g}",
        "metric_name": metric,
        "value": 2.0,
        "expected": 1.0,
        "lower_bound": 0.5,
        "upper_bound": 1.5,
        "anomaly_score": score,
        "detector": "made_up@0",
        "labels": '{"team":"of-the-event"}',
        "evidence": '{"sample_count":20,"baseline":"previous 20 samples"}',
    }


def label(at: float, root: str = "db", *affected: str) -> IncidentLabel:
    return IncidentLabel(
        incident_id=f"INC-{at:g}",
        start=minute(at),
        end=minute(at + 60),
        root_service=f"shop/{root}",
        affected_services=tuple(f"shop/{name}" for name in (root, *affected)),
        severity="high",
        kind="spike",
        source="exact",
        known_at=minute(at + 60),
    )


ALERTS = [strange(3000, "db", 0.9), strange(3002, "cart"), strange(3002, "db", 0.7), strange(3005, "web")]


@pytest.fixture
def shop(tmp_path: Path) -> Dataset:
    return dataset(tmp_path, [label(2999, "db", "cart", "web")], days=4, reference=[*CALLS, *PEOPLE])


def told_of(folder: Path, of: Dataset, **more: Any) -> ReplayLog:
    pair = candidate("story", ALERTS, causes=[("cart", 0.5), ("db", 0.3)])
    return log(folder, of, ALERTS, [pair], [page_of(pair, 3003)], **more)


def only(view: ResponderView) -> IncidentView:
    assert len(view.incidents) == 1
    return view.incidents[0]


def test_an_incident_that_can_be_read(tmp_path: Path, shop: Dataset) -> None:
    seen = only(incidents(told_of(tmp_path, shop), labels=shop))
    assert [(one.service, one.team, one.tier, one.alerts) for one in seen.services] == [
        ("shop/db", "db-team", "high", 2),
        ("shop/cart", "cart-team", "high", 1),
        ("shop/web", "web-team", "high", 1),
    ]
    assert {(call.caller, call.callee, call.travelled) for call in seen.calls} == {
        ("shop/cart", "shop/db", True),
        ("shop/web", "shop/cart", True),
    }
    assert [(one.service, one.anomaly_score, one.sample_count) for one in seen.evidence] == [
        ("shop/db", 0.9, 20),
        ("shop/cart", 0.8, 20),
        ("shop/web", 0.8, 20),
    ]
    assert [(page.outcome, page.hit) for page in seen.pages] == [("detection", "INC-2999")]
    assert seen.labelled is not None
    assert [(hit.incident_id, hit.alerts, hit.suspected_at) for hit in seen.labelled] == [("INC-2999", 4, 2)]
    assert seen.events == 4
    assert seen.state == "closed"


def test_without_a_dataset_the_log_speaks_for_itself_and_the_rest_is_missing(
    tmp_path: Path, shop: Dataset
) -> None:
    seen = only(incidents(told_of(tmp_path, shop)))
    assert {one.team for one in seen.services} == {"of-the-event"}
    assert seen.calls == ()
    assert seen.labelled is None
    assert [gap.what for gap in seen.missing] == ["tier", "tier", "tier", "dataset"]


def test_what_is_missing_is_said_outright(tmp_path: Path) -> None:
    of = dataset(tmp_path, [], days=4, reference=[CALLS[0]])
    bare = [{**strange(3000, "db"), "labels": "{}", "evidence": "{}"}]
    pair = candidate("story", [*bare, strange(3001, "web")], flushed=True)
    seen = only(incidents(log(tmp_path, of, bare, [pair]), labels=of))
    assert [(gap.what, gap.about) for gap in seen.missing] == [
        ("hypothesis", None),
        ("events", None),
        ("owner", "shop/db"),
        ("tier", "shop/db"),
        ("topology", "shop/db"),
        ("deploys", None),
        ("planned_changes", None),
        ("log_events", None),
        ("platform_events", None),
        ("sample_count", None),
        ("closing", None),
    ]
    assert all(gap.why for gap in seen.missing)


def test_a_log_without_events_says_so(tmp_path: Path, shop: Dataset) -> None:
    pair = candidate("story", ALERTS)
    seen = only(incidents(log(tmp_path, shop, [], [pair]), labels=shop))
    assert seen.services == ()
    assert "events" in {gap.what for gap in seen.missing}


def test_what_became_known_later_is_not_known(tmp_path: Path) -> None:
    late = {"valid_from": START - DAY, "known_from": minute(5000)}
    of = dataset(
        tmp_path,
        [],
        days=4,
        reference=[Ownership(service="shop/db", team="late", **late), *CALLS],
    )
    alerts = [{**strange(3000, "db"), "labels": "{}"}]
    seen = only(incidents(log(tmp_path, of, alerts, [candidate("story", alerts)]), labels=of))
    assert seen.services[0].team is None


def test_a_merged_incident_is_part_of_the_other_and_leads_to_it(tmp_path: Path, shop: Dataset) -> None:
    first, second = [strange(3000, "db")], [strange(3001, "web")]
    said = log(
        tmp_path,
        shop,
        [*first, *second],
        [candidate("aaa", first), candidate("bbb", second, merged_into="aaa")],
    )
    seen = only(incidents(said, incident="bb"))
    assert (seen.incident_id, seen.merged_from, seen.events) == ("aaa", ("bbb",), 2)
    assert incidents(said).in_log == 1


def test_filters_and_limit_say_what_they_left_out(tmp_path: Path, shop: Dataset) -> None:
    alerts = [strange(3000 + 60 * number, "db") for number in range(4)]
    grades = ("low", "medium", "high", "critical")
    pairs = [
        candidate(f"{number}-story", [one], severity=grades[number])  # type: ignore[arg-type]
        for number, one in enumerate(alerts)
    ]
    said = log(tmp_path, shop, alerts, pairs)

    def found(**asked: Any) -> tuple[list[str], int]:
        view = incidents(said, **asked)
        assert view.in_log == 4
        return [one.incident_id[0] for one in view.incidents], view.matching

    assert found() == (["3", "2", "1", "0"], 4)
    assert found(limit=1) == (["3"], 4)
    assert found(limit=0) == (["3", "2", "1", "0"], 4)
    assert found(severity="high") == (["3", "2"], 2)
    assert found(from_=minute(3060), to=minute(3180)) == (["2", "1"], 2)
    assert found(incident="1-story") == (["1"], 1)
    for wanted in ("9", ""):
        with pytest.raises(UsageError, match=r"among the 4|begin with"):
            incidents(said, incident=wanted)


def test_only_the_strangest_alert_of_a_metric_is_evidence(tmp_path: Path, shop: Dataset) -> None:
    alerts = [strange(3000 + n, "db", 0.5 + n / 100, f"m{n // 2}") for n in range(2 * MOST_EVIDENCE + 4)]
    seen = only(incidents(log(tmp_path, shop, alerts, [candidate("story", alerts)])))
    assert len(seen.evidence) == MOST_EVIDENCE
    assert seen.evidence_left_out == 2
    scores = [one.anomaly_score for one in seen.evidence]
    assert scores == sorted(scores, reverse=True)
    assert len({one.metric_name for one in seen.evidence}) == MOST_EVIDENCE


@given(st.lists(st.integers(0, 10_000)), st.integers(1, 60))
def test_moments_are_spread_over_the_whole_incident(moments: list[int], most: int) -> None:
    found = spread(moments, most)
    assert len(found) <= most
    assert set(found) <= set(moments)
    assert list(found) == sorted(set(found))
    assert not moments or found[0] == min(moments)
    if len(set(moments)) <= most:
        assert set(found) == set(moments)
