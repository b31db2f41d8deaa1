"""Whether a dataset is the one that something was said of: compared by what it holds, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from titleshot.datasets.contracts.data_parts import DataParts, TableEntry
from titleshot.datasets.contracts.instants import Instant, format_instant
from titleshot.datasets.contracts.scores import IncidentOutcome
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.digest import columns_entry, dataset_digest, samples_entry
from titleshot.datasets.errors import TitleshotError
from titleshot.datasets.label_layer import Labels
from titleshot.datasets.sample_files import sample_groups
from titleshot.datasets.tables import ROW_TABLES, Table, read_columns

_MOST_NAMED = 3


@dataclass(frozen=True)
class Judged:
    """What was written down about a dataset when something was said of it."""

    where: str
    """Evidence, scorecard or log that says so, in words."""
    dataset: str
    digest: str
    parts: DataParts | None = None
    """None where it was written before parts were kept: then tables are named by the card alone."""
    labels_digest: str | None = None
    """None: no labels were read, as by a replay."""
    labels_as_of: int | None = None
    incidents: tuple[IncidentOutcome, ...] = ()


class IdentityCheck(BaseModel):
    """The answer, with every difference in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judged: str
    same: bool
    """Tables, ingest delay, labels as of then and evaluation settings are those of then."""
    digest: str | None
    """Of what lies there now, computed from its content; None where a table cannot be read."""
    judged_digest: str
    tables: tuple[str, ...]
    """Tables that differ."""
    labels: Literal["same", "differ", "not_recorded"]
    labels_as_of: Instant | None
    later_label_rows: int = 0
    """Known after ``labels_as_of``: no difference."""
    settings: tuple[str, ...]
    """Evaluation settings that differ."""
    differences: tuple[str, ...]
    notes: tuple[str, ...]


def check_identity(dataset: Dataset, judged: Judged) -> IdentityCheck:
    """Compute every digest from the content of the tables and compare with what was judged.

    The card's own digests are not trusted, the files' names, layout and place do not matter.

    Raises:
        UnknownVersion: labels of a newer major version.
    """
    found, unreadable = _entries(dataset)
    digest = None if unreadable else dataset_digest(dataset.card.ingest_delay_s, found)
    tables: dict[str, str] = dict(unreadable)
    said: list[str] = []
    if digest != judged.digest:
        tables |= _other_tables(dataset, found, judged, unreadable)
        if judged.parts is not None and judged.parts.ingest_delay_s != dataset.card.ingest_delay_s:
            was, is_ = judged.parts.ingest_delay_s, dataset.card.ingest_delay_s
            said.append(f"ingest_delay_s: {was:g} then, {is_:g} now; every arrival rests on it")
        if not tables and not said:
            said.append(
                f"digest: {judged.digest[:12]} then, {(digest or '')[:12]} now; no table is named by it"
            )
    labels, later, about_labels = _labels(dataset, judged)
    settings = _settings(dataset, judged)
    if settings:
        said.append(f"evaluation in dataset.yaml: {', '.join(settings)} set otherwise then")
    differences = (*(f"table {name}: {how}" for name, how in sorted(tables.items())), *said, *about_labels)
    return IdentityCheck(
        judged=judged.where,
        same=not differences,
        digest=digest,
        judged_digest=judged.digest,
        tables=tuple(sorted(tables)),
        labels=labels,
        labels_as_of=judged.labels_as_of,
        later_label_rows=later,
        settings=settings,
        differences=differences,
        notes=tuple(_notes(dataset, judged, later)),
    )


def _entries(dataset: Dataset) -> tuple[dict[str, TableEntry], dict[str, str]]:
    """Rows and digest of every table that can be read, and what is wrong with the others."""

    def read(table: Table) -> Callable[[], TableEntry]:
        return lambda: columns_entry(table, read_columns(dataset.path, table))

    present = {name: table for name, table in ROW_TABLES.items() if (dataset.path / table.path).exists()}
    reads = {name: read(table) for name, table in present.items()}
    reads["samples"] = lambda: samples_entry(sample_groups(dataset.path))
    found, unreadable = {}, {}
    for name, entry in reads.items():
        try:
            found[name] = entry()
        except TitleshotError as error:
            unreadable[name] = str(error)
    return found, unreadable


def _other_tables(
    dataset: Dataset, found: dict[str, TableEntry], judged: Judged, unreadable: dict[str, str]
) -> dict[str, str]:
    """How each table differs from what it was then, by what was kept then or by a card of that digest."""
    if judged.parts is not None:
        then = judged.parts.tables
    elif dataset.card.digest == judged.digest:
        then = dataset.card.tables
    else:
        return {}
    differ = {}
    for name in {*then, *found} - set(unreadable):
        was, is_ = (entries.get(name, _NONE) for entries in (then, found))
        if (was.rows or is_.rows) and was != is_:
            differ[name] = (
                f"{was.rows:,} rows {was.digest[:12]} then, {is_.rows:,} rows {is_.digest[:12]} now"
                if was.rows and is_.rows
                else f"{was.rows:,} rows then, {is_.rows:,} now"
            )
    return differ


_NONE = TableEntry(rows=0, digest="0" * 64)


def _labels(
    dataset: Dataset, judged: Judged
) -> tuple[Literal["same", "differ", "not_recorded"], int, tuple[str, ...]]:
    if judged.labels_digest is None or judged.labels_as_of is None:
        return "not_recorded", 0, ()
    now = dataset.labels(judged.labels_as_of)
    later = dataset.labels().rows - now.rows
    if now.digest == judged.labels_digest:
        return "same", later, ()
    named = _other_incidents(now, judged)
    more = f": {'; '.join(named[:_MOST_NAMED])}" if named else ""
    if len(named) > _MOST_NAMED:
        more += f" and {len(named) - _MOST_NAMED} more"
    how = (
        f"labels as of {format_instant(judged.labels_as_of)}: {judged.labels_digest[:12]} then,"
        f" {now.digest[:12]} now; rows were edited, removed, or added as if known by then{more}"
    )
    return "differ", later, (how,)


def _other_incidents(now: Labels, judged: Judged) -> list[str]:
    """Incidents that were scored then and are gone or other now."""
    known = {label.incident_id: label for label in now.incidents}
    named = []
    for was in judged.incidents:
        is_ = known.get(was.incident_id)
        if is_ is None:
            named.append(f"{was.incident_id} is gone")
        elif other := [n for n in ("start", "end", "severity", "kind") if getattr(was, n) != getattr(is_, n)]:
            named.append(f"{was.incident_id} has another {' and '.join(other)}")
    return named


def _settings(dataset: Dataset, judged: Judged) -> tuple[str, ...]:
    if judged.parts is None:
        return ()
    then, now = judged.parts.evaluation, dataset.card.parts.evaluation
    return tuple(name for name in sorted({*then, *now}) if then.get(name) != now.get(name))


def _notes(dataset: Dataset, judged: Judged, later: int) -> list[str]:
    notes = []
    if dataset.card.name != judged.dataset:
        notes.append(f"it was called {judged.dataset!r} then, {dataset.card.name!r} now")
    if later:
        notes.append(f"{later:,} label rows became known since; what was judged does not rest on them")
    if judged.labels_digest is None:
        notes.append("no labels were read then, so nothing is said of them")
    if judged.parts is None:
        notes.append("evaluation settings were not kept then and are not compared")
    return notes
