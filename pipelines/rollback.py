"""``rollback``: go back to a version that was live before. No gate, a reason, seconds."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry import promotion
from titleshot.registry.home import Home
from titleshot.registry.promotion import Moved


def rollback(
    name: str,
    *,
    home: Path,
    reason: str,
    to: int | None = None,
    group: str | None = None,
    actor: str | None = None,
) -> Moved:
    """Go back to the version before, or to one that was live before.

    Raises:
        UsageError, IntegrityError, Unreachable: as ``titleshot.registry.promotion.rollback``.
    """
    return promotion.rollback(name, home=Home(home), reason=reason, to=to, group=group, actor=actor)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot rollback``."""
    parser.add_argument("name", metavar="NAME", help="the model")
    parser.add_argument("--reason", required=True, help="why, for the ledger")
    parser.add_argument(
        "--to", type=int, metavar="VERSION", help="a version once live (default: the one before)"
    )
    parser.add_argument("--group", metavar="G", help="only for this service group")
    parser.add_argument("--actor", help="who does this (default: TITLESHOT_ACTOR, else the user)")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot rollback``."""
    progress("rolling back", 0, 1)
    moved = rollback(
        args.name, home=args.home, reason=args.reason, to=args.to, group=args.group, actor=args.actor
    )
    progress("rolling back", 1, 1)
    after = "follows the champion of all services" if moved.after is None else f"is version {moved.after}"
    text = f"{moved.name}: {moved.alias} {after} again, version {moved.before} before"
    return Outcome(text, {**moved._asdict(), "overruled": list(moved.overruled)})
