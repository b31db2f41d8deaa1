"""``policy test``: what it shows of a policy, and what it calls wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from titleshot.pipelines.policy import rehearse_policy

PLAIN = "name: p\npromote_equals: true\ncriteria:\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_policy_is_shown_to_pass_and_stop_with_every_criterion(titleshot) -> None:
    ran = titleshot("policy", "test", "--json")
    assert ran.code == 0
    shown = ran.document
    assert shown["wrong"] == []
    asked = {**shown["criteria"], **{f"{k} alone": v for k, v in shown["without_champion"].items()}}
    assert len(asked) == len(shown["policy"]["criteria"]) + len(shown["policy"]["without_champion"])
    for name, criterion in asked.items():
        examples = criterion["examples"]
        assert {place: one["answer"] for place, one in examples.items()} == {
            "pass": "promote",
            "undecided": "not_enough_evidence",
            "fail": "reject",
        }, name
        for one in examples.values():
            assert one["low"] <= one["high"]
            assert one["n"] > 0
    assert shown["criteria"]["incident_recall non_inferiority"]["guardrail"]["fail"]["outcome"] == "fail"
    answers = {one["answer"] for one in shown["conditions"]["minimum incidents"]}
    assert answers == {"promote", "not_enough_evidence"}


def test_a_reader_sees_numbers_margin_and_answer_of_each(titleshot) -> None:
    said = titleshot("policy", "test").err
    for words in (
        "pages per shift: ceiling at 97.5 %",
        "44.5 % against 40 %, +4.5 points (97.5 % interval +1.5 to +7.5 points; n = 240 pages)",
        "must be better -> promote",
        "must stay below 2 a shift -> reject",
        "group stops",
        "looks: look 4 of 4: promote; one more: not_enough_evidence",
        "where nothing pages yet, instead:",
        "rollout: everyone at once",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        ("{score: incident_recall, kind: superiority, margin: 1.2}", "decides nothing; give it in"),
        ("{score: alarming_precision, kind: ceiling, margin: 1.1}", "decides nothing; give it in"),
        ("{score: incident_recall, kind: non_inferiority, margin: 1}", "decides nothing; give it in"),
        ("{score: early_detections, kind: ceiling, direction: up, margin: 1}", "never has an interval"),
        (
            "{score: services_per_page, kind: ceiling, direction: down, margin: 3}",
            "judge by naming_precision",
        ),
        (
            "{score: incident_recall, kind: superiority, group_guardrail: {by: team, margin: 1}}",
            "a guardrail margin of 1 decides nothing",
        ),
    ],
)
def test_a_criterion_that_decides_nothing_is_wrong(
    titleshot, tmp_path: Path, criterion: str, words: str
) -> None:
    ran = titleshot("policy", "test", written(tmp_path, f"{PLAIN}  - {criterion}\n"))
    assert ran.code == 1
    assert any(line.startswith("WRONG") and words in line for line in ran.err.splitlines())


def test_a_suite_that_there_is_not_is_wrong(titleshot, tmp_path: Path) -> None:
    policy = PLAIN + "  - {score: incident_recall, kind: superiority}\ndata: {suites: [lables]}\n"
    ran = titleshot("policy", "test", written(tmp_path, policy))
    assert ran.code == 1
    assert "WRONG: there is no validation suite 'lables'" in ran.err


def test_an_unknown_score_is_named_with_file_line_and_the_nearest(titleshot, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        PLAIN + "  - {score: usefulness, kind: superiority}\n  - score: recal\n    kind: superiority\n",
    )
    ran = titleshot("policy", "test", path)
    assert ran.code == 2
    assert f"{path}:5: criteria.1.score: unknown score 'recal'" in ran.err


def test_a_strict_policy_is_no_wrong_one_and_a_lax_one_is(tmp_path: Path) -> None:
    strict = written(tmp_path, PLAIN + "  - {score: incident_recall, kind: superiority, margin: 0.1}\n")
    tested = rehearse_policy(strict)
    assert tested.wrong == []
    assert any(line.startswith("clearly better, 17 weeks") for line in tested.strict)
    lax = written(tmp_path, PLAIN + "  - {score: incident_recall, kind: non_inferiority, margin: 0.5}\n")
    assert "noisy: promote, must be reject" in rehearse_policy(lax).wrong


def test_examples_are_read_at_the_confidence_that_is_shown(titleshot, tmp_path: Path) -> None:
    more = "data: {sealed_span: {span_from: 2026-01-01T00:00:00Z, span_to: 2026-02-01T00:00:00Z}}\n"
    policy = PLAIN + "  - {score: incident_recall, kind: superiority}\n"
    policy += "looks: {rule: alpha_spending, planned: 4}\n"
    for text, shown in ((policy, "97.5 %"), (policy + more, "90 %")):
        said = titleshot("policy", "test", written(tmp_path, text)).err
        assert f"superiority at {shown}" in said
        assert f"({shown} interval" in said


def test_budgets_minimum_and_rollout_are_shown(titleshot, tmp_path: Path) -> None:
    policy = (
        PLAIN + "  - {score: incident_recall, kind: superiority}\n"
        "budgets: {pages_per_shift: 2, p99_latency_ms: 50}\nminimum: {shadow_hours: 168}\n"
        "approvals: [lead]\nrollout: [{step: shadow, days: 7}, {step: everyone}]\n"
    )
    ran = titleshot("policy", "test", written(tmp_path, policy), "--json")
    assert ran.code == 0, ran.document["wrong"]
    assert "pages_per_shift ceiling" in ran.document["criteria"]
    tried = ran.document["conditions"]["budget p99_latency_ms"]
    assert [one["answer"] for one in tried] == ["promote", "reject", "not_enough_evidence"]
    said = titleshot("policy", "test", tmp_path / "policy.yaml").err
    assert "approvals: lead" in said
    assert "rollout: shadow for 168 h, then everyone" in said
