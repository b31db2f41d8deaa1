"""What an importer is: one file that reads one format into a dataset writer, and says what it decided."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.naive_times import NaiveTimes


@dataclass(frozen=True)
class ImportOptions:
    """What the user may decide for any format; None leaves it to the importer."""

    zone: str | None = None
    """IANA name of the zone in which times without one are read."""


class Importer(ABC):
    """Reads one format.

    An importer adds what it can use to the writer in the order it stands in the source, sets aside what
    breaks the contract with :meth:`DatasetWriter.quarantine`, and puts into ``into.report`` what was counted
    and decided. It may set the writer's ``evaluation``, ``cadence_s``, ``ingest_delay_s`` and ``notes``.
    """

    format: ClassVar[str]
    """The word of the command line."""
    summary: ClassVar[str]
    """One line: what it reads."""
    zone: ClassVar[str | None] = None
    """Zone in which times without one are read unless the user says otherwise; None: they are set aside."""

    @abstractmethod
    def read(self, source: Path, into: DatasetWriter, naive: NaiveTimes) -> None:
        """Read ``source`` (a file or a folder that exists) into the writer.

        Raises:
            MalformedInput: nothing in it can be used; says what would be.
            UnknownVersion: written by a newer major version.
        """

    def run(self, source: Path, into: DatasetWriter, options: ImportOptions) -> None:
        """Read with the user's options and report how times without a zone were read."""
        naive = NaiveTimes(options.zone or self.zone)
        into.report["format"] = self.format
        self.read(source, into, naive)
        if naive.read:
            into.report["times_without_zone"] = {
                "read_as": naive.zone,
                "times": naive.read,
                "at_clock_changes": naive.at_clock_changes,
            }
