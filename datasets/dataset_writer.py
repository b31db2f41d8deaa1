"""Writes a dataset: all of it or nothing."""

from __future__ import annotations

import json
import math
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from titleshot.datasets.arrival_report import ArrivalReport, arrival_report
from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey, broken
from titleshot.datasets.contracts.reference import ReferenceRow
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset import IMPORT_REPORT, file_entries
from titleshot.datasets.dataset_card import CARD, DatasetCard, Evaluation
from titleshot.datasets.digest import dataset_digest, table_entries
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.label_layer import LabelLayer
from titleshot.datasets.quarantine import Quarantine
from titleshot.datasets.row_files import RowFiles
from titleshot.datasets.sample_columns import SampleColumns
from titleshot.datasets.sample_parquet import ROW_GROUP, write_samples, written_rows
from titleshot.datasets.series_index import SeriesIndex
from titleshot.datasets.tables import LOG_EVENTS, PLATFORM_EVENTS, REFERENCE, SERIES, Table, write_rows
from titleshot.datasets.validation.profile import profile_samples

_RUNS = ".runs"


class DatasetWriter:
    """Collects telemetry, reference data and labels, and puts the finished folder in its place on leaving.

    A context manager; an exception leaves nothing behind. Samples wait in sorted runs beside the folder and
    are merged by arrival into row groups at the end: memory is that of a few million, however many come.

    Args:
        path: folder to make. A dataset there is replaced only with ``replace``; its labels go with it.
        ingest_delay_s: arrival of a record without ``ingested_at`` is its timestamp plus this.
        cadence_s: usual seconds between samples of a series; measured where left out.
        created_at: nanoseconds UTC; now where left out. No part of the digest.

    Raises:
        UsageError: the folder holds something already.
        MalformedInput: a row breaks its contract, or there is no sample at all.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        name: str,
        source: str = "",
        ingest_delay_s: float = 0.0,
        evaluation: Evaluation | None = None,
        synthetic: bool = False,
        cadence_s: float | None = None,
        namespace: str | None = None,
        correlation_domains: Mapping[str, Sequence[str]] | None = None,
        notes: str = "",
        created_at: int | None = None,
        replace: bool = False,
    ) -> None:
        self.path = Path(path)
        self.name = name
        self.source = source
        self.ingest_delay_s = ingest_delay_s
        self.evaluation = evaluation or Evaluation()
        self.synthetic = synthetic
        self.cadence_s = cadence_s
        self.namespace = namespace
        self.correlation_domains = dict(correlation_domains or {})
        self.notes = notes
        self.created_at = time.time_ns() if created_at is None else created_at
        self.report: dict[str, Any] = {}
        """What the import saw; becomes ``import.json``."""
        if not 0 <= ingest_delay_s < math.inf:
            raise UsageError(f"ingest delay must be seconds from 0, got {ingest_delay_s}")
        _refuse_occupied(self.path, replace)
        self._place = self.path.resolve()
        self._beside = self._place.with_name(f".{self._place.name}.{uuid.uuid4().hex[:8]}.part")
        self._index = SeriesIndex()
        self._samples = SampleColumns(self._beside / _RUNS)
        self._rows = RowFiles(self._beside)
        self._events = {LOG_EVENTS.path: 0, PLATFORM_EVENTS.path: 0}
        self._quarantine = Quarantine(self._beside / "quarantine")
        self._labels = LabelLayer(self._beside / "labels")

    def __enter__(self) -> Self:
        try:
            self._beside.mkdir(parents=True)
        except OSError as error:
            raise UsageError(f"{self.path}: no folder can be made there: {error.strerror}") from None
        except BaseException:  # told to stop just now: nobody enters, so nobody leaves
            shutil.rmtree(self._beside, ignore_errors=True)
            raise
        return self

    def add_series(self, keys: Iterable[SeriesKey]) -> NDArray[np.int32]:
        """Codes for the keys, in their order; a key met before keeps its code.

        The codes serve :meth:`add_samples` of this writer only: a reader's codes are ranks of the sorted keys
        that have a sample.
        """
        return self._index.codes(keys)

    def add_samples(
        self, codes: ArrayLike, timestamps: ArrayLike, values: ArrayLike, ingested_at: ArrayLike | None = None
    ) -> None:
        """Add samples in the order they arrived or stood in their source.

        Args:
            codes: int32[n] from :meth:`add_series`.
            timestamps: int64[n], nanoseconds UTC.
            values: float64[n]; NaN and infinities are kept.
            ingested_at: int64[n], nanoseconds UTC, ``sample_files.NO_INSTANT`` where unknown; or None.
        """
        self._samples.add(
            codes,
            timestamps,
            values,
            ingested_at,
            series=len(self._index),
            ingest_delay_s=self.ingest_delay_s,
        )

    @property
    def quarantined(self) -> dict[str, dict[str, int]]:
        """Records set aside, by kind and reason."""
        return self._quarantine.counts

    @property
    def samples(self) -> int:
        """How many samples were added."""
        return len(self._samples)

    def add_log_events(self, events: Iterable[LogEvent]) -> None:
        """Add log events in the order they arrived."""
        self._add_events(LOG_EVENTS, events)

    def add_platform_events(self, events: Iterable[PlatformEvent]) -> None:
        """Add platform events in the order they arrived."""
        self._add_events(PLATFORM_EVENTS, events)

    def _add_events(self, table: Table, events: Iterable[LogEvent | PlatformEvent]) -> None:
        for event in events:
            row = event.model_dump(exclude={"schema_version"})
            self._rows.add(table, [{**row, "source_row": self._events[table.path]}])
            self._events[table.path] += 1

    def add_reference(self, rows: Iterable[ReferenceRow]) -> None:
        """Add reference rows, in any order."""
        for row in rows:
            self._rows.add(REFERENCE[row.kind], [row.model_dump(exclude={"schema_version", "kind"})])

    def add_labels(
        self,
        incidents: Sequence[IncidentLabel] = (),
        feedback: Sequence[FeedbackLabel] = (),
        pages: Sequence[Page] = (),
    ) -> None:
        """Add rows to the label layer."""
        self._labels.append(incidents=incidents, feedback=feedback, pages=pages)

    def quarantine(
        self, kind: str, reason: str, detail: str, source: str, row: int, record: Mapping[str, Any] | str
    ) -> None:
        """Set a record aside in ``quarantine/<kind>.parquet``.

        ``reason`` is a short word to count by, ``detail`` says what is wrong with this one, ``source`` and
        ``row`` (from 1) say where it stood, ``record`` is the record, or its text where it is none.
        """
        self._quarantine.add(kind, reason, detail, source, row, record)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            try:
                self._quarantine.close()
            finally:
                self._rows.close()
            if kind is None:
                self._finish()
        except OSError as failed:
            raise UsageError(f"{self.path}: cannot be written: {failed}") from None
        finally:
            shutil.rmtree(self._beside, ignore_errors=True)

    def _finish(self) -> None:
        if not self.samples:
            raise MalformedInput(f"{self.source or self.path}: not one usable sample; nothing was written")
        if self._samples.span()[1] + round(self.ingest_delay_s * SECOND) >= np.iinfo(np.int64).max:
            raise MalformedInput(
                f"{self.path}: a sample arrives after 2262, where 64 bits of nanoseconds end"
            )
        keys, ranks = self._index.ranked(self._samples.used(len(self._index)))
        write_rows(self._beside, SERIES, ({"series": i, **key._asdict()} for i, key in enumerate(keys)))
        arrivals = self._write_samples(keys, ranks)
        self.report["samples"] = asdict(arrivals)
        if self.cadence_s is None:
            self.cadence_s = arrivals.cadence_s
        (self._beside / "labels").mkdir(exist_ok=True)
        self.report["quarantined"] = self.quarantined
        _write(self._beside / IMPORT_REPORT, json.dumps(self.report, indent=1, sort_keys=True) + "\n")
        _write(self._beside / CARD, self._card(len(keys)).to_yaml())
        _put(self._beside, self._place)

    def _write_samples(self, keys: list[SeriesKey], ranks: NDArray[np.int32]) -> ArrivalReport:
        """Write the samples and count on the way how they came."""
        first, last = self._samples.span()

        pieces = self._samples.pieces(ROW_GROUP, self.ingest_delay_s)
        passes = iter([write_samples(self._beside, pieces, ranks)])
        profile = profile_samples(
            keys, lambda: next(passes, None) or written_rows(self._beside), (first, last + 1)
        )
        shutil.rmtree(self._beside / _RUNS, ignore_errors=True)
        return arrival_report(profile)

    def _card(self, series: int) -> DatasetCard:
        tables = table_entries(self._beside)
        first, last = self._samples.span()
        try:
            return DatasetCard(
                name=self.name,
                source=self.source,
                created_at=self.created_at,
                namespace=self.namespace,
                cadence_s=self.cadence_s,
                ingest_delay_s=self.ingest_delay_s,
                span_from=first,
                span_to=last + 1,
                rows=self.samples,
                series=series,
                digest=dataset_digest(self.ingest_delay_s, tables),
                tables=tables,
                files=file_entries(self._beside),
                evaluation=self.evaluation,
                correlation_domains={name: tuple(of) for name, of in self.correlation_domains.items()},
                synthetic=self.synthetic,
                notes=self.notes,
            )
        except ValidationError as error:
            raise broken(error, str(self.path / CARD)) from None


def _refuse_occupied(path: Path, replace: bool) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise UsageError(f"{path} is a file; name a folder for the dataset")
    if Path.cwd().is_relative_to(path.resolve()):
        raise UsageError(f"{path} is the working directory or above it; name a folder for the dataset")
    if (path / CARD).is_file():
        if not replace:
            raise UsageError(
                f"{path} holds a dataset; choose another folder, or --replace it, labels included"
            )
    elif any(path.iterdir()):
        raise UsageError(f"{path} is no dataset and not empty; choose another folder")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _put(beside: Path, path: Path) -> None:
    if path.exists():
        old = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.old")
        path.replace(old)
        beside.replace(path)
        shutil.rmtree(old, ignore_errors=True)
    else:
        beside.replace(path)
