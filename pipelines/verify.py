"""``verify``: an evidence folder's bytes, its verdict, what the ledger knows of it, and its numbers anew."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from titleshot.datasets.errors import FailedCheck, IntegrityError, MalformedInput, UsageError
from titleshot.pipelines.outcome import Outcome, Progress, silent
from titleshot.registry.evidence import Evidence, read_evidence, rejudge
from titleshot.registry.home import Home
from titleshot.registry.ledger import Ledger, Looked, when


@dataclass(frozen=True)
class Verified:
    """Evidence that held: what was verified and what could not be, in words."""

    evidence: Evidence
    looked: Looked | None
    """The ledger's line on it; None where the home has none."""
    recomputed: bool
    """Whether logs and dataset were there and gave the same comparison, bit for bit."""
    verified: tuple[str, ...]
    not_verified: tuple[str, ...]
    notes: tuple[str, ...] = ()


def verify(
    evidence: Path,
    *,
    home: Path | None = None,
    champion: Path | str | None = None,
    challenger: Path | str | None = None,
    labels: Path | str | None = None,
    progress: Progress = silent,
) -> Verified:
    """Check every byte, judge anew, ask the ledger, and make the comparison again from its logs.

    Args:
        home: whose ledger is asked; None asks none.
        champion: log that was compared; None is where the evidence says it was, as of those below.
        challenger: likewise.
        labels: the dataset both were replayed on.

    Raises:
        IntegrityError: bytes are not those written, or not those the ledger saw, or the ledger is broken; or
            a log or the dataset is not the one that was compared.
        FailedCheck: the comparison does not get the verdict the evidence claims, or logs and dataset do not
            give the comparison; names every difference.
        MalformedInput: no evidence there, or a part that breaks its contract.
        UsageError: some of logs and dataset are named and the others are not to be found.
    """
    from titleshot.pipelines.recompute import places_of, recompute

    progress("verifying", 0, 2)
    found = read_evidence(evidence)
    again = rejudge(found)
    if not again.agrees_with(found.verdict):
        raise FailedCheck(
            f"{evidence}: judged anew it is {again.answer}, it claims {found.verdict.answer}; compare again"
        )
    verified = [
        f"every byte of the folder ({found.digest[:12]})",
        f"the verdict, judged anew: {again.answer} by policy {found.record.policy_name}",
    ]
    not_verified: list[str] = []
    notes: tuple[str, ...] = ()
    looked = _looked(found, Home(home)) if home else None
    if looked is None:
        not_verified.append("that it was judged when it says: not in this home's ledger")
    elif looked.evidence_digest != found.digest:
        raise IntegrityError(
            f"{evidence}: the ledger saw {looked.evidence_digest[:12]} under {looked.decision_id}, this is "
            f"{found.digest[:12]}; it was written anew by hand"
        )
    else:
        verified.append(f"the ledger: judged {when(looked)} by {looked.actor}")
    progress("verifying", 1, 2)
    places = places_of(found, champion, challenger, labels)
    asked = any(given is not None for given in (champion, challenger, labels))
    missing, done = (places, None) if isinstance(places, str) else ("", None)
    if isinstance(places, str) and asked:
        raise UsageError(f"{evidence}: logs and dataset: {places}")
    if not isinstance(places, str):
        try:
            done = recompute(found, places)
        except (IntegrityError, MalformedInput) as error:
            if asked:
                raise
            # What lies there now may be a later replay; that speaks of the place, not of the evidence.
            missing = f"{error}; give --champion, --challenger and --labels as they were"
    if done is None:
        not_verified.append(f"that the comparison follows from logs and dataset: {missing}")
    else:
        verified += done.checked
        notes = done.notes
    progress("verifying", 2, 2)
    return Verified(found, looked, done is not None, tuple(verified), tuple(not_verified), notes)


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
    where = "(default: where the evidence says it was)"
    parser.add_argument("--champion", type=Path, metavar="LOG", help=f"log of the champion {where}")
    parser.add_argument("--challenger", type=Path, metavar="LOG", help=f"log of the challenger {where}")
    parser.add_argument("--labels", type=Path, metavar="DATASET", help=f"what both were replayed on {where}")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot verify``; exit 1 where anything does not hold."""
    held = verify(
        args.evidence,
        home=args.home,
        champion=args.champion,
        challenger=args.challenger,
        labels=args.labels,
        progress=progress,
    )
    record = held.evidence.record
    lines = [
        f"{args.evidence} holds: {record.answer} by policy {record.policy_name}, {record.decision_id}",
        *(f"verified: {one}" for one in held.verified),
        *(f"NOT verified: {one}" for one in held.not_verified),
        *(f"note: {one}" for one in held.notes),
    ]
    document = {
        "evidence": str(args.evidence),
        "decision_id": record.decision_id,
        "digest": held.evidence.digest,
        "answer": record.answer,
        "in_ledger": held.looked is not None,
        "recomputed": held.recomputed,
        "verified": list(held.verified),
        "not_verified": list(held.not_verified),
        "notes": list(held.notes),
    }
    return Outcome("\n".join(lines), document)
