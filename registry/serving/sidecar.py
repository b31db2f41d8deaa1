"""The sidecar: a challenger over a shim's journal, in a process of its own, without a voice.

It reads the records at its own pace and writes what it says into its own journal. There is no page desk and
no notifier in what it imports: it cannot reach anybody. Slow, hung or dead, it does not hold the shim up.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from titleshot.datasets.errors import IntegrityError
from titleshot.registry.serving.following import Follower
from titleshot.registry.serving.footprint import Footprint
from titleshot.registry.serving.journal import Journal
from titleshot.registry.serving.journal_reader import JournalReader
from titleshot.registry.serving.resolver import Found, Loaded, Resolver
from titleshot.registry.serving.served import AT_ONCE, taken
from titleshot.registry.serving.stage import Stage

LOG = logging.getLogger("titleshot.serving")
_IDLE_S = 0.2
_KEEP_S = 10.0
FOOTPRINT = "footprint."
"""Key in a sidecar's ``meta`` of what the contender took that spoke from the record named behind it."""


class Sidecar:
    """A challenger that follows a journal.

    Args:
        path: its own journal; where there is one, it goes on from its end.
        follow: the shim's journal.

    Raises:
        UsageError: there is no journal to follow.
        IntegrityError: it followed another journal before, or this one lost records it has yet to read.
    """

    def __init__(self, path: Path, follow: Path, loaded: Loaded) -> None:
        self._footprint: Footprint | None = None
        self.inputs = JournalReader(follow)
        try:
            self.journal = Journal(path, role="sidecar", meta={"name": loaded.found.name})
        except BaseException:
            self.inputs.close()
            raise
        try:
            self._check_source()
            self._stage = Stage(self.journal, self.inputs, loaded)
        except BaseException:
            self.close()
            raise
        self.records = 0
        """Records taken in since the start."""
        self._footprint = Footprint(self.journal.meta(self._footprint_key))
        self._kept = time.monotonic()
        self._caught_up = False

    @property
    def found(self) -> Found:
        """Which version runs in the shadow."""
        return self._stage.found

    @property
    def lag(self) -> int:
        """Records in the followed journal that have not been scored yet."""
        return self.inputs.last - self.journal.scored

    def replace(self, loaded: Loaded) -> None:
        """Warm up another challenger and let it go on from the next record."""
        self._keep_footprint()
        self._stage.swap(self._stage.prepare(loaded, self.inputs), self.inputs)
        self._footprint = Footprint(self.journal.meta(self._footprint_key))

    def step(self, most: int = AT_ONCE) -> int:
        """Take in what is there, at most so many records; returns how many that were."""
        after = self.journal.scored
        stored = self.inputs.records(after, most=most)
        if not stored:
            self._caught_up = True
            return 0
        if stored[0].seq != after + 1:
            raise IntegrityError(
                f"{self.inputs.path} lost records {after + 1} to {stored[0].seq - 1}, which were not read "
                "yet; start another --journal, and judge nothing on this one"
            )
        began = time.perf_counter()
        self._stage.speak([taken(row) for row in stored])
        # What waited while it caught up says nothing of a record's wait: only what came since is timed.
        if self._footprint is not None and self._caught_up:
            self._footprint.took(time.perf_counter() - began)
        self._caught_up = len(stored) < most
        if time.monotonic() - self._kept >= _KEEP_S:
            self._keep_footprint()
        self.records += len(stored)
        return len(stored)

    def run(
        self,
        stop: threading.Event,
        *,
        resolver: Resolver | None = None,
        poll_s: float = 5.0,
        until_idle_s: float | None = None,
    ) -> None:
        """Follow the journal, and the alias, until told to stop or nothing has come for ``until_idle_s``."""
        follower = Follower(resolver, self, poll_s) if resolver else None
        looked = moved = time.monotonic()
        while not stop.is_set():
            if follower is not None and time.monotonic() - looked >= poll_s:
                follower.look()
                looked = time.monotonic()
            if self.step():
                moved = time.monotonic()
            elif until_idle_s is not None and time.monotonic() - moved >= until_idle_s:
                return
            else:
                stop.wait(_IDLE_S)

    def close(self) -> None:
        """Let go of both journals."""
        self._keep_footprint()
        self.inputs.close()
        self.journal.close()

    @property
    def _footprint_key(self) -> str:
        """Where the journal keeps what the version that runs now takes."""
        return f"{FOOTPRINT}{self.journal.swaps()[-1].from_seq}"

    def _keep_footprint(self) -> None:
        if self._footprint is None:
            return
        with self.journal.transaction() as db:
            self.journal.mark(db, self._footprint_key, self._footprint.text())
        self._kept = time.monotonic()

    def _check_source(self) -> None:
        known = self.journal.meta("source")
        if known in {None, self.inputs.identity}:
            with self.journal.transaction() as db:
                self.journal.mark(db, "source", self.inputs.identity)
                self.journal.mark(db, "follows", str(self.inputs.path.resolve()))
        else:
            raise IntegrityError(
                f"{self.inputs.path} is another journal than the one {self.journal.path} followed before; "
                "name another --journal for what is said about it"
            )
