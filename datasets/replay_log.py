"""A replay log on disk: what a contender said, as Parquet tables and ``log.json``.

Tables are append-only records in the order they were said. ``pages`` and ``incidents`` hold an opening and
a closing record each; :meth:`ReplayLog.pages` and :meth:`ReplayLog.incidents` fold them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from titleshot.datasets.contracts.incidents import (
    DeadLetter,
    Hypothesis,
    IncidentCandidate,
    Link,
    Page,
    fold_pages,
)
from titleshot.datasets.contracts.record import Record, broken, canonical_json
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.log_about import VERSION, read_about, unreadable
from titleshot.datasets.parquet_writers import close_all
from titleshot.datasets.whole_output import whole_folder

Row = TypeVar("Row", bound=Record)
_GROUP = 65_536
_TIME = pa.timestamp("ns", tz="UTC")

EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("timestamp", _TIME),
        ("namespace", pa.string()),
        ("service", pa.string()),
        ("metric_name", pa.string()),
        ("series_labels", pa.string()),
        ("window_seconds", pa.float64()),
        ("value", pa.float64()),
        ("expected", pa.float64()),
        ("lower_bound", pa.float64()),
        ("upper_bound", pa.float64()),
        ("anomaly_score", pa.float64()),
        ("detector", pa.string()),
        ("labels", pa.string()),
        ("evidence", pa.string()),
        ("policy", pa.string()),
        ("emitted_at", _TIME),
        ("flushed", pa.bool_()),
    ]
)
INCIDENTS = pa.schema(
    [
        ("incident_id", pa.string()),
        ("status", pa.string()),
        ("severity", pa.string()),
        ("services", pa.list_(pa.string())),
        ("event_ids", pa.list_(pa.string())),
        ("opened_at", _TIME),
        ("last_event_at", _TIME),
        ("emitted_at", _TIME),
        ("hypotheses", pa.string()),
        ("merged_into", pa.string()),
        ("correlator", pa.string()),
        ("flushed", pa.bool_()),
        ("links", pa.string()),
        ("recurs_of", pa.list_(pa.string())),
        ("reopened", pa.int64()),
        ("abstains", pa.string()),
    ]
)
_SINCE_1_1 = {"links", "recurs_of", "reopened", "abstains"}
"""Columns an older log of incidents lacks, which then hold nothing."""
PAGES = pa.schema(
    [
        ("page_id", pa.string()),
        ("incident_id", pa.string()),
        ("status", pa.string()),
        ("route", pa.string()),
        ("severity", pa.string()),
        ("services", pa.list_(pa.string())),
        ("opened_at", _TIME),
        ("paged_at", _TIME),
        ("last_event_at", _TIME),
        ("closed_at", _TIME),
        ("probable_service", pa.string()),
        ("summary", pa.string()),
        ("flushed", pa.bool_()),
    ]
)
DEAD_LETTERS = pa.schema(
    [
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("kind", pa.string()),
        ("timestamp", _TIME),
        ("arrived_at", _TIME),
        ("record", pa.string()),
        ("flushed", pa.bool_()),
    ]
)
SCORES = pa.schema([("series", pa.int32()), ("timestamp", _TIME), ("anomaly_score", pa.float64())])
TABLES = {
    "events": EVENTS,
    "incidents": INCIDENTS,
    "pages": PAGES,
    "dead_letters": DEAD_LETTERS,
    "scores": SCORES,
}


def incidents_table(records: list[IncidentCandidate]) -> pa.Table:
    """Incident candidates as a table of ``INCIDENTS``."""
    hypotheses = [
        canonical_json([h.model_dump(mode="json", exclude_none=True) for h in r.hypotheses]) for r in records
    ]
    links = [
        None if r.links is None else canonical_json([link.model_dump(mode="json") for link in r.links])
        for r in records
    ]
    return _table(INCIDENTS, records, hypotheses=hypotheses, links=links)


def pages_table(records: list[Page]) -> pa.Table:
    """Pages as a table of ``PAGES``."""
    return _table(PAGES, records)


def dead_letters_table(records: list[DeadLetter]) -> pa.Table:
    """Dead letters as a table of ``DEAD_LETTERS``."""
    return _table(DEAD_LETTERS, records, record=[json.dumps(r.record, sort_keys=True) for r in records])


def _table(schema: pa.Schema, records: Sequence[Record], **made: Sequence[str | None]) -> pa.Table:
    """Records as columns, read by attribute: dumping each as a dictionary costs ten times as much."""
    columns = []
    for field in schema:
        values = made[field.name] if field.name in made else [getattr(r, field.name) for r in records]
        is_time = pa.types.is_timestamp(field.type)
        columns.append(
            pa.array(values, pa.int64()).cast(field.type) if is_time else pa.array(values, field.type)
        )
    return pa.table(columns, schema=schema)


class LogWriter:
    """Writes a log beside its place and renames it there when all of it is written.

    Used as a context manager: an exception leaves nothing behind. An existing log is replaced.

    Raises:
        UsageError: something else is there, or nothing can be written there.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._folder = whole_folder(out, mark="log.json", what="a replay log")
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, pa.Table] = {}
        self.about: dict[str, Any] = {}
        self.rows = dict.fromkeys(TABLES, 0)

    def __enter__(self) -> Self:
        self._beside = self._folder.__enter__()
        for name in ("events", "incidents", "pages", "dead_letters"):
            self._open(name)
        return self

    @property
    def beside(self) -> Path:
        """Where the log is being written, for what goes with it; it becomes ``out``."""
        return self._beside

    def append(self, name: str, table: pa.Table) -> None:
        """Add rows to a table of ``TABLES``.

        Row groups have a fixed size, so that equal rows give equal files however they were handed in.
        """
        self._open(name)
        self.rows[name] += table.num_rows
        waiting = self._waiting.pop(name, None)
        rows = table if waiting is None else pa.concat_tables([waiting, table])
        full = rows.num_rows - rows.num_rows % _GROUP
        for start in range(0, full, _GROUP):
            self._write(name, rows.slice(start, _GROUP))
        if full < rows.num_rows:
            self._waiting[name] = rows.slice(full)

    def _write(self, name: str, rows: pa.Table) -> None:
        self._open(name).write_table(rows.combine_chunks(), row_group_size=_GROUP)

    def _open(self, name: str) -> pq.ParquetWriter:
        if name not in self._writers:
            # A dictionary of values that hardly repeat (ids, numbers) costs time and saves nothing.
            words = [field.name for field in TABLES[name] if field.type == pa.string()]
            self._writers[name] = pq.ParquetWriter(
                self._beside / f"{name}.parquet",
                TABLES[name],
                compression="zstd",
                use_dictionary=[word for word in words if word not in {"event_id", "summary", "record"}],
                write_statistics=False,
            )
        return self._writers[name]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            stack.push(self._folder)
            try:
                if kind is None:
                    self._finish()
            finally:
                close_all(self._writers.values())
            if error is not None:
                raise error

    def _finish(self) -> None:
        for name, rows in self._waiting.items():
            self._write(name, rows)
        about = {
            "log_version": VERSION,
            **self.about,
            "rows": {k: v for k, v in self.rows.items() if k in self._writers},
        }
        text = json.dumps(about, indent=1, sort_keys=True) + "\n"
        (self._beside / "log.json").write_text(text, encoding="utf-8")


class ReplayLog:
    """Reads a log. Tables are read when asked for.

    Raises:
        MalformedInput: the folder is no log, or a table is absent, cut off or not what ``log.json`` says.
        UnknownVersion: written by a newer major version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.about: dict[str, Any] = read_about(path)

    def table(self, name: str) -> pa.Table:
        """One table of ``TABLES``, as said."""
        path, schema = self.path / f"{name}.parquet", TABLES[name]
        try:
            with pq.ParquetFile(path) as file:
                read = file.read()
        except FileNotFoundError:
            way_out = "; replay with --scores" if name == "scores" else ""
            raise MalformedInput(f"{self.path}: no {name}.parquet{way_out}") from None
        except (OSError, pa.ArrowException) as error:
            raise unreadable(path, error) from None
        absent = [column for column in schema.names if column not in read.schema.names]
        if name == "incidents":
            for column in set(absent) & _SINCE_1_1:
                read = read.append_column(column, pa.nulls(len(read), schema.field(column).type))
            absent = [column for column in absent if column not in _SINCE_1_1]
        if absent:
            raise MalformedInput(f"{path}: no column {absent[0]!r}; replay again")
        try:
            return read.select(schema.names).cast(schema)
        except pa.ArrowException as error:
            raise MalformedInput(f"{path}: a column is of another type ({error}); replay again") from None

    def pages(self) -> list[Page]:
        """One record per page, as sent, with the activity and close of its closing record."""
        return fold_pages(self._records("pages", Page.model_validate))

    def incidents(self, named: Collection[str] | None = None) -> list[IncidentCandidate]:
        """The last record of each incident candidate, or of those ``named``."""
        records = self._records("incidents", _candidate, named)
        last = {candidate.incident_id: candidate for candidate in records}
        return sorted(last.values(), key=lambda candidate: (candidate.opened_at, candidate.incident_id))

    def incident_records(self) -> Iterator[IncidentCandidate]:
        """Every record of every incident candidate, in the order they were said."""
        return self._records("incidents", _candidate)

    def _records(
        self, name: str, read: Callable[[dict[str, Any]], Row], named: Collection[str] | None = None
    ) -> Iterator[Row]:
        table = self.table(name)
        if named is not None:
            table = table.filter(pc.is_in(table["incident_id"], value_set=pa.array([*named], pa.string())))
        for number, row in enumerate(_rows(table), 1):
            try:
                yield read(row)
            except ValidationError as error:
                raise broken(error, f"{self.path}/{name}.parquet row {number}") from None
            except ValueError as error:
                raise MalformedInput(f"{self.path}/{name}.parquet row {number}: {error}") from None


def _candidate(row: dict[str, Any]) -> IncidentCandidate:
    hypotheses = tuple(Hypothesis.model_validate(said) for said in json.loads(row["hypotheses"]))
    links = row["links"] and tuple(Link.model_validate(said) for said in json.loads(row["links"]))
    return IncidentCandidate.model_validate({**row, "hypotheses": hypotheses, "links": links})


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    # Instants leave Arrow as nanoseconds: Python datetimes would cut them to microseconds.
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.int64()))
    return [{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()} for row in table.to_pylist()]
