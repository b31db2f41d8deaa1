"""PetShop's ``target.json`` as an incident and the change that caused it, ``graph.csv`` as calls."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.contracts.reference import Deploy
from titleshot.datasets.importers.call_graph import Calls, is_service, on_the_way
from titleshot.datasets.importers.csv_lines import CsvLines
from titleshot.datasets.importers.decoys import change_name
from titleshot.datasets.importers.source_files import opened

_LONGEST = 1 << 20
_LATEST_S = 9_000_000_000
# What was typed to cause the issue: a rollout or a changed setting is a change, extra load is none.
_CHANGE = re.compile(r"\b(?:cdk deploy|ssm put-parameter|kubectl (?:apply|set|rollout)|helm upgrade)\b")


@dataclass(frozen=True)
class Issue:
    """One issue's stretch of rows, as far as its target is held against it."""

    scenario: str
    name: str
    """``<split>/<issue>``."""
    first: int
    end: int
    services: frozenset[str]
    """``namespace/service`` with samples in this file, or in the graph."""


def incident(path: Path, issue: Issue, calls: Calls) -> tuple[IncidentLabel, Deploy | None]:
    """The incident of a ``target.json``, and the change that caused it where its command made one.

    It starts at the target's timestamp, when the cause was put in, and ends with the file's last five
    minutes.
    Affected is every node on a path of calls from the target to the root cause.

    Raises:
        ValueError: the file is no target, or names what the issue does not have; a MalformedInput where it
            cannot be read.
    """
    held = _object(_json(path), "the file")
    target, cause = _object(held.get("target"), "target"), _object(held.get("root_cause"), "root_cause")
    start = _instant(target.get("timestamp"))
    seen_at, root = (
        service_id(issue.scenario, _text(of.get("node"), f"{name}.node"))
        for name, of in (("target", target), ("root_cause", cause))
    )
    for name, service in (("root_cause.node", root), ("target.node", seen_at)):
        if service not in issue.services:
            raise ValueError(f"{name} {service!r} is neither in the graph nor in the metrics of this issue")
    if not issue.first <= start < issue.end:
        raise ValueError("target.timestamp is outside the rows of its metrics.csv")
    command = _command(held)
    change = None
    if _CHANGE.search(command):
        version = change_name(issue.scenario, issue.name)
        change = Deploy(service=root, version=version, valid_from=start, known_from=start)
    affected = on_the_way(calls, seen_at, root) | {seen_at, root}
    label = IncidentLabel(
        incident_id=f"{issue.scenario}/{issue.name}",
        start=start,
        end=issue.end,
        root_service=root,
        affected_services=tuple(sorted(affected)),
        severity="high",
        kind=_text(target.get("metric"), "target.metric"),
        source="injected",
        known_at=issue.end,
        deploy=None if change is None else change.version,
        notes=(
            f"seen as {target.get('agg')} {target.get('metric')} of {seen_at}; metric of the root cause:"
            f" {cause.get('metric') or 'not said'}; caused by: {command or 'not said'}"
        ),
    )
    return label, change


def read_calls(rows: CsvLines, namespace: str) -> tuple[Calls, set[str]]:
    """Calls and nodes of a ``graph.csv``: a row calls the columns it has a 1 in.

    Lines with another number of cells and cells that are no number are set aside.
    """
    calls: Calls = set()
    nodes: set[str] = set()
    callees: list[str] = []
    for number, cells in rows:
        if not callees:
            callees = [service_id(namespace, name) for name in cells[1:]]
            if cells[0] or not callees or not all(is_service(name) for name in callees):
                detail = "the first line must be an empty cell and the names of the nodes"
                rows.set_aside("no header", detail, number, cells)
                return set(), set()
            nodes |= set(callees)
        elif len(cells) != len(callees) + 1 or not is_service(service_id(namespace, cells[0])):
            detail = f"{len(cells)} cells, the header has {len(callees) + 1}"
            rows.set_aside("no row of the graph", detail, number, cells)
        else:
            caller = service_id(namespace, cells[0])
            nodes.add(caller)
            for callee, cell in zip(callees, cells[1:], strict=True):
                try:
                    weight = float(cell)
                except ValueError:
                    rows.set_aside(
                        "no edge", f"{caller} to {callee}: {cell[:50]!r} is no number", number, cells
                    )
                    continue
                if weight > 0:
                    calls.add((caller, callee))
    return calls, nodes


def _json(path: Path) -> Any:
    with opened(path) as file:
        data = file.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise ValueError(f"more than {_LONGEST:,} bytes are no target")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deep to be a target") from None


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004  one kind of fault for the caller
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is missing or no text")
    return value


def _instant(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST_S:
        raise ValueError(f"target.timestamp {value!r} is no number of seconds since 1970")
    return int(value) * SECOND + round((value - int(value)) * SECOND)


def _command(held: dict[str, Any]) -> str:
    """What was typed to cause the issue, as one line."""
    said: Any = held
    for name in ("metadata", "reproducibility", "command"):
        said = said.get(name) if isinstance(said, dict) else None
    return " ".join(said.split()) if isinstance(said, str) else ""
