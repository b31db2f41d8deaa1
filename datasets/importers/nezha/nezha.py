"""Nezha: two microservice systems under fault injection, ``rca_data/<date>/metric`` and fault lists."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from titleshot.datasets.contracts.instants import MINUTE, format_instant
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.dataset_card import DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.call_graph import Calls, lone, topology_rows
from titleshot.datasets.importers.csv_lines import CsvLines
from titleshot.datasets.importers.importer import Importer, Told, option
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.nezha.nezha_facts import (
    Day,
    FaultList,
    SystemGraph,
    names_in_faults,
    read_code_regions,
    read_dependency,
    read_graph,
    read_json,
    system_of,
)
from titleshot.datasets.importers.nezha.nezha_metrics import MetricFile, Seen, kind_of_file, service_of_pod
from titleshot.datasets.importers.source_files import files_below, opened
from titleshot.datasets.importers.stretches import Stretch, between

_STEP = MINUTE
_GRACE_S = 120.0
_LATER = ("log", "trace", "traceid")
_FAULT_FREE = "construct_data"
_DECISIONS = (
    "Time is the time of a sample, TimeStamp is only compared with it",
    "inject_time (UTC) is when a fault starts, inject_timestamp is only compared with it",
    "an empty cell is no sample; NaN was measured and is kept",
    "a pod's name without its hashes is the service, the pod a label of the series",
    "calls hold and are known from the first sample of their system",
    "every incident is of severity high, and nobody owns a service: the set does not say",
)


@dataclass(frozen=True, kw_only=True)
class Nezha(Importer):
    """Any selection of Nezha's files, in the public layout or from a date folder on.

    A system is a namespace, a pod's service a service. Fault-free data in ``construct_data`` repeats metric
    files of ``rca_data`` and is read only where those are absent. Logs and traces are named as not read.
    """

    format: ClassVar[str] = "nezha"
    summary: ClassVar[str] = (
        "the Nezha set of two microservice systems under fault injection, or a part of it"
    )
    zone_of_format: ClassVar[str | None] = "UTC"

    fault_seconds: float = option(
        300.0, "seconds a fault lasts, because the fault lists have no end (default: 300)", "S"
    )

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        if not 0 < self.fault_seconds < float("inf"):
            raise UsageError(f"fault_seconds must be more than 0, got {self.fault_seconds}")
        place = Path(source)
        folders = _dates(place)
        if not any(folder.metric for folder in folders.values()):
            raise MalformedInput(
                f"{source}: no rca_data/<date>/metric/*.csv here; give the folder that holds rca_data/"
            )
        graphs = [read_graph(path, path.name, into) for path in files_below(place, "topology_*.json")]
        code: dict[str, dict[str, str]] = {}
        for path in (p for pattern in ("", "*/") for p in files_below(place, f"{pattern}root_cause_*.json")):
            code |= read_code_regions(path)
        work = _Work(place, into, naive, graphs, FaultList(into, naive, self.fault_seconds, code))
        files = sum(len(folder.metric) for folder in folders.values())
        for _, folder in sorted(folders.items()):
            work.read_date(folder, lambda done: told("reading files", done, files))
        if not into.samples:
            raise MalformedInput(f"{source}: none of {files} metric files holds rows with a column Time")
        work.finish(self.fault_seconds)


@dataclass
class _Folder:
    """Files of one date, whichever part they are from."""

    date: str
    metric: dict[str, Path] = field(default_factory=dict)
    faults: list[Path] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    repeats: int = 0


def _dates(place: Path) -> dict[str, _Folder]:
    """The date folders at, below or two below ``place``; those of fault-free data last."""
    folders: dict[str, _Folder] = {}
    for depth in ("", "*/", "*/*/"):
        paths = files_below(place, f"{depth}metric/*") + files_below(place, f"{depth}*fault_list.json")
        for path in sorted(paths, key=lambda path: (_FAULT_FREE in path.parts, path)):
            metric = path.parent.name == "metric"
            home = path.parent.parent if metric else path.parent
            folder = folders.setdefault(home.resolve().name, _Folder(home.resolve().name))
            if not metric:
                folder.faults.append(path)
                folder.unread += _unread(home, place)
            elif kind_of_file(path.name) is None:
                folder.unread.append(path.relative_to(place).as_posix())
            elif path.name not in folder.metric:
                folder.metric[path.name] = path
            elif filecmp.cmp(path, folder.metric[path.name], shallow=False):
                folder.repeats += 1
            else:
                folder.unread.append(path.relative_to(place).as_posix())
    return folders


def _unread(home: Path, place: Path) -> list[str]:
    """Folders of logs and traces beside the metrics."""
    return [
        f"{(home / name).relative_to(place).as_posix()}/ ({sum(1 for _ in (home / name).iterdir())} files)"
        for name in _LATER
        if (home / name).is_dir()
    ]


class _Work:
    """An import under way: what the dates read so far say together."""

    def __init__(
        self,
        place: Path,
        into: DatasetWriter,
        naive: NaiveTimes,
        graphs: list[SystemGraph],
        faults: FaultList,
    ) -> None:
        self._place, self._into, self._naive = place, into, naive
        self._graphs, self._faults = graphs, faults
        self._calls: Calls = set()
        self._from: dict[str, int] = {}
        self._services: dict[str, set[str]] = defaultdict(set)
        self._stretches: list[Stretch] = []
        self._without_faults: list[str] = []
        self._done = 0
        self._seen = Seen()
        self._report: dict[str, Any] = {
            "systems": {},
            "dependency_rows_of_addresses": 0,
            "files_that_repeat_others": 0,
        }
        self._unread: list[str] = []

    def read_date(self, folder: _Folder, done: Callable[[int], None]) -> None:
        """Read one date's metrics, calls and faults."""
        self._unread += folder.unread
        self._report["files_that_repeat_others"] += folder.repeats
        system, known_by = system_of(self._names(folder), self._graphs)
        seen, pods = Seen(), set()
        for name, path in sorted(folder.metric.items()):
            self._done += 1
            done(self._done)
            kind = kind_of_file(name)
            whole = path.relative_to(self._place).as_posix()
            if kind == "dependency":
                self._dependency(CsvLines(path, whole, self._into, "topology"), system)
            elif kind is not None:
                MetricFile(CsvLines(path, whole, self._into), self._into, self._naive, seen).read(
                    kind, system
                )
            if kind == "pod":
                pods.add(name.removesuffix("_metric.csv"))
        self._take(seen)
        if seen.first is None or seen.last is None:
            self._unread += [path.relative_to(self._place).as_posix() for path in folder.faults]
            return
        self._report["systems"][folder.date] = f"{system}, by {known_by}"
        end = seen.last + _STEP
        self._stretches.append(Stretch(system, seen.first, end))
        self._from[system] = min(seen.first, self._from.get(system, seen.first))
        self._services[system] |= seen.services
        known = seen.services | {
            service_id(graph.system, service)
            for graph in self._graphs
            for service in graph.services
            if graph.system == system
        }
        day = Day(folder.date, system, seen.first, end, frozenset(pods), frozenset(known))
        for path in folder.faults:
            self._faults.add(path, path.relative_to(self._place).as_posix(), day)
        if not folder.faults:
            self._without_faults.append(folder.date)

    def _names(self, folder: _Folder) -> set[str]:
        """Services that file names, headers and fault lists speak of."""
        names = {
            service_of_pod(name.removesuffix("_metric.csv"))
            for name in folder.metric
            if kind_of_file(name) == "pod"
        }
        for path in folder.faults:
            names |= set(names_in_faults(read_json(path)))
        if not names:
            for path in folder.metric.values():
                with opened(path) as file:
                    header = file.readline(1 << 16).decode("utf-8", "replace").strip()
                names |= {name for column in header.split(",") for name in column.split("_")}
        return names

    def _dependency(self, rows: CsvLines, system: str) -> None:
        calls, addresses = read_dependency(rows)
        self._report["dependency_rows_of_addresses"] += addresses
        self._calls |= {(service_id(system, a), service_id(system, b)) for a, b in calls}

    def _take(self, seen: Seen) -> None:
        """Add what one date's files held to that of all."""
        self._seen.rows += seen.rows
        self._seen.empty_cells += seen.empty_cells
        self._seen.stamps_off |= seen.stamps_off
        self._seen.never_above_zero += seen.never_above_zero
        self._calls |= seen.calls

    def finish(self, fault_s: float) -> None:
        """Add calls and labels of all dates, say what is scored and what was decided."""
        into, faults = self._into, self._faults.read
        for graph in self._graphs:
            if graph.system in self._from:
                self._calls |= {
                    (service_id(graph.system, a), service_id(graph.system, b)) for a, b in graph.calls
                }
        services = {service for of in self._services.values() for service in of}
        rows = topology_rows(self._calls, services, self._from)
        into.add_reference(rows)
        into.add_labels(incidents=faults.labels)
        into.notes = _notes(fault_s)
        into.report |= self._report | {
            "rows": self._seen.rows,
            "empty_cells": self._seen.empty_cells,
            "calls": len(rows) - lone(rows),
            "services_without_known_calls": lone(rows),
            "faults": len(faults.labels),
            "fault_seconds_assumed": fault_s,
            "inject_timestamp_against_inject_time": dict(faults.stamps),
            "faults_listed_under_another_hour": faults.other_hour,
            "faults_of_pods_without_metrics": faults.pods_without_metrics,
            "dates_without_fault_list": self._without_faults,
            "rows_whose_TimeStamp_differs_from_Time": {
                name: {"rows": sum(off.values()), "mostly_by_s": off.most_common(1)[0][0]}
                for name, off in sorted(self._seen.stamps_off.items())
            },
            "files_with_a_success_rate_of_0_throughout": len(self._seen.never_above_zero),
            "decisions": list(_DECISIONS),
        }
        if self._unread:
            into.report["files_not_read"] = sorted(set(self._unread))
        into.evaluation = Evaluation(
            labels_complete=not self._without_faults,
            grace_s=_GRACE_S,
            dont_care=(
                *between(self._stretches, self._services),
                *(
                    DontCare(from_=at, to=end, reason=f"a fault of {format_instant(at)} that was set aside")
                    for at, end in faults.unlabelled
                ),
            ),
        )


def _notes(fault_s: float) -> str:
    return f"""\
A fault lasts {fault_s:g} s from inject_time: the lists have no end. Figures are taken once a minute and
faults last but minutes, so a page may come {_GRACE_S:g} s after that end. Faults start within minutes of the
first sample: nothing is warmed up. Success rates that are 0 throughout were not measured. Time in which no
file has rows is not scored."""
