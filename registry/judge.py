"""The judge: a comparison and a policy in, a verdict with every reason out. Pure; it reads no file.

The answer is that of the first rule that holds, see ``RULES``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.measured import Measured
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.contracts.verdicts import Answer, CriterionOutcome, Verdict
from titleshot.registry.criteria import about, faults_of, guardrails_of, outcome_of
from titleshot.registry.findings import Findings
from titleshot.registry.minimum import ask_for_fresh_labels, ask_for_looks, ask_for_minimum, weigh_budgets
from titleshot.registry.mismatch import NO_CHAMPION, baseline_of, mismatches
from titleshot.registry.policy import Criterion, Policy
from titleshot.registry.wording import count

__all__ = ["NO_CHAMPION", "RULES", "Findings", "Rule", "in_short", "judge", "what_decided"]


@dataclass(frozen=True)
class Rule:
    """One line of the table: when it holds, what it answers, and how that is said."""

    holds: Callable[[Findings], bool]
    answer: Answer
    says: Callable[[Findings], str]


def _named(criteria: list[CriterionOutcome]) -> str:
    return ", ".join(about(criterion) for criterion in criteria)


def _failed(found: Findings) -> str:
    budgets = [f"the budget of {budget.budget}" for budget in found.exceeded]
    return ", ".join([*(about(criterion) for criterion in found.that("fail")), *budgets])


RULES: tuple[Rule, ...] = (
    Rule(
        lambda found: bool(found.faults),
        "invalid",
        lambda found: f"Invalid: {'; '.join(found.faults)}.",
    ),
    Rule(
        lambda found: bool(found.decisive),
        "reject",
        lambda found: f"Reject: decisively worse in what is critical: {_named(found.decisive)}.",
    ),
    Rule(
        lambda found: bool(found.unmet),
        "not_enough_evidence",
        lambda found: f"Not enough evidence: {'; '.join(found.unmet)}.",
    ),
    Rule(
        lambda found: bool(found.that("fail") or found.exceeded),
        "reject",
        lambda found: f"Reject: failed on {_failed(found)}.",
    ),
    Rule(
        lambda found: bool(found.that("undecided")),
        "not_enough_evidence",
        lambda found: f"Not enough evidence: undecided on {_named(found.that('undecided'))}.",
    ),
    Rule(
        lambda _: True,
        "promote",
        lambda found: f"Promote: all {count(len(found.criteria) + len(found.budgets), 'criteria')} passed.",
    ),
)


def judge(
    comparison: Comparison,
    policy: Policy,
    *,
    looks: int = 0,
    validation: ValidationReport | None = None,
    measured: Measured | None = None,
    judged_share: float | None = None,
    group: str | None = None,
    judged_at: int | None = None,
) -> Verdict:
    """The policy's answer to a paired comparison.

    Args:
        comparison: what ``compare`` made; differences are challenger minus champion.
        policy: what a challenger must show.
        looks: earlier looks at this evaluation span.
        validation: what ``validate`` found of the dataset as it is now; None where that is not known.
        measured: what was measured of the challenger in shadow, where it ran there.
        judged_share: share of the challenger's pages with feedback, 0 to 1; None takes the comparison's.
        group: the service group it is judged for; None takes the policy's scope.
        judged_at: nanoseconds UTC; None is now.
    """
    now = time.time_ns() if judged_at is None else judged_at
    group = group or policy.scope
    champion = baseline_of(comparison.champion.identity) != NO_CHAMPION
    criteria, tier = policy.criteria_against(champion=champion), policy.tier(group)
    found = Findings(
        faults=mismatches(comparison, policy, validation=validation, measured=measured, group=group)
    )
    for criterion in criteria:
        found.faults += faults_of(criterion, comparison, policy, group)
    if not found.faults:
        share = _judged_share(comparison) if judged_share is None else judged_share
        ask_for_minimum(found, comparison, tier.minimum, criteria, measured=measured, judged_share=share)
        ask_for_looks(found, policy, looks)
        ask_for_fresh_labels(found, policy, comparison, now)
        weigh_budgets(found, policy, measured)
        for criterion in criteria:
            _weigh(found, comparison, policy, criterion)
        if tier.narrow:
            found.notes.append(f"{tier.narrow[0].upper()}{tier.narrow[1:]}.")
    rule = next(rule for rule in RULES if rule.holds(found))
    ordered = [*found.that("fail"), *found.that("undecided"), *found.that("pass")]
    told = [*(outcome.reason for outcome in ordered), *(budget.reason for budget in found.budgets)]
    return Verdict(
        answer=rule.answer,
        reasons=(rule.says(found), *told, *found.notes),
        criteria=tuple(found.criteria),
        budgets=tuple(found.budgets),
        faults=tuple(found.faults),
        unmet=tuple(found.unmet),
        missing=tuple(dict.fromkeys(found.missing)) if rule.answer == "not_enough_evidence" else (),
        group=group,
        narrow=tier.narrow,
        next_step=policy.rollout[0].in_words() if rule.answer == "promote" and policy.rollout else None,
        policy_name=policy.name,
        policy_digest=policy.digest,
        looks=looks,
        judged_at=now,
    )


def _judged_share(comparison: Comparison) -> float | None:
    return None if comparison.feedback is None else comparison.feedback.challenger.judged.share


def _weigh(found: Findings, comparison: Comparison, policy: Policy, criterion: Criterion) -> None:
    outcome, incidents = outcome_of(criterion, comparison)
    found.criteria.append(outcome)
    if outcome.missing:
        found.missing.append(outcome.missing)
    if incidents and policy.maximum_incidents and incidents > policy.maximum_incidents:
        most = count(policy.maximum_incidents, "incidents")
        found.missing.append(
            f"{about(outcome)}: futile, it would take {incidents:,} in all and the policy stops at {most}"
        )
    guarded, unguarded = guardrails_of(criterion, comparison)
    found.criteria += guarded
    if unguarded:
        found.notes.append(f"Too few to guard on their own: {', '.join(unguarded)}.")


def in_short(verdict: Verdict) -> str:
    """The verdict as a few lines of text."""
    lines = [*verdict.reasons]
    if verdict.missing:
        lines += ["What is missing:", *(f"  {missing}" for missing in verdict.missing)]
    if verdict.next_step:
        lines.append(f"Next step of the rollout: {verdict.next_step}.")
    lines.append(
        f"Policy {verdict.policy_name} ({verdict.policy_digest[:12]}), earlier looks: {verdict.looks}."
    )
    return "\n".join(lines)


def what_decided(verdict: Verdict) -> list[str]:
    """What the answer rests on, shortest form: the criteria, budgets and minimum evidence behind it."""
    failed = [about(one) for one in verdict.criteria if one.outcome == "fail"]
    failed += [one.budget for one in verdict.budgets if one.outcome == "exceeded"]
    match verdict.answer:
        case "promote":
            return []
        case "reject":
            decisive = [about(one) for one in verdict.criteria if one.critical and one.decisive]
            return decisive or failed
        case "not_enough_evidence":
            undecided = [about(one) for one in verdict.criteria if one.outcome == "undecided"]
            return [*verdict.unmet] or undecided
    return [*verdict.faults]
