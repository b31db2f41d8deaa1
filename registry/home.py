"""The home folder: where the registry keeps everything that is not a dataset or a log.

HOME/mlflow.db        MLflow's store, unless MLFLOW_TRACKING_URI names a server
HOME/mlartifacts/     its artifacts
HOME/ledger.jsonl     who changed what, chained by hash
HOME/artifacts/D/     a copy of every registered artifact, by its digest: local shims serve from here
HOME/evidence/ID/     evidence that promoted something
HOME/keys/            the promoter's Ed25519 key pair
HOME/journals/        of shims and sidecars
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from titleshot.datasets.errors import MalformedInput, Unreachable, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True)
class Home:
    """Paths, locks and keys of one home folder. Nothing is made before it is needed."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "mlflow.db"

    @property
    def mlartifacts(self) -> Path:
        return self.path / "mlartifacts"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.jsonl"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def evidence(self) -> Path:
        return self.path / "evidence"

    @property
    def journals(self) -> Path:
        return self.path / "journals"

    def artifact(self, digest: str) -> Path:
        """Where the copy of an artifact stands, or would."""
        return self.path / "artifacts" / digest

    def make(self) -> None:
        """Make the folder.

        Raises:
            UsageError: a file stands in its place, or it cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"home {self.path}: {error.strerror}; name another with --home") from None

    @contextmanager
    def locked(self, what: str, timeout_s: float = 60.0) -> Iterator[None]:
        """Hold one of the home's locks; it goes with the process, whatever ends that.

        Raises:
            Unreachable: another process holds it for longer than ``timeout_s``.
        """
        from filelock import FileLock, Timeout

        self.make()
        try:
            with FileLock(self.path / f".{what}.lock", timeout=timeout_s):
                yield
        except Timeout:
            raise Unreachable(f"{what} in {self.path} is held by another process; try again later") from None

    def signing_key(self) -> Ed25519PrivateKey:
        """The promoter's private key, made on first use and readable by its owner only.

        Raises:
            MalformedInput: the key file is not an Ed25519 key.
        """
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        private = self.keys / "promoter.key"
        with self.locked("keys"):
            if not private.exists():
                key = Ed25519PrivateKey.generate()
                self.keys.mkdir(mode=0o700, exist_ok=True)
                public = key.public_key().public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
                secret = key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                write_whole(self.keys / "promoter.pub", public, mode=0o644)
                write_whole(private, secret, mode=0o600)
        try:
            loaded = serialization.load_pem_private_key(private.read_bytes(), password=None)
        except (ValueError, TypeError):
            loaded = None
        if not isinstance(loaded, Ed25519PrivateKey):
            raise MalformedInput(
                f"{private} is not an unencrypted Ed25519 key in PEM; restore it from a backup"
            )
        return loaded

    def public_key(self) -> Ed25519PublicKey:
        """The promoter's public key: what a shim checks signatures with.

        Raises:
            MalformedInput: absent, or not an Ed25519 key.
        """
        return read_public_key(self.keys / "promoter.pub")


def read_public_key(path: Path) -> Ed25519PublicKey:
    """An Ed25519 public key from a PEM file.

    Raises:
        MalformedInput: absent, or not an Ed25519 key.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError:
        raise MalformedInput(
            f"{path}: no public key here; copy keys/promoter.pub of the promoter's home"
        ) from None
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise MalformedInput(f"{path} is not an Ed25519 public key in PEM")
    return key


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write beside, flush to disk, rename: a reader sees all of it or nothing."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
