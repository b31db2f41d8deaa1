"""What a policy asks for before it decides anything, and how much of it is missing, in numbers."""

from __future__ import annotations

from math import ceil

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.measured import Measured
from titleshot.datasets.contracts.verdicts import BudgetOutcome
from titleshot.registry.findings import Findings
from titleshot.registry.labelling import pages_of
from titleshot.registry.policy import Criterion, Minimum, Policy
from titleshot.registry.wording import budget, count, weeks

RUN_IT = "run titleshot shadow, make a log of its journal, and compare with --shadow LOG"


def ask_for_minimum(
    found: Findings,
    comparison: Comparison,
    minimum: Minimum,
    criteria: tuple[Criterion, ...],
    *,
    measured: Measured | None,
    judged_share: float | None,
) -> None:
    """Incidents, days, discordant pairs, shadow and judged share."""
    for noun, have, least in (
        ("incidents", comparison.incidents_scored, minimum.incidents),
        ("days", comparison.blocks, minimum.blocks),
    ):
        if have < least:
            # Parts of days count as days, so a short span seems to have more than seven a week.
            a_week = 7.0 if noun == "days" else comparison.weeks and have / comparison.weeks
            found.lacks(
                f"{count(have, noun)} scored, the policy asks for {least:,}",
                f"{count(least - have, noun)} more{_wait(least - have, a_week if have else 0.0)}",
            )
    _ask_for_discordant(found, comparison, minimum.discordant_pairs, criteria)
    _ask_for_shadow(found, minimum, measured)
    if minimum.judged_share is not None and (judged_share is None or judged_share < minimum.judged_share):
        _ask_for_answers(found, comparison, minimum.judged_share, judged_share)


def _ask_for_shadow(found: Findings, minimum: Minimum, measured: Measured | None) -> None:
    for words, value, least in (
        ("shadow hours", measured.shadow_hours if measured else None, minimum.shadow_hours),
        ("shadow coverage", measured.shadow_coverage if measured else None, minimum.shadow_coverage),
    ):
        if least is None or (value is not None and value >= least):
            continue
        if value is None:
            found.lacks(f"{words} not measured, the policy asks for {least:g}", f"{words}: {RUN_IT}")
        elif words == "shadow hours":
            asked = f"{value:.3g} {words}, the policy asks for {least:g}"
            found.lacks(asked, f"{least - value:.3g} {words} more")
        else:
            found.lacks(
                f"{words} is {value:.3g}, the policy asks for {least:g}",
                f"{words}: {least:g}; run the challenger without gaps and lag",
            )


def _ask_for_discordant(
    found: Findings, comparison: Comparison, least: int, criteria: tuple[Criterion, ...]
) -> None:
    superior = {criterion.score for criterion in criteria if criterion.kind == "superiority"}
    for pair in comparison.all_pairs:
        if pair.name in superior and pair.discordant is not None and (have := sum(pair.discordant)) < least:
            a_week = have / comparison.weeks if comparison.weeks else 0.0
            found.lacks(
                f"{count(have, 'incidents')} told the two apart, {least} asked",
                f"{least - have} more incidents that only one detects{_wait(least - have, a_week)}",
            )


def _ask_for_answers(found: Findings, comparison: Comparison, least: float, have: float | None) -> None:
    pages = pages_of(comparison)
    more = max(1, ceil(round(least * pages - (have or 0.0) * pages, 9)))
    said = "no page is judged" if have is None else f"judged share is {have:.3g}"
    found.lacks(
        f"{said}, the policy asks for {least:g}",
        f"judged share: answers on {count(more, 'pages')} more of the challenger's {pages:,}; "
        "titleshot feedback queue says which first"
        if pages
        else "judged share: the challenger has no scored page to judge",
    )


def ask_for_looks(found: Findings, policy: Policy, looks: int) -> None:
    """An evaluation span that is not worn out."""
    planned = policy.planned_looks
    if looks >= planned:
        times, most = count(looks, "times"), count(planned, "looks")
        found.lacks(
            f"this span was judged {times} before, the policy plans {most}",
            "an evaluation span that has not been judged yet",
        )


def ask_for_fresh_labels(found: Findings, policy: Policy, comparison: Comparison, now: int) -> None:
    """Labels not older than the policy takes."""
    oldest = policy.data.maximum_label_age_days
    age = (now - comparison.challenger.identity.labels_as_of) / DAY
    if oldest is not None and age > oldest:
        found.lacks(
            f"labels are of {age:.0f} days ago, the policy takes {oldest:g}",
            f"labels as of a date at least {ceil(age - oldest)} days later",
        )


def weigh_budgets(found: Findings, policy: Policy, measured: Measured | None) -> None:
    """What it may cost against what it was measured to cost. The budget of pages is a criterion."""
    if policy.budgets is None:
        return
    for name in ("p99_latency_ms", "memory_mb"):
        limit: float | None = getattr(policy.budgets, name)
        if limit is None:
            continue
        value: float | None = getattr(measured, name) if measured else None
        outcome = "not_measured" if value is None else "kept" if value <= limit else "exceeded"
        words, allowed = name.rpartition("_")[0].replace("_", " "), budget(name, limit)
        had = "was not measured" if value is None else f"is {budget(name, value)}"
        found.budgets.append(
            BudgetOutcome.model_validate(
                {
                    "budget": name,
                    "limit": limit,
                    "value": value,
                    "outcome": outcome,
                    "reason": f"{words} {had}; may be at most {allowed}: {outcome.replace('_', ' ')}",
                }
            )
        )
        if value is None:
            found.lacks(f"{words} was not measured, the budget is {allowed}", f"{words}: {RUN_IT}")


def _wait(more: int, a_week: float) -> str:
    return f", about {weeks(more / a_week)} at this rate" if a_week else ""
