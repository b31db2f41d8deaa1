"""``judge``: past evidence under another policy."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry.evidence import Evidence, read_evidence, rejudge
from titleshot.registry.judge import in_short
from titleshot.registry.policy import Policy, load_policy

EXIT_CODES = {"promote": 0, "reject": 1, "invalid": 2, "not_enough_evidence": 3}


def judge_again(evidence: Path, *, policy: Policy | Path | None = None) -> tuple[Evidence, Verdict]:
    """Evidence as it was, and the verdict its comparison gets under a policy.

    Args:
        policy: None is the policy the evidence holds.

    Raises:
        MalformedInput: no evidence there, or a policy that breaks its contract.
        IntegrityError: the evidence was changed since it was written.
    """
    found = read_evidence(evidence)
    chosen = load_policy(policy) if isinstance(policy, Path) else policy
    return found, rejudge(found, chosen)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot judge``."""
    parser.add_argument(
        "evidence", type=Path, nargs="+", metavar="EVIDENCE", help="folders that compare wrote"
    )
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="policy to judge by")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot judge``; of one folder the exit code is the verdict's, of several 0."""
    policy = load_policy(args.policy)
    texts, rows, codes = [], [], []
    for number, folder in enumerate(args.evidence):
        found, verdict = judge_again(folder, policy=policy)
        progress("judging", number + 1, len(args.evidence))
        was = found.verdict
        texts.append(
            f"{folder}: {was.answer} under {was.policy_name}, {verdict.answer} under {policy.name}\n"
            f"{in_short(verdict)}"
        )
        rows.append(
            {
                "evidence": str(folder),
                "decision_id": found.record.decision_id,
                "answer": was.answer,
                "policy": was.policy_name,
                "verdict": verdict.model_dump(mode="json"),
            }
        )
        codes.append(EXIT_CODES[verdict.answer])
    return Outcome("\n\n".join(texts), {"judged": rows}, codes[0] if len(codes) == 1 else 0)
