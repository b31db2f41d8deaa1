"""Numenta Anomaly Benchmark: ``data/<group>/<file>.csv`` and ``labels/combined_windows.json``."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import SeriesKey, service_id
from titleshot.datasets.dataset_card import Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.importer import Importer, Told
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.named_columns import NamedColumns, number_of
from titleshot.datasets.importers.point_labels import incident
from titleshot.datasets.importers.source_files import files_below, opened
from titleshot.datasets.importers.unscored_time import Seen, outside_rows, unlabelled

NAMESPACE = "nab"
METRIC = "value"
DATA, WINDOWS = "data", "labels/combined_windows.json"
_PROBATION_RATIO, _PROBATION_ROWS = 0.15, 750
_DETECT_WITHIN_S = 86_400.0
_LONGEST_WINDOWS = 1 << 26
_NOTES = """\
A window ends one nanosecond after its last row, because it includes that row and our spans do not include
their end; it counts as known at its end. Probation (the first 15 % of a file, at most 750 rows), the time
outside a file and files of which the windows say nothing are not scored. Windows start early by construction
and are wide, together a tenth of a file: no page before them is a hit, and a detection may take a day."""


@dataclass(frozen=True, kw_only=True)
class Nab(Importer):
    """Any selection of NAB's files: its folder, one above or below it, a group, a file.

    A file is a service ``<group>/<file>`` of namespace ``nab`` with the one metric ``value``; a window is an
    incident of kind ``anomaly``, severity ``high`` (the benchmark has none). Labels of files that are not
    there are left out and counted. A file that the windows do not name is not scored; one with an empty list
    of windows is one without incidents.
    """

    format: ClassVar[str] = "nab"
    summary: ClassVar[str] = "the Numenta Anomaly Benchmark's folder, or a part of it"
    zone_of_format: ClassVar[str | None] = "UTC"

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        place = Path(source)
        paths = _paths(place)
        if not paths:
            raise MalformedInput(
                f"{source}: no data/<group>/<file>.csv here; give the folder that holds data/"
            )
        windows = _windows(place)
        seen: dict[str, Seen] = {}
        unnamed: list[str] = []
        report: Counter[str] = Counter(windows=0, window_edges_off_rows=0)
        for number, (name, path) in enumerate(paths.items(), 1):
            told("reading files", number, len(paths))
            times = _read_file(path, name, into, naive)
            if times is None:
                continue
            service = service_id(NAMESPACE, name.removesuffix(".csv"))
            seen[service] = _seen(times)
            report["files"] += 1
            report["files_out_of_order"] += bool(np.any(times[1:] < times[:-1]))
            report["files_with_repeated_times"] += len(np.unique(times)) < len(times)
            key = _key(name, windows)
            if key is None:
                unnamed.append(service)
                continue
            labels = _labels(service, windows.pop(key), key, into, naive)
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
        into.report["files_without_labels"] = unnamed
        into.notes = _NOTES
        none = unlabelled(seen, unnamed, "the windows do not name the file")
        into.evaluation = Evaluation(
            early_s={"imported": 0.0},
            labels_complete=len(unnamed) < len(seen),
            detect_within_s=_DETECT_WITHIN_S,
            dont_care=(*outside_rows(seen, "before the file, and probation"), *none),
        )


def _paths(place: Path) -> dict[str, Path]:
    """Files by their name below ``data``, as the windows call them.

    Where no folder is called data these are the folder's own and those of its folders; deeper ones may be
    results of detectors, which look like data.
    """
    if place.is_file():
        return {f"{place.resolve().parent.name}/{place.name}": place}
    here, root = place.resolve().name, _root(place)
    if root is not None:
        return {path.relative_to(root).as_posix(): path for path in files_below(root, "**/*.csv")}
    found = {f"{here}/{path.name}": path for path in files_below(place, "*.csv")}
    return found | {path.relative_to(place).as_posix(): path for path in files_below(place, "*/*.csv")}


def _root(place: Path) -> Path | None:
    if place.resolve().name == DATA:
        return place
    roots = [path for path in (place / DATA, *sorted(place.glob(f"*/{DATA}"))) if path.is_dir()]
    if len(roots) > 1:
        raise MalformedInput(
            f"{place}: {len(roots)} folders with {DATA}/ in them ({', '.join(map(str, roots[:3]))}); give one"
        )
    return roots[0] if roots else None


def _windows(place: Path) -> dict[str, Any]:
    """Windows by file; none where there is no file of them."""
    root = None if place.is_file() else _root(place)
    path = (place if root in {None, place} else root.parent) / WINDOWS
    try:
        if not path.is_file():
            return {}
        with opened(path) as file:
            windows = json.loads(file.read(_LONGEST_WINDOWS).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(windows, dict):
        raise MalformedInput(f"{path}: must map each file to its windows, [[first, last], …]")
    return windows


def _key(name: str, windows: dict[str, Any]) -> str | None:
    """What the windows call a file, which may lie in deeper folders than they know of."""
    return next((key for key in (name, "/".join(name.split("/")[-2:])) if key in windows), None)


def _read_file(path: Path, name: str, into: DatasetWriter, naive: NaiveTimes) -> NDArray[np.int64] | None:
    """Add a file's rows; their times in the order of the file, None where it has none."""
    columns = NamedColumns(path, name, into, ("timestamp", "value"))
    times, values = [], []
    for number, cells in columns.rows():
        try:
            value = number_of(cells[columns.columns["value"]])
            times.append(naive.instant(cells[columns.columns["timestamp"]]))
            values.append(value)
        except ValueError as error:
            columns.set_aside("no time or no number", str(error), number, cells)
    if not times:
        return None
    try:
        code = into.add_series([SeriesKey(NAMESPACE, name.removesuffix(".csv"), METRIC)])
    except MalformedInput as error:
        columns.set_aside("no name for a service", str(error), 1, "")
        return None
    into.add_samples(np.repeat(code, len(times)), times, values)
    return np.array(times)


def _labels(
    service: str, windows: Any, key: str, into: DatasetWriter, naive: NaiveTimes
) -> list[IncidentLabel]:
    labels = []
    for number, window in enumerate(windows if isinstance(windows, list) else [windows], 1):
        try:
            first, last = (naive.instant(edge) for edge in window)
            labels.append(incident(service, number, first, last + 1))
        except (ValueError, TypeError) as error:
            into.quarantine(
                "incidents", "no window", str(error), f"{WINDOWS}: {key}", number, json.dumps(window)
            )
    return labels


def _seen(times: NDArray[np.int64]) -> Seen:
    probation = min(math.floor(_PROBATION_RATIO * len(times)), _PROBATION_ROWS)
    return Seen(int(times.min()), int(times[probation]), int(times.max()) + 1)
