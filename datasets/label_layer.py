"""The label layer: what people said, later than telemetry, append-only, with a digest as of any moment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from titleshot.datasets.contracts.incidents import Page, fold_pages
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.errors import MalformedInput, UnknownVersion

Row = TypeVar("Row", bound=Record)


@dataclass(frozen=True)
class LabelFault:
    """A line that is no label: half written, or breaking the contract. It is left out, not fatal."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Labels:
    """Labels as they were known at ``as_of`` (nanoseconds UTC).

    ``digest`` is SHA-256 over every row known by then, later replaced and retracted ones included.
    """

    incidents: list[IncidentLabel]
    """The latest revision of each, by (start, incident_id); retracted ones left out."""
    feedback: list[FeedbackLabel]
    """The latest answer of each feedback_id, by (labelled_at, feedback_id)."""
    pages: list[Page]
    """The pages feedback refers to, by (paged_at, page_id)."""
    as_of: int
    digest: str
    rows: int = 0
    """How many rows ``digest`` covers."""
    faults: tuple[LabelFault, ...] = ()
    other_pages: tuple[Page, ...] = ()
    """Pages of others than today's tool that feedback refers to, by (paged_at, page_id)."""


class LabelLayer:
    """Files of one JSON record a line: ``incidents.jsonl``, ``feedback.jsonl``, ``pages.jsonl``, and
    ``other_pages.jsonl``, which keeps pages of contenders that were judged apart from today's tool's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(
        self,
        *,
        incidents: Sequence[IncidentLabel] = (),
        feedback: Sequence[FeedbackLabel] = (),
        pages: Sequence[Page] = (),
        other_pages: Sequence[Page] = (),
    ) -> None:
        """Add rows. Each file gets all of its rows or none, and they are on disk when this returns.

        Several processes may append at once.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            for name, rows in (
                ("incidents", incidents),
                ("pages", pages),
                ("other_pages", other_pages),
                ("feedback", feedback),  # last: an answer is never there without its page
            ):
                if rows:
                    _append(self.folder / f"{name}.jsonl", "".join(f"{row.to_json()}\n" for row in rows))

    def read(self, as_of: int | None = None, *, otherwise: int = 0) -> Labels:
        """What was known at ``as_of``, inclusive.

        None takes everything there is; ``as_of`` is then the moment of the latest row, or ``otherwise``
        where there are no rows.

        Raises:
            UnknownVersion: a row was written by a newer major version.
        """
        faults: list[LabelFault] = []
        incidents = self._rows("incidents", IncidentLabel, faults)
        feedback = self._rows("feedback", FeedbackLabel, faults)
        pages = self._rows("pages", Page, faults)
        others = self._rows("other_pages", Page, faults)
        if as_of is None:
            as_of = max(map(_known_at, [*incidents, *feedback, *pages, *others]), default=otherwise)
        incidents, feedback, pages, others = (
            [row for row in incidents if row.known_at <= as_of],
            [row for row in feedback if row.labelled_at <= as_of],
            [row for row in pages if _known_at(row) <= as_of],
            [row for row in others if _known_at(row) <= as_of],
        )
        standing = [row for row in _latest(incidents, "incident_id") if not row.retracted]
        return Labels(
            sorted(standing, key=lambda row: (row.start, row.incident_id)),
            sorted(_latest(feedback, "feedback_id"), key=lambda row: (row.labelled_at, row.feedback_id)),
            fold_pages(pages),
            as_of,
            _digest([*incidents, *feedback, *pages, *others]),
            len(incidents) + len(feedback) + len(pages) + len(others),
            tuple(faults),
            tuple(fold_pages(others)),
        )

    def _rows(self, name: str, model: type[Row], faults: list[LabelFault]) -> list[Row]:
        path = self.folder / f"{name}.jsonl"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MalformedInput(f"{path} cannot be read: {error.strerror}") from None
        rows = []
        for number, line in enumerate(content.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                rows.append(model.from_json(line, where=f"{path}:{number}"))
            except UnknownVersion:
                raise
            except MalformedInput as error:
                half = number == content.count(b"\n") + 1
                reason = "half written: the line has no end" if half else str(error)
                faults.append(LabelFault(path.name, number, reason))
        return rows


def _append(path: Path, text: str) -> None:
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        before = os.fstat(handle).st_size
        # The half line of a killed writer stays, to be reported, and must not swallow the next row.
        cut = before > 0 and os.pread(handle, 1, before - 1) != b"\n"
        data = memoryview((b"\n" if cut else b"") + text.encode())
        try:
            while data:
                data = data[os.write(handle, data) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)


def _known_at(row: Record) -> int:
    match row:
        case IncidentLabel():
            return row.known_at
        case FeedbackLabel():
            return row.labelled_at
        case Page():
            return row.paged_at if row.status == "sent" or row.closed_at is None else row.closed_at
    raise TypeError(f"{type(row).__name__} is no label")


def _latest(rows: Iterable[Row], identity: str) -> list[Row]:
    latest: dict[str, Row] = {}
    for row in rows:
        name = getattr(row, identity)
        if name not in latest or _known_at(row) >= _known_at(latest[name]):
            latest[name] = row
    return list(latest.values())


def _digest(rows: Iterable[Record]) -> str:
    # A set: a row appended twice says nothing new. Sorted: what is known has no order.
    lines = sorted({f"{type(row).__name__} {row.to_json()}".encode() for row in rows})
    return hashlib.sha256(b"".join(len(line).to_bytes(8, "little") + line for line in lines)).hexdigest()
