"""Files of an export, CSV or JSON, as records one by one; what is none is set aside."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.pages.fields import plain
from titleshot.datasets.importers.pages.tool_page import Found, Reading
from titleshot.datasets.importers.source_files import BOM, LONGEST_LINE, files_below, opened

LONGEST_DOCUMENT = 1 << 25
"""Bytes of one JSON document, which is read in one piece; lines of JSON have no such end."""
_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".log", ".txt")
_LISTS = ("incidents", "data", "alerts", "results", "items")
_IDS = {"id", "tinyid", "incidentnumber"}
_BLANK = b" \t\r\n\xef\xbb\xbf"
Header = Callable[[list[str], str], None]
"""Told a table's column names and where they stood; may refuse them."""


def export_files(source: Path) -> list[Path]:
    """The file, or the files of an export in a folder, by name.

    Raises:
        MalformedInput: there is none, or a link leads out of the folder.
    """
    if not source.exists():
        raise MalformedInput(f"{source}: no such file or folder")
    if source.is_file():
        return [source]
    found = [
        path
        for path in files_below(source, "**/*")
        if path.name.lower().removesuffix(".gz").endswith(_ENDINGS)
    ]
    if not found:
        raise MalformedInput(
            f"{source}: no export here; a folder holds files that end in {', '.join(_ENDINGS)}"
        )
    return found


def records(path: Path, reading: Reading, header: Header) -> Iterator[Found]:
    """The records of one file, in the order they stand in it.

    Raises:
        MalformedInput: it is no text, or a table without a usable header.
    """
    with opened(path) as file:
        first = _first_bytes(file, path)
        if first[:1] in (b"{", b"["):
            yield from _of_json(file, path, reading)
        else:
            yield from _of_table(file, path, reading, header)


def _first_bytes(file: BinaryIO, path: Path) -> bytes:
    # What is unpacked on the way cannot be read twice, so it is looked at and not taken.
    start = cast(io.BufferedReader, file).peek(4096)[:4096]
    if start[:2] == b"PK":
        raise MalformedInput(f"{path} is a spreadsheet or a zip; export it as CSV, or unpack it")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:4].count(b"\0") > 1:
        raise MalformedInput(f"{path} is not UTF-8 text; save it as UTF-8 (Excel: CSV UTF-8)")
    return start.removeprefix(BOM).lstrip()


def _lines(file: BinaryIO, longest: int) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers from 1; None for one that is longer than anything could be."""
    number = 0
    while line := file.readline(longest + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(BOM)
        if len(line) <= longest:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(longest)
        yield number, None


def _of_json(file: BinaryIO, path: Path, reading: Reading) -> Iterator[Found]:
    """Lines of JSON where the first line is one, else the file as one document."""
    head, number = b"", 0
    while line := file.readline(LONGEST_DOCUMENT - len(head) + 1):
        number += 1
        if (value := _value(line)) is not None:
            yield from _entries(value, path, number)
            yield from _of_lines(file, path, reading, number)
            return
        head += line
        if line.strip(_BLANK):
            break
    text = head + file.read(LONGEST_DOCUMENT - len(head) + 1)
    # A broken first line does not make lines of JSON a document.
    if any(_value(line) is not None for line in text.split(b"\n", 20)[number:20]):
        lines = io.BytesIO(text + file.readline(LONGEST_LINE))
        yield from _of_lines(lines, path, reading, 0)
        yield from _of_lines(file, path, reading, lines.getvalue().count(b"\n"))
        return
    if len(text) > LONGEST_DOCUMENT:
        raise MalformedInput(
            f"{path}: one JSON document of more than {LONGEST_DOCUMENT:,} bytes; write a record a line,"
            " or split it"
        )
    try:
        document = json.loads(text.removeprefix(BOM))
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"{path} is not JSON: {error}; is the export whole?") from None
    yield from _entries(document, path, 1)


def _of_lines(file: BinaryIO, path: Path, reading: Reading, before: int) -> Iterator[Found]:
    for number, line in _lines(file, LONGEST_LINE):
        row = before + number
        if line is None:
            reading.aside("line too long", f"longer than {LONGEST_LINE:,} bytes", path.name, row, "")
        elif line.strip(_BLANK):
            value = _value(line)
            if value is None:
                text = line.decode("utf-8", "backslashreplace")
                reading.aside("not JSON", "not a JSON object or list", path.name, row, text)
            else:
                yield from _entries(value, path, row)


def _value(line: bytes) -> Any:
    try:
        value = json.loads(line.removeprefix(BOM))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _entries(value: Any, path: Path, row: int) -> Iterator[Found]:
    """A record, or those of a list, or those of the list that an answer of an API holds.

    The row of a record within a document is its place in it.
    """
    listed = value if isinstance(value, list) else _listed(value)
    if listed is None:
        yield Found(path.name, row, value)
        return
    for place, entry in enumerate(listed, row):
        yield Found(path.name, place, entry if isinstance(entry, dict) else {"": entry})


def _listed(value: dict[str, Any]) -> list[Any] | None:
    """The list an answer holds; None where the object is a record itself."""
    if "groupKey" in value or any(plain(name) in _IDS for name in value):
        return None
    for name in _LISTS:
        inner = value.get(name)
        if isinstance(inner, list):
            return inner
        if isinstance(inner, dict) and (found := _listed(inner)) is not None:
            return found
    return None


def _of_table(file: BinaryIO, path: Path, reading: Reading, header: Header) -> Iterator[Found]:
    lines = _texts(file, path, reading)
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t|", key=lambda mark: Counter(first)[mark])
    try:
        names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    except csv.Error as error:
        raise MalformedInput(
            f"{path}: the first line is no line of CSV ({error}); save it as CSV in UTF-8 with line ends of"
            " Unix or Windows"
        ) from None
    twice = [name for name, n in Counter(plain(name) for name in names if name).items() if n > 1]
    if twice:
        raise MalformedInput(f"{path}: two columns are called {twice[0]!r}; rename one")
    if not any(names):
        raise MalformedInput(f"{path}: empty; an export has a line of column names")
    header(names, str(path))
    rows = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reading.aside("not CSV", str(error), path.name, rows.line_num + 1, "")
            continue
        row = rows.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            said = f"{len(cells)} cells where the header has {len(names)}"
            reading.aside("ragged row", said, path.name, row, delimiter.join(cells))
        elif any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
            reading.aside("not UTF-8", "bytes that are no UTF-8", path.name, row, delimiter.join(cells))
        else:
            yield Found(path.name, row, dict(zip(names, cells, strict=True)))


def _texts(file: BinaryIO, path: Path, reading: Reading) -> Iterator[str]:
    for number, line in _lines(file, LONGEST_LINE):
        if line is None:
            reading.aside("line too long", f"longer than {LONGEST_LINE:,} bytes", path.name, number, "")
        else:
            yield line.decode("utf-8", "surrogateescape")
