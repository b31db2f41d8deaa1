"""Reads every table of a dataset once; what cannot be read becomes a finding, not an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.contracts.reference import REFERENCE_KINDS, ReferenceRow
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError, TitleshotError
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.sample_files import NO_INSTANT, sample_groups
from titleshot.datasets.validation.frame import Frame, frame_of
from titleshot.datasets.validation.profile import Profile, Rows, profile_samples
from titleshot.datasets.validation.suite import Suite

Told = Callable[[str, int, int | None], None]
Part = TypeVar("Part")
_COLUMNS = ("series", "timestamp", "value", "source_row")


@dataclass
class TablesRead:
    """What a dataset holds; None where the table could not be read, with the reason in ``faults``."""

    dataset: Dataset
    changed: str = ""
    """How the frozen tables differ from the card; empty where they do not."""
    series: list[SeriesKey] | None = None
    profile: Profile | None = None
    reference: list[ReferenceRow] | None = None
    log_events: list[LogEvent] | None = None
    platform_events: list[PlatformEvent] | None = None
    labels: Labels | None = None
    import_report: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def attempt(self, table: str, read: Callable[[], Part]) -> Part | None:
        try:
            return read()
        except TitleshotError as error:
            self.faults[table] = str(error)
            return None


def read_tables(dataset: Dataset, profile_suite: Suite, told: Told) -> TablesRead:
    """Read everything, the samples in one streaming pass of bounded memory."""
    held = TablesRead(dataset)
    held.series = held.attempt("series", dataset.series)
    if held.series is not None:
        keys = held.series
        held.profile = held.attempt("samples", lambda: _profile(dataset, keys, profile_suite, told))
    held.reference = held.attempt("reference", dataset.reference)
    held.log_events = held.attempt("log_events", dataset.log_events)
    held.platform_events = held.attempt("platform_events", dataset.platform_events)
    held.labels = held.attempt("labels", dataset.labels)
    held.import_report = held.attempt("import.json", dataset.import_report) or {}
    told("checking digests", 0, None)
    try:
        # Every digest anew, and then what no digest covers; the profile has just brought the files near.
        dataset.verify()
        dataset.unchanged()
    except IntegrityError as error:
        held.changed = str(error)
    except TitleshotError as error:
        if not held.faults:
            held.faults["telemetry"] = str(error)
    return held


def table_frame(held: TablesRead) -> Frame:
    """One row a table of the card, and one for whatever else could not be read."""
    declared = {name: entry.rows for name, entry in held.dataset.card.tables.items()}
    faults = {**dict.fromkeys(declared, ""), **held.faults}
    names = sorted(faults)
    cells = [(not faults[name], declared.get(name, 1)) for name in names]

    def words(at: int) -> str:
        return faults[names[at]] or names[at]

    return frame_of("tables", ("readable", "rows"), cells, words)


def kept_rows(held: TablesRead) -> dict[str, int]:
    """Rows that stand, by the kinds that the import sets records aside under."""
    tables = {name.removeprefix("reference/"): e.rows for name, e in held.dataset.card.tables.items()}
    kinds = dict.fromkeys(("log_events", "platform_events", *REFERENCE_KINDS), 0)
    labels = held.labels
    return {
        **kinds,
        **tables,
        "reference": sum(tables.get(kind, 0) for kind in REFERENCE_KINDS),
        "incidents": len(labels.incidents) if labels else 0,
        "feedback": len(labels.feedback) if labels else 0,
        "pages": len(labels.pages) if labels else 0,
    }


def _profile(dataset: Dataset, keys: list[SeriesKey], suite: Suite, told: Told) -> Profile:
    delay = round(dataset.card.ingest_delay_s * SECOND)

    def blocks() -> Iterator[Rows]:
        for group in sample_groups(dataset.path):
            columns = group.read((*_COLUMNS, "ingested_at") if group.ingested else _COLUMNS)
            yield _as_arrived(columns, delay)

    return profile_samples(
        keys,
        blocks,
        (dataset.card.span_from, dataset.card.span_to),
        range_of=suite.range_of,
        progress=lambda rows: told("profiling samples", rows, dataset.card.rows),
    )


def _as_arrived(columns: dict[str, NDArray[Any]], delay: int) -> Rows:
    """Rows of a group by (arrival, source row), in whatever order another writer left them."""
    times, source_rows = columns["timestamp"], columns["source_row"]
    arrivals, early = times, None
    if "ingested_at" in columns:
        told = columns["ingested_at"] != NO_INSTANT
        arrivals = np.where(told, columns["ingested_at"], times + delay)
        early = told & (columns["ingested_at"] < times)
    fell = arrivals[1:] < arrivals[:-1]
    fell |= (arrivals[1:] == arrivals[:-1]) & (source_rows[1:] < source_rows[:-1])
    rows = Rows(columns["series"], times, columns["value"], source_rows, early)
    return rows.take(np.lexsort((source_rows, arrivals))) if fell.any() else rows
