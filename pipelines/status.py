"""``status``: who is champion and challenger, on what evidence, and whether the registry agrees."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.html_table import ShowsItself, html_table
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.errors import Unreachable
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry.home import Home
from titleshot.registry.ledger import Intended, Ledger, Registered
from titleshot.registry.registered import versions_of
from titleshot.registry.standing import CHALLENGER, CHAMPION, Standing, standing, unfinished


@dataclass(frozen=True)
class AliasStatus:
    """Where an alias stands by the ledger, and how it came there."""

    version: int
    since: str
    recipe_digest: str | None
    tree_digest: str | None
    move: str
    """promote, rollback, challenge, or out_of_band where a person accepted a change made past titleshot."""
    actor: str | None
    reason: str | None
    override: bool
    decision_id: str | None
    evidence_digest: str | None


@dataclass(frozen=True)
class Status(ShowsItself):
    """What the ledger says of a model, and where the registry differs."""

    name: str
    aliases: dict[str, AliasStatus]
    unfinished: tuple[Intended, ...]
    """Moves that a crash left half done; the next promotion or rollback finishes them."""
    strayed: tuple[str, ...]
    """Aliases that somebody moved past titleshot, in words."""
    unreachable: str | None
    """Why the registry could not be asked; None where it answered."""
    versions: dict[int, Registered]
    ledger_lines: int
    ledger_head: str
    """Hash of the last line: note it elsewhere, and a ledger cut at its end shows."""

    @property
    def champion(self) -> int | None:
        """The version that pages; None where nothing does."""
        at = self.aliases.get(CHAMPION)
        return at.version if at else None

    @property
    def challenger(self) -> int | None:
        """The version that runs in shadow; None where none does."""
        at = self.aliases.get(CHALLENGER)
        return at.version if at else None

    @property
    def document(self) -> dict[str, Any]:
        """All of it for machines."""
        return {
            **asdict(self),
            "unfinished": [intent.model_dump(mode="json") for intent in self.unfinished],
            "strayed": list(self.strayed),
            "versions": {str(at): line.model_dump(mode="json") for at, line in self.versions.items()},
        }

    def _repr_html_(self) -> str:
        rows = [
            [alias, at.version, at.since, at.move, at.actor, at.decision_id, at.reason]
            for alias, at in self.aliases.items()
        ]
        return html_table(self.name, ["alias", "version", "since", "by", "actor", "evidence", "reason"], rows)


def status(name: str, *, home: Path) -> Status:
    """What stands where, what is half done, and where the registry differs from the ledger.

    Raises:
        UsageError: no such model.
        IntegrityError: the ledger was tampered with.
    """
    place = Home(home)
    ledger = Ledger(place.ledger)
    lines = ledger.lines()
    versions = versions_of(lines, name, place)
    waiting = tuple(unfinished(lines, name))
    strayed: tuple[str, ...] = ()
    unreachable = None
    try:
        strayed = _strayed(place, ledger, name, {intent.alias for intent in waiting})
    except Unreachable as error:
        unreachable = str(error)
    return Status(
        name=name,
        aliases={alias: _alias(at, versions) for alias, at in standing(lines, name).items()},
        unfinished=waiting,
        strayed=strayed,
        unreachable=unreachable,
        versions=versions,
        ledger_lines=len(lines),
        ledger_head=lines[-1].hash,
    )


def _alias(at: Standing, versions: dict[int, Registered]) -> AliasStatus:
    line, intent = versions.get(at.version), at.intent
    return AliasStatus(
        version=at.version,
        since=format_instant(at.since // 1_000_000_000 * 1_000_000_000),
        recipe_digest=line.recipe_digest if line else None,
        tree_digest=line.tree_digest if line else None,
        move=intent.move if intent else "out_of_band",
        actor=intent.actor if intent else None,
        reason=intent.reason if intent else None,
        override=bool(intent and intent.override),
        decision_id=intent.decision_id if intent else None,
        evidence_digest=intent.evidence_digest if intent else None,
    )


def _strayed(home: Home, ledger: Ledger, name: str, half_done: set[str]) -> tuple[str, ...]:
    from titleshot.registry.aliases import Aliases
    from titleshot.registry.mlflow_store import MlflowStore

    strayed = Aliases(home, ledger, MlflowStore(home), name).strayed()
    return tuple(one.in_words(name) for one in strayed if one.alias not in half_done)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot status``."""
    parser.add_argument("name", metavar="NAME", help="the model")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001
    """Run ``titleshot status``; exit 1 where registry and ledger differ, 4 where the registry is away."""
    said = status(args.name, home=args.home)
    lines = [f"{args.name}: {len(said.versions)} version(s)"]
    lines += [f"  {alias}: {_in_words(at)}" for alias, at in said.aliases.items()]
    if said.champion is None:
        lines.append("  no champion yet: nothing pages")
    lines += [
        f"  unfinished: {intent.move} of {intent.alias} to version {intent.to_version}"
        for intent in said.unfinished
    ]
    lines += [f"  WARNING {words}" for words in said.strayed]
    if said.unreachable:
        lines.append(f"  {said.unreachable}")
    code = 4 if said.unreachable else 1 if said.strayed else 0
    return Outcome("\n".join(lines), said.document, code)


def _in_words(at: AliasStatus) -> str:
    return (
        f"version {at.version} since {at.since}, {at.move} by {at.actor or 'somebody'}"
        + (f", evidence {at.decision_id}" if at.decision_id else "")
        + (", OVERRIDDEN" if at.override else "")
        + (f" ({at.reason})" if at.reason else "")
    )
