"""Registering: a contender and the decision it is for become a version of a model."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.errors import UsageError
from titleshot.detectors.contender import Contender
from titleshot.detectors.lab import Lab
from titleshot.registry.aliases import Aliases
from titleshot.registry.artifact import write_artifact
from titleshot.registry.home import Home
from titleshot.registry.ledger import Ledger, Registered
from titleshot.registry.standing import CHALLENGER, registered
from titleshot.registry.success_score import check_success_score
from titleshot.registry.tree import checked_copy, tree_digest


class Registration(NamedTuple):
    """The version a contender has, and whether it was made just now."""

    line: Registered
    new: bool


def register(
    contender: Contender,
    decision: Decision,
    *,
    home: Home,
    name: str | None = None,
    actor: str,
    challenge: bool = True,
) -> Registration:
    """Make a contender a version of the model its decision names.

    The same contender under the same decision is the version it already is.

    Args:
        name: must be the decision's name where given.
        challenge: also point the alias ``challenger`` at the version, so that a sidecar shadows it.

    Raises:
        UsageError: ``name`` is not the decision's, or a detector is of lab grade.
        MalformedInput: the decision's success score is none.
        NotFitted: parts need fitting and there are no arrays.
        Unreachable: the registry does not answer.
    """
    if name not in {None, decision.name}:
        raise UsageError(f"--name {name} is not the decision's name {decision.name}; leave --name out")
    check_success_score(decision)
    if lab := sorted({d.params.target for d in contender.recipe.make_detectors() if isinstance(d, Lab)}):
        raise UsageError(
            f"contender {contender.name!r} has lab detectors ({', '.join(lab)}): they can be replayed and"
            " compared but not served; titleshot check TARGET says what is needed"
        )
    from titleshot.registry.mlflow_store import MlflowStore

    ledger = Ledger(home.ledger)
    home.make()
    with tempfile.TemporaryDirectory(prefix=".register-", dir=home.path) as scratch, home.locked("promotion"):
        folder = Path(scratch) / "contender"
        digest = write_artifact(contender, decision, folder)
        there = [
            line for line in registered(ledger.lines(), decision.name).values() if line.tree_digest == digest
        ]
        store = MlflowStore(home)
        keep_copy(home, folder, digest)
        if there:
            line = there[-1]
        else:
            tags = {
                "contender": contender.name,
                "recipe_digest": contender.recipe.digest,
                "artifact_digest": contender.artifact_digest,
                "tree_digest": digest,
            }
            version = store.add_version(
                decision.name,
                folder,
                description=decision.decision,
                tags=tags,
                params={**tags, "success_score": decision.success_score},
            )
            line = ledger.append(
                Registered,
                actor,
                name=decision.name,
                version=version,
                recipe_digest=contender.recipe.digest,
                artifact_digest=contender.artifact_digest,
                tree_digest=digest,
            )
        if challenge:
            Aliases(home, ledger, store, decision.name).move(
                CHALLENGER, line.version, move="challenge", reason="registered", actor=actor
            )
    return Registration(line, new=not there)


def keep_copy(home: Home, folder: Path, digest: str) -> Path:
    """The home's own copy of an artifact: what local shims serve from. A damaged one is replaced."""
    kept = home.artifact(digest)
    if kept.is_dir():
        if tree_digest(kept) == digest:
            return kept
        shutil.rmtree(kept)
    return checked_copy(folder, kept, digest)
