"""A dataset on disk, read: frozen telemetry and reference data, and the labels that came later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from titleshot.datasets.contracts.html_table import ShowsItself
from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.record import SeriesKey, broken
from titleshot.datasets.contracts.reference import REFERENCE_KINDS, REFERENCE_ROW, ReferenceRow
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.contracts.validation import ValidationReport
from titleshot.datasets.dataset_card import CARD, DatasetCard, FileEntry
from titleshot.datasets.digest import dataset_digest, table_entries
from titleshot.datasets.errors import IntegrityError, InvalidDataset, MalformedInput
from titleshot.datasets.label_layer import LabelLayer, Labels
from titleshot.datasets.sample_files import NO_INSTANT, SampleGroup, sample_groups
from titleshot.datasets.tables import (
    LOG_EVENTS,
    PLATFORM_EVENTS,
    REFERENCE,
    SERIES,
    Table,
    read_rows,
)

VALIDATION = "validation.json"
IMPORT_REPORT = "import.json"
_MOST_REASONS = 5


class SampleBlock(NamedTuple):
    """Samples in the order they arrived: four arrays of equal length."""

    codes: NDArray[np.int32]
    """Series: positions in :meth:`Dataset.series`."""
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]
    """May hold NaN and infinities."""
    arrivals: NDArray[np.int64]
    """``ingested_at``, else timestamp + ingest delay. Never falls."""

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> SampleBlock:
        """The rows chosen by a mask, positions or a slice."""
        return SampleBlock(
            self.codes[chosen], self.timestamps[chosen], self.values[chosen], self.arrivals[chosen]
        )


@dataclass(frozen=True)
class Dataset(ShowsItself):
    """One dataset. Nothing is read before it is asked for.

    Deaf to what is not told to it: files below the folder that no table names are not read.
    """

    path: Path
    card: DatasetCard

    @classmethod
    def open(cls, path: Path | str) -> Dataset:
        """Open a dataset by its folder.

        Raises:
            MalformedInput: no dataset there, or its card has faults (with file, line and field).
            UnknownVersion: written by a newer major version.
        """
        path = Path(path)
        if not (path / CARD).is_file():
            raise MalformedInput(
                f"{path}: no dataset here ({CARD} is missing); make one with import or generate"
            )
        return cls(path, DatasetCard.load(path / CARD))

    def _repr_html_(self) -> str:
        return self.card._repr_html_()

    def series(self) -> list[SeriesKey]:
        """The series' keys, sorted; a code is a position in this list.

        Raises:
            MalformedInput: the table is not the sorted list that codes point into.
        """
        return list(self._series)

    @cached_property
    def _series(self) -> tuple[SeriesKey, ...]:
        rows = sorted(read_rows(self.path, SERIES), key=lambda row: row["series"])
        keys = tuple(
            SeriesKey(r["namespace"], r["service"], r["metric_name"], r["series_labels"]) for r in rows
        )
        in_order = all(a < b for a, b in pairwise(keys))
        if not keys or [row["series"] for row in rows] != list(range(len(keys))) or not in_order:
            raise MalformedInput(
                f"{self.path / SERIES.path}: must list each series once, sorted by key and numbered from 0;"
                " import the dataset again"
            )
        return keys

    def blocks(
        self, from_: int | None = None, to: int | None = None, rows: int = 1_000_000
    ) -> Iterator[SampleBlock]:
        """Samples with timestamps in [from_, to), nanoseconds UTC, in blocks of at most ``rows``.

        They come by (arrival, source_row), in whatever order the rows of a row group lie; row groups must
        follow each other in that order. Memory is that of a row group, however many samples there are.

        Raises:
            MalformedInput: a file is cut off, breaks the contract, or a row group is not later than the one
                before.
        """
        delay = round(self.card.ingest_delay_s * SECOND)
        last = (NO_INSTANT, NO_INSTANT)
        for group in sample_groups(self.path):
            if (to is not None and group.first >= to) or (from_ is not None and group.last < from_):
                continue
            block, source_rows = self._block(group, delay)
            if (int(block.arrivals[0]), int(source_rows[0])) < last:
                raise MalformedInput(
                    f"{group.path}: row group {group.index + 1} holds rows that arrived before those of the"
                    " row group before it, so it cannot be replayed, even where its digest is the one of the"
                    " import; write the file sorted by arrival and source_row, or import the dataset again"
                )
            last = int(block.arrivals[-1]), int(source_rows[-1])
            if (from_ is not None and group.first < from_) or (to is not None and group.last >= to):
                lower = np.iinfo(np.int64).min if from_ is None else from_
                upper = np.iinfo(np.int64).max if to is None else to
                chosen = (block.timestamps >= lower) & (block.timestamps < upper)
                block = block.take(chosen)
            for start in range(0, len(block.codes), rows):
                yield block.take(slice(start, start + rows))

    def _block(self, group: SampleGroup, delay: int) -> tuple[SampleBlock, NDArray[np.int64]]:
        """A row group in the order it arrived, with its source rows."""
        names = ("series", "timestamp", "value", "source_row", *(("ingested_at",) if group.ingested else ()))
        columns = group.read(names)
        codes, timestamps = columns["series"], columns["timestamp"]
        if codes.min() < 0 or codes.max() >= self.card.series:
            raise MalformedInput(f"{group.path}: a sample of a series that {SERIES.path} does not list")
        arrivals = timestamps + delay if delay else timestamps
        if group.ingested:
            arrivals = np.where(columns["ingested_at"] != NO_INSTANT, columns["ingested_at"], arrivals)
        block, source_rows = SampleBlock(codes, timestamps, columns["value"], arrivals), columns["source_row"]
        again = arrivals[1:] == arrivals[:-1]
        if np.any(arrivals[1:] < arrivals[:-1]) or np.any(again & (source_rows[1:] < source_rows[:-1])):
            order = np.lexsort((source_rows, arrivals))
            return block.take(order), source_rows[order]
        return block, source_rows

    def log_events(self) -> list[LogEvent]:
        """Log events in the order they arrived."""
        return self._events(LOG_EVENTS, LogEvent)

    def platform_events(self) -> list[PlatformEvent]:
        """Platform events in the order they arrived."""
        return self._events(PLATFORM_EVENTS, PlatformEvent)

    def _events(self, table: Table, model: type[Any]) -> list[Any]:
        delay = round(self.card.ingest_delay_s * SECOND)

        def arrived(row: dict[str, Any]) -> tuple[int, int]:
            at = row["ingested_at"]
            return (row["timestamp"] + delay if at is None else at), row["source_row"]

        rows = sorted(read_rows(self.path, table), key=arrived)
        return [
            self._record(table, model.model_validate, {k: v for k, v in row.items() if k != "source_row"})
            for row in rows
        ]

    def reference(self) -> list[ReferenceRow]:
        """Reference rows by (known_from, kind, content)."""
        rows: list[ReferenceRow] = [
            self._record(REFERENCE[kind], REFERENCE_ROW.validate_python, {"kind": kind, **row})
            for kind in REFERENCE_KINDS
            for row in read_rows(self.path, REFERENCE[kind])
        ]
        return sorted(rows, key=lambda row: (row.known_from, row.kind, row.to_json()))

    def _record(self, table: Table, validate: Any, row: dict[str, Any]) -> Any:
        try:
            return validate(row)
        except ValidationError as error:
            raise broken(error, str(self.path / table.path)) from None

    def import_report(self) -> dict[str, Any]:
        """``import.json``: what the import saw, decided and set aside; empty where there is none."""
        path = self.path / IMPORT_REPORT
        try:
            report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise MalformedInput(f"{path} cannot be read: {error}") from None
        return report

    @property
    def label_layer(self) -> LabelLayer:
        """Where labels are appended."""
        return LabelLayer(self.path / "labels")

    def labels(self, as_of: int | None = None) -> Labels:
        """Labels known at ``as_of`` (nanoseconds UTC, inclusive); None takes all there are."""
        return self.label_layer.read(as_of, otherwise=self.card.span_to)

    def verify(self) -> None:
        """Compute every digest anew and compare with the card.

        Raises:
            IntegrityError: a table is not what it was; names the table.
            MalformedInput: a file cannot be read.
        """
        found = table_entries(self.path)
        for name in sorted({*found, *self.card.tables}):
            if found.get(name) != self.card.tables.get(name):
                raise IntegrityError(
                    f"{self.path}: table {name} is not the one that was imported (digest differs);"
                    " restore it or import again"
                )
        if dataset_digest(self.card.ingest_delay_s, found) != self.card.digest:
            raise IntegrityError(
                f"{self.path / CARD}: digest does not fit ingest_delay_s and tables; restore it"
                " or import again"
            )

    def unchanged(self) -> None:
        """Like :meth:`verify`, in a fraction of its time while the files are byte for byte as written.

        Looks at what the card says of rows, series and span besides, which no digest covers.

        Raises:
            IntegrityError: a table, or what the card says of the tables, is not what it was.
            MalformedInput: a file cannot be read.
        """
        same_files = bool(self.card.files) and file_entries(self.path) == self.card.files
        if not same_files or dataset_digest(self.card.ingest_delay_s, self.card.tables) != self.card.digest:
            self.verify()
        for name, found in self._derived().items():
            if getattr(self.card, name) != found:
                said = self.card.model_dump(mode="json")[name]
                is_ = format_instant(found) if name.startswith("span") else found
                raise IntegrityError(
                    f"{self.path / CARD}: {name} is {said}, the tables say {is_}; restore it or import again"
                )

    def _derived(self) -> dict[str, int]:
        """Fields of the card that follow from the tables; the span where the files' footers tell it."""
        found = {
            field: self.card.tables[table].rows
            for field, table in (("rows", "samples"), ("series", "series"))
            if table in self.card.tables
        }
        groups = sample_groups(self.path)
        if groups and all(group.first != NO_INSTANT for group in groups):
            found["span_from"] = min(group.first for group in groups)
            found["span_to"] = max(group.last for group in groups) + 1
        return found

    def validated(self) -> ValidationReport:
        """The validation report of exactly these bytes, passed.

        Raises:
            InvalidDataset: never validated, changed since, or failed: with rules, rows and examples.
            IntegrityError: the files are not those of the card.
        """
        report = self.validation()
        again = f"run: titleshot validate {self.path}"
        if report is None:
            raise InvalidDataset(f"{self.path}: not validated; {again}")
        if report.dataset_digest != self.card.digest:
            raise InvalidDataset(
                f"{self.path}: validated as {report.dataset_digest[:12]} on"
                f" {format_instant(report.validated_at)}, is {self.card.digest[:12]} now; {again}"
            )
        if not report.passed:
            raise InvalidDataset(f"{self.path}: did not pass validation\n{_failures(report)}")
        self.unchanged()
        return report

    def validation(self) -> ValidationReport | None:
        """What ``validate`` last wrote, passed or not; None where it never ran."""
        path = self.path / VALIDATION
        try:
            return ValidationReport.from_json(path.read_bytes(), where=str(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MalformedInput(f"{path} cannot be read: {error.strerror}") from None


def file_entries(folder: Path) -> dict[str, FileEntry]:
    """Size and SHA-256 of every frozen file below a dataset's folder, by its path within."""
    entries = {}
    for path in sorted((*folder.glob("telemetry/*"), *folder.glob("reference/*"))):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        entries[path.relative_to(folder).as_posix()] = FileEntry(bytes=path.stat().st_size, sha256=digest)
    return entries


def _failures(report: ValidationReport) -> str:
    failed = [rule for rule in report.rules if rule.severity == "error" and not rule.passed]
    lines = [
        f"  {rule.rule} on {rule.table}: {rule.rows} rows, for example"
        f" {'; '.join(rule.examples[:3]) or rule.detail or 'none recorded'}"
        for rule in failed[:_MOST_REASONS]
    ]
    if len(failed) > _MOST_REASONS:
        lines.append(f"  and {len(failed) - _MOST_REASONS} more rules; see {VALIDATION}")
    return "\n".join(lines)
