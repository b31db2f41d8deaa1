"""What ``policy test`` says to a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from titleshot.registry.policy import Policy
from titleshot.registry.rehearsal import INCIDENTS_PER_WEEK, TYPICAL, Chance
from titleshot.registry.wording import amount, percent, title

if TYPE_CHECKING:
    from titleshot.pipelines.policy import CriterionTest, PolicyTest


def in_words(tested: PolicyTest) -> list[str]:
    """Lines: each criterion with its examples and chances, what else is asked, known cases, what is wrong."""
    policy = tested.policy
    lines = [f"policy {policy.name} ({policy.digest[:12]}), judges against {_baseline(policy)}"]
    for test in tested.criteria:
        if test.champion:
            lines += ["", *_about(policy, test)]
    if any(not test.champion for test in tested.criteria):
        lines += ["", "where nothing pages yet, instead:"]
        for test in tested.criteria:
            if not test.champion:
                lines += ["", *_about(policy, test)]
    if tested.conditions:
        lines += ["", "besides its criteria, on evidence that passes the first:"]
        for condition in tested.conditions:
            tried = "; ".join(f"{one.what}: {one.answer}" for one in condition.tried)
            lines.append(f"  {condition.name}: {tried}")
    lines += ["", "held against a promotion, not against evidence:", *_at_promotion(policy)]
    if tested.verdicts:
        lines += ["", "verdicts on challengers of known quality:"]
        lines += [f"  {case.name}: {verdict.answer}" for case, verdict in tested.verdicts]
    lines += [f"note: {fault}" for fault in tested.strict]
    lines += [f"WRONG: {fault}" for fault in tested.wrong]
    return lines


def _baseline(policy: Policy) -> str:
    words = {
        "live": "what pages today",
        "champion": "the champion",
        "page_history": "an imported page history",
    }
    return words.get(policy.baseline, policy.baseline)


def _about(policy: Policy, test: CriterionTest) -> list[str]:
    criterion = test.criterion
    kind = criterion.kind.replace("_", "-")
    critical = ", critical" if criterion.critical else ""
    lines = [f"{title(criterion.score)}: {kind} at {percent(policy.confidence_of(criterion))}{critical}"]
    for place in ("pass", "undecided", "fail"):
        found = test.examples.get(place)
        if found is not None:
            said = found.reason.partition(": ")[2].rpartition(": ")[0]
            lines.append(f"  {place:<10}{said} -> {found.answer}")
    if test.decisive is not None:
        sure = percent(policy.decisive_confidence)
        lines.append(f"  the same at {sure}, with less than the minimum evidence -> {test.decisive.answer}")
    for place, group in test.guardrail.items():
        said = group.reason.partition(", ")[2].partition(": ")[2]
        lines.append(f"  group {'passes' if place == 'pass' else 'stops':<8}{said}")
    return lines + _chances(criterion.score, test.chances)


def _chances(score: str, row: list[Chance]) -> list[str]:
    typical = TYPICAL.get(score)
    if not row or typical is None:
        return []
    usual = amount(typical.champion, typical.unit)
    lines = [f"  passes of challengers   at the margin   equal   better   (the champion has {usual})"]
    for chance in row:
        weeks = round(chance.incidents / INCIDENTS_PER_WEEK)
        name = f"{chance.incidents} incidents, {weeks} weeks"
        shares = (chance.at_the_margin, chance.equal, chance.better)
        lines.append(f"  {name:<24}" + "".join(f"{f'{100 * share:.0f} %':>9}" for share in shares))
    return lines


def _at_promotion(policy: Policy) -> list[str]:
    approvals = ", ".join(policy.approvals) or "none"
    steps = ", then ".join(step.in_words() for step in policy.rollout) or "everyone at once"
    refit = "inherits the verdict" if policy.refit_inherits_verdict else "needs a verdict of its own"
    lines = [
        f"  evidence at most {policy.evidence_age_days:g} days old; a refit {refit}",
        f"  approvals: {approvals}",
        f"  rollout: {steps}",
    ]
    places = {"model": policy.decision, "group": policy.scope}
    return lines + [f"  only for the {what} {who}" for what, who in places.items() if who]
