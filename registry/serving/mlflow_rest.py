"""An MLflow server, asked through its documented REST API. MLflow itself is not imported.

The version's tags hold what the promoter wrote there: ``tree_digest`` and, per alias, ``signature.ALIAS``.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from titleshot.datasets.errors import IntegrityError, Unreachable, UsageError
from titleshot.registry.home import read_public_key
from titleshot.registry.serving.address import http_address
from titleshot.registry.serving.resolver import Found, Resolver, covering, no_alias
from titleshot.registry.tree import checked_copy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LARGEST_ARTIFACT = 1 << 30
MOST_FILES = 10_000
_CHUNK = 1 << 20


class MlflowResolver(Resolver):
    """One alias of one model on an MLflow server.

    Args:
        url: of the server; a name and password for it are taken from MLFLOW_TRACKING_USERNAME and
            MLFLOW_TRACKING_PASSWORD, or a token from MLFLOW_TRACKING_TOKEN, as MLflow's own client does.
        public_key: PEM file with the promoter's public key.
    """

    def __init__(self, url: str, name: str, alias: str, *, public_key: Path, timeout_s: float = 10.0) -> None:
        super().__init__(name, alias)
        parts = http_address(url, "registry")
        # An address may carry a password: it goes into a header and never into a message.
        place = parts.netloc.rpartition("@")[2]
        self._url = f"{parts.scheme}://{place}{parts.path.rstrip('/')}"
        self._headers = _credentials(parts.username, parts.password)
        self._public_key = public_key
        self._timeout = timeout_s

    def find(self) -> Found:
        model = self._ask("mlflow/registered-models/get", {"name": self.name})
        if model is None:
            raise UsageError(f"no model {self.name!r} is registered at {self._url}")
        aliases = {entry["alias"]: entry["version"] for entry in model["registered_model"].get("aliases", [])}
        alias = self.alias if self.alias in aliases else covering(self.alias)
        if alias not in aliases:
            raise UsageError(no_alias(self.name, self.alias, list(aliases)))
        asked = {"name": self.name, "version": str(aliases[alias])}
        answer = self._ask("mlflow/model-versions/get", asked)
        if answer is None:
            raise UsageError(f"{self.name} has no version {aliases[alias]} at {self._url}")
        version = answer["model_version"]
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        if "tree_digest" not in tags:
            raise IntegrityError(
                f"{self.name} version {aliases[alias]} was not registered by titleshot: it has no tree_digest"
            )
        return Found(
            self.name,
            alias,
            int(aliases[alias]),
            tags["tree_digest"],
            None,
            tags.get(f"signature.{alias}"),
            str(version.get("source", "")),
        )

    def key(self) -> Ed25519PublicKey:
        return read_public_key(self._public_key)

    def copy(self, found: Found, scratch: Path) -> Path:
        fetched = scratch / "fetched"
        fetched.mkdir()
        source = urllib.parse.urlsplit(found.source)
        if source.scheme == "mlflow-artifacts":
            self._fetch(source.path.strip("/"), fetched)
        elif source.scheme in {"", "file"}:
            place = Path(urllib.parse.unquote(source.path))
            if not place.is_dir():
                raise Unreachable(f"{found.source} of {self.name} is not on this machine; {_SERVE}")
            return checked_copy(place, scratch / "contender", found.tree_digest)
        else:
            raise UsageError(f"artifacts at {source.scheme}: cannot be fetched without MLflow; {_SERVE}")
        return checked_copy(fetched, scratch / "contender", found.tree_digest)

    def _fetch(self, root: str, into: Path) -> None:
        """Download a folder through the server; names that lead out of it are refused."""
        waiting, files, left = [""], 0, LARGEST_ARTIFACT
        while waiting:
            folder = waiting.pop()
            listed = self._ask("mlflow-artifacts/artifacts", {"path": f"{root}/{folder}".rstrip("/")})
            for entry in (listed or {}).get("files", []):
                name = f"{folder}/{PurePosixPath(str(entry['path'])).name}".lstrip("/")
                target = (into / name).resolve()
                files += 1
                if not target.is_relative_to(into.resolve()) or files > MOST_FILES:
                    raise IntegrityError(f"{self._url} lists {entry['path']!r} among the artifact's files")
                if entry.get("is_dir"):
                    waiting.append(name)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                left -= self._download(f"mlflow-artifacts/artifacts/{root}/{name}", target, left)

    def _download(self, path: str, target: Path, most: int) -> int:
        answer = self._open(urllib.parse.quote(path), {})
        if answer is None:
            raise IntegrityError(f"{self._url} lists {path} and does not have it")
        size = 0
        with answer, target.open("wb") as file:
            try:
                while chunk := answer.read(_CHUNK):
                    size += len(chunk)
                    if size > most:
                        raise IntegrityError(
                            f"{path} makes the artifact larger than {LARGEST_ARTIFACT:,} bytes"
                        )
                    file.write(chunk)
            except (OSError, HTTPException) as error:
                raise Unreachable(f"registry {self._url} broke off: {error}") from None
        return size

    def _ask(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """A JSON answer; None where there is no such thing."""
        answer = self._open(path, query)
        if answer is None:
            return None
        with answer:
            try:
                content = json.loads(answer.read(_CHUNK * 16))
            except (OSError, HTTPException, ValueError, RecursionError) as error:
                raise Unreachable(f"registry {self._url} does not speak as MLflow does: {error}") from None
        if not isinstance(content, dict):
            raise Unreachable(f"registry {self._url} does not speak as MLflow does")
        return content

    def _open(self, path: str, query: Mapping[str, str]) -> HTTPResponse | None:
        url = f"{self._url}/api/2.0/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310  http only, checked above
        try:
            answer: HTTPResponse = urllib.request.urlopen(request, timeout=self._timeout)  # noqa: S310
        except urllib.error.HTTPError as error:
            said = error.read(2000).decode("utf-8", "replace")
            if error.code == 404 and "RESOURCE_DOES_NOT_EXIST" in said:
                return None
            raise Unreachable(f"registry {self._url} answers {error.code} to {path}: {said[:200]}") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(f"registry {self._url} does not answer: {reason}") from None
        return answer


_SERVE = "start the MLflow server with --serve-artifacts"


def _credentials(name: str | None, password: str | None) -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if name is None and token:
        return {"Authorization": f"Bearer {token}"}
    if name is None:
        name = os.environ.get("MLFLOW_TRACKING_USERNAME")
        password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if not name:
        return {}
    pair = f"{name}:{password or ''}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
