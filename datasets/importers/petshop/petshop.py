"""PetShop: a microservice application with injected issues, ``dataset/<scenario>/<split>/issue_<n>``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from titleshot.datasets.contracts.instants import DAY, SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.record import service_id
from titleshot.datasets.contracts.reference import Deploy
from titleshot.datasets.dataset_card import DontCare, Evaluation
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.call_graph import Calls, topology_rows
from titleshot.datasets.importers.csv_lines import CsvLines
from titleshot.datasets.importers.decoys import RULE, Ground, decoys
from titleshot.datasets.importers.importer import Importer, Told, option
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.petshop.petshop_issues import Issue, incident, read_calls
from titleshot.datasets.importers.petshop.petshop_metrics import PERIOD, MetricsFile, node_type
from titleshot.datasets.importers.petshop.petshop_notice import notes
from titleshot.datasets.importers.petshop.petshop_scenarios import LENDER, Scenario, scenarios_of
from titleshot.datasets.importers.stretches import Stretch, between
from titleshot.datasets.nearest import nearest

BEFORE, AS_RECORDED, LEFT_OUT = "before", "as-recorded", "left-out"
_ISSUE_FREE = (BEFORE, AS_RECORDED, LEFT_OUT)
_DETECT_WITHIN_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Petshop(Importer):
    """Any selection of PetShop's files; ``SOURCE`` holds ``dataset/``, is it, or is one scenario.

    A scenario is a namespace, a node of the call graph a service under its full name. Every issue's file is a
    stretch of time of its own; times are absolute. An issue is an incident at its root cause, the change that
    caused it a deploy.
    """

    format: ClassVar[str] = "petshop"
    summary: ClassVar[str] = "PetShop: a microservice application with injected issues, or a part of it"

    scenario: tuple[str, ...] = option(
        (), "only this scenario, such as high_traffic (default: every one in SOURCE)", "NAME"
    )
    decoys: int = option(
        3, "marked decoy deploys for each change that caused an issue, 0 for none (default: 3)", "N"
    )
    issue_free: str = option(
        BEFORE,
        f"metrics without issues: {BEFORE} moves them by whole days to end before the first issue and borrows"
        f" {LENDER}'s where a scenario has none; {AS_RECORDED}; {LEFT_OUT} (default: {BEFORE})",
        "HOW",
    )

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:  # noqa: ARG002  seconds since 1970 have a zone
        if self.decoys < 0:
            raise UsageError(f"decoys must be at least 0, got {self.decoys}")
        if self.issue_free not in _ISSUE_FREE:
            raise UsageError(
                f"issue_free {self.issue_free!r} is unknown{nearest(self.issue_free, _ISSUE_FREE)}"
            )
        found = scenarios_of(Path(source))
        for name in self.scenario:
            if name not in found:
                raise UsageError(f"scenario {name!r} is not in {source}{nearest(name, found)}")
        chosen = [of for name, of in found.items() if not self.scenario or name in self.scenario]
        files = sum(len(of.issues) + (of.issue_free is not None) for of in chosen)
        work = _Work(into, self.issue_free, found.get(LENDER), lambda n: told("reading files", n, files))
        for scenario in chosen:
            work.read(scenario)
        if not into.samples:
            raise MalformedInput(f"{source}: none of {files} metrics.csv holds rows that can be read")
        work.finish(self.decoys)
        into.notes = notes(Path(source))


@dataclass
class _Namespace:
    """What one scenario holds."""

    services: set[str] = field(default_factory=set)
    nodes: set[str] = field(default_factory=set)
    """Services with samples, and those of the graph."""
    stretches: list[tuple[int, int]] = field(default_factory=list)
    labels: list[IncidentLabel] = field(default_factory=list)
    changes: list[Deploy] = field(default_factory=list)


class _Work:
    """An import under way, a scenario after the other, one file at a time."""

    def __init__(
        self, into: DatasetWriter, issue_free: str, lender: Scenario | None, done: Callable[[int], None]
    ) -> None:
        self._into, self._issue_free, self._lender, self._done = into, issue_free, lender, done
        self._held: dict[str, _Namespace] = {}
        self._calls: Calls = set()
        self._counts: Counter[str] = Counter()
        self._moved: dict[str, str] = {}
        self._without_graph: list[str] = []
        self._dont_care: list[DontCare] = []
        self._unlabelled: list[str] = []
        self._read = 0

    def read(self, scenario: Scenario) -> None:
        """Read a scenario: graph, issue-free metrics, then its issues in the order of their time."""
        held = self._held[scenario.name] = _Namespace()
        calls = self._graph(scenario, held)
        files = [
            (name, MetricsFile(folder / "metrics.csv", f"{scenario.name}/{name}/metrics.csv", self._into))
            for name, folder in scenario.issues.items()
        ]
        for name in scenario.targets_alone:
            self._into.quarantine(
                "incidents",
                "no metrics",
                "there is no metrics.csv beside target.json",
                f"{scenario.name}/{name}/target.json",
                1,
                "",
            )
        begins = {name: span for name, file in files if (span := file.span()) is not None}
        self._normal(scenario, held, min((span[0] for span in begins.values()), default=None))
        ended = 0
        for name, file in sorted(files, key=lambda of: begins.get(of[0], (0, 0))):
            self._read += 1
            self._done(self._read)
            seen = file.read(scenario.name)
            if seen is None:
                continue
            self._counts["issue_files"] += 1
            self._counts["issue_files_that_overlap_another"] += seen.first < ended
            ended = max(ended, seen.end)
            self._take(held, seen.rows, seen.empty_cells, scenario.name, seen.nodes, (seen.first, seen.end))
            issue = Issue(scenario.name, name, seen.first, seen.end, frozenset(held.nodes))
            self._label(scenario.issues[name] / "target.json", issue, calls, held)

    def _graph(self, scenario: Scenario, held: _Namespace) -> Calls:
        if scenario.graph is None:
            self._without_graph.append(scenario.name)
            return set()
        rows = CsvLines(scenario.graph, f"{scenario.name}/graph.csv", self._into, "topology")
        calls, nodes = read_calls(rows, scenario.name)
        self._calls |= calls
        held.nodes |= nodes
        return calls

    def _normal(self, scenario: Scenario, held: _Namespace, first_issue: int | None) -> None:
        """Metrics without issues: the scenario's own, or borrowed ones, where they are wanted."""
        own = scenario.issue_free is not None
        lender = scenario if own else self._lender
        if lender is None or lender.issue_free is None or self._issue_free == LEFT_OUT:
            self._moved[scenario.name] = "none" if self._issue_free != LEFT_OUT else "left out"
            return
        self._read += own
        if not own and (self._issue_free == AS_RECORDED or first_issue is None):
            self._moved[scenario.name] = "none"
            return
        file = MetricsFile(lender.issue_free, f"{lender.name}/noissue/metrics.csv", self._into)
        span = file.span()
        shift = 0
        if self._issue_free == BEFORE and first_issue is not None and span is not None:
            shift = (first_issue - span[1]) // DAY * DAY
        only = None if own else frozenset(name.partition("/")[2] for name in held.nodes)
        seen = file.read(scenario.name, shift, only or None)
        if seen is None:
            return
        whose = "its own" if own else f"{lender.name}'s"
        self._moved[scenario.name] = f"{whose} {seen.rows:,} rows, moved by {shift // DAY:+,} days"
        self._take(held, seen.rows, seen.empty_cells, scenario.name, seen.nodes, (seen.first, seen.end))

    def _take(
        self,
        held: _Namespace,
        rows: int,
        empty: int,
        namespace: str,
        nodes: frozenset[str],
        stretch: tuple[int, int],
    ) -> None:
        self._counts["rows"] += rows
        self._counts["empty_cells"] += empty
        services = {service_id(namespace, node) for node in nodes}
        self._counts["nodes_outside_the_graph"] += len(services - held.nodes) if self._calls else 0
        held.services |= services
        held.nodes |= services
        held.stretches.append(stretch)

    def _label(self, path: Path, issue: Issue, calls: Calls, held: _Namespace) -> None:
        where = f"{issue.scenario}/{issue.name}"
        try:
            if not path.is_file():
                raise ValueError("there is no target.json beside metrics.csv")
            label, change = incident(path, issue, calls)
        except (ValueError, MalformedInput) as error:
            detail = f"{error}; its time is not scored"
            self._into.quarantine("incidents", "no target", detail, f"{where}/target.json", 1, "")
            self._unlabelled.append(where)
            self._dont_care.append(
                DontCare(from_=issue.first, to=issue.end + PERIOD, reason=f"{where} has no target")
            )
            return
        held.labels.append(label)
        if change is None:
            self._counts["issues_without_a_change"] += 1
        else:
            held.changes.append(change)

    def finish(self, per_guilty: int) -> None:
        """Add calls, changes, decoys and labels, say what is scored and what was decided."""
        into = self._into
        since = {
            name: min(first for first, _ in of.stretches) for name, of in self._held.items() if of.stretches
        }
        edges = topology_rows(self._calls, (s for of in self._held.values() for s in of.services), since)
        into.add_reference(edges)
        placed = 0
        for of in self._held.values():
            guilty_types = {node_type(change.service) for change in of.changes}
            services = sorted(service for service in of.services if node_type(service) in guilty_types)
            extra = decoys(of.changes, Ground(services, of.stretches), of.labels, per_guilty)
            placed += len(extra)
            into.add_reference([*of.changes, *extra])
            into.add_labels(incidents=of.labels)
        into.report |= {
            **self._counts,
            "calls": len(self._calls),
            "issues": sum(len(of.labels) for of in self._held.values()),
            "changes": sum(len(of.changes) for of in self._held.values()),
            "decoy_deploys": placed,
            "decoy_rule": RULE if placed else "",
            "issue_free_metrics": self._moved,
            "scenarios_without_graph": self._without_graph,
            "decisions": [
                "a row's time is the start of five minutes; its samples stand 300 s later, at their end",
                "an empty cell is no sample",
                "an issue starts at its target's timestamp and ends with the last row's five minutes",
                "affected are the nodes on a path of calls from the target to the root cause",
                "a rollout or a changed setting is a deploy of the root cause, extra load is no change",
                "every issue is of severity high",
            ],
        }
        # What a page says of the last row comes after it.
        stretches = [
            Stretch(name, first, end + PERIOD)
            for name, of in self._held.items()
            for first, end in of.stretches
        ]
        into.evaluation = Evaluation(
            detect_within_s=_DETECT_WITHIN_S,
            grace_s=PERIOD / SECOND,
            dont_care=(
                *between(stretches, {name: of.services for name, of in self._held.items()}),
                *self._dont_care,
            ),
        )
