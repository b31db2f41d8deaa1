"""Lines of a comma-separated file as cells; what is no such line is set aside."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.source_files import BOM, LONGEST_LINE, opened

_SHOWN = 200


class CsvLines:
    """Lines of a comma-separated file as cells, header lines among them.

    A cell may be quoted and holds no line break. What is no line of UTF-8 text in CSV goes to quarantine.

    Args:
        path: the file; a byte order mark is passed over.
        name: what reports call it.
        into: takes the faulty lines; None on a first look, before the one that sets them aside.
        kind: which table's quarantine they go to.
    """

    def __init__(self, path: Path, name: str, into: DatasetWriter | None, kind: str = "samples") -> None:
        self.name = name
        self._path, self._into, self._kind = path, into, kind

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Line number from 1 and cells of every line that is not blank."""
        with opened(self._path) as file:
            for number, line in self._lines(file):
                try:
                    text = line.decode()
                    # A line at a time and strict: an open quote costs its own line, not the rest of the file.
                    cells = next(csv.reader([text.strip("\r\n")], strict=True), [])
                except UnicodeDecodeError as error:
                    self.set_aside("not UTF-8", f"byte {error.start}: {error.reason}", number, _text(line))
                except csv.Error as error:
                    self.set_aside("no row", str(error), number, _text(line))
                else:
                    if cells:
                        yield number, [cell.strip() for cell in cells]

    def set_aside(self, reason: str, detail: str, number: int, cells: Sequence[str] | str) -> None:
        """Put a line into quarantine."""
        if self._into is not None:
            record = cells if isinstance(cells, str) else ",".join(cells)
            self._into.quarantine(self._kind, reason, detail, self.name, number, record)

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(BOM)
            if len(line) > LONGEST_LINE:
                self.set_aside("line too long", f"more than {LONGEST_LINE} bytes", number, _text(line))
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
            elif line.strip():
                yield number, line


def _text(line: bytes) -> str:
    return line[:_SHOWN].decode("utf-8", "replace")
