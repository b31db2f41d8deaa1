"""Who may put a version where: the promoter signs, a shim checks before it parses anything."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.errors import IntegrityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Claim(NamedTuple):
    """This folder is this version of this model and may stand at this alias."""

    name: str
    version: int
    tree_digest: str
    alias: str

    @property
    def content(self) -> bytes:
        """The bytes that are signed; they say what they are for, so that no other signature fits."""
        return f"titleshot promotion 1\n{canonical_json(self._asdict())}".encode()


def sign(key: Ed25519PrivateKey, claim: Claim) -> str:
    """Ed25519 signature of a claim, base64."""
    return base64.b64encode(key.sign(claim.content)).decode()


def check_signature(key: Ed25519PublicKey, claim: Claim, signature: str | None) -> None:
    """Pass where the promoter signed exactly this claim.

    Raises:
        IntegrityError: unsigned, or signed by another key or for something else.
    """
    from cryptography.exceptions import InvalidSignature

    where = f"{claim.name} version {claim.version} at {claim.alias}"
    if signature is None:
        raise IntegrityError(f"{where} is not signed; promote or roll back through titleshot")
    try:
        key.verify(base64.b64decode(signature, validate=True), claim.content)
    except (InvalidSignature, binascii.Error, ValueError):
        raise IntegrityError(f"{where}: the signature does not fit; this is not what was promoted") from None
