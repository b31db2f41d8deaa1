"""The ledger: one JSON line for all that was registered, looked at, intended and done, chained by hash.

Each line carries the SHA-256 of the line before it, so a line cannot be changed, dropped or put between
without every later one giving it away. A line that a crash cut short has no newline yet: it was never
written, and the next writer removes it. Importable by a thin shim: stdlib and pydantic only, to read.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from titleshot.datasets.contracts.instants import Instant, format_instant
from titleshot.datasets.contracts.record import Record, broken, canonical_json
from titleshot.datasets.contracts.verdicts import Answer
from titleshot.datasets.errors import IntegrityError, MalformedInput, Unreachable

START = "0" * 64
"""What the first line has for the hash of the line before."""


class Line(Record):
    """What every line has."""

    seq: Annotated[int, Field(ge=0)]
    previous: str
    at: Instant
    actor: str
    hash: str


class Registered(Line):
    """A contender became a version of a model."""

    kind: Literal["registered"] = "registered"
    name: str
    version: int
    recipe_digest: str
    artifact_digest: str
    """Recipe and fitted arrays, as replay logs carry it."""
    tree_digest: str
    """Every byte of the registered folder: what is signed, checked before loading and stored by."""


class Looked(Line):
    """An evaluation span was judged."""

    kind: Literal["looked"] = "looked"
    look: str
    """Digest of what was compared on what: the same again is no new look."""
    dataset: str
    dataset_digest: str
    labels_digest: str
    span_from: Instant
    span_to: Instant
    champion: str
    challenger: str
    policy_digest: str
    decision_id: str
    evidence_digest: str
    answer: Answer


class Intended(Line):
    """An alias is about to move; nothing has happened yet."""

    kind: Literal["intent"] = "intent"
    move: Literal["promote", "rollback", "challenge", "retire"]
    name: str
    alias: str
    from_version: int | None
    to_version: int | None
    reason: str
    tree_digest: str | None = None
    decision_id: str | None = None
    evidence_digest: str | None = None
    override: bool = False
    approvals: tuple[str, ...] = ()
    signature: str | None = None
    """Ed25519 over (name, version, tree digest, alias), base64."""


class Committed(Line):
    """The alias was read back and stands where line ``intent`` wanted it."""

    kind: Literal["commit"] = "commit"
    intent: int
    rolled_forward: bool = False
    """Found done or half done at a later start."""


class OutOfBand(Line):
    """The alias was found where no line put it, and a person accepted that."""

    kind: Literal["out_of_band"] = "out_of_band"
    name: str
    alias: str
    expected: int | None
    found: int | None
    reason: str


AnyLine = Annotated[
    Registered | Looked | Intended | Committed | OutOfBand,
    Field(discriminator="kind"),
]
Kind = TypeVar("Kind", bound=Line)
_LINE: TypeAdapter[AnyLine] = TypeAdapter(AnyLine)


class Ledger:
    """One ledger file. Reading verifies every line; lines read once are not read again.

    >>> import tempfile
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.jsonl")
    >>> ledger.append(OutOfBand, "ann", name="m", alias="champion", expected=1, found=2, reason="outage").seq
    0
    >>> len(ledger.lines())
    1
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: list[AnyLine] = []
        self._offset = 0

    def lines(self) -> list[AnyLine]:
        """Every line there is, oldest first.

        Raises:
            IntegrityError: a line was changed, dropped, added or moved; names it.
            MalformedInput: a line is chained well but is no ledger line.
            UnknownVersion: written by a newer major version.
        """
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < self._offset:
                    raise IntegrityError(
                        f"{self.path} is shorter than it was: lines were dropped; restore it from a backup"
                    )
                file.seek(self._offset)
                fresh = file.read()
        except FileNotFoundError:
            if self._offset:
                raise IntegrityError(f"{self.path} is gone; restore it from a backup") from None
            return []
        except OSError as error:
            raise MalformedInput(f"{self.path} cannot be read: {error.strerror}") from None
        whole = fresh[: fresh.rfind(b"\n") + 1]
        for raw in whole.splitlines():
            self._lines.append(self._checked(raw))
        self._offset += len(whole)
        return list(self._lines)

    def append(self, kind: type[Kind], actor: str, **fields: Any) -> Kind:
        """Add a line at the end and flush it to disk.

        Raises:
            IntegrityError: the chain before it is broken; nothing is added to a broken ledger.
            Unreachable: another process has been writing for a minute.
        """
        from filelock import FileLock, Timeout

        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=60):
                self._append(kind, actor, fields)
        except Timeout:
            raise Unreachable(f"{self.path} is held by another process; try again later") from None
        written = self._lines[-1]
        if not isinstance(written, kind):
            raise IntegrityError(f"{self.path} does not hold what was just written; is its disk full?")
        return written

    def _append(self, kind: type[Line], actor: str, fields: Mapping[str, Any]) -> None:
        before = self.lines()
        content = {
            **fields,
            "kind": kind.model_fields["kind"].default,
            "seq": len(before),
            "previous": before[-1].hash if before else START,
            "at": time.time_ns(),
            "actor": actor,
            "hash": START,
        }
        line = kind.model_validate(content)
        document = line.model_dump(mode="json", exclude={"hash"})
        document["hash"] = _hash(document)
        raw = (canonical_json(document) + "\n").encode()
        fresh = not self.path.exists()
        with self.path.open("r+b" if not fresh else "xb") as file:
            file.truncate(self._offset)
            file.seek(self._offset)
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if fresh:
            _sync_folder(self.path.parent)
        self.lines()

    def _checked(self, raw: bytes) -> AnyLine:
        number = len(self._lines)
        where = f"{self.path}:{number + 1}"
        try:
            document = json.loads(raw)
            found = document.pop("hash")
            sound = found == _hash(document) and document["seq"] == number
            follows = document["previous"] == (self._lines[-1].hash if self._lines else START)
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            raise IntegrityError(f"{where}: not a ledger line; the file was edited") from None
        if not sound:
            raise IntegrityError(f"{where}: its hash does not match what it says; the line was changed")
        if not follows:
            raise IntegrityError(
                f"{where}: does not follow the line before; a line was dropped, added or moved"
            )
        try:
            return _LINE.validate_python({**document, "hash": found})
        except ValidationError as error:
            raise broken(error, where) from None


def _hash(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def when(line: Line) -> str:
    """Time of a line, to the second.

    >>> when(Line(seq=0, previous=START, at=1_500_000_000, actor="ann", hash=START))
    '1970-01-01T00:00:01Z'
    """
    return format_instant(line.at // 1_000_000_000 * 1_000_000_000)
