"""What Nezha says beside its metrics: who calls whom, which faults were injected, and where in the code."""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.csv_lines import CsvLines
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.nezha.nezha_metrics import service_of_pod
from titleshot.datasets.importers.source_files import opened

UNKNOWN_SYSTEM = "nezha"
_BOUTIQUE = {
    *("adservice", "cartservice", "checkoutservice", "currencyservice", "emailservice", "frontend"),
    *("paymentservice", "productcatalogservice", "recommendationservice", "shippingservice", "redis-cart"),
}
_TICKETS = "ts-"
_EIGHT_HOURS_S, _ABOUT_S = 8 * 3600, 600
_LONGEST_JSON = 1 << 24
_NAME = re.compile(r"[^/\x00-\x1f]{1,250}")


@dataclass(frozen=True)
class SystemGraph:
    """A ``topology_<system>.json``: its services and their calls."""

    system: str
    services: frozenset[str]
    calls: frozenset[tuple[str, str]]


def read_graph(path: Path, name: str, into: DatasetWriter) -> SystemGraph:
    """Read a topology file; edges that are none are set aside.

    Raises:
        MalformedInput: no JSON, or not an object with nodes and edges.
    """
    held = read_json(path)
    system = path.stem.removeprefix("topology_")
    if isinstance(held, dict) and isinstance(named := held.get("system", system), str):
        system = named
    if not isinstance(held, dict) or not isinstance(held.get("edges"), list) or not _NAME.fullmatch(system):
        raise MalformedInput(f"{path}: must be an object with a system and a list of edges")
    nodes = held.get("nodes", [])
    services = {n["service"] for n in nodes if isinstance(n, dict) and isinstance(n.get("service"), str)}
    calls: set[tuple[str, str]] = set()
    for number, edge in enumerate(held["edges"], 1):
        ends = [edge.get("caller"), edge.get("callee")] if isinstance(edge, dict) else []
        caller, *callee = [end for end in ends if isinstance(end, str) and _NAME.fullmatch(end)] or [""]
        if callee:
            calls.add((caller, callee[0]))
        else:
            detail = "an edge names caller and callee as text"
            into.quarantine("topology", "no edge", detail, name, number, json.dumps(edge)[:1000])
    return SystemGraph(
        system, frozenset(services | {end for call in calls for end in call}), frozenset(calls)
    )


def read_dependency(rows: CsvLines) -> tuple[set[tuple[str, str]], int]:
    """Calls of a ``dependency.csv``, and how many rows were left out because an address is no service."""
    calls, addresses, header = set(), 0, False
    for number, cells in rows:
        if not header:
            header = [cell.casefold() for cell in cells[:2]] == ["source", "target"]
            if not header:
                rows.set_aside("no header", "the first line must be Source,Target,…", number, cells)
                break
        elif len(cells) < 2 or not all(_NAME.fullmatch(end) for end in cells[:2]):
            rows.set_aside("no edge", "a row names source and target", number, cells)
        elif any(_is_address(end) for end in cells[:2]):
            addresses += 1
        else:
            calls.add((cells[0], cells[1]))
    return calls, addresses


def system_of(names: Iterable[str], graphs: Iterable[SystemGraph]) -> tuple[str, str]:
    """The system that services belong to, and by what that is known."""
    names = set(names)
    best = max(graphs, key=lambda graph: len(graph.services & names), default=None)
    if best is not None and best.services & names:
        return best.system, "topology file"
    if any(name.startswith(_TICKETS) for name in names):
        return "train-ticket", f"services named {_TICKETS}…"
    if names & _BOUTIQUE:
        return "online-boutique", "its well-known services"
    return UNKNOWN_SYSTEM, "nothing: no topology file has its services"


@dataclass
class FaultsRead:
    """Faults of all days, and what was odd about them."""

    labels: list[IncidentLabel] = field(default_factory=list)
    stamps: Counter[str] = field(default_factory=Counter)
    """How ``inject_timestamp`` compares with ``inject_time``, in words."""
    pods_without_metrics: int = 0
    other_hour: int = 0
    """Faults listed under an hour that is not that of their ``inject_time``."""
    unlabelled: list[tuple[int, int]] = field(default_factory=list)
    """Spans of faults that were set aside although they happened while there are metrics."""


@dataclass(frozen=True)
class Day:
    """One date folder, as far as faults are held against it."""

    date: str
    system: str
    first: int
    end: int
    """Metrics lie in [first, end), nanoseconds UTC."""
    pods: frozenset[str]
    services: frozenset[str]
    """``namespace/service`` that metrics or topology know."""


class FaultList:
    """Turns the entries of a ``<date>-fault_list.json`` into incident labels.

    An incident starts at ``inject_time`` and ends ``fault_s`` later, because the list has no end. Its root is
    the service of the pod; which others it affected is not said. Kinds are the list's own words.
    """

    def __init__(
        self,
        into: DatasetWriter,
        naive: NaiveTimes,
        fault_s: float,
        code: dict[str, dict[str, str]],
    ) -> None:
        self.read = FaultsRead()
        self._into, self._naive, self._code = into, naive, code
        self._lasts = round(fault_s * SECOND)

    def add(self, path: Path, name: str, day: Day) -> None:
        """Read one list.

        Raises:
            MalformedInput: no JSON, or not lists of faults by hour.
        """
        held = read_json(path)
        if not isinstance(held, dict) or not all(isinstance(faults, list) for faults in held.values()):
            raise MalformedInput(f'{path}: must map hours to lists of faults, {{"03": [{{…}}]}}')
        entries = ((hour, fault) for hour, faults in held.items() for fault in faults)
        for number, (hour, fault) in enumerate(entries, 1):
            try:
                self._one(number, hour, fault, name, day)
            except ValueError as error:
                self._aside("no fault", str(error), name, number, fault)

    def _one(self, number: int, hour: str, fault: Any, name: str, day: Day) -> None:
        at, pod, kind = self._fields(fault)
        end = at + self._lasts
        if at >= day.end or end <= day.first:
            detail = f"{fault['inject_time']} is when the metrics of {day.date} have no rows"
            self._aside("outside the metrics", detail, name, number, fault)
            return
        service = service_of_pod(pod)
        root = service_id(day.system, service)
        if root not in day.services:
            detail = (
                f"neither metrics nor topology know {root}, the service of pod {pod}; its time is not scored"
            )
            self._aside("unknown service", detail, name, number, fault)
            self.read.unlabelled.append((at, end))
            return
        self.read.stamps[self._stamp(fault.get("inject_timestamp"), at)] += 1
        self.read.pods_without_metrics += pod not in day.pods
        self.read.other_hour += hour != fault["inject_time"].strip()[11:13]
        where = self._code.get(service, {}).get(kind)
        self.read.labels.append(
            IncidentLabel(
                incident_id=f"{day.system}/{day.date}#{number}",
                start=at,
                end=end,
                root_service=root,
                severity="high",
                kind=kind,
                source="injected",
                known_at=end,
                notes=f"pod {pod}" + (f"; where in the service: {where}" if where else ""),
            )
        )

    def _fields(self, fault: Any) -> tuple[int, str, str]:
        if not isinstance(fault, dict):
            raise ValueError("a fault is an object with inject_time, inject_pod and inject_type")  # noqa: TRY004
        for key in ("inject_time", "inject_pod", "inject_type"):
            if not isinstance(fault.get(key), str) or not fault[key].strip():
                raise ValueError(f"{key} is missing or no text")
        return self._naive.instant(fault["inject_time"]), fault["inject_pod"].strip(), fault["inject_type"]

    def _stamp(self, stamp: Any, at: int) -> str:
        try:
            off = int(stamp) - at // SECOND
        except (TypeError, ValueError):
            return "not there"
        if off == 0:
            return "equal"
        return "about_8_hours_off" if abs(abs(off) - _EIGHT_HOURS_S) <= _ABOUT_S else "otherwise_off"

    def _aside(self, reason: str, detail: str, name: str, number: int, fault: Any) -> None:
        self._into.quarantine("incidents", reason, detail, name, number, json.dumps(fault)[:1000])


def read_json(path: Path) -> Any:
    """A JSON file.

    Raises:
        MalformedInput: no JSON in UTF-8, or too large to be what it should be.
    """
    with opened(path) as file:
        data = file.read(_LONGEST_JSON + 1)
    if len(data) > _LONGEST_JSON:
        raise MalformedInput(f"{path}: more than {_LONGEST_JSON:,} bytes; that is no list of faults or calls")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"{path} cannot be read as JSON: {error}") from None


def read_code_regions(path: Path) -> dict[str, dict[str, str]]:
    """Where in a service each kind of fault was put, of a ``root_cause_<system>.json``; never fatal."""
    try:
        held = read_json(path)
    except MalformedInput:
        return {}
    if not isinstance(held, dict):
        return {}
    return {
        service: {kind: where for kind, where in of.items() if isinstance(where, str)}
        for service, of in held.items()
        if isinstance(of, dict)
    }


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def names_in_faults(held: Any) -> Iterator[str]:
    """Services of the pods a fault list names, whatever else is wrong with it."""
    for faults in held.values() if isinstance(held, dict) else ():
        for fault in faults if isinstance(faults, list) else ():
            if isinstance(fault, dict) and isinstance(pod := fault.get("inject_pod"), str):
                yield service_of_pod(pod)
