"""What an importer is: one file that reads one format into a dataset writer, and says what it decided."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, get_type_hints

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.nearest import nearest

Told = Callable[[str, int, int | None], None]
"""Told what is being done, how far it is, and of how much (None: unknown)."""


def untold(_what: str, _done: int, _total: int | None = None) -> None:
    """Tells nobody."""


def option(default: Any, says: str, metavar: str | None = None) -> Any:
    """A field of an importer that the user may set; ``--a-field`` on the command line.

    Types the command line knows: str, int, float, bool (a flag), Path, each also ``| None``, and
    ``tuple[str, ...]`` (given several times).
    """
    return field(default=default, metadata={"says": says, "metavar": metavar})


class Option(NamedTuple):
    """One field of an importer, as a command line or a page shows it."""

    name: str
    kind: Any
    default: Any
    says: str
    metavar: str | None


_MOST_REASONS = 3


def _why(into: DatasetWriter, said: str) -> str:
    """What was set aside where nothing is left: the quarantine goes with the dataset that is not made."""
    counts = [
        (count, f"{kind}: {reason} ({count:,})")
        for kind, reasons in into.quarantined.items()
        for reason, count in reasons.items()
        if reason not in said
    ]
    if into.samples or not counts:
        return ""
    worst = [words for _, words in sorted(counts, key=lambda one: -one[0])[:_MOST_REASONS]]
    return f"; set aside: {', '.join(worst)}"


@dataclass(frozen=True, kw_only=True)
class Importer(ABC):
    """Reads one format; its fields are what the user may decide about it.

    An importer adds what it can use to the writer in the order it stands in the source, a chunk at a time,
    sets aside what breaks the contract with :meth:`DatasetWriter.quarantine`, and puts into ``into.report``
    what was counted and decided. It may set the writer's ``evaluation``, ``cadence_s`` (else it is measured),
    ``ingest_delay_s`` and ``notes``.
    """

    format: ClassVar[str]
    """The word of the command line."""
    summary: ClassVar[str]
    """One line: what it reads."""
    remote: ClassVar[bool] = False
    """Whether the source is an address and no path."""
    zone_of_format: ClassVar[str | None] = None
    """Zone in which times without one are read unless the user says otherwise; None: they are set aside."""

    zone: str | None = option(None, "zone of times that have none, such as UTC or Europe/Berlin")
    cadence_s: float | None = option(
        None, "usual seconds between samples of a series (default: measured)", "S"
    )

    @abstractmethod
    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        """Read ``source`` (a file or a folder that exists, or an address) into the writer.

        Args:
            naive: reads times, those without a zone as the user or the format says.
            told: told how far it is, every few chunks.

        Raises:
            MalformedInput: nothing in it can be used; says what would be.
            UnknownVersion: written by a newer major version.
            Unreachable: a remote source does not answer.
        """

    def succeeded(self, dataset: Path) -> None:  # noqa: B027  most importers keep nothing
        """Called once the dataset stands: what was kept in case the import broke off can go."""

    def run(self, source: str | Path, into: DatasetWriter, told: Told = untold) -> None:
        """Read the source and report how times without a zone were read."""
        if not self.remote and not Path(source).exists():
            raise MalformedInput(f"{source}: no such file or folder")
        naive = NaiveTimes(self.zone or self.zone_of_format)
        into.report["format"] = self.format
        if self.cadence_s is not None:
            into.cadence_s = self.cadence_s
        try:
            self.read(str(source), into, naive, told)
        except MalformedInput as error:
            raise type(error)(f"{error}{_why(into, str(error))}") from None
        if naive.read:
            into.report["times_without_zone"] = {
                "read_as": naive.zone,
                "times": naive.read,
                "at_clock_changes": naive.at_clock_changes,
            }

    @classmethod
    def options(cls) -> list[Option]:
        """The fields, in the order they are declared."""
        kinds = get_type_hints(cls)
        return [
            Option(of.name, kinds[of.name], of.default, of.metadata["says"], of.metadata["metavar"])
            for of in fields(cls)
            if of.default is not MISSING
        ]

    @classmethod
    def of(cls, **given: Any) -> Importer:
        """The importer with these options; those that are None are left at their defaults.

        Raises:
            UsageError: the format has no such option.
        """
        known = [one.name for one in cls.options()]
        for name in given:
            if name not in known:
                raise UsageError(f"format {cls.format} has no option {name!r}{nearest(name, known)}")
        return cls(**{name: value for name, value in given.items() if value is not None})
