"""The beginning of a CSV file: its encoding, its delimiter, and what its columns are called."""

from __future__ import annotations

import codecs
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.importers.delimited.csv_layout import Fault
from titleshot.datasets.importers.delimited.csv_map import DELIMITERS
from titleshot.datasets.importers.delimited.csv_rules import cells_of
from titleshot.datasets.importers.source_files import BLOCK, Block, LongLine, line_blocks, opened

UTF8 = "utf-8"
_BOM = codecs.BOM_UTF8
# Longest first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Header(NamedTuple):
    """The header of a file: its cells, what parts them, where in the block and on which line rows begin."""

    cells: list[str]
    delimiter: str
    begin: int
    line: int


def utf8_blocks(path: Path, encoding: str | None) -> Iterator[str | Block | LongLine]:
    """The encoding of a file, then its lines in UTF-8.

    A byte order mark says which encoding it is, else ``encoding``, else it is taken for UTF-8 and cells that
    are not are set aside later.

    Raises:
        UsageError: no such encoding.
        MalformedInput: it cannot be read, or is not in that encoding.
    """
    with opened(path) as file:
        first = file.peek(4)[:4]  # type: ignore[attr-defined]
        marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
        name = marked or _known(encoding or UTF8)
        yield name
        if name != UTF8:
            file = io.BufferedReader(_InUtf8(file, name, path), BLOCK)
        yield from line_blocks(file, path)


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, UnicodeError):
        raise UsageError(
            f"encoding {encoding!r} is unknown; give one like utf-8, utf-16-le, latin-1 or cp1252"
        ) from None


class _InUtf8(io.RawIOBase):
    """Bytes of another encoding as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str, path: Path) -> None:
        self._file, self._encoding, self._path = file, encoding, path
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        last = False
        while not self._waiting and not last:
            read = self._file.read(BLOCK)
            last = not read
            try:
                text = self._decoder.decode(read, last)
                self._waiting = text.encode()
            except UnicodeError as error:
                raise MalformedInput(
                    f"{self._path} is not {self._encoding}: {str(error)[:200]}; state its encoding in the"
                    " column map"
                ) from None
        given, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)


def header_of(block: Block, delimiter: str | None, wanted: Collection[str]) -> Header | None:
    """The header in the first block of a file; None where there are only blank lines.

    A first line like ``sep=;``, as spreadsheets write it, says the delimiter.

    Args:
        delimiter: where it is known.
        wanted: columns that are looked for; of several delimiters that which shows the most of them is
            taken, then that which parts the most cells.

    Raises:
        Fault: there is none that could be one.
    """
    at = len(_BOM) if block.buffer.startswith(_BOM) else 0
    line = 0
    while at < block.end:
        end = block.buffer.find(b"\n", at)
        raw = bytes(memoryview(block.buffer)[at:end]).rstrip(b"\r")
        at, line = end + 1, line + 1
        if not raw.strip():
            continue
        text = _text(raw)
        if text.startswith("sep=") and len(text) == 5 and line == 1:
            delimiter = delimiter or text[4]
            continue
        chosen = delimiter or _sniffed(text, wanted)
        return Header(cells_of(text, chosen), chosen, at, line + 1)
    return None


def _text(raw: bytes) -> str:
    if b"\x00" in raw:
        detail = "the header holds NUL bytes: state its encoding in the column map, such as utf-16-le"
        raise Fault("no header", detail)
    if b"\r" in raw:
        detail = "lines end in carriage returns alone; write line feeds"
        raise Fault("no header", detail)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        detail = (
            f"the header is not UTF-8: {raw[:80]!r}; state its encoding in the column map, such as latin-1"
        )
        raise Fault("no header", detail) from None


def _sniffed(text: str, wanted: Collection[str]) -> str:
    folded = {name.strip().casefold() for name in wanted}
    best, chosen = (0, 0), ","
    for delimiter in DELIMITERS.values():
        try:
            cells = cells_of(text, delimiter)
        except Fault:
            continue
        score = (sum(cell.strip().casefold() in folded for cell in cells), len(cells))
        if score > best:
            best, chosen = score, delimiter
    return chosen
