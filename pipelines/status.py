"""``status``: who is champion and challenger, on what evidence, and whether the registry agrees."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.errors import Unreachable
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry.home import Home
from titleshot.registry.ledger import Ledger, Registered
from titleshot.registry.registered import versions_of
from titleshot.registry.standing import Standing, standing, unfinished


def status(name: str, *, home: Path) -> dict[str, Any]:
    """What the ledger says is live, what is half done, and where the registry differs.

    Returns:
        aliases, unfinished, strayed (None where the registry does not answer, with unreachable), versions.

    Raises:
        UsageError: no such model.
        IntegrityError: the ledger was tampered with.
    """
    place = Home(home)
    ledger = Ledger(place.ledger)
    lines = ledger.lines()
    versions = versions_of(lines, name, place)
    said: dict[str, Any] = {
        "name": name,
        "aliases": {alias: _alias(at, versions) for alias, at in standing(lines, name).items()},
        "unfinished": [intent.model_dump(mode="json") for intent in unfinished(lines, name)],
        "versions": {
            str(version): line.model_dump(
                mode="json", include={"at", "actor", "recipe_digest", "tree_digest"}
            )
            for version, line in versions.items()
        },
        "ledger": {"lines": len(lines), "head": lines[-1].hash},
    }
    return {**said, **_differences(place, ledger, name)}


def _alias(at: Standing, versions: dict[int, Registered]) -> dict[str, Any]:
    line, intent = versions.get(at.version), at.intent
    return {
        "version": at.version,
        "since": format_instant(at.since),
        "recipe_digest": line.recipe_digest if line else None,
        "tree_digest": line.tree_digest if line else None,
        "move": intent.move if intent else "out_of_band",
        "actor": intent.actor if intent else None,
        "reason": intent.reason if intent else None,
        "override": bool(intent and intent.override),
        "decision_id": intent.decision_id if intent else None,
        "evidence_digest": intent.evidence_digest if intent else None,
    }


def _differences(home: Home, ledger: Ledger, name: str) -> dict[str, Any]:
    from titleshot.registry.aliases import Aliases
    from titleshot.registry.mlflow_store import MlflowStore

    try:
        strayed = Aliases(home, ledger, MlflowStore(home), name).strayed()
    except Unreachable as error:
        return {"strayed": None, "unreachable": str(error)}
    waiting = {intent.alias for intent in unfinished(ledger.lines(), name)}
    return {
        "strayed": [
            {**one._asdict(), "in_words": one.in_words(name)} for one in strayed if one.alias not in waiting
        ],
        "unreachable": None,
    }


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot status``."""
    parser.add_argument("name", metavar="NAME", help="the model")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001
    """Run ``titleshot status``; exit 1 where registry and ledger differ, 4 where the registry is away."""
    said = status(args.name, home=args.home)
    lines = [f"{args.name}: {len(said['versions'])} version(s)"]
    for alias, at in said["aliases"].items():
        lines.append(
            f"  {alias}: version {at['version']} since {at['since'][:19]}Z, {at['move']} by {at['actor']}"
            + (f", evidence {at['decision_id']}" if at["decision_id"] else "")
            + (", OVERRIDDEN" if at["override"] else "")
            + (f" ({at['reason']})" if at["reason"] else "")
        )
    if "champion" not in said["aliases"]:
        lines.append("  no champion yet: nothing pages")
    lines += [
        f"  unfinished: {intent['move']} of {intent['alias']} to version {intent['to_version']}"
        for intent in said["unfinished"]
    ]
    lines += [f"  WARNING {one['in_words']}" for one in said["strayed"] or []]
    if said["unreachable"]:
        lines.append(f"  {said['unreachable']}")
    code = 4 if said["unreachable"] else 1 if said["strayed"] else 0
    return Outcome("\n".join(lines), said, code)
