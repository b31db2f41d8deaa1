"""Numenta Anomaly Benchmark: ``data/<group>/<file>.csv`` and ``labels/combined_windows.json``."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey, service_id
from titleshot.datasets.dataset_card import DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.importer import Importer, Told
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.source_files import files_below

NAMESPACE = "nab"
METRIC = "value"
WINDOWS = "labels/combined_windows.json"
_PROBATION_RATIO, _PROBATION_ROWS = 0.15, 750
_DETECT_WITHIN_S = 86_400.0
_NOTES = """\
A window ends one nanosecond after its last row, because it includes that row and our spans do not include
their end; it counts as known at its end. Probation (the first 15 % of a file, at most 750 rows) and the
time outside a file are not scored. Windows start early by construction: no page before them is a hit, and a
detection may take a day."""


@dataclass(frozen=True, kw_only=True)
class Nab(Importer):
    """Any selection of NAB's files.

    A file is a service ``<group>/<file>`` of namespace ``nab`` with the one metric ``value``; a window is an
    incident of kind ``anomaly``, severity ``high`` (the benchmark has none). Labels of files that are not
    there are left out and counted.
    """

    format: ClassVar[str] = "nab"
    summary: ClassVar[str] = "the Numenta Anomaly Benchmark's folder, or a part of it"
    zone_of_format: ClassVar[str | None] = "UTC"

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        place = Path(source)
        data = place / "data"
        paths = files_below(data, "**/*.csv")
        if not paths:
            raise MalformedInput(
                f"{source}: no data/<group>/<file>.csv here; give the folder that holds data/"
            )
        windows = _windows(place / WINDOWS)
        spans: dict[str, NDArray[np.int64]] = {}
        report = {"files": 0, "windows": 0, "windows_of_absent_files": 0, "window_edges_off_rows": 0}
        for number, path in enumerate(paths, 1):
            told("reading files", number, len(paths))
            name = path.relative_to(data).as_posix()
            times = _read_file(path, name, into, naive)
            if times is None:
                continue
            service = name.removesuffix(".csv")
            spans[service] = times
            report["files"] += 1
            labels = _labels(service, windows.pop(name, []), name, into, naive)
            report["windows"] += len(labels)
            edges = [edge for label in labels for edge in (label.start, label.end - 1)]
            report["window_edges_off_rows"] += int(np.count_nonzero(~np.isin(edges, times)))
            into.add_labels(incidents=labels)
        if not into.samples:
            raise MalformedInput(f"{source}: none of {len(paths)} files holds rows of timestamp,value")
        report["windows_of_absent_files"] = sum(
            len(of) if isinstance(of, list) else 1 for of in windows.values()
        )
        into.report |= report
        into.notes = _NOTES
        into.evaluation = Evaluation(
            early_s={"imported": 0.0},
            labels_complete=(place / WINDOWS).is_file(),
            detect_within_s=_DETECT_WITHIN_S,
            dont_care=_not_scored(spans),
        )


def _windows(path: Path) -> dict[str, Any]:
    try:
        windows = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise MalformedInput(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(windows, dict):
        raise MalformedInput(f"{path}: must map each file to its windows, [[first, last], …]")
    return windows


def _read_file(path: Path, name: str, into: DatasetWriter, naive: NaiveTimes) -> NDArray[np.int64] | None:
    """Add a file's rows; their times in the order of the file, None where it has none."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    rows = _rows(reader)
    first = next(rows, [])
    header = [] if isinstance(first, csv.Error) else [cell.strip() for cell in first]
    if "timestamp" not in header or "value" not in header:
        into.quarantine(
            "samples", "no header", "the first line must name timestamp and value", name, 1, text[:200]
        )
        return None
    at, of = header.index("timestamp"), header.index("value")
    times, values = [], []
    for row in rows:
        if isinstance(row, csv.Error):
            into.quarantine("samples", "no row", str(row), name, reader.line_num, "")
            continue
        if not row:
            continue
        try:
            value = _number(row[of])
            times.append(naive.instant(row[at]))
            values.append(value)
        except (ValueError, IndexError) as error:
            reason = "too few cells" if isinstance(error, IndexError) else "no time or no number"
            into.quarantine("samples", reason, str(error), name, reader.line_num, ",".join(row))
    if not times:
        return None
    try:
        code = into.add_series([SeriesKey(NAMESPACE, name.removesuffix(".csv"), METRIC)])
    except MalformedInput as error:
        into.quarantine("samples", "no name for a service", str(error), name, 1, "")
        return None
    into.add_samples(np.repeat(code, len(times)), times, values)
    return np.array(times)


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str] | csv.Error]:
    """Rows, and in its place the error of one that is none, such as a cell of more than 128 kB."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield error


def _number(text: str) -> float:
    if "_" in text or not text.strip():
        raise ValueError(f"value {text!r} is not a number")
    return float(text)


def _labels(
    service: str, windows: Any, name: str, into: DatasetWriter, naive: NaiveTimes
) -> list[IncidentLabel]:
    labels = []
    for number, window in enumerate(windows if isinstance(windows, list) else [windows], 1):
        try:
            first, last = (naive.instant(edge) for edge in window)
            labels.append(
                IncidentLabel(
                    incident_id=f"{service}#{number}",
                    start=first,
                    end=last + 1,
                    root_service=service_id(NAMESPACE, service),
                    affected_services=(service_id(NAMESPACE, service),),
                    severity="high",
                    kind="anomaly",
                    source="imported",
                    known_at=last + 1,
                )
            )
        except (ValueError, TypeError) as error:
            into.quarantine(
                "incidents", "no window", str(error), f"{WINDOWS}: {name}", number, json.dumps(window)
            )
    return labels


def _not_scored(files: dict[str, NDArray[np.int64]]) -> tuple[DontCare, ...]:
    """Time before a file's first scored row and after its last, by service; and time without any file."""
    begin, end = min(int(t.min()) for t in files.values()), max(int(t.max()) for t in files.values()) + 1
    spans = []
    for service, times in files.items():
        on = (service_id(NAMESPACE, service),)
        probation = min(math.floor(_PROBATION_RATIO * len(times)), _PROBATION_ROWS)
        first, last = int(times[probation]), int(times.max()) + 1
        if begin < first:
            spans.append(
                DontCare(from_=begin, to=first, services=on, reason="before the file, and probation")
            )
        if last < end:
            spans.append(DontCare(from_=last, to=end, services=on, reason="after the file"))
    covered = begin
    for first, last in sorted((int(times.min()), int(times.max()) + 1) for times in files.values()):
        if first > covered:
            spans.append(DontCare(from_=covered, to=first, reason="no file has rows"))
        covered = max(covered, last)
    return tuple(spans)
