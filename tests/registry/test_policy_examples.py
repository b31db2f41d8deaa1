"""What a policy lets pass and stops is tried on inputs made for it, never merely claimed."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.scores import Direction
from titleshot.registry.conditions import conditions
from titleshot.registry.examples import ANSWERS, decisive_example, example, faults_in, guardrail_example
from titleshot.registry.known_scores import KNOWN
from titleshot.registry.policy import Criterion, GroupGuardrail, Policy, load_policy
from titleshot.registry.policy_parts import Kind

FULL = """
minimum:
  {incidents: 50, blocks: 28, discordant_pairs: 8, shadow_hours: 168, shadow_coverage: 0.9, judged_share: 0.4}
budgets: {pages_per_shift: 2, p99_latency_ms: 50, memory_mb: 512}
data:
  suites: [labels]
  maximum_label_age_days: 14
  sealed_span: {span_from: 2026-01-01T00:00:00Z, span_to: 2026-03-01T00:00:00Z}
baseline: page_history
narrow: {groups: [checkout], minimum: {incidents: 15}, confidence: 0.8}
"""


def policy_of(criterion: Criterion, **more: object) -> Policy:
    return Policy.model_validate({"name": "p", "criteria": [criterion], "promote_equals": True, **more})


def asked(score: str, kind: Kind, direction: Direction | None) -> Criterion:
    """A criterion that any value of the score can pass or fail."""
    known = KNOWN[score]
    least = known.low if known.low > -1e9 else 0.0
    margin = 0.1 if known.high < 1e9 else 5.0
    at = least + margin if kind == "ceiling" else margin
    return Criterion(score=score, kind=kind, margin=max(at, 0.0), direction=direction)


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("score", sorted(name for name, known in KNOWN.items() if known.interval))
def test_every_score_and_kind_has_an_input_for_each_answer(score: str, kind: Kind) -> None:
    known = KNOWN[score]
    for direction in (known.better,) if known.better else get_args(Direction):
        criterion = asked(score, kind, direction)
        policy = policy_of(criterion)
        if faults_in(policy, criterion, champion=True):
            continue  # said to be wrong before it is tried
        for wanted, answer in ANSWERS.items():
            found = example(policy, criterion, wanted)
            assert found is not None, (score, kind, direction, wanted)
            assert (found.outcome, found.answer) == (wanted, answer)
            assert known.low <= found.challenger <= known.high
            assert found.low <= found.high


@pytest.mark.parametrize(
    ("criterion", "without"),
    [
        (Criterion(score="incident_recall", kind="superiority", margin=1.2), "pass"),
        (Criterion(score="alarming_precision", kind="ceiling", margin=1.1), "pass"),
        (Criterion(score="alarming_precision", kind="ceiling", margin=1.0), "pass"),
        (Criterion(score="false_pages_per_week", kind="ceiling", margin=0), "pass"),
        (Criterion(score="alarming_precision", kind="ceiling", margin=0), "fail"),
        (Criterion(score="incident_recall", kind="non_inferiority", margin=1.0), "fail"),
        (Criterion(score="incident_recall", kind="non_inferiority", margin_ratio=1.0), "fail"),
    ],
)
def test_a_criterion_that_nothing_passes_or_fails_is_found_out(criterion: Criterion, without: str) -> None:
    policy = policy_of(criterion)
    there = {wanted for wanted in ANSWERS if example(policy, criterion, wanted)}
    assert {"pass", "fail"} - there == {without}


@pytest.mark.parametrize(
    ("criterion", "champion", "words"),
    [
        (Criterion(score="carried_incidents", kind="superiority"), True, "give it a direction"),
        (
            Criterion(score="carried_incidents", kind="ceiling", margin=3, direction="down"),
            True,
            "never has an interval",
        ),
        (
            Criterion(score="incident_recall", kind="superiority", direction="down"),
            True,
            "the policy says down is better, the score up",
        ),
        (Criterion(score="alarming_precision", kind="superiority"), False, "undecided for ever"),
        (
            Criterion(
                score="alarming_precision",
                kind="superiority",
                group_guardrail=GroupGuardrail(by="severity", margin=0.1),
            ),
            True,
            "guards nothing of alarming_precision",
        ),
    ],
)
def test_what_is_wrong_on_any_data_is_said_in_words(criterion: Criterion, champion: bool, words: str) -> None:
    assert any(words in fault for fault in faults_in(policy_of(criterion), criterion, champion=champion))


def test_a_decisive_failure_of_what_is_critical_is_shown_to_reject_before_the_minimum() -> None:
    policy = load_policy()
    shown = {criterion.score: decisive_example(policy, criterion) for criterion in policy.criteria}
    critical = {criterion.score for criterion in policy.criteria if criterion.critical}
    assert {score for score, found in shown.items() if found is not None} == critical
    assert {found.answer for found in shown.values() if found is not None} == {"reject"}


@pytest.mark.parametrize(
    ("criterion", "more", "words"),
    [
        (
            Criterion(score="pages_per_shift", kind="ceiling", margin=2, critical=True),
            {},
            "which only a difference can be",
        ),
        (
            Criterion(score="incident_recall", kind="superiority", critical=True),
            {"looks": {"rule": "alpha_spending", "planned": 20}},
            "every failure of it would be decisive; raise decisive_confidence 0.99",
        ),
    ],
)
def test_critical_that_means_nothing_is_wrong(
    criterion: Criterion, more: dict[str, object], words: str
) -> None:
    assert any(words in fault for fault in faults_in(policy_of(criterion, **more), criterion, champion=True))


def test_a_guardrail_is_shown_to_stop_one_group_and_to_let_another_pass() -> None:
    policy = load_policy()
    recall = policy.criteria[1]
    stopped, passed = (guardrail_example(policy, recall, wanted) for wanted in ("fail", "pass"))
    assert stopped is not None
    assert passed is not None
    assert (stopped.outcome, passed.outcome) == ("fail", "pass")
    assert stopped.high is not None
    assert stopped.high < -0.15


def test_every_condition_of_a_policy_can_stop_it(tmp_path) -> None:
    path = tmp_path / "full.yaml"
    path.write_text("name: f\ncriteria: [{score: incident_recall, kind: superiority}]\n" + FULL)
    policy = load_policy(path)
    passing = example(policy, policy.criteria[0], "pass")
    assert passing is not None
    found = {condition.name: condition for condition in conditions(policy, passing)}
    assert set(found) == {
        "minimum incidents",
        "minimum days",
        "minimum discordant pairs",
        "minimum judged share",
        "minimum shadow hours",
        "minimum shadow coverage",
        "budget p99_latency_ms",
        "budget memory_mb",
        "label age",
        "suite labels",
        "sealed span",
        "baseline",
        "looks",
        "narrow groups",
    }
    for condition in found.values():
        assert condition.wrong == []
        assert {one.answer == "promote" for one in condition.tried} == {True, False}


@given(
    margin=st.floats(0.001, 0.5), ratio=st.floats(0, 0.5), kind=st.sampled_from(["superiority", "ceiling"])
)
def test_examples_lie_where_they_are_said_to(margin: float, ratio: float, kind: Kind) -> None:
    shares = {} if kind == "ceiling" else {"margin_ratio": ratio}
    criterion = Criterion.model_validate(
        {"score": "incident_recall", "kind": kind, "margin": margin, **shares}
    )
    found = example(policy_of(criterion), criterion, "pass")
    if found is not None:
        assert found.low > max(margin, ratio * (found.champion or 0.0) * 0.9)
