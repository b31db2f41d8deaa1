"""Microsoft's cloud monitoring set: ``data/<group>/<name>.csv`` of TimeStamp, Value, Label."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.dataset_card import DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.importer import Importer, Told, option
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.named_columns import NamedColumns, number_of
from titleshot.datasets.importers.point_labels import (
    RULE,
    Runs,
    incident,
    labelled_runs,
    row_step,
    usual_step,
)
from titleshot.datasets.importers.source_files import files_below
from titleshot.datasets.importers.unscored_time import Seen, outside_rows, unlabelled

NAMESPACE = "ms-cloud"
METRICS = {
    "application-crash-rate-1": "crash_error_rate",
    "application-crash-rate-2": "crash_error_ratio_to_launches",
    "consumer-purchase-rate": "purchase_throughput",
    "data-ingress-rate": "ingress_throughput",
    "ecommerce-api-incoming-rps": "requests_per_second",
    "middle-tier-api-dependency-latency": "dependency_latency",
    "mongodb-application-rps": "requests_per_second",
    "mongodb-machine-rps": "requests_per_second",
}
"""What a group measures, in words that contenders choose detectors by.

Crashes of the second group are counted per launch and may be more than one: no ratio within 0 and 1.
"""
METRIC = "value"
"""The metric of a group that is none of these."""
_UNLABELLED, _LABELLED, _UNKNOWN = range(3)
_LABELS = {"0": _UNLABELLED, "1": _LABELLED}
_MOST_FORMS = 20
_DETECT_WITHIN_CADENCES = 3
_NINES = str.maketrans("012345678", "9" * 9)
_NOTES = f"""\
Labels are of single rows: {RULE}.
A row without a value keeps its label; a row whose label is neither 0 nor 1 is not scored, nor is a file
without labels. A detection may take three samples of the slowest series. Groups name the metric; there is no
topology: a group says nothing of who calls whom."""


@dataclass(frozen=True, kw_only=True)
class MsCloud(Importer):
    """Any selection of the set's files, however deep, or one of them.

    A file is a service ``<folder>/<name>`` of namespace ``ms-cloud`` with one metric that its group names.
    Its labels become incidents of kind ``anomaly``, severity ``high`` (the set has none): labelled rows that
    follow each other are one. A file without a labelled row is one without incidents, and its labels are
    complete. Repeated rows are kept and counted; a time that any of its rows labels is labelled.
    """

    format: ClassVar[str] = "ms-cloud"
    summary: ClassVar[str] = "Microsoft's cloud monitoring set, or a part of it"
    zone_of_format: ClassVar[str | None] = "UTC"

    gap_rows: int = option(
        0, "labelled rows with at most N rows between them are one incident (default: 0)", "N"
    )

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        if self.gap_rows < 0:
            raise UsageError(f"gap_rows must be at least 0, got {self.gap_rows}")
        place = Path(source)
        paths = [place] if place.is_file() else files_below(place, "**/*.csv")
        if not paths:
            raise MalformedInput(f"{source}: no <group>/<name>.csv here; give the folder that holds data/")
        found = _Found()
        for number, path in enumerate(paths, 1):
            told("reading files", number, len(paths))
            group = path.resolve().parent.name
            key = SeriesKey(NAMESPACE, f"{group}/{path.stem}", METRICS.get(group, METRIC))
            columns = NamedColumns(path, f"{group}/{path.name}", into, ("timestamp", "value"), ("label",))
            if key.service_id in found.seen:
                columns.set_aside(
                    "service twice", f"{key.service_id} was read from another file", 1, str(path)
                )
                continue
            file = _File(columns)
            if file.read(key, into, naive):
                self._label(key.service_id, file, into, found)
        if not into.samples:
            raise MalformedInput(f"{source}: none of {len(paths)} files holds rows of TimeStamp,Value,Label")
        found.finish(into)

    def _label(self, service: str, file: _File, into: DatasetWriter, found: _Found) -> None:
        times, labels = np.array(file.times), np.array(file.labels, np.int8)
        step = row_step(self.cadence_s, usual_step(times))
        first = int(times.min())
        found.seen[service] = Seen(first, first, int(times.max()) + step)
        found.add(service, file, step)
        if np.all(labels == _UNKNOWN):
            found.without_labels.append(service)
            return
        runs = labelled_runs(times, labels == _LABELLED, step, self.gap_rows)
        incidents = [incident(service, n, *span) for n, span in enumerate(_spans(runs, step), 1)]
        into.add_labels(incidents=incidents)
        found.counts["incidents"] += len(incidents)
        found.counts["labelled_rows"] += int(np.count_nonzero(labels == _LABELLED))
        found.counts["times_labelled_both_ways"] += runs.disputed
        found.counts["files_without_incidents"] += not incidents
        found.not_scored += [
            DontCare(from_=start, to=end, services=(service,), reason="the label is neither 0 nor 1")
            for start, end in _spans(labelled_runs(times, labels == _UNKNOWN, step), step)
        ]


class _File:
    """One file: its samples go to the writer, times and labels of its rows stay."""

    def __init__(self, columns: NamedColumns) -> None:
        self.times: list[int] = []
        """Of every row that has a time, with a value or without."""
        self.labels: list[int] = []
        self.forms: Counter[str] = Counter()
        """Rows by how their time is written, digits as 9."""
        self.digest = b""
        """Of times and values: equal for the same telemetry under two names."""
        self._columns = columns

    def read(self, key: SeriesKey, into: DatasetWriter, naive: NaiveTimes) -> bool:
        """Add the file's samples; whether there are any."""
        at, values = [], []
        for number, time, cells in self._rows(naive):
            text = cells[self._columns.columns["value"]]
            try:
                values.append(number_of(text))
                at.append(time)
            except ValueError as error:
                reason = "no number" if text.strip() else "no value"
                self._columns.set_aside(reason, f"{error}; the row keeps its label", number, cells)
        if not at:
            return False
        try:
            code = into.add_series([key])
        except MalformedInput as error:
            self._columns.set_aside("no name for a service", str(error), 1, "")
            return False
        into.add_samples(np.repeat(code, len(at)), at, values)
        self.digest = hashlib.sha256(np.array(at).tobytes() + np.array(values).tobytes()).digest()
        return True

    def _rows(self, naive: NaiveTimes) -> Iterator[tuple[int, int, list[str]]]:
        """Line number, time and cells of each row that has a time; its label is kept."""
        columns = self._columns
        for number, cells in columns.rows():
            text = cells[columns.columns["timestamp"]].strip()
            try:
                time = naive.instant(text)
            except ValueError as error:
                columns.set_aside("no time", str(error), number, cells)
                continue
            self.forms[text.translate(_NINES)] += 1
            self.times.append(time)
            self.labels.append(self._label(cells, number))
            yield number, time, cells

    def _label(self, cells: list[str], number: int) -> int:
        place = self._columns.columns.get("label")
        if place is None:
            return _UNKNOWN
        label = _LABELS.get(cells[place].strip(), _UNKNOWN)
        if label == _UNKNOWN:
            detail = f"label {cells[place]!r}; the row is not scored"
            self._columns.set_aside("neither 0 nor 1", detail, number, cells, "labels")
        return label


class _Found:
    """What the files held, counted."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.counts = Counter(
            dict.fromkeys(
                ("incidents", "labelled_rows", "times_labelled_both_ways", "files_without_incidents"), 0
            )
        )
        self.without_labels: list[str] = []
        self.not_scored: list[DontCare] = []
        self._forms: Counter[str] = Counter()
        self._same: dict[bytes, list[str]] = {}
        self._steps: Counter[int] = Counter()
        self._mixed: list[str] = []

    def add(self, service: str, file: _File, step: int) -> None:
        """Count a file that has samples."""
        self._forms += file.forms
        self._steps[step] += 1
        self._same.setdefault(file.digest, []).append(service)
        if len(file.forms) > 1:
            self._mixed.append(service)

    def finish(self, into: DatasetWriter) -> None:
        """Write report, notes and evaluation."""
        into.report |= {
            "files": len(self.seen),
            **self.counts,
            "files_without_labels": self.without_labels,
            "label_rule": RULE,
            "times_written_as": dict(self._forms.most_common(_MOST_FORMS)),
            "files_with_times_written_in_several_ways": self._mixed,
            "same_telemetry_under_several_names": [of for of in self._same.values() if len(of) > 1],
        }
        into.notes = _NOTES
        none = unlabelled(self.seen, self.without_labels, "the file has no labels")
        into.evaluation = Evaluation(
            early_s={"imported": 0.0},
            labels_complete=len(self.without_labels) < len(self.seen),
            detect_within_s=_DETECT_WITHIN_CADENCES * max(self._steps) / SECOND,
            dont_care=(*outside_rows(self.seen), *none, *self.not_scored),
        )


def _spans(runs: Runs, step: int) -> list[tuple[int, int]]:
    """[first row, last row + step) of each run."""
    return [(start, last + step) for start, last in zip(runs.first.tolist(), runs.last.tolist(), strict=True)]
