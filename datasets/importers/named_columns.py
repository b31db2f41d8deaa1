"""A small CSV file of a public set: columns by name, one row a line, what is none of these set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.importers.csv_lines import CsvLines

_SHOWN = 200


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
        for number, cells in CsvLines(self._path, self.name, self._into):
            if not width:
                width = len(cells)
                if not self._header(cells, number):
                    return
            elif len(cells) != width:
                few = "too few cells" if len(cells) < width else "too many cells"
                self.set_aside(few, f"{len(cells)} cells, the header has {width}", number, cells)
            else:
                yield number, cells
        if not width:
            self.set_aside("no header", "the file is empty", 1, "")

    def set_aside(
        self, reason: str, detail: str, number: int, cells: Sequence[str] | str, kind: str = "samples"
    ) -> None:
        """Put a row into quarantine."""
        record = cells if isinstance(cells, str) else ",".join(cells)
        self._into.quarantine(kind, reason, detail, self.name, number, record)

    def _header(self, cells: list[str], number: int) -> bool:
        names = [cell.casefold() for cell in cells]
        twice = [name for name in self._wanted if names.count(name) > 1]
        absent = [name for name in self._required if name not in names]
        if twice or absent:
            detail = (
                f"the first line names {twice[0]} twice"
                if twice
                else f"the first line must name {', '.join(self._required)}"
            )
            self.set_aside("no header", detail, number, ",".join(cells)[:_SHOWN])
            return False
        self.columns = {name: names.index(name) for name in self._wanted if name in names}
        return True


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
