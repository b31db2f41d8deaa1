"""``promote``: make a version the champion, on evidence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry import promotion
from titleshot.registry.home import Home
from titleshot.registry.promotion import Moved


def promote(
    name: str,
    version: int,
    *,
    home: Path,
    evidence: Path | None,
    group: str | None = None,
    override: bool = False,
    reason: str | None = None,
    approvals: Sequence[str] = (),
    actor: str | None = None,
) -> Moved:
    """Make a version the champion, for all services or for one group.

    Raises:
        FailedCheck: the evidence does not let it; names every objection.
        UsageError, IntegrityError, Unreachable: as ``titleshot.registry.promotion.promote``.
    """
    return promotion.promote(
        name,
        version,
        home=Home(home),
        evidence=evidence,
        group=group,
        override=override,
        reason=reason,
        approvals=approvals,
        actor=actor,
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot promote``."""
    parser.add_argument("name", metavar="NAME", help="the model")
    parser.add_argument("model_version", type=int, metavar="VERSION", help="the version that takes over")
    parser.add_argument("--evidence", type=Path, metavar="DIR", help="the folder compare wrote")
    parser.add_argument("--group", metavar="G", help="only for this service group")
    parser.add_argument("--approved-by", action="append", default=[], metavar="WHO", help="may be repeated")
    parser.add_argument(
        "--override",
        action="store_true",
        help="against objections; needs --reason and stays visible for ever",
    )
    parser.add_argument("--reason", help="why, for the ledger")
    parser.add_argument("--actor", help="who does this (default: TITLESHOT_ACTOR, else the user)")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot promote``; exit 1 where the evidence does not let it."""
    progress("promoting", 0, 1)
    moved = promote(
        args.name,
        args.model_version,
        home=args.home,
        evidence=args.evidence,
        group=args.group,
        override=args.override,
        reason=args.reason,
        approvals=args.approved_by,
        actor=args.actor,
    )
    progress("promoting", 1, 1)
    before = "nothing" if moved.before is None else f"version {moved.before}"
    lines = [f"{moved.name}: version {moved.after} is {moved.alias} now, {before} before"]
    if moved.next_step:
        lines.append(f"next step of the rollout: {moved.next_step}")
    if moved.overruled:
        lines += ["overridden, and kept in the ledger:", *(f"  {one}" for one in moved.overruled)]
    return Outcome("\n".join(lines), {**moved._asdict(), "overruled": list(moved.overruled)})
