"""What stands between a registered version and an alias that pages people: the evidence must be for this."""

from __future__ import annotations

from collections.abc import Sequence

from titleshot.datasets.contracts.instants import DAY
from titleshot.registry.evidence import Evidence, rejudge
from titleshot.registry.judge import NO_CHAMPION
from titleshot.registry.ledger import AnyLine, Looked, Registered
from titleshot.registry.rollout import too_early


def objections(
    evidence: Evidence,
    challenger: Registered,
    champion: Registered | None,
    *,
    lines: Sequence[AnyLine],
    group: str | None,
    approvals: Sequence[str],
    now: int,
) -> list[str]:
    """Why the evidence does not let the version take over, in words; empty when it does.

    Args:
        champion: the version that is live now for this scope; None where none is.
        lines: the ledger, which must have seen this evidence being judged.
        group: the service group, None for all services.
        now: nanoseconds UTC.
    """
    policy, verdict = evidence.policy, evidence.verdict
    found = []
    if verdict.answer != "promote":
        found.append(f"its verdict is {verdict.answer}: {verdict.reasons[0] if verdict.reasons else ''}")
    elif rejudge(evidence).answer != "promote":
        found.append("its comparison does not get the verdict it claims; compare again")
    if verdict.policy_digest != policy.digest:
        found.append("it was judged by another policy than the one it holds")
    found += _about_other_contenders(evidence, challenger, champion)
    if not _seen(evidence, lines):
        found.append("this home's ledger never saw it judged; compare again with this --home")
    age = (now - verdict.judged_at) / DAY
    if age > policy.evidence_age_days:
        found.append(
            f"it is {age:.0f} days old and its policy takes {policy.evidence_age_days:g}; compare again"
        )
    if policy.decision not in {None, challenger.name}:
        found.append(f"its policy is for {policy.decision}, not {challenger.name}")
    if policy.scope not in {None, group}:
        found.append(f"its policy is for the group {policy.scope}, not {group or 'all services'}")
    if evidence.decision and evidence.decision.name != challenger.name:
        found.append(f"it was made for the decision {evidence.decision.name}, not {challenger.name}")
    if policy.scope is None and verdict.group not in {None, group}:
        found.append(f"it was judged for the group {verdict.group}, not for {group or 'all services'}")
    found += too_early(
        policy.rollout,
        name=challenger.name,
        version=challenger.version,
        group=group,
        lines=lines,
        measured=evidence.record.measured,
        now=now,
    )
    absent = [name for name in policy.approvals if name not in approvals]
    if absent:
        found.append(f"its policy asks for the approval of {', '.join(absent)}; add --approved-by")
    return found


def _about_other_contenders(
    evidence: Evidence, challenger: Registered, champion: Registered | None
) -> list[str]:
    judged, against = evidence.record.challenger, evidence.record.champion
    found = []
    if judged.recipe_digest != challenger.recipe_digest:
        found.append(
            f"it is about the recipe {_short(judged.recipe_digest)} ({judged.contender}), version "
            f"{challenger.version} is {_short(challenger.recipe_digest)}"
        )
    elif judged.artifact_digest != challenger.artifact_digest and not evidence.policy.refit_inherits_verdict:
        found.append(
            "it is about other fitted arrays of this recipe, and its policy lets no refit inherit a verdict"
        )
    if champion is None:
        if against.recipe_digest is not None and against.contender != NO_CHAMPION:
            found.append(f"it is against {against.contender}, but no champion is live; compare against never")
    elif (against.recipe_digest, against.artifact_digest) != (
        champion.recipe_digest,
        champion.artifact_digest,
    ):
        found.append(
            f"it is against {against.contender} ({_short(against.artifact_digest)}), but version "
            f"{champion.version} ({_short(champion.artifact_digest)}) is live; compare with that"
        )
    return found


def _seen(evidence: Evidence, lines: Sequence[AnyLine]) -> bool:
    return any(
        isinstance(line, Looked)
        and line.decision_id == evidence.record.decision_id
        and line.evidence_digest == evidence.digest
        for line in lines
    )


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "opaque"
