"""A page history as a replay log: opaque, because nothing but its pages is known of who sent them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.pages.history import History, Told, Wanted, read_history, severity_table
from titleshot.datasets.importers.pages.severities import OTHERWISE
from titleshot.datasets.pages_digest import pages_digest
from titleshot.datasets.quarantine import Quarantine
from titleshot.datasets.replay_log import LogWriter, pages_table

NEVER = "never"
"""The name of the champion that pages nobody; no history may bear it."""
_MOST_LISTED = 50
_NAMED = ("alertmanager", "pagerduty", "opsgenie")
"""Tools whose word names a champion; a table or a label layer does not say whose pages it holds."""


def write_history(
    source: Path, out: Path, dataset: Dataset, wanted: Wanted, *, name: str | None, told: Told
) -> None:
    """Read an export and write the log, all or nothing; set-aside rows lie in ``out/quarantine``.

    Raises:
        MalformedInput: nothing in the export can be used, or it is another tool's.
        UsageError: too many pages name no service of the dataset, or something else is at ``out``.
    """
    if name == NEVER:
        raise UsageError(f"--name {NEVER} is the baseline that pages nobody; choose another name")
    if out.resolve() in {source.resolve(), *source.resolve().parents, dataset.path.resolve()}:
        raise UsageError(f"{out} holds the source or the dataset; choose another folder for the log")
    with LogWriter(out) as writer:
        quarantine = Quarantine(writer.beside / "quarantine")
        try:
            history = read_history(source, dataset, wanted, quarantine, told)
        finally:
            quarantine.close()
        writer.append("pages", pages_table(said(history.pages)))
        writer.about = about(history, dataset, wanted, source, name, quarantine.counts)


def said(pages: Iterable[Page]) -> list[Page]:
    """Pages as a contender says them: each as sent, and again when it closed, in order of time."""
    records: list[tuple[int, int, Page]] = []
    for page in pages:
        if page.closed_at is None:
            records.append((page.paged_at, 0, page))
            continue
        sent = page.model_copy(update={"closed_at": None, "last_event_at": page.paged_at})
        records.append((page.paged_at, 0, sent))
        records.append((page.closed_at, 1, page.model_copy(update={"status": "closed"})))
    return [page for _, _, page in sorted(records, key=lambda one: (one[0], one[1], one[2].page_id))]


def about(
    history: History,
    dataset: Dataset,
    wanted: Wanted,
    source: Path,
    name: str | None,
    quarantined: dict[str, dict[str, int]],
) -> dict[str, Any]:
    """What ``log.json`` says of an imported history."""
    naive, names = history.naive, history.names
    return {
        "contender": name or (history.tool if history.tool in _NAMED else "page-history"),
        "recipe_digest": None,
        "artifact_digest": None,
        "pages_digest": pages_digest(history.pages),
        "dataset": {"name": dataset.card.name, "digest": dataset.card.digest},
        "span": {
            "from": format_instant(history.coverage.start),
            "to": format_instant(history.coverage.end),
        },
        "opaque": True,
        "notes": notes(history),
        "counts": dict(sorted(history.counts.items())),
        "history": {
            "tool": history.tool,
            "source": source.resolve().name,
            "files": history.files,
            "span_assumed": list(history.coverage.assumed),
            "rules": list(history.rules),
            "severity_table": severity_table(history.tool),
            "severities": {word: {"as": to, "pages": n} for word, (to, n) in sorted(history.grades.items())},
            "severities_not_in_table": {"as": OTHERWISE, "pages": dict(sorted(history.ungraded.items()))},
            "services": {used: list(to) for used, to in sorted(names.used.items())},
            "services_not_mapped": dict(_most(names.unknown)),
            "map_entries_without_pages": names.idle(),
            "pages_per_route": dict(_most(Counter(page.route for page in history.pages))),
            "left_out": dict(sorted(history.left_out.items())),
            "quarantined": quarantined,
            "times_without_zone": {
                "read_as": naive.zone,
                "times": naive.read,
                "at_clock_changes": naive.at_clock_changes,
            },
            "only_routes": list(wanted.only_routes),
            "least_severity": wanted.least_severity,
        },
        "run": {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "titleshot": version("titleshot"),
        },
    }


def notes(history: History) -> list[str]:
    """What every scorecard of the log repeats."""
    found = history.coverage.notes(history.pages)
    if history.unmapped:
        found.append(
            f"{history.unmapped} of {len(history.pages)} pages of the history name no service of the dataset"
            " and count as false pages: that flatters a challenger; map them with import pages --services"
        )
    strange = sorted({page.route for page in history.pages} - history.names.teams)
    if history.names.teams and strange:
        shown = ", ".join(route[:60] for route in strange[:5])
        found.append(
            f"routes of the history are no teams of the dataset's ownership ({shown}): loads are counted by"
            " the owners of the services named; nights on call cannot be told apart by route"
        )
    if history.ungraded:
        found.append(
            f"{history.ungraded.total()} pages of the history bear a severity that the table of"
            f" {history.tool} does not have; they are read as {OTHERWISE}"
        )
    if history.counts["without an end"]:
        found.append(
            f"{history.counts['without an end']} pages of the history have no end; they count as open no"
            " longer than anything is known of them"
        )
    if history.counts["without a received time"]:
        found.append(
            "notifications of the history do not say when they were received; pages are timed by the alerts"
            " in them, which is earlier than people were paged: delays favour today's tool"
        )
    return found


def _most(counted: Counter[str]) -> list[tuple[str, int]]:
    return counted.most_common(_MOST_LISTED)
