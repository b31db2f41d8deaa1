"""``verify``: an evidence folder's bytes, its verdict, and what the ledger knows of it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from titleshot.datasets.errors import FailedCheck, IntegrityError
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry.evidence import Evidence, read_evidence, rejudge
from titleshot.registry.home import Home
from titleshot.registry.ledger import Ledger, Looked, when


@dataclass(frozen=True)
class Verified:
    """Evidence that held, and the ledger's line on it where the home has one."""

    evidence: Evidence
    looked: Looked | None


def verify(evidence: Path, *, home: Path | None = None) -> Verified:
    """Check every byte, judge the comparison anew, and look the evidence up in the ledger.

    Raises:
        IntegrityError: bytes are not those written, or not those the ledger saw, or the ledger is broken.
        FailedCheck: the comparison does not get the verdict the evidence claims.
        MalformedInput: no evidence there, or a part that breaks its contract.
    """
    found = read_evidence(evidence)
    again = rejudge(found)
    if not again.agrees_with(found.verdict):
        raise FailedCheck(
            f"{evidence}: judged anew it is {again.answer}, it claims {found.verdict.answer}; compare again"
        )
    looked = _looked(found, Home(home)) if home else None
    if looked and looked.evidence_digest != found.digest:
        raise IntegrityError(
            f"{evidence}: the ledger saw {looked.evidence_digest[:12]} under {looked.decision_id}, this is "
            f"{found.digest[:12]}; it was written anew by hand"
        )
    return Verified(found, looked)


def _looked(evidence: Evidence, home: Home) -> Looked | None:
    lines = [
        line
        for line in Ledger(home.ledger).lines()
        if isinstance(line, Looked) and line.decision_id == evidence.record.decision_id
    ]
    return lines[-1] if lines else None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot verify``."""
    parser.add_argument("evidence", type=Path, metavar="EVIDENCE", help="a folder that compare wrote")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001
    """Run ``titleshot verify``; exit 1 where anything does not hold."""
    held = verify(args.evidence, home=args.home)
    record = held.evidence.record
    known = (
        f"judged {when(held.looked)} by {held.looked.actor}" if held.looked else "not in this home's ledger"
    )
    text = (
        f"{args.evidence} holds: {record.answer} by policy {record.policy_name}, "
        f"decision {record.decision_id}, digest {held.evidence.digest[:12]}; {known}"
    )
    document = {
        "evidence": str(args.evidence),
        "decision_id": record.decision_id,
        "digest": held.evidence.digest,
        "answer": record.answer,
        "in_ledger": held.looked is not None,
    }
    return Outcome(text, document)
