"""Lines of samples into columns: whole batches through Arrow, what it cannot vouch for line by line.

The contract is :class:`Sample`; the fast way takes only lines it is sure about and gives equal rows.
"""

from __future__ import annotations

import io
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray
from pydantic import TypeAdapter

from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.record_lines import RecordLines
from titleshot.datasets.sample_files import NO_INSTANT

_SAMPLE = TypeAdapter(Sample)
_TEXTS = ("timestamp", "namespace", "service", "metric_name")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("value", pa.float64()),
        ("ingested_at", pa.string()),
        ("schema_version", pa.string()),
    ]
)
_ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$"
_SPLIT_INTO = 8
_FEW = 64


class SampleLines:
    """Reads lines of samples of one file into a writer, in their order."""

    def __init__(self, source: str, into: DatasetWriter, naive: NaiveTimes) -> None:
        self._into = into
        self._naive = naive
        self._lines = RecordLines("samples", source, into, naive)

    def add(self, lines: list[bytes], numbers: list[int]) -> None:
        """Read lines, none of them blank, with their line numbers."""
        table = _parsed(lines)
        if table is not None:
            self._add_table(table, lines, numbers)
        elif len(lines) > _FEW:
            # One faulty line stops the whole batch: close in on it.
            size = -(-len(lines) // _SPLIT_INTO)
            for start in range(0, len(lines), size):
                self.add(lines[start : start + size], numbers[start : start + size])
        else:
            self._add_rows(_Rows(len(lines)), np.ones(len(lines), np.bool_), lines, numbers)

    def _add_table(self, table: pa.Table, lines: list[bytes], numbers: list[int]) -> None:
        rows = _Rows(table.num_rows)
        unsure = _unsure(table, lines)
        codes, known = self._codes(table)
        rows.codes[:] = codes
        rows.timestamps[:], told = self._instants(table.column("timestamp"), unsure | ~known)
        rows.values[:] = table.column("value").fill_null(np.nan).to_numpy()
        rows.ingested[:], told_too = self._instants(table.column("ingested_at"), unsure | ~known)
        unsure |= ~known | ~told | ~told_too
        self._add_rows(rows, unsure, lines, numbers)

    def _add_rows(
        self, rows: _Rows, unsure: NDArray[np.bool_], lines: list[bytes], numbers: list[int]
    ) -> None:
        kept = ~unsure
        for index in np.flatnonzero(unsure):
            sample = self._lines.record(_SAMPLE, lines[index], numbers[index])
            if sample is not None:
                kept[index] = True
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

    def _codes(self, table: pa.Table) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Codes of the rows' series, and whether a row's series is one that may be."""
        labels = _labels(table)
        parts = [table.column(name) for name in _TEXTS[1:]] + [column for _, column in labels]
        encoded = [column.combine_chunks().dictionary_encode() for column in parts]
        sizes = [len(part.dictionary) + 1 for part in encoded]
        digits = [
            part.indices.fill_null(len(part.dictionary)).to_numpy().astype(np.int64) for part in encoded
        ]
        combined = reduce(
            _renumbered, zip(digits, sizes, strict=True), (np.zeros(table.num_rows, np.int64), 1)
        )
        _, first, inverse = np.unique(combined[0], return_index=True, return_inverse=True)
        words = [[*part.dictionary.to_pylist(), None] for part in encoded]
        codes = np.zeros(len(first), np.int32)
        known = np.zeros(len(first), np.bool_)
        for index, row in enumerate(first):
            found = [of[digit[row]] for of, digit in zip(words, digits, strict=True)]
            named = {
                name: text for (name, _), text in zip(labels, found[3:], strict=True) if text is not None
            }
            if None not in found[:3]:
                namespace, service, metric_name = found[:3]
                key = SeriesKey(namespace, service, metric_name, canonical_json(named))
                try:
                    codes[index] = self._into.add_series([key])[0]
                    known[index] = True
                except MalformedInput:
                    continue  # the line's own fault is found when it is read alone
        return codes[inverse], known[inverse]

    def _instants(
        self, column: pa.ChunkedArray, skip: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Nanoseconds of each row, and whether they could be told; an empty cell is told as NO_INSTANT."""
        encoded = column.combine_chunks().dictionary_encode()
        texts, indices = encoded.dictionary, encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
        instants, told = np.full(len(texts) + 1, NO_INSTANT), np.ones(len(texts) + 1, np.bool_)
        if len(texts):
            try:
                if not pc.all(pc.match_substring_regex(texts, _ZONED)).as_py():
                    raise pa.ArrowInvalid("not all of the one form")
                instants[:-1] = texts.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_numpy()
            except pa.ArrowInvalid:
                used = np.bincount(indices[~skip], minlength=len(texts) + 1)
                for index, text in enumerate(texts.to_pylist()):
                    try:
                        instants[index] = self._naive.instant(text, int(used[index]))
                    except ValueError:
                        told[index] = False
        return instants[indices], told[indices]


class _Rows:
    """Columns of a batch of lines."""

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.int32)
        self.timestamps = np.zeros(rows, np.int64)
        self.values = np.zeros(rows)
        self.ingested = np.full(rows, NO_INSTANT)


def _parsed(lines: list[bytes]) -> pa.Table | None:
    """The lines as a table of as many rows; None where any of them is not plainly one JSON object."""
    if not all(line.startswith(b"{") and line.endswith(b"}") for line in lines):
        return None
    data = b"\n".join(lines)
    try:
        data.decode()
        table = pj.read_json(
            io.BytesIO(data),
            pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
            pj.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="infer"),
        )
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    return table if table.num_rows == len(lines) else None


def _unsure(table: pa.Table, lines: list[bytes]) -> NDArray[np.bool_]:
    """Rows that only the contract itself can judge: missing, null, foreign or newer fields."""
    unsure = np.zeros(table.num_rows, np.bool_)
    if any(b"null" in line for line in lines):
        unsure |= np.array([b"null" in line for line in lines])
    for name in (*_TEXTS, "value"):
        unsure |= _mask(table.column(name).is_null())
    # Arrow reads an integer beyond float64 as infinite; the contract refuses it.
    unsure |= _mask(pc.fill_null(pc.is_inf(table.column("value")), False))
    version = table.column("schema_version")
    unsure |= _mask(pc.fill_null(pc.not_equal(version, Sample.VERSION), False))
    for name in set(table.column_names) - set(_SCHEMA.names):
        column = table.column(name)
        if name == "series_labels" and pa.types.is_struct(column.type):
            for part in column.combine_chunks().flatten():
                if not pa.types.is_string(part.type):
                    unsure |= _mask(part.is_valid())
        else:
            unsure |= _mask(column.is_valid())
    return unsure


def _labels(table: pa.Table) -> list[tuple[str, pa.ChunkedArray]]:
    position = table.schema.get_field_index("series_labels")
    if position < 0 or not pa.types.is_struct(table.schema.field(position).type):
        return []
    column = table.column(position).combine_chunks()
    parts = zip(column.type, column.flatten(), strict=True)
    return [(field.name, pa.chunked_array([part])) for field, part in parts if pa.types.is_string(part.type)]


def _renumbered(
    so_far: tuple[NDArray[np.int64], int], part: tuple[NDArray[np.int64], int]
) -> tuple[NDArray[np.int64], int]:
    """One number for a pair of numbers, renumbered densely before it could overflow."""
    combined, size = so_far[0] * part[1] + part[0], so_far[1] * part[1]
    if size > 1 << 40:
        kinds, combined = np.unique(combined, return_inverse=True)
        size = len(kinds)
    return combined, size


def _mask(column: Any) -> NDArray[np.bool_]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    mask: NDArray[np.bool_] = array.to_numpy(zero_copy_only=False)
    return mask
