"""What rules would have done over small logs that can be counted by hand, beside a naive oracle."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from history import START, dataset
from hypothesis import given
from hypothesis import strategies as st
from test_responder import CALLS, label, strange
from told import candidate, log, minute, page_of

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.reference import Maintenance
from titleshot.datasets.contracts.remediation import Guardrails, Rate, Rule, RuleFile, Suspected, When
from titleshot.datasets.contracts.what_if import RuleOutcome, WhatIfReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.yaml_file import parse_yaml
from titleshot.pipelines import what_if as command
from titleshot.pipelines.what_if import what_if
from titleshot.reports import what_if as room
from titleshot.reports.what_if.guarding import Limiter
from titleshot.reports.what_if.heard import Hearing

OPEN = Guardrails(
    reversible_only=False, scope=("*",), most_callers=99, root_cause_confidence=0.0, human_approval=False
)


def rule(**more: Any) -> Rule:
    given = {"name": "r", "action": "restart", "when": When(score_above=0.5), "reversible": True}
    return Rule(**{**given, **more})


def asked(*rules: Rule, **more: Any) -> RuleFile:
    return RuleFile(name="rules", rules=rules or (rule(),), **more)


def only(report: WhatIfReport) -> RuleOutcome:
    assert len(report.rules) == 1
    return report.rules[0]


def shop(folder: Path, **more: Any) -> Dataset:
    return dataset(folder, [label(2999, "db", "cart", "web")], days=4, **{"reference": CALLS, **more})


ALERTS = [
    strange(3000, "db", 0.9),
    strange(3010, "cart", 0.8),
    strange(3020, "cart", 0.8),
    strange(5000, "web", 0.95),
    strange(5100, "web", 0.4),
]


def test_a_log_that_can_be_counted_by_hand(tmp_path: Path) -> None:
    of = shop(tmp_path)
    pair = candidate("story", ALERTS[:3], causes=[("db", 0.7)])
    found = only(what_if(log(tmp_path, of, ALERTS, [pair]), asked(), labels=of))
    assert found.actions == 4
    assert found.outcomes == {"right": 1, "wrong_service": 2, "no_incident": 1}
    values = {score.name: (score.value, score.n) for score in found.shares}
    assert values == {
        "action_right_ratio": (0.25, 4),
        "action_wrong_service_ratio": (0.5, 4),
        "action_no_incident_ratio": (0.25, 4),
        "action_maintenance_ratio": (0.0, 4),
        "action_repeat_ratio": (0.25, 4),
    }
    for score in found.shares:
        assert score.low is not None
        assert score.high is not None
        assert score.low <= (score.value or 0.0) <= score.high
    # db and cart have one caller each, web none.
    assert (found.callers_known, found.mean_callers, found.most_callers) == (4, 0.75, 1)
    assert found.per_week == pytest.approx(4 / (4 / 7), rel=0.02)


def test_without_labels_what_rests_on_them_is_null_with_the_reason(tmp_path: Path) -> None:
    of = shop(tmp_path)
    report = what_if(log(tmp_path, of, ALERTS), asked(guardrails=OPEN))
    found = only(report)
    assert found.outcomes is None
    for name in ("action_right_ratio", "action_wrong_service_ratio", "action_maintenance_ratio"):
        score = found.share(name)
        assert score.value is None
        assert "--labels" in str(score.reason)
    assert found.share("action_repeat_ratio").value == 0.25
    assert found.mean_callers is None
    assert found.stage == "advisory"
    # What nobody knows is not narrow.
    assert {name for action in report.actions for name in action.stopped_by} == {
        "scoped",
        "rate_limited",
        "root_cause_evidence",
    }


def test_labels_that_are_not_complete_leave_no_share_without_an_incident(tmp_path: Path) -> None:
    of = shop(tmp_path, labels_complete=False)
    found = only(what_if(log(tmp_path, of, ALERTS), asked(), labels=of))
    assert found.outcomes == {"right": 1, "unmatched": 1, "wrong_service": 2}
    assert found.share("action_no_incident_ratio").value is None
    assert "not declared complete" in str(found.share("action_no_incident_ratio").reason)


def test_maintenance_is_counted_and_not_held_against_labels(tmp_path: Path) -> None:
    window = Maintenance(service="shop/web", valid_from=minute(4990), valid_to=minute(5010), known_from=START)
    of = shop(tmp_path, reference=[*CALLS, window])
    found = only(what_if(log(tmp_path, of, ALERTS), asked(), labels=of))
    assert found.share("action_maintenance_ratio").value == 0.25
    assert found.outcomes == {"right": 1, "unscored": 1, "wrong_service": 2}
    assert found.share("action_right_ratio").n == 3


def test_a_rule_matches_metric_service_severity_and_hypothesis(tmp_path: Path) -> None:
    of = shop(tmp_path)
    alerts = [*ALERTS, strange(5000, "db", 0.9, "errors")]
    pair = candidate("story", ALERTS[:3], causes=[("db", 0.7)], severity="high")
    said = log(tmp_path, of, alerts, [pair], [page_of(pair, 3005)])

    def acts(**when: Any) -> int:
        return only(what_if(said, asked(rule(when=When(**when))), labels=of)).actions

    assert acts(metrics=("err*",)) == 1
    assert acts(services=("shop/c*",)) == 2
    assert acts(services=("c*",)) == 0
    assert acts(severity="high") == 3
    assert acts(severity="critical") == 0
    assert acts(score_above=0.9) == 1
    # The opening record named nobody, so nothing was suspected while alerts came in.
    assert acts(hypothesis=Suspected()) == 0


def test_once_for_an_incident_and_on_whom_it_suspects(tmp_path: Path) -> None:
    of = shop(tmp_path)
    pair = candidate("story", ALERTS[:3], causes=[("db", 0.7)])
    page = page_of(pair, 3005).model_copy(update={"probable_service": "shop/db"})
    said = log(tmp_path, of, ALERTS, [pair], [page])
    on_incident = rule(on="incident", target="hypothesis", when=When(hypothesis=Suspected()))
    report = what_if(said, asked(on_incident, guardrails=OPEN), labels=of)
    assert [(one.at, one.target, one.outcome) for one in report.actions] == [
        (minute(3005), "shop/db", "right")
    ]
    nobody = rule(target="hypothesis")
    found = only(what_if(said, asked(nobody), labels=of))
    # One before the page and one outside any incident had no target.
    assert (found.actions, found.no_target) == (2, 2)


def test_what_is_learnt_later_moves_no_earlier_action(tmp_path: Path) -> None:
    of = shop(tmp_path)
    pair = candidate("story", ALERTS[:3], causes=[("web", 0.99)], severity="critical")
    graver = [pair[0].model_copy(update={"severity": "low"}), pair[1]]
    said = log(tmp_path, of, ALERTS, [graver])
    assert only(what_if(said, asked(rule(when=When(severity="high"))))).actions == 0


def test_each_guardrail_stops_what_it_is_for(tmp_path: Path) -> None:
    of = shop(tmp_path)
    pair = candidate("story", ALERTS[:3])
    sure = pair[1].model_copy(
        update={
            "status": "opened",
            "emitted_at": minute(3000),
            "hypotheses": candidate("x", ALERTS[:1], causes=[("db", 0.7)])[1].hypotheses,
        }
    )
    said = log(tmp_path, of, ALERTS, [[sure, pair[1]]])

    def stopped(rails: Guardrails, *, reversible: bool = True) -> dict[str, int]:
        found = only(what_if(said, asked(rule(reversible=reversible), guardrails=rails), labels=of))
        assert found.actions == 4
        return {
            one.guardrail: round((one.stopped.value or 0.0) * 4)
            for one in found.guardrails
            if one.stopped.value
        } | {"left": found.left.actions}

    def only_with(**more: Any) -> Guardrails:
        wide = OPEN.model_copy(update={"rate": Rate(actions=99, within_s=60)})
        return wide.model_copy(update=more)

    always = {"root_cause_evidence": 3}  # only the alert of db has a hypothesis that names its target
    assert stopped(only_with()) == {**always, "left": 1}
    assert stopped(only_with(reversible_only=True), reversible=False) == {
        **always,
        "reversible": 4,
        "left": 0,
    }
    assert stopped(only_with(scope=())) == {**always, "scoped": 4, "left": 0}
    assert stopped(only_with(scope=("shop/web",))) == {**always, "scoped": 3, "left": 0}
    assert stopped(only_with(most_callers=0)) == {**always, "scoped": 3, "left": 0}
    assert stopped(only_with(root_cause_confidence=0.8)) == {"root_cause_evidence": 4, "left": 0}
    assert stopped(only_with(rate=Rate(actions=1, within_s=601))) == {**always, "rate_limited": 1, "left": 1}
    assert stopped(only_with(human_approval=True)) == {**always, "human_approval": 4, "left": 1}


def test_the_strict_guardrails_hold_where_none_are_written(tmp_path: Path) -> None:
    of = shop(tmp_path)
    found = only(what_if(log(tmp_path, of, ALERTS), asked(), labels=of))
    assert {one.guardrail: one.stopped.value for one in found.guardrails} == {
        "reversible": 0.0,
        "scoped": 1.0,
        "root_cause_evidence": 1.0,
        "rate_limited": 0.25,
        "human_approval": 1.0,
    }
    assert {one.guardrail: (one.right_stopped, one.wrong_stopped) for one in found.guardrails}["scoped"] == (
        1,
        3,
    )


@pytest.mark.parametrize(
    ("right", "reversible", "stage"),
    [
        (60, True, "automatic"),
        (60, False, "human_approval"),
        (8, True, "human_approval"),
        (2, True, "advisory"),
    ],
)
def test_a_rule_goes_as_far_as_its_evidence(tmp_path: Path, right: int, reversible: bool, stage: str) -> None:
    days = right + 1
    labels = [label(1440 * day + 60, "db") for day in range(right)]
    alerts = [strange(1440 * day + 65, "db", 0.9) for day in range(right)]
    of = dataset(tmp_path, labels, days=days, reference=CALLS)
    pairs = []
    for number, alert in enumerate(alerts):
        opened, closed = candidate(f"c{number}", [alert], causes=[("db", 0.9)])
        pairs.append([opened.model_copy(update={"hypotheses": closed.hypotheses}), closed])
    found = only(
        what_if(
            log(tmp_path, of, alerts, pairs), asked(rule(reversible=reversible), guardrails=OPEN), labels=of
        )
    )
    assert found.left.actions == right
    assert found.stage == stage, found.stage_reason


def test_a_rule_that_asks_for_incidents_says_why_it_never_acts(tmp_path: Path) -> None:
    of = shop(tmp_path)
    found = only(what_if(log(tmp_path, of, ALERTS), asked(rule(when=When(severity="low"))), labels=of))
    assert found.actions == 0
    assert "no incident candidates" in str(found.reason)
    assert found.share("action_right_ratio").value is None


moments = st.lists(st.tuples(st.integers(0, 200), st.sampled_from("ab")), max_size=40).map(sorted)


@given(moments, st.integers(1, 3), st.integers(1, 60))
def test_a_limiter_never_lets_more_pass_than_it_says(
    asked_for: list[tuple[int, str]], most: int, within: int
) -> None:
    limiter, rate = Limiter(), Rate(actions=most, within_s=within)
    passed: list[tuple[int, str]] = []
    for at, target in asked_for:
        before = [one for one, name in passed if name == target and at - one < within]
        let = limiter.lets(target, at * SECOND, rate)
        assert let == (len(before) < most)
        if let:
            passed.append((at, target))


def test_an_event_of_a_merged_candidate_was_in_that_one_first(tmp_path: Path) -> None:
    of = shop(tmp_path)
    first, second = candidate("aaa", ALERTS[:2]), candidate("bbb", ALERTS[1:2], merged_into="aaa")
    heard = Hearing.of(log(tmp_path, of, ALERTS, [first, second]))
    assert [one.incident for one in heard.alerts] == ["aaa", "bbb", None, None, None]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\nrules: []", "rules"),
        ("name: x\nrules: [{name: a, action: b, when: {}, reversible: true}]", "names no condition"),
        ("name: x\nrules: [{name: a, action: b, when: {score_above: 2}, reversible: true}]", "equal to 1"),
        ("name: x\nrules: [{name: a, action: b, when: {score_above: .5}}]", "reversible: is missing"),
        ("name: x\nrules: [{name: a, action: b, when: {scor_above: .5}, reversible: true}]", "'score_above'"),
        (
            "name: x\nrules:\n- &a {name: a, action: b, when: {score_above: .5}, reversible: true}\n- *a",
            "'a' stands twice; give each rule its own name",
        ),
    ],
)  # fmt: skip
def test_a_rule_file_is_checked_and_the_fault_named(text: str, says: str) -> None:
    with pytest.raises(MalformedInput, match=r"rules\.yaml:\d+: ") as refused:
        parse_yaml(text, RuleFile, where="rules.yaml")
    assert says in str(refused.value)


def test_a_page_history_has_nothing_for_a_rule_to_go_by(tmp_path: Path) -> None:
    of = shop(tmp_path)
    with pytest.raises(UsageError, match="page history"):
        what_if(log(tmp_path, of, [], opaque=True), asked())


def test_nothing_here_could_carry_anything_out() -> None:
    places = [*Path(room.__file__).parent.glob("*.py"), Path(command.__file__)]
    assert len(places) > 6
    able = {"subprocess", "socket", "http", "urllib", "requests", "httpx", "asyncio", "multiprocessing", "os"}
    for place in places:
        tree = ast.parse(place.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not able & {name.partition(".")[0] for name in names}, place
            assert not (isinstance(node, ast.Name) and node.id in {"exec", "eval", "compile", "__import__"})
