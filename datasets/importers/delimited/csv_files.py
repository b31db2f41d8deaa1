"""CSV: a file or a folder of them, with a map of which column is what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.delimited.csv_map import NANOSECONDS, ColumnMap, delimiter_of, with_options
from titleshot.datasets.importers.importer import Importer, Told, option
from titleshot.datasets.importers.jsonl import labels_of, read_records, record_files
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.source_files import files_below
from titleshot.datasets.nearest import nearest
from titleshot.datasets.yaml_file import load_yaml

_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


@dataclass(frozen=True, kw_only=True)
class Csv(Importer):
    """A file of CSV, or every ``*.csv``, ``*.tsv``, ``*.csv.gz`` and ``*.tsv.gz`` below a folder.

    Columns that bear the contract's names (timestamp, namespace, service, metric_name, value, series_labels,
    ingested_at) need no map. Files are read in the order of their paths, rows in theirs. Incidents and what
    else :mod:`jsonl` reads may stand beside them as ``incidents*.jsonl``, ``reference*.jsonl`` ….
    """

    format: ClassVar[str] = "csv"
    summary: ClassVar[str] = "CSV of samples, any columns by a map; incidents and more as JSON Lines beside"

    columns: Path | None = option(  # noqa: RUF009  a field
        None, "YAML that says which column is what (default: columns of the contract's names)", "MAP.yaml"
    )
    namespace: str | None = option(None, "namespace of every row, where no column says it")
    service: str | None = option(None, "service of every row, where no column says it")
    metric_name: str | None = option(None, "metric of every row, where no column says it")
    time_unit: str | None = option(None, "unit of timestamps that are counts since 1970", "s|ms|us|ns")
    delimiter: str | None = option(
        None, "comma, semicolon, tab, pipe or the sign itself (default: by the header)"
    )

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        # Not before it is needed: compiled code takes a second to import.
        from titleshot.datasets.importers.delimited.csv_reading import Reading

        place = Path(source)
        given = self._map()
        if given is not None and given.zone is not None:
            naive.use(given.zone)
        paths = [place] if place.is_file() else _csv_files(place)
        reading = Reading(given, self._said, into, naive, told)
        into.report["files"] = files = {}
        for path in paths:
            name = path.name if path == place else path.relative_to(place).as_posix()
            files[name] = reading.read(path, name)
        rows = sum(of["lines"] for of in files.values())
        reading.report()
        records = {} if place.is_file() else record_files(place)
        for kind, of_kind in records.items():
            for path in of_kind:
                files[path.name] = read_records(kind, path, into, naive, told)
        if place.is_dir():
            into.report["files_not_read"] = _others(place, set(files))
        if not into.samples:
            raise MalformedInput(reading.nothing(place, rows))
        labels_of(records.get("incidents", []), into)

    def _map(self) -> ColumnMap | None:
        if self.time_unit is not None and self.time_unit not in NANOSECONDS:
            raise UsageError(f"time unit {self.time_unit!r} is unknown{nearest(self.time_unit, NANOSECONDS)}")
        if self.delimiter is not None:
            try:
                delimiter_of(self.delimiter)
            except ValueError as error:
                raise UsageError(str(error)) from None
        return (
            None if self.columns is None else with_options(load_yaml(self.columns, ColumnMap), **self._said)
        )

    @property
    def _said(self) -> dict[str, str | None]:
        """What the command line says of columns."""
        names = ("namespace", "service", "metric_name", "time_unit", "delimiter")
        return {name: getattr(self, name) for name in names}


def _csv_files(folder: Path) -> list[Path]:
    found = [path for path in files_below(folder, "**/*") if path.name.lower().endswith(_ENDINGS)]
    if not found:
        raise MalformedInput(f"{folder}: no {', '.join(f'*{ending}' for ending in _ENDINGS)} below it")
    return found


def _others(folder: Path, read: set[str]) -> list[str]:
    names = (path.relative_to(folder).as_posix() for path in files_below(folder, "**/*"))
    return sorted(name for name in names if name not in read)
