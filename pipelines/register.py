"""``register``: a contender, with the decision it is for, as a version of a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.yaml_file import load_yaml
from titleshot.detectors.contender import Contender
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry import registration
from titleshot.registry.home import Home
from titleshot.registry.promotion import whoami
from titleshot.registry.registration import Registration


def register(
    contender: Contender | Path | str,
    *,
    decision: Decision | Path,
    home: Path,
    name: str | None = None,
    actor: str | None = None,
    challenge: bool = True,
) -> Registration:
    """Register a contender under the model name its decision gives, and point ``challenger`` at it.

    Raises:
        UsageError: no such contender, or ``name`` is not the decision's.
        MalformedInput: recipe, fitted arrays or decision break their contract; names file, line and field.
        NotFitted: parts need fitting and there are no arrays.
        Unreachable: the registry does not answer.
    """
    return registration.register(
        contender if isinstance(contender, Contender) else Contender.load(contender),
        decision if isinstance(decision, Decision) else load_yaml(decision, Decision),
        home=Home(home),
        name=name,
        actor=actor or whoami(),
        challenge=challenge,
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot register``."""
    parser.add_argument(
        "contender", metavar="CONTENDER", help="recipe file, name of a shipped contender, or fitted folder"
    )
    parser.add_argument(
        "--decision", type=Path, required=True, metavar="FILE", help="what it is for: decision.yaml"
    )
    parser.add_argument("--name", help="must be the decision's name; may be left out")
    parser.add_argument("--actor", help="who does this (default: TITLESHOT_ACTOR, else the user)")
    parser.add_argument("--no-challenge", action="store_true", help="leave the alias challenger where it is")


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Run ``titleshot register``."""
    progress("registering", 0, 1)
    done = register(
        args.contender,
        decision=args.decision,
        home=args.home,
        name=args.name,
        actor=args.actor,
        challenge=not args.no_challenge,
    )
    progress("registering", 1, 1)
    line = done.line
    text = (
        f"{line.name} version {line.version}{'' if done.new else ' (registered before)'}: "
        f"recipe {line.recipe_digest[:12]}, artifact {line.artifact_digest[:12]}, "
        f"bytes {line.tree_digest[:12]}"
    )
    document = {
        "name": line.name,
        "version": line.version,
        "new": done.new,
        "recipe_digest": line.recipe_digest,
        "artifact_digest": line.artifact_digest,
        "tree_digest": line.tree_digest,
    }
    return Outcome(text, document)
