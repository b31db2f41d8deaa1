"""CSV files into a writer: header, map and rows of each, and a report of them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.delimited.csv_header import UTF8, Header, header_of, utf8_blocks
from titleshot.datasets.importers.delimited.csv_layout import Fault, layout_of
from titleshot.datasets.importers.delimited.csv_map import CONTRACT, ColumnMap, delimiter_of, map_of_names
from titleshot.datasets.importers.delimited.csv_rows import KIND, Counts, CsvRows
from titleshot.datasets.importers.delimited.csv_rules import RowRules
from titleshot.datasets.importers.importer import Told
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.source_files import ROOM, Block, LongLine


class Reading:
    """Reads files one after the other and keeps count.

    Args:
        given: the column map, options put in; None: by the names of each file's columns.
        said: options of the command line that say what columns do not.
    """

    def __init__(
        self,
        given: ColumnMap | None,
        said: Mapping[str, str | None],
        into: DatasetWriter,
        naive: NaiveTimes,
        told: Told,
    ) -> None:
        self._given, self._said, self._into, self._naive, self._told = given, said, into, naive, told
        self._counts = Counts()
        self._encodings: dict[str, str] = {}
        self._not_used: set[str] = set()
        self._wide = False
        self._first_fault = ""

    def read(self, path: Path, name: str) -> dict[str, int]:
        """Read one file; how many rows it has and how many were used."""
        blocks = utf8_blocks(path, None if self._given is None else self._given.encoding)
        encoding = cast(str, next(blocks))
        if encoding != UTF8:
            self._encodings[name] = encoding
        rows: CsvRows | None = None
        pending = b""
        for block in cast("Any", blocks):
            if rows is None:
                try:
                    rows, block = self._begun(block, name)
                except Fault as fault:
                    self._first_fault = self._first_fault or f"{name}: {fault.detail}"
                    self._into.quarantine(KIND, fault.reason, f"{name}:1: {fault.detail}", name, 1, "")
                    return {"lines": 0, "used": 0}
                if rows is None:
                    continue
            if pending:
                buffer = bytearray(pending)
                last = isinstance(block, LongLine)
                if isinstance(block, Block):
                    buffer += memoryview(block.buffer)[: block.end]
                end = len(buffer)
                buffer += bytes(ROOM)
                pending = rows.add(buffer, end, last=last)
            elif isinstance(block, Block):
                pending = rows.add(block.buffer, block.end, last=False)
            if isinstance(block, LongLine):
                rows.pass_by(block)
            self._told(f"reading {name}", rows.rows, None)
        if rows is None:
            return {"lines": 0, "used": 0}
        if pending:
            rows.add(bytearray(pending) + bytes(ROOM), len(pending), last=True)
        return {"lines": rows.rows, "used": rows.used}

    def _begun(self, block: Block | LongLine, name: str) -> tuple[CsvRows | None, Block | None]:
        """Rows to add to, once there is a header, and what follows it in the block."""
        if isinstance(block, LongLine):
            raise Fault("no header", f"the first line has {block.length:,} bytes; is it CSV?")
        said = self._given.delimiter if self._given is not None else self._said["delimiter"]
        delimiter = None if said is None else delimiter_of(said)
        header = header_of(block, delimiter, CONTRACT if self._given is None else self._given.columns)
        if header is None:
            return None, None
        of = self._given or self._map_of(header)
        layout = layout_of(of, header.cells)
        self._not_used |= {column for column in layout.not_used if column.strip()}
        self._wide |= layout.wide
        rules = RowRules(layout, header.delimiter, of.decimal, of.missing)
        rows = CsvRows(rules, name, header.line, self._into, self._naive, self._counts)
        rest = bytes(memoryview(block.buffer)[header.begin : block.end])
        return rows, Block(bytearray(rest) + bytes(ROOM), len(rest))

    def _map_of(self, header: Header) -> ColumnMap:
        said = {name: given for name, given in self._said.items() if name != "delimiter"}
        found = map_of_names(header.cells, **said)
        if isinstance(found, str):
            raise Fault("no such column", found)
        return found

    def report(self) -> None:
        """Put what was counted into the report."""
        report, counts = self._into.report, self._counts
        report["zones"] = {
            zone if zone != "none" else f"none, read as {self._naive.zone}": rows
            for zone, rows in counts.zones.most_common()
        }
        if self._naive.at_clock_changes:
            report["clock_changes"] = {"skipped": self._naive.skipped, "repeated": self._naive.repeated}
        report["encodings"] = self._encodings
        report["columns_not_used"] = sorted(self._not_used)
        report["names_with_blanks_cut_off"] = counts.trimmed
        kept = "empty_cells_that_are_no_sample" if self._wide else "empty_values_kept_as_nan"
        report[kept] = counts.empty

    def nothing(self, place: Path, rows: int) -> str:
        """Why nothing could be used, and the way out."""
        if self._first_fault:
            return f"{place}: no row can be used; {self._first_fault}"
        if not rows:
            return f"{place}: no rows; give CSV with a header like {','.join(CONTRACT[:5])}"
        reasons = sorted(self._into.quarantined.get(KIND, {}).items(), key=lambda item: -item[1])
        words = ", ".join(f"{reason} ({count})" for reason, count in reasons[:3])
        ways = {
            "no zone": "name the zone with --zone or in the column map",
            "no unit": "state the unit with --time-unit s, ms, us or ns, or in the column map",
            "digits in groups": "state decimal: ',' in the column map if commas are decimal",
            "cells": "name the delimiter with --delimiter",
            "not UTF-8": "state the encoding in the column map",
        }
        way = [way for word, way in ways.items() if any(word in reason for reason, _ in reasons)]
        return f"{place}: none of {rows} rows is a sample: {words}{'; ' if way else ''}{'; '.join(way)}"
