"""``sources.json``: which logs and which dataset a comparison was made from, so that it can be made again.

Places are kept relative to the evidence folder: what is moved together is found again. Elsewhere it is named
anew; digests say whether it is the same.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from titleshot.datasets.contracts.instants import Instant
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.replay_log import ReplayLog

SOURCES = "sources.json"


class LogSource(Record):
    """A replay log: its place and SHA-256 of each of its tables."""

    place: str
    tables: dict[str, str]


class Sources(Record):
    """Everything ``compare`` was given."""

    champion: LogSource | None
    """None where nothing paged yet: ``never``."""
    challenger: LogSource
    dataset: str
    """Its place; its digest stands in the comparison."""
    as_of: Instant | None = None
    """As asked; None took all labels there were."""

    @classmethod
    def of(
        cls, champion: ReplayLog | None, challenger: ReplayLog, dataset: Dataset, as_of: int | None
    ) -> Sources:
        """What is about to be compared, with absolute places."""
        return cls(
            champion=None if champion is None else _log_source(champion),
            challenger=_log_source(challenger),
            dataset=str(dataset.path.absolute()),
            as_of=as_of,
        )

    def seen_from(self, folder: Path) -> Sources:
        """The same with places relative to a folder."""

        def near(place: str) -> str:
            return os.path.relpath(place, folder.absolute())

        return self.model_copy(
            update={
                "champion": self.champion
                and self.champion.model_copy(update={"place": near(self.champion.place)}),
                "challenger": self.challenger.model_copy(update={"place": near(self.challenger.place)}),
                "dataset": near(self.dataset),
            }
        )


def changed_tables(log: ReplayLog, source: LogSource) -> list[str]:
    """Tables of a log that are not those that were compared."""
    found = digests_of(log)
    return sorted(name for name in {*found, *source.tables} if found.get(name) != source.tables.get(name))


def digests_of(log: ReplayLog) -> dict[str, str]:
    """SHA-256 of each table by file name.

    Raises:
        MalformedInput: a table cannot be read.
    """
    found = {}
    for path in sorted(log.path.glob("*.parquet")):
        try:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise MalformedInput(f"{path} cannot be read: {error.strerror}; replay again") from None
    return found


def _log_source(log: ReplayLog) -> LogSource:
    return LogSource(place=str(log.path.absolute()), tables=digests_of(log))
