"""NAB's files: the windows of a corpus, the rows of its data, and published results on them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from titleshot.datasets.contracts.instants import parse_instant
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.nab import WINDOWS
from titleshot.datasets.importers.source_files import files_below
from titleshot.datasets.nearest import nearest
from titleshot.reports.literature.nab import F64, I64, NabFile, nab_file

Windows = dict[str, list[tuple[int, int]]]


def nab_windows(source: Path) -> Windows:
    """First and last time (ns UTC) of each window by file name, ``<group>/<file>.csv``.

    Raises:
        MalformedInput: no windows there, or none that can be read; names the file.
    """
    path = source / WINDOWS
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        return {
            name: [(_instant(first), _instant(last)) for first, last in windows]
            for name, windows in document.items()
        }
    except OSError as error:
        raise MalformedInput(
            f"{path} cannot be read ({error.strerror}); give the folder that holds labels/ and results/"
        ) from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedInput(f"{path}: must map each file to [[first, last], …] ({error})") from None


def nab_results(source: Path, detector: str) -> list[NabFile]:
    """Published scores of a detector: ``results/<detector>/<group>/<detector>_<file>.csv``.

    Raises:
        UsageError: no results of that detector; offers the nearest.
        MalformedInput: a file without windows, columns or numbers; names file and row.
    """
    results = source / "results"
    known = [path.name for path in sorted(results.iterdir()) if path.is_dir()] if results.is_dir() else []
    if detector not in known:
        raise UsageError(f"{source}: no results of {detector!r}{nearest(detector, known)}")
    windows = nab_windows(source)
    files = []
    for path in files_below(results / detector, "*/*.csv"):
        name = f"{path.parent.name}/{path.name.removeprefix(f'{detector}_')}"
        times, scores = _columns(path, ("timestamp", "anomaly_score"))
        files.append(nab_file(name, _times(path, times), _numbers(path, scores), windows_of(windows, name)))
    if not files:
        raise MalformedInput(f"{results / detector}: no <group>/{detector}_<file>.csv in it")
    return files


def nab_times(source: Path) -> dict[str, I64]:
    """The rows' times (ns UTC) of each file of the data, in the order of the file.

    Raises:
        MalformedInput: no data, or a row without a time.
    """
    times = {
        path.relative_to(source / "data").as_posix(): _times(path, _columns(path, ("timestamp",))[0])
        for path in files_below(source / "data", "**/*.csv")
    }
    if not times:
        raise MalformedInput(f"{source}: no data/<group>/<file>.csv here; give the folder that holds data/")
    return times


def windows_of(windows: Windows, name: str) -> list[tuple[int, int]]:
    """The windows of a file.

    Raises:
        MalformedInput: it is not listed at all.
    """
    if name not in windows:
        raise MalformedInput(f"{name} is not in {WINDOWS}; a file without anomalies is listed with []")
    return windows[name]


def _columns(path: Path, names: tuple[str, ...]) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, csv.Error) as error:
        raise MalformedInput(f"{path} cannot be read: {error}") from None
    header = [cell.strip() for cell in rows[0]] if rows else []
    missing = [name for name in names if name not in header]
    if missing:
        raise MalformedInput(f"{path}: no column {missing[0]!r} in its first line; there are {header}")
    short = next((at for at, row in enumerate(rows, 1) if len(row) < len(header)), None)
    if short is not None:
        raise MalformedInput(f"{path}: row {short} has fewer cells than the header; it may be cut off")
    return [[row[header.index(name)] for row in rows[1:]] for name in names]


def _times(path: Path, cells: Sequence[str]) -> I64:
    try:
        plain = pa.array(cells, pa.string()).cast(pa.timestamp("ns")).cast(pa.int64())
        return np.asarray(plain.to_numpy())
    except pa.ArrowInvalid:
        pass  # one by one, to say which it is
    try:
        return np.array([_instant(cell) for cell in cells], np.int64)
    except ValueError as error:
        raise MalformedInput(f"{path}: {error}") from None


def _numbers(path: Path, cells: Sequence[str]) -> F64:
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError as error:
        raise MalformedInput(f"{path}: anomaly_score: {error}") from None


def _instant(text: Any) -> int:
    # The benchmark's times have no zone; UTC is as good as any, since only equality counts.
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no time")  # noqa: TRY004  caught with the others
    return parse_instant(text.strip() + "Z")
