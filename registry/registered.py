"""A registered version by its address: ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

Resolved by the ledger alone: an alias stands where the last commit put it, whatever MLflow says.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from titleshot.datasets.errors import UsageError
from titleshot.detectors.contender import Contender
from titleshot.registry.artifact import Artifact
from titleshot.registry.home import Home
from titleshot.registry.ledger import AnyLine, Ledger, Registered
from titleshot.registry.serving.resolver import HomeResolver
from titleshot.registry.standing import registered
from titleshot.registry.tree import checked_copy

ADDRESS = re.compile(r"models:/([A-Za-z0-9_-]+)(?:@([A-Za-z0-9_-]+)|/([0-9]+))")


def registered_contender(source: str, *, home: Path) -> Contender:
    """The contender at an address, from a private copy whose bytes were checked before anything was parsed.

    By an alias the promoter's signature is checked too; by a number the bytes are those registered.

    Raises:
        UsageError: not an address, or nothing there.
        IntegrityError: bytes, signature or ledger are not what was registered and promoted.
    """
    match = ADDRESS.fullmatch(source)
    if match is None:
        raise UsageError(f"{source!r} is no address; write models:/NAME@ALIAS or models:/NAME/VERSION")
    name, alias, version = match.groups()
    place = Home(home)
    if alias is not None:
        resolver = HomeResolver(place, name, alias)
        return resolver.load(resolver.find()).contender
    line = version_of(Ledger(place.ledger).lines(), name, int(version), place)
    with tempfile.TemporaryDirectory(prefix="titleshot-") as scratch:
        kept = place.artifact(line.tree_digest)
        return Artifact(checked_copy(kept, Path(scratch) / "contender", line.tree_digest)).contender


def versions_of(lines: list[AnyLine], name: str, home: Home) -> dict[int, Registered]:
    """Version to its registration, at least one.

    Raises:
        UsageError: no such model; names those there are.
    """
    versions = registered(lines, name)
    if not versions:
        known = sorted({line.name for line in lines if isinstance(line, Registered)})
        there = f"there are {', '.join(known)}" if known else "register a contender first"
        raise UsageError(f"no model {name!r} is registered in {home.path}; {there}")
    return versions


def version_of(lines: list[AnyLine], name: str, version: int, home: Home) -> Registered:
    """The registration of a version.

    Raises:
        UsageError: no such model or version; names those there are.
    """
    versions = versions_of(lines, name, home)
    if version not in versions:
        there = ", ".join(map(str, sorted(versions)))
        raise UsageError(f"{name} has no version {version} in the ledger; there are {there}")
    return versions[version]
