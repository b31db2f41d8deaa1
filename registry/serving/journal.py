"""The journal: what came in, in the order it was accepted, and what was said of it. One SQLite file.

    records   what was accepted: durable before it is scored
    held      what waits until time gets there (records' own clock only)
    said      what the contender said, each with the number of the last record it was said after
    swaps     which contender spoke from which record on
    meta      version, role, clock

A shim's journal holds all of it. A sidecar's holds what it said about another journal's records.
Write-ahead logging lets others read while one process writes; ``kill -9`` at any point loses nothing that
was accepted. Another process that writes to the same journal is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from titleshot.datasets.errors import UsageError
from titleshot.registry.serving.clock import Row
from titleshot.registry.serving.journal_reader import VERSION, JournalReader, Swap, Turn
from titleshot.registry.serving.wire import Incoming, record_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY, arrival_ns INTEGER NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS held (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS said (
  seq INTEGER PRIMARY KEY, input INTEGER NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS swaps (
  from_seq INTEGER PRIMARY KEY, warm_from INTEGER NOT NULL, at_ns INTEGER NOT NULL, name TEXT NOT NULL,
  alias TEXT NOT NULL, version INTEGER NOT NULL, contender TEXT NOT NULL, recipe_digest TEXT NOT NULL,
  artifact_digest TEXT NOT NULL, tree_digest TEXT NOT NULL, recipe TEXT NOT NULL,
  counts TEXT NOT NULL DEFAULT '{}', first_ns INTEGER, last_ns INTEGER);
"""


class Journal(JournalReader):
    """A journal to write to. Whoever shares it between threads holds ``lock`` while using it."""

    def __init__(self, path: Path, *, role: Literal["shim", "sidecar"], meta: Mapping[str, str]) -> None:
        """Open a journal or start one.

        Args:
            meta: what must stay the same for the life of a journal, as the model's name and the clock.

        Raises:
            UsageError: another process writes to it, or it was started for something else.
            MalformedInput: the file is no journal.
        """
        self.path = path
        self.lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UsageError(f"journal {path}: {error.strerror}; name another with --journal") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise UsageError(f"another process writes to {path}; name another journal or stop it") from None
        try:
            fresh = not path.exists() or path.stat().st_size == 0
            self._db = self._connect()
            with self._sound():
                if fresh:
                    self._db.execute("PRAGMA journal_mode = WAL")
                # A commit returns when it is on disk, not merely with the system.
                self._db.execute("PRAGMA synchronous = FULL")
            if not fresh:
                self._check_version()
            with self._sound():
                self._db.executescript(_SCHEMA)
            self._claim({"role": role, **meta})
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Let go of the file and of the right to write to it."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._db.close()
        with suppress(OSError):
            os.close(self._lock)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, to read from."""
        with self.lock, self._sound():
            yield self._db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, on disk when it ends."""
        with self.lock, self._sound():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def append(
        self,
        rows: Sequence[Row],
        state: Mapping[str, int | None],
        kept: Mapping[int, Incoming] | None = None,
        let_go: Sequence[int] = (),
    ) -> int:
        """Write down what was accepted together with the clock's state; returns the last number."""
        with self.transaction() as db:
            db.executemany(
                "INSERT INTO records (arrival_ns, kind, payload) VALUES (?, ?, ?)",
                [(row.arrival, row.kind, row.text) for row in rows],
            )
            db.executemany("DELETE FROM held WHERE id = ?", [(number,) for number in let_go])
            db.executemany(
                "INSERT INTO held VALUES (?, ?, ?)",
                [(number, one.kind, one.text) for number, one in (kept or {}).items()],
            )
            self.mark(db, "clock_state", json.dumps(state))
            last = db.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()[0]
        return int(last)

    def clock_state(self) -> dict[str, int | None] | None:
        """The clock's state after the last record; None before the first."""
        text = self.meta("clock_state")
        state: dict[str, int | None] | None = None if text is None else json.loads(text)
        return state

    def held(self) -> dict[int, Incoming]:
        """What waits until time gets there."""
        with self._sound():
            rows = self._db.execute("SELECT id, kind, payload FROM held ORDER BY id").fetchall()
        return {number: Incoming(kind, record_of(kind, text), text) for number, kind, text in rows}

    def say(self, db: sqlite3.Connection, turn: Turn) -> None:
        """Within a transaction: write down what was said and how far the records have been scored."""
        db.executemany(
            "INSERT INTO said (input, kind, payload) VALUES (?, ?, ?)",
            [(turn.through, said.kind, said.text) for said in turn.said],
        )
        self.mark(db, "scored", str(turn.through))
        latest = db.execute(
            "SELECT from_seq, counts, first_ns, last_ns FROM swaps ORDER BY from_seq DESC LIMIT 1"
        ).fetchone()
        if latest is not None:
            from_seq, counts, first_ns, last_ns = latest
            db.execute(
                "UPDATE swaps SET counts = ?, first_ns = ?, last_ns = ? WHERE from_seq = ?",
                (
                    json.dumps(Counter(json.loads(counts)) + turn.counts),
                    min((at for at in (first_ns, turn.first_ns) if at is not None), default=None),
                    max((at for at in (last_ns, turn.last_ns) if at is not None), default=None),
                    from_seq,
                ),
            )

    def swap(self, db: sqlite3.Connection, swap: Swap) -> None:
        """Within a transaction: write down who speaks from now on."""
        marks = ", ".join("?" * len(swap))
        db.execute(f"INSERT OR REPLACE INTO swaps VALUES ({marks})", swap)  # noqa: S608  marks only

    def mark(self, db: sqlite3.Connection, key: str, value: str) -> None:
        """Within a transaction: set a value of ``meta``."""
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _claim(self, wanted: Mapping[str, str]) -> None:
        with self.transaction() as db:
            if self.meta("version") is None:
                self.mark(db, "version", VERSION)
                self.mark(db, "identity", uuid.uuid4().hex)
                self.mark(db, "made_ns", str(time.time_ns()))
            for key, value in wanted.items():
                found = self.meta(key)
                if found is None:
                    self.mark(db, key, value)
                elif found != value:
                    raise UsageError(
                        f"{self.path} was started with {key} {found}, not {value}; "
                        "name another with --journal"
                    )
