"""Reading a journal, also while another process writes to it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from titleshot.datasets.contracts.record import version_of
from titleshot.datasets.errors import MalformedInput, UnknownVersion, Unreachable, UsageError

VERSION = "1.0"
SaidKind = Literal["event", "incident", "page", "dead_letter"]
SAID_KINDS: tuple[SaidKind, ...] = ("event", "incident", "page", "dead_letter")
_END = 2**62


class Stored(NamedTuple):
    """A row of ``records``."""

    seq: int
    arrival: int
    kind: str
    text: str


class Said(NamedTuple):
    """Something a contender said; ``text`` is the JSON that goes out."""

    kind: SaidKind
    text: str


class Swap(NamedTuple):
    """From record ``from_seq`` on this contender spoke, warmed up on the records from ``warm_from``.

    Reference rows before ``warm_from`` are part of the warm-up too. ``counts`` is JSON of what
    became of the samples while it spoke, ``first_ns`` and ``last_ns`` the span of those that came in.
    """

    from_seq: int
    warm_from: int
    at_ns: int
    name: str
    alias: str
    version: int
    contender: str
    recipe_digest: str
    artifact_digest: str
    tree_digest: str
    recipe: str
    counts: str = "{}"
    first_ns: int | None = None
    last_ns: int | None = None


class Turn(NamedTuple):
    """What one step of a contender left to be written down."""

    through: int
    """Number of the last record it took in."""
    said: list[Said]
    counts: Counter[str]
    """Samples released, unscored, not finite; events."""
    first_ns: int | None = None
    last_ns: int | None = None


class JournalReader:
    """A journal to read from, also while another process writes to it. One reader per thread."""

    def __init__(self, path: Path) -> None:
        """Open a journal.

        Raises:
            UsageError: there is none.
            MalformedInput: the file is no journal.
            UnknownVersion: written by a newer major version.
        """
        self.path = path
        if not path.is_file():
            raise UsageError(f"{path}: no journal here; serve and shadow write one")
        self._db = self._connect()
        with self._sound():
            self._db.execute("PRAGMA query_only = ON")
        self._check_version()

    def _connect(self) -> sqlite3.Connection:
        try:
            # Threads share the connection of a writer under its owner's lock.
            return sqlite3.connect(self.path, isolation_level=None, timeout=30, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise UsageError(f"journal {self.path}: {error}; name another file") from None

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def meta(self, key: str) -> str | None:
        """A value of ``meta``."""
        with self._sound():
            row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    @property
    def identity(self) -> str:
        """Tells this journal from any other that may stand at the same path later."""
        return self.meta("identity") or ""

    @property
    def scored(self) -> int:
        """Number of the last record about which everything has been said; 0 before the first."""
        return int(self.meta("scored") or 0)

    @property
    def last(self) -> int:
        """Number of the last record accepted; 0 before the first."""
        with self._sound():
            return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()[0])

    def records(
        self, after: int, until: int | None = None, *, kind: str | None = None, most: int = -1
    ) -> list[Stored]:
        """Rows numbered above ``after`` and up to ``until``, at most ``most``."""
        with self._sound():
            rows = self._db.execute(
                "SELECT seq, arrival_ns, kind, payload FROM records WHERE seq > :after AND seq <= :until"
                " AND (:kind IS NULL OR kind = :kind) ORDER BY seq LIMIT :most",
                {"after": after, "until": _END if until is None else until, "kind": kind, "most": most},
            ).fetchall()
        return [Stored(*row) for row in rows]

    def first_since(self, arrival: int, until: int) -> int:
        """Number of the first row that arrived at ``arrival`` or later, ``until`` + 1 where none did."""
        with self._sound():
            # Records arrive in the order of their numbers, so the last that is too old bounds the rest.
            row = self._db.execute(
                "SELECT seq FROM records WHERE seq <= ? AND arrival_ns < ? AND kind != 'dead'"
                " ORDER BY seq DESC LIMIT 1",
                (until, arrival),
            ).fetchone()
        return 1 if row is None else int(row[0]) + 1

    def said(self, after_input: int = 0, until_input: int | None = None) -> Iterator[Said]:
        """What was said after records numbered above ``after_input`` and up to ``until_input``, in order."""
        with self._sound():
            rows = self._db.execute(
                "SELECT kind, payload FROM said WHERE input > ? AND input <= ? ORDER BY seq",
                (after_input, _END if until_input is None else until_input),
            )
            for row in rows:
                yield Said(*row)

    def swaps(self) -> list[Swap]:
        """Which contenders spoke, in order."""
        with self._sound():
            return [Swap(*row) for row in self._db.execute("SELECT * FROM swaps ORDER BY from_seq")]

    def _check_version(self) -> None:
        found = self.meta("version")
        if found is None:
            raise MalformedInput(f"{self.path} is no journal of titleshot")
        if version_of(found)[0] != version_of(VERSION)[0]:
            raise UnknownVersion(f"{self.path}: journal version {found}; this code reads {VERSION[0]}.x")

    @contextmanager
    def _sound(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            said = str(error)
            if "no such table" in said or "no such column" in said:
                raise MalformedInput(f"{self.path} is no journal of titleshot: {said}") from None
            raise Unreachable(f"{self.path} cannot be read or written: {said}") from None
        except sqlite3.DatabaseError as error:
            raise MalformedInput(f"{self.path} is no journal or is damaged: {error}") from None
