"""Nezha's metric files: of a pod, of the entry service, and of the latency of calls."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND, parse_instant
from titleshot.datasets.contracts.record import SeriesKey, canonical_json, service_id
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.call_graph import Calls, is_service
from titleshot.datasets.importers.csv_lines import CsvLines
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.wide_rows import WideSamples

FileKind = Literal["pod", "front", "source", "destination", "dependency"]
UNITS = {"m": "millicores", "%": "percent", "Mi": "mebibytes", "s": "s", "Ops": "ops"}
"""What a unit in brackets after a column's name becomes at the end of the metric's name."""
ENTRY_SERVICE = {"online-boutique": "frontend", "train-ticket": "ts-ui-dashboard"}
"""Whose figures ``front_service.csv`` has. Its ``Frontend`` is no service of train-ticket; its latencies are
those of ts-ui-dashboard's server side, row by row."""

_EDGES = re.compile(r"(source|destination)_(\d{1,3})\.csv")
# Hashes of replica sets and pods are drawn from letters and digits without vowels, so no word looks like one.
_POD = re.compile(
    r"(.+)-[bcdfghjklmnpqrstvwxz2456789]{5,10}-[bcdfghjklmnpqrstvwxz2456789]{5}|(.+)-(?:0|[1-9]\d{0,3})"
)
_GO_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?) ([+-]\d{4})(?: [A-Z]{1,5}| [+-]\d{2,4})?"
    r"(?: m=[+-]\d+(?:\.\d+)?)?"
)


def kind_of_file(name: str) -> FileKind | None:
    """What a file of ``metric/`` holds; None where its name says nothing."""
    if name == "front_service.csv":
        return "front"
    if name == "dependency.csv":
        return "dependency"
    if match := _EDGES.fullmatch(name):
        return "source" if match[1] == "source" else "destination"
    return "pod" if name.endswith("_metric.csv") else None


def service_of_pod(pod: str) -> str:
    """The service a pod belongs to: its name without the hashes of replica set and pod, or its ordinal.

    >>> service_of_pod("ts-order-service-5b67c48447-mv5hb"), service_of_pod("redis-cart-0")
    ('ts-order-service', 'redis-cart')
    """
    match = _POD.fullmatch(pod)
    return pod if match is None else match[1] or match[2]


def metric_of_column(column: str) -> str:
    """A column's name in snake case, its unit at the end in words.

    >>> metric_of_column("CpuUsageRate(%)"), metric_of_column("PodServerLatencyP90(s)")
    ('cpu_usage_rate_percent', 'pod_server_latency_p90_s')
    """
    match = re.fullmatch(r"(.*?)\s*(?:\(([^()]*)\))?", column, re.DOTALL)
    name, unit = (match[1], match[2]) if match else (column, None)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    parts = [words] if unit is None else [words, UNITS.get(unit, unit)]
    return re.sub(r"\W+", "_", "_".join(parts)).strip("_").lower()


def instant(text: str, naive: NaiveTimes) -> int:
    """Nanoseconds UTC of a time as Go prints it, its zone as an offset; else as any other time.

    Raises:
        ValueError: no time, or no zone and none was named.
    """
    match = _GO_TIME.fullmatch(text)
    return naive.instant(text) if match is None else parse_instant(f"{match[1]}T{match[2]}{match[3]}")


@dataclass
class Seen:
    """What metric files held, counted over all of them."""

    rows: int = 0
    empty_cells: int = 0
    stamps_off: dict[str, Counter[int]] = field(default_factory=dict)
    """Whole seconds by which TimeStamp is ahead of Time where they differ, by file."""
    never_above_zero: list[str] = field(default_factory=list)
    """Files with a success rate that is 0 in every row."""
    services: set[str] = field(default_factory=set)
    """``namespace/service`` with samples."""
    calls: Calls = field(default_factory=set)
    """Callers and callees that columns of call latencies name."""
    first: int | None = None
    last: int | None = None

    def span(self, samples: WideSamples) -> None:
        """Widen the span by a file's."""
        for at in (samples.first, samples.last):
            if at is not None:
                self.first = at if self.first is None else min(at, self.first)
                self.last = at if self.last is None else max(at, self.last)


_Keys = Callable[[str, str], SeriesKey | None]
"""The series of a column in a row that names a pod or a service."""


class MetricFile:
    """One file of ``metric/``, read into the writer."""

    def __init__(self, rows: CsvLines, into: DatasetWriter, naive: NaiveTimes, seen: Seen) -> None:
        self._rows, self._into, self._naive, self._seen = rows, into, naive, seen
        self._off: Counter[int] = Counter()

    def read(self, kind: FileKind, system: str) -> None:
        """Add every row's samples; a file without a column ``Time`` is set aside whole."""
        name = self._rows.name.rpartition("/")[2]
        keys, names = self._keys(kind, system, name)
        lines = iter(self._rows)
        number, cells = next(lines, (1, [""]))
        header = [cell.casefold() for cell in cells]
        if "time" not in header:
            self._rows.set_aside("no header", "the first line must name Time", number, cells)
            return
        columns = self._columns(header, cells, names)
        named = next((header.index(column) for column in names if column in header), None)
        never = {place for place in columns if "successrate" in header[place]}
        codes: dict[str, tuple[list[int], NDArray[np.int32]]] = {}
        samples = WideSamples(self._rows, self._into)
        for number, cells in lines:
            at = self._time(header, cells, number)
            if at is None:
                continue
            never = {place for place in never if cells[place] in {"0", "0.0", ""}}
            who = name.removesuffix("_metric.csv") if named is None else cells[named]
            if who not in codes:
                codes[who] = self._codes(who, columns, keys, number)
            places, series = codes[who]
            if places:
                samples.add(number, at, series, [cells[place] for place in places])
            else:
                self._rows.set_aside("no series", f"{who!r} has no column of its own", number, cells)
        samples.flush()
        self._count(samples, never_above_zero=bool(never))

    def _count(self, samples: WideSamples, *, never_above_zero: bool) -> None:
        self._seen.rows += samples.rows
        self._seen.empty_cells += samples.empty_cells
        self._seen.span(samples)
        if never_above_zero and samples.rows:
            self._seen.never_above_zero.append(self._rows.name)
        if self._off:
            self._seen.stamps_off[self._rows.name] = self._off

    def _columns(self, header: list[str], cells: list[str], names: Sequence[str]) -> dict[int, str]:
        """The columns with values, by their place."""
        columns: dict[int, str] = {}
        for place, (folded, cell) in enumerate(zip(header, cells, strict=True)):
            if folded in {"time", "timestamp", *names}:
                continue
            if not cell or metric_of_column(cell) in map(metric_of_column, columns.values()):
                why = "is named twice" if cell else "has no name"
                self._rows.set_aside("no column", f"column {place + 1} {why}; it is left out", 1, cell)
                continue
            columns[place] = cell
        return columns

    def _time(self, header: list[str], cells: list[str], number: int) -> int | None:
        """The time of a row; None where it is set aside."""
        if len(cells) != len(header):
            few = "too few cells" if len(cells) < len(header) else "too many cells"
            self._rows.set_aside(few, f"{len(cells)} cells, the header has {len(header)}", number, cells)
            return None
        try:
            at = instant(cells[header.index("time")], self._naive)
        except ValueError as error:
            self._rows.set_aside("no time", str(error), number, cells)
            return None
        if "timestamp" in header:
            try:
                off = int(cells[header.index("timestamp")]) - at // SECOND
            except ValueError:
                return at
            if off:
                self._off[off] += 1
        return at

    def _codes(
        self, who: str, columns: Mapping[int, str], keys: _Keys, number: int
    ) -> tuple[list[int], NDArray[np.int32]]:
        places, found = [], []
        for place, column in columns.items():
            key = keys(who, column)
            try:
                if key is None:
                    raise MalformedInput("it names no caller and callee, as in frontend_cartservice")
                code = self._into.add_series([key])
            except MalformedInput as error:
                self._rows.set_aside("no series", f"{who} {column}: {error}", number, column)
                continue
            self._seen.services.add(key.service_id)
            places.append(place)
            found.append(code)
        return places, np.concatenate(found) if found else np.empty(0, np.int32)

    def _keys(self, kind: FileKind, system: str, name: str) -> tuple[_Keys, tuple[str, ...]]:
        """Whose each column is, and the columns that name it."""

        def of_pod(pod: str, column: str) -> SeriesKey:
            labels = canonical_json({"pod": pod})
            return SeriesKey(system, service_of_pod(pod), metric_of_column(column), labels)

        def of_front(named: str, column: str) -> SeriesKey:
            service = ENTRY_SERVICE.get(system, named.lower())
            return SeriesKey(system, service, f"sli_{metric_of_column(column)}")

        def of_call(_: str, column: str) -> SeriesKey | None:
            caller, _, callee = column.partition("_")
            match = _EDGES.fullmatch(name)
            call = (service_id(system, caller), service_id(system, callee))
            if match is None or not all(is_service(end) for end in call):
                return None
            self._seen.calls.add(call)
            if kind == "source":
                metric, whose, labels = "call_client_latency", caller, {"callee": callee}
            else:
                metric, whose, labels = "call_server_latency", callee, {"caller": caller}
            return SeriesKey(system, whose, f"{metric}_p{match[2]}_s", canonical_json(labels))

        if kind == "pod":
            return of_pod, ("podname",)
        return (of_front, ("servicename",)) if kind == "front" else (of_call, ())
