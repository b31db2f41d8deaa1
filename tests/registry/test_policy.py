"""The policy file: what it may say, what it must, and how its faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from titleshot.datasets.errors import MalformedInput
from titleshot.pipelines.policy import rehearse_policy
from titleshot.registry.policy import default_policy_file, load_policy
from titleshot.registry.rehearsal import chances

PLAIN = "name: p\ncriteria:\n  - {score: alarming_precision, kind: superiority}\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PLAIN.replace("kind:", "knd:"), ":3: criteria.0.knd: unknown field; did you mean 'kind'?"),
        (PLAIN.replace("superiority", "better"), ":3: criteria.0.kind: Input should be 'superiority'"),
        (PLAIN + "confidence: 1.5\n", ":4: confidence: Input should be less than 1, got 1.5"),
        (PLAIN + "decisive_confidence: 0.8\n", "decisive_confidence 0.8 must be above confidence 0.9"),
        (PLAIN + "  - {score: x, kind: non_inferiority}\n", ":4: criteria.1: non_inferiority needs a margin"),
        (PLAIN + "  - {score: x, kind: ceiling}\n", ":4: criteria.1: a ceiling needs a margin"),
        (
            PLAIN + "  - {score: alarming_precision, kind: superiority, margin: 1}\n",
            "is asked twice; keep one",
        ),
        (PLAIN.replace("superiority", "non_inferiority, margin: 0.1"), "no criterion is a superiority"),
        (PLAIN + "looks: {rule: fixed_horizon, planned: 3}\n", ":4: looks: fixed_horizon is one look"),
        (PLAIN + "decisive_confidence: 0.8\n", ":4: decisive_confidence: "),
        (
            PLAIN + "  - {score: incident_recall, kind: superiority}\n" * 2,
            ":5: criteria.2: superiority of incident_recall is asked twice",
        ),
        (PLAIN + "minimum: {incidents: 50}\nmaximum_incidents: 9\n", ":5: maximum_incidents: 9 is below"),
        (PLAIN + "minimum: {shadow_coverage: 95}\n", ":4: minimum.shadow_coverage: Input should be less"),
        (PLAIN + "baseline: nobody\n", ":4: baseline: Input should be 'live', 'champion'"),
        (
            PLAIN + "baseline: champion\nwithout_champion:\n  - {score: x, kind: superiority}\n",
            ":5: without_champion: is for where nothing pages yet",
        ),
        (PLAIN + "budgets: {}\n", ":4: budgets: budgets names no budget"),
        (PLAIN + "budgets: {memory_gb: 1}\n", "memory_gb: unknown field; did you mean 'memory_mb'?"),
        (
            PLAIN + "budgets: {p99_latency_ms: 0}\n",
            ":4: budgets.p99_latency_ms: Input should be greater than 0",
        ),
        (
            PLAIN + "  - {score: pages_per_shift, kind: ceiling, margin: 2}\nbudgets: {pages_per_shift: 2}\n",
            ":4: criteria.1: the ceiling of pages_per_shift is a budget too; keep one",
        ),
        (
            PLAIN + "data:\n  sealed_span:\n    span_from: 2026-02-01T00:00:00Z\n"
            "    span_to: 2026-01-01T00:00:00Z\n",
            ":7: data.sealed_span.span_to: a sealed span must end after it starts",
        ),
        (
            PLAIN + "narrow: {groups: [a], minimum: {incidents: 9}, confidence: 0.95}\n",
            ":4: narrow.confidence: 0.95 must be below confidence 0.9",
        ),
        (
            PLAIN + "scope: b\nnarrow: {groups: [a], minimum: {}, confidence: 0.8}\n",
            ":5: narrow.groups: the policy is for the group b alone",
        ),
        (PLAIN + "narrow: {groups: [], minimum: {}, confidence: 0.8}\n", ":4: narrow.groups: "),
        (PLAIN + "approvals: [ann, bob, ann]\n", ":4: approvals: a name stands twice"),
        (PLAIN + "rollout:\n  - {step: shadow, days: 2}\n", ":5: rollout.0: the last step must be"),
        (PLAIN + "rollout:\n  - {step: shadow}\n", ":5: rollout.0: a shadow step needs hours or days"),
        (PLAIN + "rollout:\n  - {step: group}\n", ":5: rollout.0: a step names a group where"),
        (
            PLAIN + "rollout:\n  - {step: everyone}\n  - {step: shadow, hours: 4}\n",
            ":6: rollout.1: the order is shadow, then groups, then everyone",
        ),
        (
            PLAIN + "scope: a\nrollout:\n  - {step: group, group: b}\n",
            ":6: rollout.0: the policy is for the group a alone",
        ),
        (
            PLAIN.replace("superiority}", "superiority, on_missing: pass}"),
            "on_missing: Input should be 'block'",
        ),
        (PLAIN + "schema_version: 1.9\n", ":4: schema_version: 1.9: this code reads policies up to 1.1"),
        (PLAIN + "schema_version: one\n", ":4: schema_version: schema_version 'one' is not MAJOR.MINOR"),
        ("name: p\ncriteria: []\n", ":2: criteria:"),
        (PLAIN + "criteria: []\n", ":4: 'criteria' stands twice"),
    ],
)
def test_a_fault_names_file_line_and_way_out(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(MalformedInput) as error:
        load_policy(path)
    assert str(path) in str(error.value)
    assert words in str(error.value)


def test_the_digest_is_of_what_is_asked_not_of_how_it_is_written(tmp_path: Path) -> None:
    plain = load_policy(written(tmp_path, PLAIN)).digest
    longer = "# a comment\nconfidence: 0.9\ndescription: words\n" + PLAIN
    assert load_policy(written(tmp_path, longer)).digest == plain
    assert load_policy(written(tmp_path, PLAIN + "confidence: 0.91\n")).digest != plain


def test_a_policy_of_before_keeps_its_digest_and_what_is_asked_since_changes_it(tmp_path: Path) -> None:
    """Evidence of an older release names the digest of its policy; it must still be that policy."""
    assert (
        load_policy(written(tmp_path, PLAIN)).digest
        == "ad168f4e40f67bcb38da039ee82ce3cb0cf4cb01ae815f91b92e02270da55265"
    )
    plain = load_policy(written(tmp_path, PLAIN)).digest
    for more in (
        "baseline: never\n",
        "budgets: {memory_mb: 1}\n",
        "narrow: {groups: [a], minimum: {}, confidence: 0.8}\n",
        "rollout: [{step: everyone}]\n",
        "data: {suites: [labels]}\n",
    ):
        assert load_policy(written(tmp_path, PLAIN + more)).digest != plain


def test_a_narrow_group_is_asked_for_less_at_a_stated_error(tmp_path: Path) -> None:
    narrow = "minimum: {incidents: 50}\nnarrow: {groups: [a], minimum: {incidents: 9}, confidence: 0.8}\n"
    policy = load_policy(written(tmp_path, PLAIN + narrow))
    assert (policy.tier("a").minimum.incidents, policy.tier("b").minimum.incidents) == (9, 50)
    assert policy.tier().narrow is policy.tier("b").narrow is None
    assert "passes 10 % of the time instead of 5 %" in (policy.tier("a").narrow or "")
    asked = policy.confidences(champion=True, group="a")["alarming_precision"]
    assert (asked, policy.confidences(champion=True)["alarming_precision"]) == (
        pytest.approx(0.8),
        pytest.approx(0.9),
    )


def test_a_sealed_span_is_judged_once_and_keeps_no_error_for_other_looks(tmp_path: Path) -> None:
    looks = "looks: {rule: alpha_spending, planned: 4}\n"
    sealed = "data: {sealed_span: {span_from: 2026-01-01T00:00:00Z, span_to: 2026-02-01T00:00:00Z}}\n"
    for more, planned, confidence in ((looks, 4, 0.975), (looks + sealed, 1, 0.9)):
        policy = load_policy(written(tmp_path, PLAIN + more))
        assert policy.planned_looks == planned
        assert policy.confidence_of(policy.criteria[0]) == pytest.approx(confidence)


def test_the_policy_that_shows_everything_has_every_field_and_is_not_wrong() -> None:
    path = default_policy_file().with_name("everything.yaml")
    policy = load_policy(path)
    assert rehearse_policy(path).wrong == []
    left_out = {"scope"}  # a rollout to everyone has no single group; it stands there as a comment

    def unset(part: BaseModel, place: str = "") -> set[str]:
        found = {f"{place}{name}" for name in set(type(part).model_fields) - part.model_fields_set}
        for name, value in part:
            inner = value if isinstance(value, tuple) else (value,)
            parts = [one for one in inner if isinstance(one, BaseModel)]
            if parts:
                absent = set.intersection(*(unset(one, f"{place}{name}.") for one in parts))
                found |= absent - {f"{place}{name}.{field}" for field in ("group", "hours", "days")}
        return found

    assert unset(policy) - {"narrow.minimum.discordant_pairs"} <= left_out | {
        f"narrow.minimum.{field}" for field in ("shadow_coverage", "judged_share")
    } | {
        f"without_champion.{field}"
        for field in ("direction", "margin_ratio", "confidence", "on_missing", "group_guardrail")
    }
    assert "# scope:" in path.read_text(encoding="utf-8")


def test_the_budget_of_pages_is_a_criterion_and_is_compared_at_its_confidence(tmp_path: Path) -> None:
    more = "looks: {rule: alpha_spending, planned: 2}\nbudgets: {pages_per_shift: 1.5}\n"
    policy = load_policy(written(tmp_path, PLAIN + more))
    for champion in (True, False):
        last = policy.criteria_against(champion=champion)[-1]
        assert (last.score, last.kind, last.margin) == ("pages_per_shift", "ceiling", 1.5)
    assert policy.confidences(champion=True)["pages_per_shift"] == pytest.approx(0.95)


def test_alpha_spending_shares_the_error_among_the_planned_looks(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, PLAIN + "looks: {rule: alpha_spending, planned: 5}\n"))
    assert policy.confidence_of(policy.criteria[0]) == pytest.approx(0.98)


def test_a_challenger_at_the_margin_passes_one_time_in_twenty_over_all_looks() -> None:
    policy = load_policy()
    for criterion in policy.criteria:
        for chance in chances(policy, criterion):
            assert chance.at_the_margin * policy.looks.planned == pytest.approx(0.05)


def test_one_look_of_equals_passes_as_often_as_the_design_measured(tmp_path: Path) -> None:
    text = PLAIN + "  - {score: incident_recall, kind: non_inferiority, margin: 0.05}\n"
    policy = load_policy(written(tmp_path, text))
    shares = {chance.incidents: chance.equal for chance in chances(policy, policy.criteria[1])}
    # SCORING 4: .42 / .71 / .92 at 100 / 200 / 400 incidents and 10 % discordant pairs.
    assert [round(shares[n], 1) for n in (100, 200, 400)] == [0.5, 0.7, 0.9]
