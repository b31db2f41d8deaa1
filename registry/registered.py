"""A registered version by its address: ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

Resolved by the ledger alone: an alias stands where the last commit put it, whatever MLflow says.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from titleshot.datasets.errors import UsageError
from titleshot.detectors.contender import Contender
from titleshot.registry.artifact import Artifact
from titleshot.registry.home import Home
from titleshot.registry.ledger import Ledger, Registered
from titleshot.registry.signature import Claim, check_signature
from titleshot.registry.standing import registered, standing
from titleshot.registry.tree import checked_copy

_FORM = re.compile(r"models:/([A-Za-z0-9_-]+)(?:@([A-Za-z0-9_-]+)|/([0-9]+))")


class Resolved(NamedTuple):
    """Which version an address means now."""

    line: Registered
    alias: str | None
    signature: str | None
    """Of the promoter, where an alias was asked for and a person did not move it past titleshot."""
    since: int | None
    """Nanoseconds UTC of the commit that put the alias there."""


def resolve(ledger: Ledger, name: str, *, alias: str | None = None, version: int | None = None) -> Resolved:
    """The version a name and an alias, or a version number, mean by the ledger.

    Raises:
        UsageError: no such model, alias or version; names those there are.
        IntegrityError: the ledger was tampered with.
    """
    lines = ledger.lines()
    versions = registered(lines, name)
    if not versions:
        known = sorted({line.name for line in lines if isinstance(line, Registered)})
        raise UsageError(f"no model {name!r} is registered; there are {', '.join(known) or 'none yet'}")
    if alias is None:
        if version not in versions:
            raise UsageError(f"{name} has no version {version}; there are {', '.join(map(str, versions))}")
        return Resolved(versions[version], None, None, None)
    stands = standing(lines, name)
    if alias not in stands:
        raise UsageError(f"{name} has no {alias}; there are {', '.join(sorted(stands)) or 'no aliases yet'}")
    at = stands[alias]
    return Resolved(versions[at.version], alias, at.intent.signature if at.intent else None, at.since)


def registered_contender(source: str, *, home: Path) -> Contender:
    """The contender at an address, from a private copy whose bytes and signature were checked first.

    Raises:
        UsageError: not an address, or nothing there.
        IntegrityError: bytes, signature or ledger are not what was registered and promoted.
        Unreachable: the home has no copy and the registry does not answer.
    """
    match = _FORM.fullmatch(source)
    if match is None:
        raise UsageError(
            f"{source!r} is no address of a model; write models:/NAME@ALIAS or models:/NAME/VERSION"
        )
    name, alias, version = match.groups()
    place = Home(home)
    found = resolve(Ledger(place.ledger), name, alias=alias, version=int(version) if version else None)
    line = found.line
    with tempfile.TemporaryDirectory(prefix="titleshot-") as scratch:
        copy = _private_copy(place, line, Path(scratch) / "contender")
        if found.alias:
            claim = Claim(name, line.version, line.tree_digest, found.alias)
            check_signature(place.public_key(), claim, found.signature)
        return Artifact(copy).contender


def _private_copy(home: Home, line: Registered, target: Path) -> Path:
    kept = home.artifact(line.tree_digest)
    if kept.is_dir():
        return checked_copy(kept, target, line.tree_digest)
    from titleshot.registry.mlflow_store import MlflowStore

    store = MlflowStore(home)
    return store.fetch(store.version(line.name, line.version), target, line.tree_digest)
