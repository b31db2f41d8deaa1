"""The page desk: whom to tell about which page, once.

It stands after the contender and knows nothing of its version. Pages to one route about one service share a
fingerprint. While a page of a fingerprint is open, further ones join it and nobody is told again, also
after a restart or a change of version; when the last of them closes, the end is told too.

What is to be told is written down in the transaction that writes down the page. It is told at least once:
only a crash between being told and its being written down repeats a notice, with the same key.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import canonical_json
from titleshot.registry.serving.journal import Journal

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS open_pages (
  fingerprint TEXT PRIMARY KEY, dedup_key TEXT NOT NULL, page_ids TEXT NOT NULL, page TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notices (
  id INTEGER PRIMARY KEY, dedup_key TEXT NOT NULL, action TEXT NOT NULL, page TEXT NOT NULL,
  made_ns INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_ns INTEGER NOT NULL,
  sent_ns INTEGER, error TEXT);
CREATE INDEX IF NOT EXISTS notices_waiting ON notices (next_ns) WHERE sent_ns IS NULL;
"""


class Notice(NamedTuple):
    """Something to tell."""

    id: int
    dedup_key: str
    action: Literal["trigger", "resolve"]
    page: str
    attempts: int

    @property
    def text(self) -> str:
        """The JSON that is sent."""
        content = {"action": self.action, "dedup_key": self.dedup_key, "page": json.loads(self.page)}
        return canonical_json(content)


class PageDesk:
    """Open pages and notices of one journal."""

    def __init__(self, journal: Journal, *, wall: Callable[[], int] = time.time_ns) -> None:
        self._journal, self._wall = journal, wall
        self.joined = 0
        """Pages that joined an open one, since the start."""
        self.failures = 0
        """Attempts that failed, since the start."""
        self.told = 0
        """Notices delivered, since the start."""
        with journal.transaction() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    def take(self, db: sqlite3.Connection, pages: Sequence[Page]) -> None:
        """Within the transaction that writes the pages down: note what is to be told."""
        for page in pages:
            if page.status == "sent":
                self._sent(db, page)
            else:
                self._closed(db, page)

    def adopt(self, db: sqlite3.Connection, open_pages: Iterable[Page]) -> None:
        """Another version speaks. What it holds open too stays open; the rest nobody would ever close."""
        theirs: dict[str, list[str]] = {}
        for page in open_pages:
            theirs.setdefault(fingerprint(page), []).append(page.page_id)
        for print_, key, text in db.execute("SELECT fingerprint, dedup_key, page FROM open_pages").fetchall():
            if print_ in theirs:
                self._hold(db, print_, theirs[print_])
            else:
                self._resolve(db, print_, key, text)

    def due(self) -> Notice | None:
        """The next thing to tell now; of one key only the oldest, so that no end overtakes its beginning."""
        with self._journal.reading() as db:
            row = db.execute(
                "SELECT id, dedup_key, action, page, attempts FROM notices AS mine"
                " WHERE sent_ns IS NULL AND next_ns <= ? AND NOT EXISTS (SELECT 1 FROM notices AS other"
                " WHERE other.dedup_key = mine.dedup_key AND other.sent_ns IS NULL AND other.id < mine.id)"
                " ORDER BY id LIMIT 1",
                (self._wall(),),
            ).fetchone()
        return None if row is None else Notice(*row)

    def delivered(self, notice: Notice) -> None:
        """It was told."""
        with self._journal.transaction() as db:
            db.execute("UPDATE notices SET sent_ns = ? WHERE id = ?", (self._wall(), notice.id))
        self.told += 1

    def failed(self, notice: Notice, error: str) -> None:
        """It could not be told; try again later and later, at most every five minutes."""
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(notice.attempts, 16))
        with self._journal.transaction() as db:
            db.execute(
                "UPDATE notices SET attempts = attempts + 1, next_ns = ?, error = ? WHERE id = ?",
                (self._wall() + round(wait_s * SECOND), error[:500], notice.id),
            )
        self.failures += 1

    def counts(self) -> dict[str, int]:
        """Pages open, notices that wait."""
        with self._journal.reading() as db:
            opened = db.execute("SELECT count(*) FROM open_pages").fetchone()[0]
            waiting = db.execute("SELECT count(*) FROM notices WHERE sent_ns IS NULL").fetchone()[0]
        return {"open": int(opened), "waiting": int(waiting)}

    def _sent(self, db: sqlite3.Connection, page: Page) -> None:
        print_ = fingerprint(page)
        row = db.execute("SELECT page_ids FROM open_pages WHERE fingerprint = ?", (print_,)).fetchone()
        if row is None:
            text = page.to_json()
            db.execute(
                "INSERT INTO open_pages VALUES (?, ?, ?, ?)",
                (print_, page.page_id, json.dumps([page.page_id]), text),
            )
            self._note(db, page.page_id, "trigger", text)
            return
        ids = json.loads(row[0])
        if page.page_id not in ids:
            self._hold(db, print_, [*ids, page.page_id])
            self.joined += 1

    def _closed(self, db: sqlite3.Connection, page: Page) -> None:
        print_ = fingerprint(page)
        row = db.execute(
            "SELECT dedup_key, page_ids FROM open_pages WHERE fingerprint = ?", (print_,)
        ).fetchone()
        if row is None:
            return
        left = [one for one in json.loads(row[1]) if one != page.page_id]
        if left:
            self._hold(db, print_, left)
        else:
            self._resolve(db, print_, row[0], page.to_json())

    def _hold(self, db: sqlite3.Connection, print_: str, page_ids: list[str]) -> None:
        db.execute("UPDATE open_pages SET page_ids = ? WHERE fingerprint = ?", (json.dumps(page_ids), print_))

    def _resolve(self, db: sqlite3.Connection, print_: str, key: str, text: str) -> None:
        db.execute("DELETE FROM open_pages WHERE fingerprint = ?", (print_,))
        self._note(db, key, "resolve", text)

    def _note(self, db: sqlite3.Connection, key: str, action: str, text: str) -> None:
        now = self._wall()
        db.execute(
            "INSERT INTO notices (dedup_key, action, page, made_ns, next_ns) VALUES (?, ?, ?, ?, ?)",
            (key, action, text, now, now),
        )


def fingerprint(page: Page) -> str:
    """What makes two pages one for whoever is paged: the route, and the service it is probably about."""
    return canonical_json([page.route, page.probable_service or sorted(page.services)])
