"""Which version a name and an alias mean now, and how to get it: private copy, digest, signature, then parse.

Resolver            find() and load(), two implementations
├── HomeResolver    the ledger's committed state and the home's own copies; needs no server
└── MlflowResolver  the documented REST API of an MLflow server; MLflow is not imported
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from titleshot.datasets.errors import IntegrityError, UsageError
from titleshot.detectors.contender import Contender
from titleshot.registry.artifact import Artifact
from titleshot.registry.home import Home, read_public_key
from titleshot.registry.ledger import Ledger, Registered
from titleshot.registry.signature import Claim, check_signature
from titleshot.registry.standing import CHAMPION, registered, standing
from titleshot.registry.tree import checked_copy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Found(NamedTuple):
    """The version an alias means now, as the registry says; nothing of it has been read yet."""

    name: str
    alias: str
    """The alias it stands at: ``champion`` where a group has none of its own."""
    version: int
    tree_digest: str
    since: int | None = None
    """Nanoseconds UTC; None where the registry does not say."""
    signature: str | None = None
    source: str = ""
    """Where the registry keeps its files."""


class Loaded(NamedTuple):
    """A version that was checked and parsed."""

    found: Found
    contender: Contender


class Resolver(ABC):
    """Follows one alias of one model."""

    def __init__(self, name: str, alias: str) -> None:
        self.name = name
        self.alias = alias

    @abstractmethod
    def find(self) -> Found:
        """Which version the alias means now.

        Raises:
            UsageError: no such model or alias; names those there are.
            IntegrityError: the registry was tampered with.
            Unreachable: the registry does not answer.
        """

    def load(self, found: Found) -> Loaded:
        """Get a version. Nothing is parsed before digest and signature fit.

        Raises:
            IntegrityError: bytes or signature are not what was promoted.
            MalformedInput: the artifact breaks its contract.
            Unreachable: the registry does not answer.
        """
        claim = Claim(found.name, found.version, found.tree_digest, found.alias)
        check_signature(self.key(), claim, found.signature)
        with tempfile.TemporaryDirectory(prefix="titleshot-") as scratch:
            copy = self.copy(found, Path(scratch))
            artifact = Artifact(copy)
            if artifact.manifest.name != found.name:
                raise IntegrityError(
                    f"{found.name} version {found.version} is an artifact of {artifact.manifest.name}"
                )
            return Loaded(found, artifact.contender)

    @abstractmethod
    def key(self) -> Ed25519PublicKey:
        """The promoter's public key."""

    @abstractmethod
    def copy(self, found: Found, scratch: Path) -> Path:
        """A copy below ``scratch`` whose bytes have the digest of ``found``."""


class HomeResolver(Resolver):
    """The ledger of a home: an alias stands where the last committed line put it, whatever MLflow says."""

    def __init__(self, home: Home, name: str, alias: str, *, public_key: Path | None = None) -> None:
        """``public_key`` is a PEM file with the promoter's; None is the home's own."""
        super().__init__(name, alias)
        self.home = home
        self._public_key = public_key or home.keys / "promoter.pub"
        self._ledger = Ledger(home.ledger)

    def find(self) -> Found:
        lines = self._ledger.lines()
        versions = registered(lines, self.name)
        if not versions:
            known = sorted({line.name for line in lines if isinstance(line, Registered)})
            raise UsageError(
                f"no model {self.name!r} is registered in {self.home.path}; "
                f"there are {', '.join(known) or 'none yet'}"
            )
        stands = standing(lines, self.name)
        alias = self.alias if self.alias in stands else covering(self.alias)
        if alias not in stands:
            raise UsageError(no_alias(self.name, self.alias, list(stands)))
        at = stands[alias]
        return Found(
            self.name,
            alias,
            at.version,
            versions[at.version].tree_digest,
            at.since,
            at.intent.signature if at.intent else None,
        )

    def key(self) -> Ed25519PublicKey:
        return read_public_key(self._public_key)

    def copy(self, found: Found, scratch: Path) -> Path:
        kept = self.home.artifact(found.tree_digest)
        if not kept.is_dir():
            raise IntegrityError(
                f"{found.name} version {found.version}: its copy is gone from {kept}; register it again"
            )
        return checked_copy(kept, scratch / "contender", found.tree_digest)


def covering(alias: str) -> str:
    """The alias that holds where a service group has no champion of its own.

    >>> covering("champion--checkout"), covering("challenger")
    ('champion', 'challenger')
    """
    return CHAMPION if alias.startswith(f"{CHAMPION}--") else alias


def no_alias(name: str, alias: str, there: list[str]) -> str:
    """What to say of an alias that stands nowhere."""
    return f"{name} has no {alias}; there are {', '.join(sorted(there)) or 'no aliases yet'}"
