"""The page history in an export, read for one dataset: which pages count, and what was decided about them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.contracts.record import SEVERITIES, Severity, broken
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_card import CARD
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.pages.columns import ColumnMap, Columns
from titleshot.datasets.importers.pages.coverage import Coverage
from titleshot.datasets.importers.pages.exports import export_files, records
from titleshot.datasets.importers.pages.fields import plain
from titleshot.datasets.importers.pages.label_pages import LABELS, LABELS_RULES, label_pages
from titleshot.datasets.importers.pages.services import (
    MOST_UNMAPPED,
    UNMAPPED,
    ServiceNames,
    refuse_unmapped,
)
from titleshot.datasets.importers.pages.severities import OTHERWISE, SEVERITY_OF, severity_of
from titleshot.datasets.importers.pages.tool_page import Reading, ToolPage
from titleshot.datasets.importers.pages.tools import TOOLS, check_tool, tool_of
from titleshot.datasets.quarantine import Quarantine

Told = Callable[[str, int, int | None], None]
_EVERY = 5_000
ACTIVITY = "the activity behind a page is taken to last until the page was closed: no export knows better"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user decides about a history; None and empty leave it to the tool's rules."""

    tool: str | None = None
    zone: str | None = None
    services: Path | None = None
    columns: Path | None = None
    service_fields: tuple[str, ...] = ()
    only_routes: tuple[str, ...] = ()
    least_severity: Severity | None = None
    from_: int | None = None
    to: int | None = None
    allow_unmapped: bool = False


@dataclass
class History:
    """Pages as sent, folded, by (paged_at, page_id), and everything a reader should know of them."""

    tool: str
    coverage: Coverage
    names: ServiceNames
    naive: NaiveTimes
    rules: tuple[str, ...]
    pages: list[Page] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    grades: dict[str, tuple[Severity, int]] = field(default_factory=dict)
    """The tool's grades: what each was read as and on how many pages."""
    ungraded: Counter[str] = field(default_factory=Counter)
    """Grades that the tool's table does not have, read as ``OTHERWISE``."""
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file read."""
    unmapped: int = 0
    """Pages kept that name no service of the dataset."""


def read_history(
    source: Path, dataset: Dataset, wanted: Wanted, quarantine: Quarantine, told: Told
) -> History:
    """Read an export, or the label layer of a dataset folder.

    Raises:
        MalformedInput: nothing in it can be used, or it is another tool's.
        UsageError: too many pages name no service of the dataset, or the span is empty.
    """
    naive = NaiveTimes(wanted.zone)
    reading = Reading(naive, quarantine, tuple(plain(name) for name in wanted.service_fields if plain(name)))
    names = ServiceNames(dataset, wanted.services)
    columns = ColumnMap.load(wanted.columns)
    coverage = Coverage.of(dataset, wanted.from_, wanted.to)
    if (source / CARD).is_file():
        if wanted.tool not in {None, LABELS}:
            raise UsageError(f"{source} is a dataset, whose own page history is taken; leave out --tool")
        of = Dataset.open(source)
        history = History(LABELS, coverage, names, naive, LABELS_RULES)
        layer = of.label_layer.folder / "pages.jsonl"
        if not layer.is_file():
            raise MalformedInput(f"{source}: its label layer holds no pages; name an export of today's tool")
        history.files = {layer.name: _sha256(layer)}
        found: Iterator[ToolPage] = label_pages(of, reading)
    else:
        files = export_files(source)
        tool, given = _tool(files, wanted, columns, reading)
        history = History(tool, coverage, names, naive, (*given.rules, ACTIVITY))
        history.files = {path.name: _sha256(path) for path in files}
        found = given.pages(_all_records(files, tool, given, reading, told), reading)
    graded = {plain(word): to for word, to in columns.severities.items()}
    _keep(sorted_pages(found, reading), history, wanted, graded, reading)
    history.counts += reading.counts
    if not history.pages:
        raise MalformedInput(_nothing(source, history, quarantine, coverage))
    if history.unmapped > MOST_UNMAPPED * len(history.pages) and not wanted.allow_unmapped:
        refuse_unmapped(names, history.unmapped, len(history.pages))
    return history


def sorted_pages(found: Iterator[ToolPage], reading: Reading) -> list[ToolPage]:
    """Pages by the moment they were sent; of several with one id the first in the export is kept."""
    seen: dict[str, ToolPage] = {}
    for page in found:
        if not page.page_id:
            said = f"{page.source}:{page.row} has no id"
            reading.aside("no id", said, page.source, page.row, {"title": page.title})
        elif page.page_id in seen:
            reading.counts["duplicates"] += 1
        else:
            seen[page.page_id] = page
    return sorted(seen.values(), key=lambda page: (page.paged_at, page.page_id))


def _keep(
    found: list[ToolPage], history: History, wanted: Wanted, graded: dict[str, Severity], reading: Reading
) -> None:
    for page in found:
        severity = graded.get(plain(page.severity)) or severity_of(history.tool, page.severity)
        why = history.coverage.outside(page)
        if why is None and wanted.only_routes and page.route not in wanted.only_routes:
            why = "sent to another route"
        grade = severity or OTHERWISE
        least = wanted.least_severity
        if why is None and least and SEVERITIES.index(grade) < SEVERITIES.index(least):
            why = f"below severity {least}"
        services = history.names.of(page.names) if why is None else ()
        if why is None and services is None:
            why = "about services that --services says are not in this dataset"
        if why is not None:
            history.left_out[why] += 1
            continue
        try:
            kept = _page(page, grade, services or (), history.counts)
        except ValidationError as error:
            said = str(broken(error, f"{page.source}:{page.row}"))
            reading.aside(
                "not allowed", said, page.source, page.row, {"id": page.page_id, "title": page.title}
            )
            continue
        _count_grade(history, page.severity, severity)
        history.unmapped += all(name.startswith(f"{UNMAPPED}/") for name in kept.services)
        history.pages.append(kept)
    if wanted.only_routes and not history.pages and history.left_out["sent to another route"]:
        routes = ", ".join(sorted({repr(page.route) for page in found})[:10])
        raise UsageError(f"no page was sent to {', '.join(wanted.only_routes)}; there are {routes}")


def _count_grade(history: History, word: str, severity: Severity | None) -> None:
    if severity is None:
        history.ungraded[word or "(none)"] += 1
    else:
        history.grades[word] = (severity, history.grades.get(word, (severity, 0))[1] + 1)


def _page(page: ToolPage, severity: Severity, services: tuple[str, ...], counts: Counter[str]) -> Page:
    closed_at, last = page.closed_at, page.last_event_at
    if closed_at is not None and closed_at < page.paged_at:
        counts["closed before opened"] += 1
        closed_at, last = None, page.paged_at
    elif closed_at is None:
        counts["without an end"] += 1
    return Page(
        page_id=page.page_id,
        incident_id=page.page_id,
        status="sent",
        route=page.route,
        severity=severity,
        services=services,
        opened_at=min(page.opened_at, page.paged_at),
        paged_at=page.paged_at,
        last_event_at=max(last, page.paged_at),
        closed_at=closed_at,
        summary=page.title,
    )


def _tool(files: list[Path], wanted: Wanted, columns: ColumnMap, reading: Reading) -> tuple[str, Any]:
    looks = tool_of(files[0], reading)
    name = wanted.tool or ("csv" if wanted.columns else looks.tool)
    if name is None:
        if looks.names:  # a table: say which columns there are
            Columns(columns).check(looks.names, str(files[0]))
            name = "csv"
        else:
            raise MalformedInput(
                f"{files[0]} looks like no export of {', '.join(TOOLS)}; name the tool with --tool, or the"
                " columns of a table with --page-columns"
            )
    check_tool(name, looks.tool, files[0])
    return name, Columns(columns) if name == "csv" else TOOLS[name]()


def _all_records(files: list[Path], name: str, tool: Any, reading: Reading, told: Told) -> Iterator[Any]:
    def header(columns: list[str], where: str) -> None:
        if name == "csv":
            tool.check(columns, where)

    for number, found in enumerate(chain.from_iterable(records(p, reading, header) for p in files), 1):
        reading.counts["records"] += 1
        if number % _EVERY == 0:
            told("reading pages", number, None)
        yield found


def _nothing(source: Path, history: History, quarantine: Quarantine, coverage: Coverage) -> str:
    aside = quarantine.counts.get("pages", {})
    reasons = Counter(aside) + history.left_out
    words = ", ".join(f"{reason} ({n:,})" for reason, n in reasons.most_common(4)) or "it is empty"
    zone = "; name the zone with --zone" if any("no zone" in reason for reason in aside) else ""
    return (
        f"{source}: no page from {format_instant(coverage.start)} to {format_instant(coverage.end)}:"
        f" {words}{zone}{coverage.seen()}"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def severity_table(tool: str) -> dict[str, str]:
    """How the tool's grades are read."""
    return dict(SEVERITY_OF[tool])
