"""A small CSV file of a public set: columns by name, one row a line, what is none of these set aside."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.source_files import LONGEST_LINE, opened

_SHOWN = 200
_BOM = b"\xef\xbb\xbf"


class NamedColumns:
    """Rows of a comma-separated file whose first line names the columns, in any order and any case.

    A cell may be quoted and holds no line break. Rows that are none go to the quarantine of samples.

    Args:
        path: the file; a byte order mark is passed over.
        name: what reports call it.
        required, optional: names of columns, lower case.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        into: DatasetWriter,
        required: Sequence[str],
        optional: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.columns: dict[str, int] = {}
        """Place of each column found, by its name."""
        self._path, self._into = path, into
        self._required, self._wanted = required, (*required, *optional)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number from 1 and the cells of each row; nothing where the header lacks a column."""
        width = 0
        with opened(self._path) as file:
            for number, line in self._lines(file):
                cells = self._cells(line, number)
                if not width:
                    width = len(cells)
                    if cells and not self._header(cells, line, number):
                        return
                elif cells and len(cells) != width:
                    few = "too few cells" if len(cells) < width else "too many cells"
                    self.set_aside(few, f"{len(cells)} cells, the header has {width}", number, cells)
                elif cells:
                    yield number, cells
        if not width:
            self.set_aside("no header", "the file is empty", 1, "")

    def set_aside(
        self, reason: str, detail: str, number: int, cells: Sequence[str] | str, kind: str = "samples"
    ) -> None:
        """Put a row into quarantine."""
        record = cells if isinstance(cells, str) else ",".join(cells)
        self._into.quarantine(kind, reason, detail, self.name, number, record)

    def _header(self, cells: list[str], line: str, number: int) -> bool:
        names = [cell.strip().casefold() for cell in cells]
        twice = [name for name in self._wanted if names.count(name) > 1]
        absent = [name for name in self._required if name not in names]
        if twice or absent:
            detail = (
                f"the first line names {twice[0]} twice"
                if twice
                else f"the first line must name {', '.join(self._required)}"
            )
            self.set_aside("no header", detail, number, line[:_SHOWN])
            return False
        self.columns = {name: names.index(name) for name in self._wanted if name in names}
        return True

    def _cells(self, line: str, number: int) -> list[str]:
        try:
            # A line at a time and strict: an open quote costs its own row, not the rest of the file.
            return next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            self.set_aside("no row", str(error), number, line[:_SHOWN])
            return []

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, str]]:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(_BOM)
            if len(line) > LONGEST_LINE:
                self.set_aside(
                    "line too long", f"more than {LONGEST_LINE} bytes", number, _text(line[:_SHOWN])
                )
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
            elif text := _text(line).strip("\r\n"):
                yield number, text


def number_of(text: str) -> float:
    """A number as files write it; NaN and infinities are numbers here.

    Raises:
        ValueError: empty, or no number; Python's own ``1_000`` is none.
    """
    if not text.strip():
        raise ValueError("the value is empty")
    try:
        return float(text if "_" not in text else "no number")
    except ValueError:
        raise ValueError(f"value {text!r} is not a number") from None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
