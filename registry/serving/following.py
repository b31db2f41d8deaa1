"""Following an alias: when it moves, the version it moved to is fetched, checked, warmed up and swapped in.

Whatever goes wrong on the way leaves the old version speaking, and is said.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.errors import TitleshotError
from titleshot.registry.serving.resolver import Found, Loaded, Resolver

LOG = logging.getLogger("titleshot.serving")
LONGEST_WAIT_S = 300.0


class Follows(Protocol):
    """Who has a version speak."""

    @property
    def found(self) -> Found: ...

    def replace(self, loaded: Loaded) -> None:
        """Warm up another version and let it speak from then on."""
        ...


class Failure(NamedTuple):
    """Why the alias could not be followed, and since when."""

    version: int | None
    error: str
    at: int

    def as_json(self) -> dict[str, object]:
        return {"version": self.version, "error": self.error, "at": format_instant(self.at)}


class Follower:
    """Looks where the alias stands, every ``poll_s`` seconds.

    A version that fails is tried again later and later, at most every five minutes.
    """

    def __init__(
        self,
        resolver: Resolver,
        of: Follows,
        poll_s: float,
        *,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self.poll_s = poll_s
        self.failure: Failure | None = None
        self.failures = 0
        self.swaps = 0
        self._resolver, self._of, self._wall = resolver, of, wall
        self._in_a_row = 0
        self._not_before = 0
        self._failed: Found | None = None

    def run(self, stop: threading.Event) -> None:
        """Look again and again until told to stop."""
        while not stop.wait(self.poll_s):
            try:
                self.look()
            except Exception:
                # Serving goes on with the version it has, whatever a registry or an artifact does to us.
                LOG.exception("following the alias failed; the version that speaks stays")
                self.failures += 1

    def look(self) -> bool:
        """Look once; True where another version speaks now."""
        found: Found | None = None
        try:
            found = self._resolver.find()
            if self._same(found, self._of.found):
                self._settled()
                return False
            if found == self._failed and self._wall() < self._not_before:
                return False
            self._of.replace(self._resolver.load(found))
        except TitleshotError as error:
            self._note(found, str(error))
            return False
        self._settled()
        self.swaps += 1
        LOG.warning("%s %s is version %s now", found.name, found.alias, found.version)
        return True

    @staticmethod
    def _same(one: Found, other: Found) -> bool:
        return (one.version, one.tree_digest) == (other.version, other.tree_digest)

    def _settled(self) -> None:
        self.failure, self._failed, self._in_a_row = None, None, 0

    def _note(self, found: Found | None, error: str) -> None:
        if self.failure is None or self.failure.error != error:
            speaking = self._of.found
            LOG.error("version %s keeps speaking for %s: %s", speaking.version, speaking.name, error)
        self.failures += 1
        self._in_a_row += 1
        wait_s = min(LONGEST_WAIT_S, self.poll_s * 2 ** min(self._in_a_row, 16))
        self._failed = found
        self._not_before = self._wall() + round(wait_s * 1e9)
        self.failure = Failure(found.version if found else None, error, self._wall())
