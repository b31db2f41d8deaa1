"""A column map laid over one file's header: what each column is for, and what a row's series is called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.importers.delimited.csv_kernel import IDENTITY, IGNORED, INGESTED, TIMESTAMP, VALUE
from titleshot.datasets.importers.delimited.csv_map import (
    EVERY_OTHER,
    NANOSECONDS,
    ColumnMap,
    TextFrom,
    TimeFrom,
    fault_of,
)
from titleshot.datasets.nearest import nearest

MOST_COLUMNS = 10_000


class Fault(Exception):
    """Why something is set aside: ``reason`` to count by, ``detail`` of this one."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Layout:
    """Columns of one header, by position."""

    header: list[str]
    kinds: NDArray[np.int8]
    which: NDArray[np.int32]
    """The which-th of its kind a column is."""
    timestamp: int
    ingested: int | None
    unit: int
    """Nanoseconds in a unit of the timestamps; 0 for ISO 8601."""
    ingested_unit: int
    keys: list[int]
    """Columns a series is called by."""
    values: list[int]
    metrics: list[str | None]
    """Metric of each column of values; None where a row says it."""
    names: dict[str, TextFrom]
    labels: dict[str, TextFrom]

    @property
    def wide(self) -> bool:
        """Whether a column is a metric; then an empty cell is no sample."""
        return self.metrics != [None]

    @property
    def not_used(self) -> list[str]:
        """Names of columns that nothing is read from."""
        return [name for name, kind in zip(self.header, self.kinds, strict=True) if kind == IGNORED]

    def series(self, cells: Sequence[str]) -> tuple[list[SeriesKey], bool]:
        """The series of a row's values, given its cells of ``keys``, and whether blanks were cut off.

        Raises:
            Fault: they are no names.
        """
        by_column = dict(zip((self.header[at] for at in self.keys), cells, strict=True))
        words = {name: self._text(name, part, by_column) for name, part in self.names.items()}
        labels = self._labels(by_column)
        metrics = [words["metric_name"] if metric is None else metric for metric in self.metrics]
        keys = [SeriesKey(words["namespace"], words["service"], metric, labels) for metric in metrics]
        return keys, any(cell != cell.strip() for cell in cells)

    def _text(self, name: str, part: TextFrom, by_column: dict[str, str]) -> str:
        if part.column is None:
            return part.value or ""
        text = _utf8(name, by_column[part.column], part.column).strip()
        if not text:
            raise Fault(f"{name}: missing", f"column {part.column!r} is empty and gives the {name}")
        if fault := fault_of(name, text):
            raise Fault(f"{name}: not allowed", f"column {part.column!r}: {fault}, got {text[:80]!r}")
        return text

    def _labels(self, by_column: dict[str, str]) -> str:
        labels: dict[str, str] = {}
        for label, part in self.labels.items():
            text = (
                part.value or ""
                if part.column is None
                else _utf8("series_labels", by_column[part.column], part.column).strip()
            )
            if text and label == EVERY_OTHER:
                labels |= _json_labels(text, part.column)
            elif text:
                labels[label] = text
        return canonical_json(labels)


def _utf8(name: str, text: str, column: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        detail = f"column {column!r} holds bytes that are no UTF-8; state the encoding in --columns MAP.yaml"
        raise Fault(f"{name}: not UTF-8", detail) from None
    return text


def _json_labels(text: str, column: str | None) -> dict[str, str]:
    detail = f'column {column!r} is no JSON object of texts like {{"pod": "a"}}, got {text[:80]!r}'
    try:
        labels = json.loads(text)
        canonical_json(labels).encode()
    except (ValueError, RecursionError):
        raise Fault("series_labels: not allowed", detail) from None
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise Fault("series_labels: not allowed", detail)
    return labels


def layout_of(of: ColumnMap, header: list[str]) -> Layout:
    """The map laid over a header.

    Raises:
        Fault: a column of the map is not there, is there twice, or is used for two things; too many columns.
    """
    if len(header) > MOST_COLUMNS:
        detail = f"the header names {len(header):,} columns, more than {MOST_COLUMNS:,}: is it CSV?"
        raise Fault("too many columns", detail)
    labels = of.series_labels
    names = {name: part for name in ("namespace", "service", "metric_name") if (part := getattr(of, name))}
    keyed = [part.column for part in (*names.values(), *labels.values()) if part.column is not None]
    keys = [_position(name, header) for name in dict.fromkeys(keyed)]
    timestamp = _position(of.timestamp.column, header)
    ingested = None if of.ingested_at is None else _position(of.ingested_at.column, header)
    singles = [timestamp, *([] if ingested is None else [ingested])]
    metrics: list[str | None] = [None]
    if of.value is not None:
        values = [_position(of.value, header)]
    elif of.values is not None and EVERY_OTHER in of.values:
        values = [at for at, name in enumerate(header) if at not in {*keys, *singles} and name.strip()]
        metrics = [header[at].strip() for at in values]
        _each_once(header, values)
    else:
        values = [_position(name, header) for name in of.values or ()]
        metrics = list((of.values or {}).values())
    _apart(header, [*keys, *singles, *values])
    kinds, which = np.full(len(header), IGNORED, np.int8), np.zeros(len(header), np.int32)
    for kind, columns in (
        (TIMESTAMP, [timestamp]),
        (INGESTED, singles[1:]),
        (IDENTITY, keys),
        (VALUE, values),
    ):
        kinds[columns] = kind
        which[columns] = np.arange(len(columns))
    return Layout(
        header=header,
        kinds=kinds,
        which=which,
        timestamp=timestamp,
        ingested=ingested,
        unit=_nanoseconds(of.timestamp),
        ingested_unit=0 if of.ingested_at is None else _nanoseconds(of.ingested_at),
        keys=keys,
        values=values,
        metrics=metrics,
        names=names,
        labels=labels,
    )


def _nanoseconds(part: TimeFrom) -> int:
    return 0 if part.unit is None else NANOSECONDS[part.unit]


def _position(name: str, header: list[str]) -> int:
    found = [at for at, column in enumerate(header) if column == name]
    found = found or [at for at, column in enumerate(header) if column.strip() == name.strip()]
    if not found:
        known = [column[:60] for column in header[:50]]
        raise Fault("no such column", f"no column {name!r} in the header{nearest(name, known)}")
    if len(found) > 1:
        places = " and ".join(str(at + 1) for at in found[:5])
        detail = f"column {name!r} stands twice in the header, at {places}; rename one of them"
        raise Fault("duplicate column", detail)
    return found[0]


def _each_once(header: list[str], columns: list[int]) -> None:
    if not columns:
        raise Fault("no such column", f"values {EVERY_OTHER!r}: the header has no other column")
    for at in columns:
        _position(header[at], header)
        if fault := fault_of("metric_name", header[at].strip()):
            raise Fault("metric_name: not allowed", f"column {header[at][:80]!r} is no metric name: {fault}")


def _apart(header: list[str], columns: list[int]) -> None:
    for at in columns:
        if columns.count(at) > 1:
            detail = f"column {header[at]!r} is used for two things; copy it under another name"
            raise Fault("column used twice", detail)
