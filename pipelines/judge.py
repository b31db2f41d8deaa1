"""``judge``: past evidence under another policy."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.datasets.contracts.verdicts import Verdict
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.pipelines.retrospect import Retrospect, expanded, in_words, retrospect
from titleshot.registry.evidence import Evidence, read_evidence, rejudge
from titleshot.registry.home import Home
from titleshot.registry.judge import in_short
from titleshot.registry.ledger import Ledger
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


def judge_all(
    evidence: list[Path],
    *,
    policy: Policy | Path,
    home: Path | None = None,
    progress: Progress = silent,
) -> Retrospect:
    """Many past verdicts under another policy, with what the home's ledger knows of what came of them.

    Args:
        evidence: folders of evidence, or folders that hold such.

    Raises:
        MalformedInput: a policy that breaks its contract.
        IntegrityError: the ledger was tampered with.
    """
    chosen = policy if isinstance(policy, Policy) else load_policy(policy)
    lines = Ledger(Home(home).ledger).lines() if home else []
    return retrospect(evidence, chosen, lines, progress=progress)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot judge``."""
    parser.add_argument(
        "evidence",
        type=Path,
        nargs="+",
        metavar="EVIDENCE",
        help="folders that compare wrote, or a folder of such as HOME/evidence",
    )
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="policy to judge by")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot judge``; of one folder the exit code is the verdict's, of several 0.

    Of several, folders that are no evidence are named, the others judged, and the exit code is 2.
    """
    policy = load_policy(args.policy)
    if len(args.evidence) == 1 and expanded(args.evidence[0]) == args.evidence:
        return _one(args.evidence[0], policy, args.home)
    found = judge_all(args.evidence, policy=policy, home=args.home, progress=progress)
    document = {
        "judged": [one.document for one in found.judged],
        "broken": [{"evidence": str(one.folder), "error": str(one.error)} for one in found.broken],
        "counts": found.counts._asdict(),
        "policy": policy.name,
        "policy_digest": policy.digest,
    }
    return Outcome("\n".join(in_words(found)), document, 2 if found.broken else 0)


def _one(folder: Path, policy: Policy, home: Path) -> Outcome:
    judge_again(folder, policy=policy)  # says what is wrong with the folder, where anything is
    found = judge_all([folder], policy=policy, home=home)
    (one,) = found.judged
    was = f"{one.was} under {one.evidence.verdict.policy_name}"
    lines = [
        f"{folder}: {was}, {one.verdict.answer} under {policy.name}",
        in_short(one.verdict),
        *(came.in_words() for came in one.since),
    ]
    return Outcome("\n".join(lines), {"judged": [one.document]}, EXIT_CODES[one.verdict.answer])
