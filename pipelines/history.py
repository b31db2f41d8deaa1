"""``history``: everything the ledger knows of a model, oldest first."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry.home import Home
from titleshot.registry.ledger import (
    AnyLine,
    Committed,
    Intended,
    Ledger,
    Looked,
    OutOfBand,
    Registered,
    when,
)
from titleshot.registry.registered import versions_of


def history(name: str, *, home: Path) -> list[AnyLine]:
    """The ledger's lines on a model, and the looks at its versions' recipes; every line was verified.

    Raises:
        UsageError: no such model.
        IntegrityError: the ledger was tampered with; names the line.
    """
    place = Home(home)
    lines = Ledger(place.ledger).lines()
    versions = versions_of(lines, name, place)
    mine = {
        line.seq
        for line in lines
        if isinstance(line, Registered | Intended | OutOfBand) and line.name == name
    }
    recipes = {line.recipe_digest for line in versions.values()}
    return [
        line
        for line in lines
        if line.seq in mine
        or (isinstance(line, Committed) and line.intent in mine)
        or (isinstance(line, Looked) and line.challenger in recipes)
    ]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot history``."""
    parser.add_argument("name", metavar="NAME", help="the model")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001
    """Run ``titleshot history``."""
    lines = history(args.name, home=args.home)
    text = "\n".join(f"{line.seq:>5} {when(line)} {line.actor}: {in_words(line)}" for line in lines)
    return Outcome(text, {"name": args.name, "lines": [line.model_dump(mode="json") for line in lines]})


def in_words(line: AnyLine) -> str:
    """What a line says, for people."""
    match line:
        case Registered():
            return f"registered version {line.version} (recipe {line.recipe_digest[:12]})"
        case Looked():
            return (
                f"judged {line.challenger[:12]} against {line.champion[:12]} on {line.dataset}: {line.answer}"
            )
        case Intended():
            to = "away" if line.to_version is None else f"to version {line.to_version}"
            start = "nowhere" if line.from_version is None else f"version {line.from_version}"
            mark = " OVERRIDE" if line.override else ""
            return f"{line.move}{mark}: {line.alias} from {start} {to}: {line.reason}"
        case Committed():
            return f"done (line {line.intent})" + (
                ", finished at a later start" if line.rolled_forward else ""
            )
        case OutOfBand():
            return (
                f"accepted that {line.alias} stands at {line.found}, expected {line.expected}: {line.reason}"
            )
