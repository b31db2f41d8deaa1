"""What makes a comparison unfit to be judged by a policy at all: it is malformed, or of something else."""

from __future__ import annotations

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.measured import Measured
from titleshot.datasets.contracts.scores import Identity
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.nearest import nearest
from titleshot.datasets.planting.traces import WAY_OUT, traces_in
from titleshot.registry.policy import Policy

NO_CHAMPION = "never"
"""Contender name of the baseline that pages nobody: what stands in where nothing pages yet."""
BASELINES = {"champion": "a champion", "page_history": "an imported page history", "never": "never"}


def baseline_of(champion: Identity) -> str:
    """What stands in the champion's place: ``never``, ``page_history`` or ``champion``."""
    if champion.contender == NO_CHAMPION:
        return "never"
    return "page_history" if champion.recipe_digest is None and champion.pages_digest else "champion"


def mismatches(
    comparison: Comparison,
    policy: Policy,
    *,
    validation: ValidationReport | None,
    measured: Measured | None,
    group: str | None,
) -> list[str]:
    """Every reason, in words; empty where the comparison can be judged."""
    one, other = comparison.champion, comparison.challenger
    faults = _unvalidated(policy, validation)
    faults += [f"{trace}: {WAY_OUT}" for trace in traces_in(comparison)]
    faults += [
        f"champion and challenger were scored on different data ({what})"
        for what in ("dataset_digest", "labels_digest", "labels_as_of")
        if getattr(one.identity, what) != getattr(other.identity, what)
    ]
    if one.settings != other.settings:
        faults.append("champion and challenger were scored under different evaluation settings")
    if policy.baseline not in {"live", found := baseline_of(one.identity)}:
        faults.append(
            f"the policy judges against {BASELINES[policy.baseline]}, the comparison is against "
            f"{BASELINES[found]} ({one.identity.contender}); compare with the right one"
        )
    if group is not None and policy.scope not in {None, group}:
        faults.append(f"the policy is for the group {policy.scope}, judged was {group}")
    ran, judged = measured.artifact_digest if measured else None, other.identity.artifact_digest
    if ran and judged and ran != judged:
        faults.append(
            f"what ran in the shadow ({ran[:12]}) is not the challenger ({judged[:12]}); measure that one"
        )
    sealed, settings = policy.data.sealed_span, other.settings
    if sealed and (settings.span_from, settings.span_to) != (sealed.span_from, sealed.span_to):
        asked = f"{format_instant(sealed.span_from)} to {format_instant(sealed.span_to)}"
        scored = f"{format_instant(settings.span_from)} to {format_instant(settings.span_to)}"
        faults.append(f"the policy seals {asked}, scored was {scored}")
    return faults


def _unvalidated(policy: Policy, validation: ValidationReport | None) -> list[str]:
    if validation is not None and not validation.passed:
        return ["the dataset did not pass validation; run validate"]
    faults = []
    for suite in policy.data.suites:
        if validation is None:
            faults.append(f"the policy asks for the suite {suite}, no validation is known; compare again")
            continue
        asked = [rule for rule in validation.rules if rule.table == suite]
        if not asked:
            known = {rule.table for rule in validation.rules}
            faults.append(f"the policy asks for the suite {suite}, which was not run{nearest(suite, known)}")
        failed = [rule.rule for rule in asked if not rule.passed]
        if failed:
            faults.append(
                f"the policy asks for the whole suite {suite}, and {', '.join(failed)} did not pass; "
                "mend the dataset and validate it"
            )
    return faults
