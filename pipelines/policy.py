"""``policy test``: what each criterion of a policy lets pass and stops, before anything rests on it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.nearest import nearest
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry.policy import Criterion, Policy, load_policy
from titleshot.registry.rehearsal import CASES, INCIDENTS_PER_WEEK, TYPICAL, Case, Chance, chances, rehearse
from titleshot.registry.wording import amount, percent, title
from titleshot.reports.feedback.definitions import USEFULNESS
from titleshot.reports.scores.registered import SCORES


@dataclass(frozen=True)
class PolicyTest:
    """How often each criterion passes, and the verdicts on cases whose right answer is known."""

    policy: Policy
    chances: dict[str, list[Chance]]
    """By ``score kind``; empty where it cannot be rehearsed."""
    verdicts: list[tuple[Case, Verdict]]

    @property
    def wrong(self) -> list[str]:
        """Cases that got an answer they must not get, in words."""
        found = []
        for case, verdict in self.verdicts:
            if case.must and verdict.answer != case.must:
                found.append(f"{case.name}: {verdict.answer}, must be {case.must}")
            elif case.must is None and verdict.answer == "promote" and not self.policy.promote_equals:
                found.append(f"{case.name}: promote")
        return found


def rehearse_policy(policy: Policy | Path | None = None) -> PolicyTest:
    """Rehearse a policy; None is the shipped default.

    Raises:
        MalformedInput: the file breaks its contract, with line and field, or names a score there is not.
    """
    chosen = policy if isinstance(policy, Policy) else load_policy(policy)
    known = {USEFULNESS.name, *(definition.name for definition in SCORES)}
    for criterion in (*chosen.criteria, *chosen.without_champion):
        if criterion.score not in known:
            raise MalformedInput(
                f"policy {chosen.name}: unknown score {criterion.score!r}{nearest(criterion.score, known)}"
            )
    verdicts = [(case, verdict) for case in CASES if (verdict := rehearse(chosen, case))]
    return PolicyTest(
        chosen, {_key(criterion): chances(chosen, criterion) for criterion in chosen.criteria}, verdicts
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot policy``."""
    parser.add_argument("action", choices=["test"], help="test: rehearse the policy")
    parser.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="policy file (the shipped default when left out)"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001
    """Run ``titleshot policy test``; exit 1 where a case gets an answer it must not get."""
    tested = rehearse_policy(args.file)
    policy = tested.policy
    lines = [f"policy {policy.name} ({policy.digest[:12]})", ""]
    for criterion in policy.criteria:
        lines += _about(policy, criterion, tested.chances[_key(criterion)])
    lines += ["", "verdicts on challengers of known quality:"]
    lines += [f"  {case.name}: {verdict.answer}" for case, verdict in tested.verdicts]
    lines += [f"WRONG: {fault}" for fault in tested.wrong]
    document = {
        "policy": policy.model_dump(mode="json"),
        "digest": policy.digest,
        "criteria": {name: [chance._asdict() for chance in row] for name, row in tested.chances.items()},
        "cases": {case.name: verdict.answer for case, verdict in tested.verdicts},
        "wrong": tested.wrong,
    }
    return Outcome("\n".join(lines), document, 1 if tested.wrong else 0)


def _key(criterion: Criterion) -> str:
    return f"{criterion.score} {criterion.kind}"


def _about(policy: Policy, criterion: Criterion, row: list[Chance]) -> list[str]:
    kind = criterion.kind.replace("_", "-")
    head = f"{title(criterion.score)}: {kind} at {percent(policy.confidence_of(criterion))}"
    typical = TYPICAL.get(criterion.score)
    if not row or typical is None:
        why = "its own value is compared with the margin" if criterion.kind == "ceiling" else "not rehearsed"
        return [f"{head}, margin {criterion.margin:g} ({why})"]
    margin = max(criterion.margin, criterion.margin_ratio * typical.champion)
    said = f"{head}, margin {amount(margin, typical.unit)} where the champion has "
    lines = [said + amount(typical.champion, typical.unit)]
    lines.append("  passes of challengers   at the margin   equal   better")
    for chance in row:
        weeks = round(chance.incidents / INCIDENTS_PER_WEEK)
        name = f"{chance.incidents} incidents, {weeks} weeks"
        shares = (chance.at_the_margin, chance.equal, chance.better)
        lines.append(f"  {name:<24}" + "".join(f"{f'{100 * share:.0f} %':>9}" for share in shares))
    return lines
