"""Who speaks about a journal's records, and where it stands: start, restart, warm up, change of version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from titleshot.datasets.contracts.incidents import Page
from titleshot.registry.serving.journal import Journal
from titleshot.registry.serving.journal_reader import JournalReader, Turn
from titleshot.registry.serving.resolver import Found, Loaded
from titleshot.registry.serving.served import AT_ONCE, Served, Taken, in_parts, swap_of, warm_start


class PageTaker(Protocol):
    """Told about pages in the transaction that writes them down."""

    def take(self, db: sqlite3.Connection, pages: Sequence[Page]) -> None:
        """Pages sent and closed, in order."""
        ...

    def adopt(self, db: sqlite3.Connection, open_pages: Iterable[Page]) -> None:
        """Another version speaks from now on; these are the pages it holds open."""
        ...


class Prepared(NamedTuple):
    """A version warmed up on the records up to ``until``."""

    served: Served
    warm_from: int
    until: int


class Stage:
    """The version that speaks.

    Args:
        journal: where what is said is written down.
        inputs: the journal that holds the records: the same one in a shim, the shim's in a sidecar.
        pages: told about pages, where somebody is.
    """

    def __init__(
        self, journal: Journal, inputs: JournalReader, loaded: Loaded, pages: PageTaker | None = None
    ) -> None:
        """Take up where the journal ends.

        The version that spoke last comes to where it stood: by the records it had taken in, with what it
        said then dropped. Another version is warmed up and speaks from the first record not scored yet.
        """
        self.journal = journal
        self.inputs = inputs
        self._pages = pages
        scored = journal.scored
        swaps = journal.swaps()
        last = swaps[-1] if swaps else None
        found = loaded.found
        if last is not None and (last.name, last.tree_digest) == (found.name, found.tree_digest):
            self.served = Served(loaded)
            self.served.warm(inputs, last.warm_from, scored)
        else:
            self.swap(self.prepare(loaded, inputs), inputs)

    @property
    def found(self) -> Found:
        """Which version speaks."""
        return self.served.found

    def prepare(self, loaded: Loaded, inputs: JournalReader) -> Prepared:
        """Build and warm up a version without touching the one that speaks; takes as long as it takes."""
        until = self.journal_scored(inputs)
        served = Served(loaded)
        warm_from = warm_start(loaded.contender, inputs, until)
        served.warm(inputs, warm_from, until)
        return Prepared(served, warm_from, until)

    def journal_scored(self, inputs: JournalReader) -> int:
        """Number of the last record the version that speaks has taken in."""
        if inputs.identity == self.journal.identity:
            return inputs.scored
        with self.journal.lock:
            return self.journal.scored

    def swap(self, prepared: Prepared, inputs: JournalReader) -> None:
        """Let a prepared version catch up and speak from the next record on."""
        with self.journal.lock:
            scored = self.journal.scored
            prepared.served.warm(inputs, prepared.warm_from, scored, after=prepared.until)
            with self.journal.transaction() as db:
                self.journal.swap(db, swap_of(prepared.served, scored + 1, prepared.warm_from))
                if self._pages is not None:
                    self._pages.adopt(db, prepared.served.open_pages.values())
            self.served = prepared.served

    def speak(self, rows: Sequence[Taken]) -> Turn:
        """Take in rows and write down what is said of them, all of it or nothing."""
        with self.journal.lock:
            turn, pages = self.served.take(rows)
            with self.journal.transaction() as db:
                self.journal.say(db, turn)
                if self._pages is not None and pages:
                    self._pages.take(db, pages)
            return turn

    def catch_up(self, most: int = AT_ONCE) -> Iterable[Turn]:
        """Speak about all records that have not been scored, part by part."""
        for rows in in_parts(self.inputs, self.journal.scored, at_once=most):
            yield self.speak(rows)
