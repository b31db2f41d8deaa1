"""Promotion and rollback: the only ways a version comes to page people."""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.errors import FailedCheck, IntegrityError, UsageError
from titleshot.datasets.planting.traces import WAY_OUT, traces_in
from titleshot.registry.aliases import Aliases, Basis, Strayed
from titleshot.registry.evidence import Evidence, read_evidence
from titleshot.registry.gate import objections
from titleshot.registry.home import Home
from titleshot.registry.ledger import AnyLine, Ledger, Registered
from titleshot.registry.registered import version_of, versions_of
from titleshot.registry.registration import keep_copy
from titleshot.registry.rollout import step_after
from titleshot.registry.standing import (
    CHALLENGER,
    CHAMPION,
    alias_of,
    lineage,
    once_live,
    standing,
)


class Moved(NamedTuple):
    """What a promotion or rollback did."""

    name: str
    alias: str
    before: int | None
    after: int | None
    overruled: tuple[str, ...] = ()
    """Objections that an override set aside."""
    next_step: str | None = None
    """Of the policy's rollout; None where nothing follows."""


def whoami() -> str:
    """The actor written into the ledger: TITLESHOT_ACTOR, else the user's name."""
    try:
        return os.environ.get("TITLESHOT_ACTOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def promote(
    name: str,
    version: int,
    *,
    home: Home,
    evidence: Path | None,
    group: str | None = None,
    override: bool = False,
    reason: str | None = None,
    approvals: Sequence[str] = (),
    actor: str | None = None,
    now: int | None = None,
) -> Moved:
    """Make a version the champion, for all services or for one group.

    Args:
        evidence: folder that ``compare`` wrote; may be None only with ``override``.
        override: promote against objections; needs a reason and stays in the ledger for ever.
        now: nanoseconds UTC; None is now.

    Raises:
        UsageError: no such version, or it is live already.
        FailedCheck: the evidence does not let it; names every objection.
        IntegrityError: artifact, evidence or ledger are not what they were, or the alias was moved past us.
        Unreachable: the registry does not answer, or another promotion is under way.
    """
    if override and not (reason and reason.strip()):
        raise UsageError("--override needs --reason: it stays in the ledger for ever")
    if evidence is None and not override:
        raise UsageError("a promotion needs --evidence; compare writes it")
    actor, alias = actor or whoami(), alias_of(group)
    with home.locked("promotion"):
        aliases = _aliases(home, name)
        aliases.settle()
        lines = aliases.ledger.lines()
        challenger = version_of(lines, name, version, home)
        stands = standing(lines, name)
        live = stands.get(alias) or stands.get(CHAMPION)
        if (stands.get(alias) or (None,))[0] == version:
            raise UsageError(f"version {version} is {alias} of {name} already")
        champion = version_of(lines, name, live.version, home) if live else None
        overruled = _overruled(aliases.strayed(), aliases, alias, override, reason, actor)
        proof = read_evidence(evidence) if evidence else None
        if proof and (traces := traces_in(proof.comparison)):
            # No override: whoever overrules may promote without evidence, but not on this.
            raise UsageError(f"{evidence} is no evidence ({'; '.join(traces)}): {WAY_OUT}")
        if proof:
            overruled += objections(
                proof,
                challenger,
                champion,
                lines=lines,
                group=group,
                approvals=approvals,
                now=time.time_ns() if now is None else now,
            )
        else:
            overruled.append("no evidence was given")
        if overruled and not override:
            raise FailedCheck(
                f"{name} version {version} is not promoted:\n" + "\n".join(f"  {one}" for one in overruled)
            )
        _check_bytes(aliases, challenger)
        if proof:
            _point_to(aliases, challenger, proof)
            _keep_evidence(home, proof)
        before = aliases.store.aliases(name).get(alias)
        aliases.move(
            alias,
            version,
            move="promote",
            reason=reason or (proof.verdict.reasons[0] if proof and proof.verdict.reasons else ""),
            actor=actor,
            basis=Basis(
                proof.record.decision_id if proof else None,
                proof.digest if proof else None,
                bool(overruled),
                tuple(approvals),
            ),
        )
        if stands.get(CHALLENGER) and stands[CHALLENGER].version == version and group is None:
            aliases.move(CHALLENGER, None, move="retire", reason="promoted", actor=actor)
    follows = step_after(proof.policy.rollout, group) if proof else None
    return Moved(name, alias, before, version, tuple(overruled), follows)


def rollback(
    name: str,
    *,
    home: Home,
    reason: str,
    to: int | None = None,
    group: str | None = None,
    actor: str | None = None,
) -> Moved:
    """Go back to a version that was live before. No gate, but its bytes must still be what was registered.

    Args:
        to: a version once live for this scope; None is the one before the one that is live. A group
            whose first override is rolled back follows the champion of all services again.

    Raises:
        UsageError: no reason, nothing to go back to, or a version that never was live.
        IntegrityError: the version's artifact is not what was registered.
        Unreachable: the registry does not answer.
    """
    if not reason.strip():
        raise UsageError("a rollback needs --reason; it stays in the ledger")
    actor, alias = actor or whoami(), alias_of(group)
    with home.locked("promotion"):
        aliases = _aliases(home, name)
        aliases.settle()
        for strayed in aliases.strayed():
            if strayed.alias == alias:
                aliases.accept(strayed, f"rolled back: {reason}", actor)
        lines = aliases.ledger.lines()
        before = aliases.store.aliases(name).get(alias)
        target = _target(lines, name, alias, before, to)
        if target is not None:
            _check_bytes(aliases, version_of(lines, name, target, home))
        aliases.move(alias, target, move="rollback", reason=reason, actor=actor)
    return Moved(name, alias, before, target)


def _aliases(home: Home, name: str) -> Aliases:
    ledger = Ledger(home.ledger)
    versions_of(ledger.lines(), name, home)
    from titleshot.registry.mlflow_store import MlflowStore

    return Aliases(home, ledger, MlflowStore(home), name)


def _overruled(
    strayed: Sequence[Strayed], aliases: Aliases, alias: str, override: bool, reason: str | None, actor: str
) -> list[str]:
    """Aliases that were moved past us block; an override accepts where they are now."""
    mine = [one for one in strayed if one.alias in {alias, CHAMPION}]
    words = [one.in_words(aliases.name) for one in mine]
    if mine and not override:
        raise IntegrityError("; ".join(words) + ". Put it back, or promote with --override --reason")
    for one in mine:
        aliases.accept(one, reason or "", actor)
    return words


def _target(lines: list[AnyLine], name: str, alias: str, before: int | None, to: int | None) -> int | None:
    led = lineage(lines, name, alias)
    live = once_live(lines, name, alias)
    if to is None:
        earlier = led[:-1] if led[-1:] == [before] else led
        if earlier:
            return earlier[-1]
        if alias != CHAMPION and before is not None:
            return None
        raise UsageError(f"{name} has nothing to go back to: no other version was {alias} before")
    if to == before:
        raise UsageError(f"version {to} is {alias} of {name} already")
    if to not in live:
        were = f"; once live: {', '.join(map(str, live))}" if live else ""
        raise UsageError(f"version {to} never was {alias} of {name}, so it needs a promotion{were}")
    return to


def _check_bytes(aliases: Aliases, line: Registered) -> None:
    """The stored artifact is what was registered, and the home's copy is there to serve from."""
    stored = aliases.store.version(line.name, line.version)
    with tempfile.TemporaryDirectory(prefix=".check-", dir=aliases.home.path) as scratch:
        folder = aliases.store.fetch(stored, Path(scratch) / "contender", line.tree_digest)
        keep_copy(aliases.home, folder, line.tree_digest)


def _point_to(aliases: Aliases, line: Registered, proof: Evidence) -> None:
    """Short tags on the version, and the challenger's scores on its run."""
    tags = {
        "decision_id": proof.record.decision_id,
        "evidence_digest": proof.digest,
        "verdict": proof.verdict.answer,
        "dataset_digest": proof.record.challenger.dataset_digest,
        "labels_digest": proof.record.challenger.labels_digest,
    }
    aliases.store.tag(line.name, line.version, tags)
    aliases.store.log_scores(
        aliases.store.version(line.name, line.version), scores_of(proof.comparison), tags
    )


def scores_of(comparison: Comparison) -> dict[str, float | None]:
    """Scores and differences by name, as they are logged; None where undefined."""
    scores = {score.name: score.value for score in comparison.challenger.scores}
    return {**scores, **{f"{pair.name}.difference": pair.difference for pair in comparison.pairs}}


def _keep_evidence(home: Home, proof: Evidence) -> None:
    kept = home.evidence / proof.record.decision_id
    if kept.exists():
        return
    beside = kept.with_name(f".{kept.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(proof.folder, beside)
    beside.replace(kept)
