"""Where a server is and how one gets in: an address without secrets, a token that is never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from titleshot.datasets.errors import UsageError

TOKEN_VARIABLE = "TITLESHOT_PROMETHEUS_TOKEN"  # noqa: S105  the name of a variable
_LONGEST_TOKEN = 1 << 16


@dataclass(frozen=True)
class Address:
    """The address below which ``/api/v1`` stands, without a slash at its end."""

    url: str

    def __str__(self) -> str:
        return self.url

    @classmethod
    def of(cls, text: str) -> Address:
        """Check an address as a user gives it.

        Raises:
            UsageError: no address, or one with a secret in it; the secret is not repeated.

        >>> Address.of("http://localhost:9090/").url
        'http://localhost:9090'
        """
        hint = "; give one like http://localhost:9090"
        try:
            parts = urlsplit(text.strip())
            port = parts.port
            host = (parts.hostname or "").encode("idna").decode()
        except (ValueError, UnicodeError):
            raise UsageError(f"the address of Prometheus is none{hint}") from None
        if "@" in parts.netloc:
            raise UsageError(
                "an address with a user and a password in it is not taken: it would be seen by all;"
                f" give a token with --bearer-token-file or in {TOKEN_VARIABLE}"
            )
        if parts.scheme not in {"http", "https"} or not host:
            raise UsageError(f"{text[:200]!r} is no address of Prometheus{hint}")
        if parts.query or parts.fragment:
            raise UsageError(f"the address of Prometheus ends before ? and #{hint}")
        if any(not sign.isprintable() or sign.isspace() for sign in parts.path):
            raise UsageError(f"the address of Prometheus has a blank in its path{hint}")
        host = f"[{host}]" if ":" in host else host
        path = parts.path.rstrip("/").removesuffix("/api/v1")
        return cls(f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{path}")

    @property
    def unencrypted_away(self) -> bool:
        """Whether what is sent there can be read on the way."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}


def token_of(file: Path | None) -> str | None:
    """The bearer token in a file, else in TITLESHOT_PROMETHEUS_TOKEN; None where there is neither.

    Raises:
        UsageError: the file cannot be read, or what is there is no token; it is not repeated.
    """
    if file is None:
        text, where = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
    else:
        where = f"--bearer-token-file {file}"
        try:
            with file.open("rb") as opened:
                text = opened.read(_LONGEST_TOKEN + 1).decode("ascii")
        except OSError as error:
            raise UsageError(f"{where}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError(f"{where}: no token: it holds signs beyond ASCII") from None
    token = text.strip()
    if not token:
        if file is None:
            return None
        raise UsageError(f"{where}: empty; a token is one word")
    if len(token) > _LONGEST_TOKEN or not all("!" <= sign <= "~" for sign in token):
        raise UsageError(f"{where}: no token: it is one word of visible signs, without line breaks")
    return token
