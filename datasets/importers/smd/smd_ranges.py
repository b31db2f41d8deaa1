"""Which metrics explain an anomaly: ``interpretation_label/<machine>.txt``, lines ``first-last:metric,…``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container
from pathlib import Path
from typing import Any, NamedTuple

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.source_files import LONGEST_LINE, files_below, opened

KIND = "interpretations"
_FOLDER, _TYPES = "interpretation_label", "anomaly_type"
_LINE = re.compile(r"(\d{1,9})-(\d{1,9}):(\d{1,6}(?:,\d{1,6})*)")
READINGS = {
    "from 0, the last row not included": (0, 0),
    "from 0, the last row included": (0, 1),
    "from 1, the last row included": (-1, 0),
}
"""How rows ``first-last`` may be meant: what to add to each to get rows [first, last) counted from 0."""
_GUESSED = "agrees with no labelled run: from 0, the last row not included"


class Range(NamedTuple):
    """One line of a file."""

    line: int
    text: str
    """``first-last`` as it stands."""
    first: int
    last: int
    metrics: tuple[int, ...]
    """Places of metrics, counted from 1, rising."""


class Explained(NamedTuple):
    """What the ranges of a machine say of its labelled runs, by the place of a run."""

    metrics: dict[int, tuple[int, ...]]
    kinds: dict[int, str]
    """Type of the anomaly where all ranges of a run have the same one."""


class Explanations:
    """Every interpretation file below a folder, asked for a machine at a time.

    Runs of ``test_label`` decide when something was anomalous. The files do not say how their rows count, and
    SMD's and ASD's differ: for each machine that reading of ``READINGS`` is taken which makes the most ranges
    equal to a run, the first of equals. A range belongs to every run it shares a row with.
    """

    def __init__(self, place: Path, into: DatasetWriter) -> None:
        self._files: dict[str, Path] = {}
        for path in [] if place.is_file() else files_below(place, f"**/{_FOLDER}/*.txt"):
            if self._files.setdefault(path.stem, path) != path:
                detail = f"{path.stem} is read from another folder already"
                into.quarantine(KIND, "machine twice", detail, path.name, 1, "")
        types = self._files.pop(_TYPES, None)
        self._kinds = {} if types is None else _read_kinds(types, into)
        self._counts = Counter(dict.fromkeys(("equal", "part", "beyond"), 0))
        self._read_as: dict[str, list[str]] = {}

    def of(self, name: str, metrics: int, runs: list[tuple[int, int]], into: DatasetWriter) -> Explained:
        """What is said of a machine; ranges that share no row with a run are set aside.

        Args:
            metrics: how many the machine has.
            runs: [first, last) of each, rows of the test part counted from 0.
        """
        path = self._files.get(name)
        if path is None:
            return Explained({}, {})
        ranges = _read_ranges(path, metrics, into)
        whole = set(runs)
        equal = {reading: sum(_rows(of, reading) in whole for of in ranges) for reading in READINGS}
        reading = max(equal, key=lambda of: equal[of])
        self._read_as.setdefault(reading if equal[reading] else _GUESSED, []).append(name)
        places: dict[int, set[int]] = {}
        kinds: dict[int, set[str]] = {}
        for of in ranges:
            first, last = _rows(of, reading)
            hit = [run for run, (start, end) in enumerate(runs) if first < end and start < last]
            if not hit:
                detail = f"rows {reading}: none of them is labelled"
                into.quarantine(KIND, "explains no labelled row", detail, path.name, of.line, of.text)
            elif (first, last) in whole:
                self._counts["equal"] += 1
            elif len(hit) == 1 and runs[hit[0]][0] <= first and last <= runs[hit[0]][1]:
                self._counts["part"] += 1
            else:
                self._counts["beyond"] += 1
            for run in hit:
                places.setdefault(run, set()).update(of.metrics)
                kinds.setdefault(run, set()).add(self._kinds.get((name, of.text), ""))
        return Explained(
            {run: tuple(sorted(of)) for run, of in places.items()},
            {run: next(iter(of)) for run, of in kinds.items() if len(of) == 1 and of != {""}},
        )

    def of_others(self, machines: Container[str]) -> int:
        """Files of machines that are not there."""
        return sum(name not in machines for name in self._files)

    def report(self) -> dict[str, Any]:
        """Counts and decisions."""
        return {
            "interpretation_ranges": {
                "equal to a labelled run": self._counts["equal"],
                "part of a labelled run": self._counts["part"],
                "beyond a labelled run": self._counts["beyond"],
            },
            "interpretation_rows_counted": self._read_as,
        }


def _rows(of: Range, reading: str) -> tuple[int, int]:
    """Rows [first, last) counted from 0, at least one."""
    low, high = READINGS[reading]
    return of.first + low, max(of.last + high, of.first + low + 1)


def _read_ranges(path: Path, metrics: int, into: DatasetWriter) -> list[Range]:
    """Ranges of a file; lines that are none, or name a metric beyond ``metrics``, are set aside."""
    ranges = []
    with opened(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
            text = line.decode("utf-8-sig", "replace").strip()
            if not text:
                continue
            match = _LINE.fullmatch(text.replace(" ", ""))
            fault = "no range"
            if match is not None:
                first, last = int(match[1]), int(match[2])
                places = tuple(sorted({int(place) for place in match[3].split(",")}))
                if first > last:
                    fault = "ends before it begins"
                elif places[0] < 1 or places[-1] > metrics:
                    fault = "no such metric"
                else:
                    ranges.append(Range(number, f"{match[1]}-{match[2]}", first, last, places))
                    continue
            detail = f"a line is first-last:metric,… with metrics 1 to {metrics}"
            into.quarantine(KIND, fault, detail, path.name, number, text[:200])
    return ranges


def _read_kinds(path: Path, into: DatasetWriter) -> dict[tuple[str, str], str]:
    """``anomaly_type.txt``: the type of an anomaly by machine and range."""
    kinds = {}
    with opened(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
            cells = [cell.strip() for cell in line.decode("utf-8-sig", "replace").split(",")]
            if len(cells) == 3 and re.fullmatch(r"[a-z-]{1,40}", cells[2]):
                kinds[cells[0], cells[1]] = cells[2]
            elif any(cells) and number > 1:
                detail = "a line is machine,first-last,type"
                into.quarantine(
                    KIND, "no type of an anomaly", detail, path.name, number, ",".join(cells)[:200]
                )
    return kinds
