"""Server Machine Dataset and Application Server Dataset: machines of many metrics, by index only."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND, parse_instant
from titleshot.datasets.contracts.record import SeriesKey, service_id
from titleshot.datasets.dataset_card import DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.importer import Importer, Told, option
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.point_labels import RULE, incident, labelled_runs, row_step
from titleshot.datasets.importers.smd.smd_machine import LABELS, Machine, load_machine, machine_files
from titleshot.datasets.importers.smd.smd_ranges import Explanations
from titleshot.datasets.importers.source_files import files_below
from titleshot.datasets.importers.unscored_time import Seen, outside_rows, unlabelled

NAMESPACE = "smd"
_CADENCES_S = {"omi-": 300.0}
"""Of machines whose names begin so: ASD's 8640 rows of train are 30 days (Li et al., KDD 2021)."""
_CADENCE_S = 60.0
"""Of all others: SMD's rows are a minute apart (Su et al., KDD 2019)."""
_TEST_FROM = "2020-02-01T00:00:00Z"
_BLOCK_ROWS = 4096
_DETECT_WITHIN_CADENCES = 3
_TIMES = (
    "the files have none: row i of test is at test_from + i cadences, the last row of train one cadence"
    " before; the time of day and the weekday are made up"
)
_NOTES = f"""\
Times: {_TIMES}. Values were scaled to 0..1 by the publisher, metrics have no names but their place.
Labels are of single rows of test: {RULE}.
Nobody labelled train: it lies before tuning_until and is not scored, nor are rows of test without a label. A
detection may take three samples of the slowest machine."""


@dataclass(frozen=True, kw_only=True)
class Smd(Importer):
    """Any selection of machines of SMD (``machine-*``) and ASD (``omi-*``), however deep, or one ``.npz``.

    A machine is ``<name>.npz`` with ``train``, ``test`` and ``test_label``, or the published text files
    ``train/<name>.txt``, ``test/<name>.txt`` and ``test_label/<name>.txt``; each part may be missing. It is a
    service of namespace ``smd`` whose metrics are ``metric_01`` and so on: the sets do not name them.
    ``interpretation_label/<name>.txt`` says which metrics explain an incident (its ``notes``),
    ``anomaly_type.txt`` its ``kind``, else ``anomaly``. Rows are a minute apart, five minutes on ``omi-*``;
    ``--cadence-s`` overrides both.
    """

    format: ClassVar[str] = "smd"
    summary: ClassVar[str] = "Server Machine Dataset and Application Server Dataset, or a part of them"

    test_from: str = option(_TEST_FROM, f"made-up time of the first test row (default: {_TEST_FROM})", "TIME")

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        place = Path(source)
        try:
            zero = naive.instant(self.test_from)
        except ValueError as error:
            raise UsageError(
                f"test_from {self.test_from!r}: {error}; give a time like {_TEST_FROM}"
            ) from None
        files = machine_files(place, into)
        explained = Explanations(place, into)
        found = _Found(zero, explained)
        for number, (name, of) in enumerate(files.items(), 1):
            told("reading machines", number, len(files))
            if not set(of) - {LABELS}:
                found.labels_of_absent += 1
                continue
            machine = load_machine(name, of, into)
            if machine is None:
                continue
            cadence = row_step(self.cadence_s, round(_usual_s(name) * SECOND))
            _check_span(machine, zero, cadence)
            if _add_samples(machine, zero, cadence, into):
                found.add(machine, cadence, into)
        pickles = 0 if place.is_file() else len(files_below(place, "**/*.pkl"))
        if not into.samples:
            why = (
                f"; {pickles} pickles are there, which are never loaded: save them as .npz" if pickles else ""
            )
            raise MalformedInput(
                f"{source}: none of {len(files)} machines has values; give a folder with <machine>.npz,"
                f" or with train/<machine>.txt and test/<machine>.txt{why}"
            )
        found.finish(into)
        into.report["interpretations_of_absent_machines"] = explained.of_others(files)
        into.report["pickles_never_loaded"] = pickles


class _Found:
    """What the machines held, counted."""

    def __init__(self, zero: int, explained: Explanations) -> None:
        self.labels_of_absent = 0
        self._zero, self._explained = zero, explained
        self._counts = Counter(
            dict.fromkeys(("train_rows", "test_rows", "labelled_rows", "incidents", "incidents_explained"), 0)
        )
        self._constant = 0
        self._cadences: Counter[float] = Counter()
        self._low, self._high = math.inf, -math.inf
        self._seen: dict[str, Seen] = {}
        self._without_labels: list[str] = []
        self._not_scored: list[DontCare] = []

    def add(self, machine: Machine, cadence: int, into: DatasetWriter) -> None:
        """Count a machine and add its labels."""
        service = service_id(NAMESPACE, machine.name)
        self._cadences[cadence / SECOND] += 1
        self._counts["train_rows"] += len(machine.train)
        self._counts["test_rows"] += len(machine.test)
        for values in (machine.train, machine.test):
            finite = np.isfinite(values)
            self._low = float(values.min(initial=self._low, where=finite))
            self._high = float(values.max(initial=self._high, where=finite))
        if len(machine.train):
            self._constant += int(np.count_nonzero(np.all(machine.train == machine.train[0], axis=0)))
        if not len(machine.test):
            return
        self._seen[service] = Seen(self._zero, self._zero, self._zero + len(machine.test) * cadence)
        if machine.labels is None:
            self._without_labels.append(service)
        else:
            self._label(machine, service, cadence, into)

    def _label(self, machine: Machine, service: str, cadence: int, into: DatasetWriter) -> None:
        labels = _labels(machine, into)
        rows = np.arange(len(labels))
        runs = labelled_runs(rows, labels == 1, 1)
        spans = list(zip(runs.first.tolist(), (runs.last + 1).tolist(), strict=True))
        said = self._explained.of(machine.name, machine.metrics, spans, into)
        incidents = [
            incident(
                service,
                number,
                self._zero + first * cadence,
                self._zero + last * cadence,
                kind=said.kinds.get(number - 1, "anomaly"),
                notes=_in_words(said.metrics.get(number - 1, ()), machine.metrics),
            )
            for number, (first, last) in enumerate(spans, 1)
        ]
        into.add_labels(incidents=incidents)
        self._counts["labelled_rows"] += int(np.count_nonzero(labels == 1))
        self._counts["incidents"] += len(incidents)
        self._counts["incidents_explained"] += len(said.metrics)
        unknown = labelled_runs(rows, np.isnan(labels), 1)
        self._not_scored += [
            DontCare(
                from_=self._zero + first * cadence,
                to=self._zero + (last + 1) * cadence,
                services=(service,),
                reason="no label, or neither 0 nor 1",
            )
            for first, last in zip(unknown.first.tolist(), unknown.last.tolist(), strict=True)
        ]

    def finish(self, into: DatasetWriter) -> None:
        """Write report, notes and evaluation."""
        into.report |= {
            "machines_by_cadence_s": {f"{cadence:g}": n for cadence, n in sorted(self._cadences.items())},
            **self._counts,
            "machines_without_labels": self._without_labels,
            "labels_of_absent_machines": self.labels_of_absent,
            "metrics_constant_in_train": self._constant,
            "values_scaled_to": [self._low, self._high] if self._low <= self._high else [],
            "times_made_up": _TIMES,
            "label_rule": RULE,
            **self._explained.report(),
        }
        into.notes = _NOTES
        none = unlabelled(self._seen, self._without_labels, "the machine has no labels")
        into.evaluation = Evaluation(
            early_s={"imported": 0.0},
            tuning_until=self._zero,
            labels_complete=len(self._without_labels) < len(self._seen),
            detect_within_s=_DETECT_WITHIN_CADENCES * max(self._cadences),
            dont_care=(*outside_rows(self._seen), *none, *self._not_scored),
        )


def _usual_s(name: str) -> float:
    return next((of for start, of in _CADENCES_S.items() if name.startswith(start)), _CADENCE_S)


def _check_span(machine: Machine, zero: int, cadence: int) -> None:
    try:
        parse_instant(zero - len(machine.train) * cadence)
        parse_instant(zero + len(machine.test) * cadence)
    except ValueError as error:
        raise UsageError(
            f"machine {machine.name} does not fit around test_from: {error}; choose another, or cadence_s"
        ) from None


def _add_samples(machine: Machine, zero: int, cadence: int, into: DatasetWriter) -> bool:
    names = [SeriesKey(NAMESPACE, machine.name, name) for name in _metric_names(machine.metrics)]
    try:
        codes = into.add_series(names)
    except MalformedInput as error:
        into.quarantine("samples", "no name for a service", str(error), machine.name, 1, "")
        return False
    for part, values in (("train", machine.train), ("test", machine.test)):
        begin = zero - len(values) * cadence if part == "train" else zero
        read = ~machine.unread.get(part, np.zeros(len(values), np.bool_))
        for start in range(0, len(values), _BLOCK_ROWS):
            rows = start + np.flatnonzero(read[start : start + _BLOCK_ROWS])
            times = np.repeat(begin + rows * cadence, machine.metrics)
            into.add_samples(np.tile(codes, len(rows)), times, values[rows].ravel())
    return True


def _labels(machine: Machine, into: DatasetWriter) -> NDArray[np.float64]:
    """One label a row of test: 0, 1, or NaN where there is none of these."""
    given = machine.labels if machine.labels is not None else np.zeros(0)
    labels = np.full(len(machine.test), np.nan)
    source, rows = f"{machine.name}: {LABELS}", min(len(given), len(labels))
    labels[:rows] = given[:rows]
    if len(given) != len(labels):
        detail = f"{len(given)} labels of {len(labels)} rows; rows without one are not scored"
        into.quarantine("labels", "not as many as rows", detail, source, rows + 1, "")
    for row in np.flatnonzero((labels[:rows] != 0) & (labels[:rows] != 1)):
        detail = f"label {given[row]:g}; the row is not scored"
        into.quarantine("labels", "neither 0 nor 1", detail, source, int(row) + 1, f"{given[row]:g}")
        labels[row] = np.nan
    return labels


def _metric_names(metrics: int) -> list[str]:
    width = max(2, len(str(metrics)))
    return [f"metric_{place:0{width}d}" for place in range(1, metrics + 1)]


def _in_words(places: tuple[int, ...], metrics: int) -> str:
    names = _metric_names(metrics)
    return "metrics: " + ", ".join(names[place - 1] for place in places) if places else ""
