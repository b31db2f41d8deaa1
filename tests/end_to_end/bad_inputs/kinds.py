"""Every kind of bad input, once, by name: what it does to a source that was good.

A kind works on one level: the bytes of a file, the place where it lies, a cell of a row, the lines of a CSV
file or of JSON, or how a server answers. Which formats it applies to follows from the level.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = "source"
"""Name of the folder that a source is written to."""
Bytes = Callable[[bytes], bytes]
Place = Callable[[Path], None]
Lines = Callable[[list[str]], list[str]]


@dataclass(frozen=True)
class Row:
    """One good sample as text: what a cell kind spoils."""

    time: str
    value: str = "1.5"
    service: str = "checkout-api"


GOOD = (
    Row("2026-01-10T01:00:00Z", "1.5"),
    Row("2026-01-10T01:01:00Z", "2.5"),
    Row("2026-01-10T01:02:00Z", "3.5"),
)


@dataclass(frozen=True)
class Kind:
    """One kind; exactly one of the levels is set, save that a cell may need an option to matter."""

    of_bytes: Bytes | None = None
    of_place: Place | None = None
    of_cell: dict[str, str] = field(default_factory=dict)
    of_csv: Lines | None = None
    of_json: Lines | None = None
    of_http: str | None = None
    """How a server answers: a word of ``serving.answering``."""
    options: tuple[str, ...] = ()
    slow: bool = False

    @property
    def level(self) -> str:
        levels = {
            "bytes": self.of_bytes,
            "place": self.of_place,
            "csv": self.of_csv,
            "json": self.of_json,
            "http": self.of_http,
        }
        return next(name for name, change in (*levels.items(), *self.of_cell.items()) if change is not None)


def _insert(what: bytes) -> Bytes:
    """Into the middle of the second line from the end: past any header, before a good line."""

    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        at = max(0, len(lines) - 2)
        middle = len(lines[at]) // 2
        return b"".join([*lines[:at], lines[at][:middle] + what + lines[at][middle:], *lines[at + 1 :]])

    return change


def _line(what: bytes) -> Bytes:
    """As a line of its own before the last."""

    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join([*lines[:-1], what + b"\n", *lines[-1:]])

    return change


def _zipped(content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("data.csv"), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _gzipped(content: bytes) -> bytes:
    """Without the time it was packed at: what is refused, and in which words, may not hang on the clock."""
    return gzip.compress(content, mtime=0)


PAGE = b'<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body onload="x()">Sign in</body></html>\n'

OF_BYTES: dict[str, Bytes] = {
    "empty": lambda _: b"",
    "blank lines": lambda _: b"\n \n\t\n\n",
    "a byte order mark": lambda b: b"\xef\xbb\xbf" + b,
    "two byte order marks": lambda b: b"\xef\xbb\xbf\xef\xbb\xbf" + b,
    "utf-16": lambda b: b.decode().encode("utf-16"),
    "utf-16 without a mark": lambda b: b.decode().encode("utf-16-be"),
    "utf-32": lambda b: b.decode().encode("utf-32"),
    "a latin-1 letter": _insert(b"\xe9"),
    "an overlong slash": _insert(b"\xc0\xaf"),
    "half a surrogate": _insert(b"\xed\xa0\x80"),
    "NUL within a line": _insert(b"\x00"),
    "a terminal escape": _insert(b"\x1b[2J\x1b]0;x\x07"),
    "right-to-left override": _insert("\u202e".encode()),
    "a line separator of Unicode": _insert("\u2028".encode()),
    "windows line ends": lambda b: b.replace(b"\n", b"\r\n"),
    "old mac line ends": lambda b: b.replace(b"\n", b"\r"),
    "no line end at the end": lambda b: b.rstrip(b"\n"),
    "DOS end of file": lambda b: b + b"\x1a",
    "cut off": lambda b: b[: len(b) - 9],
    "cut within a letter": lambda b: b + "é".encode()[:1],
    "NULs where the disk was full": lambda b: b + bytes(4096),
    "a line of 10 MB": _line(b"x" * 10_000_000),
    "10 MB without a line end": lambda b: b + b"1," * 5_000_000,
    "every byte there is": lambda _: bytes(range(256)) * 16,
    "random bytes": lambda _: bytes((n * n * 31 + n * 7) % 251 for n in range(5000)),
    "gzip that does not say so": _gzipped,
    "a zip archive": _zipped,
    "half a parquet file": lambda b: b"PAR1" + b[:50],
    "a sign-in page": lambda _: PAGE,
    "a comment": _line(b"# exported by hand"),
    "merge marks": _line(b"<<<<<<< HEAD"),
    "twice the same": lambda b: b + b,
}


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link_out(path: Path) -> None:
    outside = next(up for up in path.parents if up.name == SOURCE).with_name("outside") / path.name
    outside.parent.mkdir()
    path.rename(outside)
    path.symlink_to(outside)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nothing"))


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _packed(change: Bytes) -> Place:
    def place(path: Path) -> None:
        packed = change(path.read_bytes())
        path.unlink()
        path.with_name(f"{path.name}.gz").write_bytes(packed)

    return place


SMALL_LIMIT = 1 << 20
"""Bytes that a packed file may always unpack to while a bomb is tried: refusing 256 MB takes seconds."""


@cache
def bomb(start: bytes = b"", size: int = 1 << 24) -> bytes:
    """Unpacks to a thousand times its size."""
    return gzip.compress(start + (b" " * 4095 + b"\n") * (size >> 12), 9, mtime=0)


OF_PLACE: dict[str, Place] = {
    "absent": lambda path: path.unlink(),
    "a folder in its place": _as_folder,
    "a link out of the folder": _link_out,
    "a dangling link": _dangling,
    "a link to itself": _loop,
    "a pipe in its place": _pipe,
    "a device in its place": _device,
    "gzip cut off": _packed(lambda b: _gzipped(b * 50)[:-20]),
    "gzip with another checksum": _packed(lambda b: _gzipped(b)[:-8] + b"\0" * 8),
    "gzip that is none": _packed(lambda b: b),
    "gzip in gzip": _packed(lambda b: _gzipped(_gzipped(b))),
    "a gzip bomb": _packed(lambda _: bomb()),
}

_BERLIN = ("--zone", "Europe/Berlin")

OF_TIME: dict[str, tuple[str, tuple[str, ...]]] = {
    "no time": ("", ()),
    "a word for a time": ("yesterday", ()),
    "no zone": ("2026-01-10T01:00:30", ()),
    "another zone than the others": ("2026-01-10T03:00:30+02:00", ()),
    "an hour a clock change skips": ("2026-03-29 02:30:00", _BERLIN),
    "an hour a clock change repeats": ("2025-10-26 02:30:00", _BERLIN),
    "a leap second": ("2016-12-31T23:59:60Z", ()),
    "a minute of 61 seconds": ("2026-01-10T01:00:61Z", ()),
    "24 o'clock": ("2026-01-10T24:00:00Z", ()),
    "30 February": ("2026-02-30T01:00:00Z", ()),
    "before 1677": ("1600-01-01T00:00:00Z", ()),
    "after 2262": ("3026-01-10T01:00:00Z", ()),
    "the year 0": ("0000-01-01T00:00:00Z", ()),
    "the year 10000": ("10000-01-01T00:00:00Z", ()),
    "an epoch in seconds": ("1768006830", ()),
    "an epoch in milliseconds": ("1768006830000", ()),
    "an epoch below nothing": ("-1", ()),
    "month before day": ("01/10/2026 01:00", ()),
    "a year of two digits": ("26-01-10T01:00:30Z", ()),
    "a week date": ("2026-W02-6T01:00:30Z", ()),
    "other digits": ("٢٠٢٦-٠١-١٠T٠١:٠٠:٣٠Z", ()),
    "finer than nanoseconds": ("2026-01-10T01:00:30.123456789123Z", ()),
    "a day of offset": ("2026-01-10T01:00:30+25:00", ()),
    "a zone by three letters": ("2026-01-10 01:00:30 CET", ()),
    "a spreadsheet's day": ("46032.0421", ()),
    "a time after a space": (" 2026-01-10T01:00:30Z ", ()),
}

OF_VALUE: dict[str, str] = {
    "no value": "",
    "a word for a value": "high",
    "not a number": "NaN",
    "infinity": "inf",
    "beyond floats": "1e999",
    "400 digits": "9" * 400,
    "a decimal comma": "1,5",
    "an underscore": "1_000",
    "hexadecimal": "0x10",
    "a unit": "12 ms",
    "a percent sign": "5%",
    "true": "true",
    "a null of a database": "\\N",
    "other digits for a value": "١٢",
    "a spreadsheet's formula": "=1+1",
    "minus nothing": "-0.0",
}

OF_SERVICE: dict[str, str] = {
    "a name that climbs": "../../etc/passwd",
    "a name that is a script": "<script>alert(1)</script>",
    "an empty name": "",
    "a name of spaces": "   ",
    "a name with a line end": "a\nb",
    "a name with NUL": "a\x00b",
    "a name that drives a terminal": "\x1b[2Jx",
    "a name of 5000 letters": "x" * 5000,
    "a name of a device": "con.txt ",
    "a name that is SQL": "'; drop table samples; --",
    "a name that is a formula": "=cmd|' /C calc'!A0",
    "a name in the other direction": "\u202egpj.exe",
    "a name that is encoded": "%2e%2e%2f",
    "a name in two forms": "cafe\u0301",
    "a name of half a surrogate": "\ud800",
}


def _cells(at: int, change: Callable[[list[str]], list[str]]) -> Lines:
    """Change the cells of one line."""

    def lines(given: list[str]) -> list[str]:
        return [",".join(change(line.split(","))) if n == at else line for n, line in enumerate(given)]

    return lines


OF_CSV: dict[str, Lines] = {
    "a header alone": lambda lines: lines[:1],
    "no header": lambda lines: lines[1:],
    "a column twice": lambda lines: [f"{line},{line.rpartition(',')[2]}" for line in lines],
    "a column missing": lambda lines: [line.rpartition(",")[0] for line in lines],
    "an unnamed column": _cells(0, lambda cells: [*cells[:-1], ""]),
    "a column too many": lambda lines: [f"{lines[0]},extra", *(f"{line},7" for line in lines[1:])],
    "a cell too few": _cells(2, lambda cells: cells[:-1]),
    "a cell too many": _cells(2, lambda cells: [*cells, "7"]),
    "an open quote": _cells(2, lambda cells: ['"' + cells[0], *cells[1:]]),
    "a quote within a cell": _cells(2, lambda cells: [cells[0], *(f'a"b{cell}' for cell in cells[1:])]),
    "the header again": lambda lines: [*lines[:2], lines[0], *lines[2:]],
    "semicolons": lambda lines: [line.replace(",", ";") for line in lines],
    "tabs": lambda lines: [line.replace(",", "\t") for line in lines],
    "columns in capitals": lambda lines: [lines[0].upper(), *lines[1:]],
    "rows backwards": lambda lines: [lines[0], *lines[:0:-1]],
    "a row twice": lambda lines: [*lines[:3], lines[2], *lines[3:]],
    "commas only": _cells(2, lambda cells: [""] * len(cells)),
    "ten thousand columns": lambda lines: [line + "," * 10_000 for line in lines],
}

OF_JSON: dict[str, Lines] = {
    "an array of all": lambda lines: ["[" + ",".join(lines) + "]"],
    "a text, no object": lambda lines: [*lines[:1], '"text"', *lines[1:]],
    "nested without end": lambda lines: [*lines[:1], "[" * 100_000, *lines[1:]],
    "nested objects": lambda lines: [*lines[:1], '{"a":' * 50_000 + "1" + "}" * 50_000, *lines[1:]],
    "a name twice": lambda lines: [*lines[:1], lines[1][:-1] + ', "value": 9}', *lines[2:]],
    "NaN as no JSON has it": lambda lines: [*lines[:1], lines[1].replace("2.5", "NaN"), *lines[2:]],
    "single quotes": lambda lines: [*lines[:1], lines[1].replace('"', "'"), *lines[2:]],
    "a comma at the end": lambda lines: [*lines[:1], lines[1][:-1] + ",}", *lines[2:]],
    "half a line": lambda lines: [*lines[:1], lines[1][:30], *lines[2:]],
    "a number for a name": lambda lines: [*lines[:1], lines[1].replace('"checkout-api"', "7"), *lines[2:]],
    "a list for a value": lambda lines: [*lines[:1], lines[1].replace("2.5", "[2.5]"), *lines[2:]],
    "null for a value": lambda lines: [*lines[:1], lines[1].replace("2.5", "null"), *lines[2:]],
    "an unknown field": lambda lines: [*lines[:1], lines[1][:-1] + ', "valeu": 1}', *lines[2:]],
    "a newer version": lambda lines: [*lines[:1], '{"schema_version": "7.0", ' + lines[1][1:], *lines[2:]],
    "an escape of half a letter": lambda lines: [
        *lines[:1],
        lines[1].replace("checkout", "\\ud83d"),
        *lines[2:],
    ],
    "two records in a line": lambda lines: [lines[0] + lines[1], *lines[2:]],
}

OF_HTTP: dict[str, str] = {
    "a refusal for a bad query": "status 400",
    "a refusal for a missing token": "status 401",
    "a refusal for a wrong token": "status 403",
    "nothing there": "status 404",
    "too many requests": "status 429",
    "a server's own fault": "status 500",
    "a gateway's fault": "status 502",
    "a redirect to a file": "redirect file:///etc/passwd",
    "a redirect elsewhere": "redirect http://127.0.0.1:9/x",
    "an unknown coding": "coded zstd",
    "plain text said to be gzip": "coded gzip",
    "a gzip answer cut off": "gzip cut",
    "a gzip bomb for an answer": "gzip bomb",
    "fewer bytes than said": "shorter than said",
    "no answer": "silent",
    "another protocol": "no http",
}

KINDS: dict[str, Kind] = {
    **{name: Kind(of_bytes=change) for name, change in OF_BYTES.items()},
    **{name: Kind(of_place=change, slow="bomb" in name) for name, change in OF_PLACE.items()},
    **{name: Kind(of_cell={"time": text}, options=options) for name, (text, options) in OF_TIME.items()},
    **{name: Kind(of_cell={"value": text}) for name, text in OF_VALUE.items()},
    **{name: Kind(of_cell={"service": text}) for name, text in OF_SERVICE.items()},
    **{name: Kind(of_csv=change) for name, change in OF_CSV.items()},
    **{name: Kind(of_json=change) for name, change in OF_JSON.items()},
    **{name: Kind(of_http=how, slow="bomb" in name) for name, how in OF_HTTP.items()},
}
