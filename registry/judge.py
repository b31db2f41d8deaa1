"""The judge: a comparison and a policy in, a verdict with every reason out. Pure; it reads no file.

The answer is that of the first rule that holds, see ``RULES``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.instants import DAY, format_instant
from titleshot.datasets.contracts.verdicts import Answer, CriterionOutcome, Verdict
from titleshot.datasets.planting.traces import WAY_OUT, traces_in
from titleshot.registry.criteria import about, faults_of, guardrails_of, outcome_of
from titleshot.registry.policy import Criterion, Policy
from titleshot.registry.wording import count

NO_CHAMPION = "never"
"""Contender name of the baseline that pages nobody: what stands in where nothing pages yet."""


@dataclass
class Findings:
    """Everything the rules look at."""

    faults: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    criteria: list[CriterionOutcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def that(self, outcome: str) -> list[CriterionOutcome]:
        return [criterion for criterion in self.criteria if criterion.outcome == outcome]

    @property
    def decisive(self) -> list[CriterionOutcome]:
        return [criterion for criterion in self.criteria if criterion.critical and criterion.decisive]


@dataclass(frozen=True)
class Rule:
    """One line of the table: when it holds, what it answers, and how that is said."""

    holds: Callable[[Findings], bool]
    answer: Answer
    says: Callable[[Findings], str]


def _named(criteria: list[CriterionOutcome]) -> str:
    return ", ".join(about(criterion) for criterion in criteria)


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
        lambda found: bool(found.that("fail")),
        "reject",
        lambda found: f"Reject: failed on {_named(found.that('fail'))}.",
    ),
    Rule(
        lambda found: bool(found.that("undecided")),
        "not_enough_evidence",
        lambda found: f"Not enough evidence: undecided on {_named(found.that('undecided'))}.",
    ),
    Rule(
        lambda _: True,
        "promote",
        lambda found: f"Promote: all {count(len(found.criteria), 'criteria')} passed.",
    ),
)


def judge(
    comparison: Comparison,
    policy: Policy,
    *,
    looks: int = 0,
    validation_passed: bool = True,
    shadow_hours: float | None = None,
    shadow_coverage: float | None = None,
    judged_share: float | None = None,
    judged_at: int | None = None,
) -> Verdict:
    """The policy's answer to a paired comparison.

    Args:
        comparison: what ``compare`` made; differences are challenger minus champion.
        policy: what a challenger must show.
        looks: earlier looks at this evaluation span.
        validation_passed: whether the dataset passed validation as it is now.
        shadow_hours: hours the challenger ran in shadow, where it did.
        shadow_coverage: share of those hours without lag or gap, 0 to 1.
        judged_share: share of the challenger's pages with feedback, 0 to 1; None takes the comparison's.
        judged_at: nanoseconds UTC; None is now.
    """
    now = time.time_ns() if judged_at is None else judged_at
    champion = comparison.champion.identity.contender != NO_CHAMPION
    criteria = policy.criteria_against(champion=champion)
    found = Findings(faults=_mismatches(comparison, policy, validation_passed))
    for criterion in criteria:
        found.faults += faults_of(criterion, comparison, policy)
    if not found.faults:
        measured = {
            "shadow_hours": shadow_hours,
            "shadow_coverage": shadow_coverage,
            "judged_share": _judged_share(comparison) if judged_share is None else judged_share,
        }
        _ask_for_minimum(found, comparison, policy, measured)
        _ask_for_looks(found, policy, looks)
        _ask_for_fresh_labels(found, comparison, policy, now)
        for criterion in criteria:
            _weigh(found, comparison, policy, criterion)
    rule = next(rule for rule in RULES if rule.holds(found))
    ordered = [*found.that("fail"), *found.that("undecided"), *found.that("pass")]
    return Verdict(
        answer=rule.answer,
        reasons=(rule.says(found), *(outcome.reason for outcome in ordered), *found.notes),
        criteria=tuple(found.criteria),
        missing=tuple(found.missing) if rule.answer == "not_enough_evidence" else (),
        policy_name=policy.name,
        policy_digest=policy.digest,
        looks=looks,
        judged_at=now,
    )


def _judged_share(comparison: Comparison) -> float | None:
    return None if comparison.feedback is None else comparison.feedback.challenger.judged.share


def _mismatches(comparison: Comparison, policy: Policy, validation_passed: bool) -> list[str]:
    one, other = comparison.champion, comparison.challenger
    faults = [] if validation_passed else ["the dataset did not pass validation; run validate"]
    faults += [f"{trace}: {WAY_OUT}" for trace in traces_in(comparison)]
    faults += [
        f"champion and challenger were scored on different data ({what})"
        for what in ("dataset_digest", "labels_digest", "labels_as_of")
        if getattr(one.identity, what) != getattr(other.identity, what)
    ]
    if one.settings != other.settings:
        faults.append("champion and challenger were scored under different evaluation settings")
    sealed, settings = policy.data.sealed_span, other.settings
    if sealed and (settings.span_from, settings.span_to) != (sealed.span_from, sealed.span_to):
        asked = f"{format_instant(sealed.span_from)} to {format_instant(sealed.span_to)}"
        scored = f"{format_instant(settings.span_from)} to {format_instant(settings.span_to)}"
        faults.append(f"the policy seals {asked}, scored was {scored}")
    return faults


def _weigh(found: Findings, comparison: Comparison, policy: Policy, criterion: Criterion) -> None:
    outcome, incidents = outcome_of(criterion, comparison)
    found.criteria.append(outcome)
    if outcome.missing:
        found.missing.append(outcome.missing)
    if incidents and policy.maximum_incidents and incidents > policy.maximum_incidents:
        most = count(policy.maximum_incidents, "incidents")
        found.missing.append(f"{about(outcome)}: futile, the policy stops at {most}")
    guarded, unguarded = guardrails_of(criterion, comparison)
    found.criteria += guarded
    if unguarded:
        found.notes.append(f"Too few to guard on their own: {', '.join(unguarded)}.")


def _ask_for_minimum(
    found: Findings, comparison: Comparison, policy: Policy, measured: dict[str, float | None]
) -> None:
    minimum = policy.minimum
    for noun, have, least in (
        ("incidents", comparison.incidents_scored, minimum.incidents),
        ("days", comparison.blocks, minimum.blocks),
    ):
        if have < least:
            found.unmet.append(f"{count(have, noun)} scored, the policy asks for {least:,}")
            rate = have / comparison.weeks
            if noun == "days":  # parts of days count as days, so a short span seems to have more than seven
                rate = min(rate, 7.0)
            wait = f", about {_weeks(least - have, rate)} at this rate" if have else ""
            found.missing.append(f"{count(least - have, noun)} more{wait}")
    superior = {criterion.score for criterion in policy.criteria if criterion.kind == "superiority"}
    for pair in comparison.pairs:
        if pair.name in superior and pair.discordant is not None:
            have = sum(pair.discordant)
            if have < minimum.discordant_pairs:
                found.unmet.append(
                    f"{count(have, 'incidents')} told the two apart, {minimum.discordant_pairs} asked"
                )
                found.missing.append(
                    f"{minimum.discordant_pairs - have} more incidents that only one detects"
                )
    for name, value in measured.items():
        least_value = getattr(minimum, name)
        if least_value is not None and (value is None or value < least_value):
            words = name.replace("_", " ")
            have_words = "was not measured" if value is None else f"is {value:g}"
            found.unmet.append(f"{words} {have_words}, the policy asks for {least_value:g}")
            found.missing.append(f"{words}: {least_value:g}")


def _weeks(more: int, per_week: float) -> str:
    return count(max(1, round(more / per_week)), "weeks")


def _ask_for_looks(found: Findings, policy: Policy, looks: int) -> None:
    planned = 1 if policy.data.sealed_span else policy.looks.planned
    if looks >= planned:
        found.unmet.append(
            f"this span was judged {count(looks, 'times')} before, the policy plans {count(planned, 'looks')}"
        )
        found.missing.append("an evaluation span that has not been judged yet")


def _ask_for_fresh_labels(found: Findings, comparison: Comparison, policy: Policy, now: int) -> None:
    oldest = policy.data.maximum_label_age_days
    age = (now - comparison.challenger.identity.labels_as_of) / DAY
    if oldest is not None and age > oldest:
        found.unmet.append(f"labels are of {age:.0f} days ago, the policy takes {oldest:g}")
        found.missing.append("labels as of a later date")


def in_short(verdict: Verdict) -> str:
    """The verdict as a few lines of text."""
    lines = [*verdict.reasons]
    if verdict.missing:
        lines += ["What is missing:", *(f"  {missing}" for missing in verdict.missing)]
    lines.append(
        f"Policy {verdict.policy_name} ({verdict.policy_digest[:12]}), earlier looks: {verdict.looks}."
    )
    return "\n".join(lines)
