"""Lines of samples into columns: whole batches through Arrow, what it cannot vouch for line by line.

The contract is :class:`Sample`; the fast way takes only lines it is sure about and gives equal rows.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.record_lines import RecordLines
from titleshot.datasets.sample_files import NO_INSTANT

_SAMPLE = TypeAdapter(Sample)
_TEXTS = ("timestamp", "namespace", "service", "metric_name")
_FIELDS = [
    *((name, pa.string()) for name in _TEXTS),
    ("value", pa.float64()),
    ("ingested_at", pa.string()),
    ("schema_version", pa.string()),
]
_ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$"
_SPLIT_INTO = 8
_FEW = 64
_MOST_LABELS = 64
"""Labels that become columns; lines with others are read one by one: a table of all would be vast."""
_DEEPEST = 100


class SampleLines:
    """Reads lines of samples of one file into a writer, in their order."""

    def __init__(self, records: RecordLines, into: DatasetWriter, naive: NaiveTimes) -> None:
        self._into = into
        self._naive = naive
        self._known: dict[tuple[tuple[str, ...], tuple[str | None, ...]], int] = {}
        self._lines = records
        self._labels: list[str] = []
        """Names of labels met so far, up to the most that become columns."""

    def add(self, lines: list[bytes], numbers: list[int] | range) -> None:
        """Read lines, none of them blank, with their line numbers."""
        if not self._known:
            self._learn(lines[0])
        data = b"\n".join(lines)
        table = _parsed(data, lines, self._labels)
        if table is not None:
            unsure = _unsure(table)
            if b"null" in data:
                unsure |= np.array([b"null" in line for line in lines])
            self._add_table(table, unsure, lines, numbers)
        elif len(lines) > _FEW:
            # One faulty line stops the whole batch: close in on it.
            size = -(-len(lines) // _SPLIT_INTO)
            for start in range(0, len(lines), size):
                self.add(lines[start : start + size], numbers[start : start + size])
        else:
            self._add_rows(_Rows(len(lines)), np.ones(len(lines), np.bool_), lines, numbers)

    def _add_table(
        self, table: pa.Table, unsure: NDArray[np.bool_], lines: list[bytes], numbers: list[int] | range
    ) -> None:
        rows = _Rows(table.num_rows)
        rows.codes, known = self._codes(table)
        stamps = _Instants(table.column("timestamp"), self._naive)
        ingested = _Instants(table.column("ingested_at"), self._naive)
        rows.timestamps, rows.ingested = stamps.instants, ingested.instants
        rows.values = table.column("value").fill_null(np.nan).to_numpy().copy()
        unsure |= ~known | ~stamps.told | ~ingested.told
        for times in (stamps, ingested):
            times.count(~unsure)
        self._add_rows(rows, unsure, lines, numbers)

    def _add_rows(
        self, rows: _Rows, unsure: NDArray[np.bool_], lines: list[bytes], numbers: list[int] | range
    ) -> None:
        kept = ~unsure
        for index in np.flatnonzero(unsure):
            sample = self._lines.record(_SAMPLE, lines[index], numbers[index])
            if sample is not None:
                kept[index] = True
                self._learn_labels(sample.series_labels)
                rows.codes[index] = self._into.add_series([sample.key])[0]
                rows.timestamps[index] = sample.timestamp
                rows.values[index] = sample.value
                rows.ingested[index] = NO_INSTANT if sample.ingested_at is None else sample.ingested_at
        ingested = rows.ingested[kept]
        self._into.add_samples(
            rows.codes[kept],
            rows.timestamps[kept],
            rows.values[kept],
            ingested if np.any(ingested != NO_INSTANT) else None,
        )

    def _learn(self, line: bytes) -> None:
        try:
            self._learn_labels(_SAMPLE.validate_json(line).series_labels)
        except ValidationError:
            return  # it is read again and said what is wrong with it

    def _learn_labels(self, labels: dict[str, str]) -> None:
        for name in labels:
            if len(self._labels) < _MOST_LABELS and name not in self._labels:
                self._labels.append(name)

    def _codes(self, table: pa.Table) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Codes of the rows' series, and whether a row's series is one that may be."""
        labels = _labels(table)
        names = tuple(name for name, _ in labels)
        parts = [table.column(name) for name in _TEXTS[1:]] + [column for _, column in labels]
        encoded = [column.combine_chunks().dictionary_encode() for column in parts]
        words = [[*part.dictionary.to_pylist(), None] for part in encoded]
        digits = [part.indices.fill_null(len(part.dictionary)).to_numpy() for part in encoded]
        first, inverse = _distinct(digits, [len(of) for of in words])
        found = zip(
            *([of[i] for i in digit[first]] for of, digit in zip(words, digits, strict=True)), strict=True
        )
        codes = np.array([self._code(names, texts) for texts in found], np.int32)
        return np.maximum(codes, 0)[inverse], (codes >= 0)[inverse]

    def _code(self, names: tuple[str, ...], texts: tuple[str | None, ...]) -> int:
        """The code of a series; -1 where no series can be called so."""
        known = self._known.get((names, texts))
        if known is None:
            namespace, service, metric_name, *labels = texts
            known = -1
            if namespace is not None and service is not None and metric_name is not None:
                named = {name: text for name, text in zip(names, labels, strict=True) if text is not None}
                key = SeriesKey(namespace, service, metric_name, canonical_json(named))
                try:
                    known = int(self._into.add_series([key])[0])
                except MalformedInput:
                    known = -1  # the line's own fault is found when it is read alone
            self._known[names, texts] = known
        return known


class _Instants:
    """A column of times: ``instants`` int64[n] and whether they could be ``told``.

    An empty cell is told, as NO_INSTANT.
    """

    def __init__(self, column: pa.ChunkedArray, naive: NaiveTimes) -> None:
        encoded = column.combine_chunks().dictionary_encode()
        texts = encoded.dictionary
        self._naive = naive
        self._indices = encoded.indices.fill_null(len(texts)).to_numpy()
        self._texts: list[str] = []
        """Distinct times that are not all plainly of the one form, so that some may be without zone."""
        instants, told = np.full(len(texts) + 1, NO_INSTANT), np.ones(len(texts) + 1, np.bool_)
        plain = _plain_instants(texts)
        if plain is not None:
            instants[:-1] = plain
        else:
            self._texts = texts.to_pylist()
            for index, text in enumerate(self._texts):
                try:
                    instants[index] = naive.instant(text, times=0)
                except ValueError:
                    told[index] = False
        self.instants, self.told = instants[self._indices], told[self._indices]

    def count(self, used: NDArray[np.bool_]) -> None:
        """Count the times without a zone among the rows used."""
        times = np.bincount(self._indices[used], minlength=len(self._texts))
        for text, many in zip(self._texts, times.tolist(), strict=False):
            if many:
                self._naive.instant(text, times=many)


class _Rows:
    """Columns of a batch of lines."""

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.int32)
        self.timestamps = np.zeros(rows, np.int64)
        self.values = np.zeros(rows)
        self.ingested = np.full(rows, NO_INSTANT)


def _parsed(data: bytes, lines: list[bytes], labels: list[str]) -> pa.Table | None:
    """The lines as a table of as many rows; None where any of them is not plainly one JSON object."""
    if not are_objects(data, len(lines)):
        return None
    if _open(data) > 2 * len(lines) and any(_open(line) > _DEEPEST for line in lines):
        return None
    fields = list(_FIELDS)
    if labels:
        fields.append(("series_labels", pa.struct([(name, pa.string()) for name in labels])))
    try:
        data.decode()
        table = pj.read_json(
            io.BytesIO(data),
            pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
            pj.ParseOptions(explicit_schema=pa.schema(fields), unexpected_field_behavior="error"),
        )
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    return table if table.num_rows == len(lines) else None


def are_objects(data: bytes, lines: int) -> bool:
    """Whether each of so many lines begins and ends like an object, without a blank before or after."""
    return data.startswith(b"{") and data.endswith(b"}") and data.count(b"}\n{") == lines - 1


def _open(data: bytes) -> int:
    """A bound of how deep it is nested; Arrow overruns its stack where that is some ten thousand."""
    return data.count(b"{") + data.count(b"[")


def _unsure(table: pa.Table) -> NDArray[np.bool_]:
    """Rows that only the contract itself can judge: something missing, or of another version."""
    unsure = np.zeros(table.num_rows, np.bool_)
    for name in (*_TEXTS, "value"):
        unsure |= _mask(table.column(name).is_null())
    # Arrow reads an integer beyond float64 as infinite; the contract refuses it.
    unsure |= _mask(pc.fill_null(pc.is_inf(table.column("value")), False))
    version = table.column("schema_version")
    unsure |= _mask(pc.fill_null(pc.not_equal(version, Sample.VERSION), False))
    return unsure


def _labels(table: pa.Table) -> list[tuple[str, pa.ChunkedArray]]:
    position = table.schema.get_field_index("series_labels")
    if position < 0:
        return []
    column = table.column(position).combine_chunks()
    parts = zip(column.type, column.flatten(), strict=True)
    return [(field.name, pa.chunked_array([part])) for field, part in parts]


def _plain_instants(texts: pa.Array) -> NDArray[np.int64] | None:
    """The times of texts that are all ISO 8601 with a zone; None where one is not."""
    if not pc.all(pc.match_substring_regex(texts, _ZONED)).as_py():
        return None
    try:
        instants: NDArray[np.int64] = texts.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None  # no such day, or outside what nanoseconds can hold
    return instants


def _distinct(digits: list[NDArray[Any]], sizes: list[int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First row of each distinct tuple of digits, and for each row which of those it is."""
    combined, size = np.zeros(len(digits[0]), np.int64), 1
    for digit, of in zip(digits, sizes, strict=True):
        combined, size = combined * of + digit, size * of
        if size > 1 << 31:  # renumber densely before it could overflow
            kinds, combined = np.unique(combined, return_inverse=True)
            size = len(kinds)
    _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
    return first, inverse


def _mask(column: Any) -> NDArray[np.bool_]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    mask: NDArray[np.bool_] = array.to_numpy(zero_copy_only=False)
    return mask
