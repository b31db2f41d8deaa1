"""What one row of CSV says, cell by cell in plain Python: the rules that the compiled scan must agree with.

A time is ISO 8601 (``T`` or a blank between day and time, up to nine decimals, a zone or the one that was
named) or a count since 1970 in the stated unit. A number is digits with at most one decimal sign and an
exponent; ``NaN`` and ``inf`` in the words of exporters are kept as what they are. An empty value is NaN where
a row is a sample, and no sample where a column is a metric. Names have blanks at their ends cut off.
"""

from __future__ import annotations

import csv
import math
import re
from typing import NamedTuple

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.importers.delimited.csv_layout import Fault, Layout
from titleshot.datasets.importers.delimited.csv_times import NAIVE
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.sample_files import NO_INSTANT

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_COUNT = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?")
_ZONE = re.compile(r"([+-])(\d{2}):?(\d{2})$")
_LEAP = re.compile(r"\d{2}:\d{2}:60")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[,. '_\u00a0\u202f]\d{3})+(?:[.,]\d+)?")
_ASIDE = {
    "boolean": re.compile(r"(?i)true|false|yes|no|on|off"),
    "hexadecimal": re.compile(r"[+-]?0[xX][0-9a-fA-F]+"),
    "digits in groups": _GROUPED,
}
_WAY_OUT = {
    "boolean": "write 1 or 0",
    "hexadecimal": "write it in decimal",
    "digits in groups": "write it without separators; for a decimal comma state decimal: ',' in the map",
    "not a number": "write a number, or list the word under missing in the map",
}


class Row(NamedTuple):
    """A row that keeps the rules; a value is None where the cell is no sample."""

    timestamp: int
    offset: int
    """Minutes east of UTC; NAIVE where the time had no zone."""
    ingested_at: int
    keys: list[SeriesKey]
    values: list[float | None]
    empty: int
    """Cells of values that held nothing."""
    trimmed: bool
    faults: list[Fault]
    """Cells of values that are no numbers, where a column is a metric: the others are kept."""


class RowRules:
    """The rules for the rows of one layout."""

    def __init__(self, layout: Layout, delimiter: str, decimal: str, missing: tuple[str, ...]) -> None:
        self.layout = layout
        self.delimiter = delimiter
        self.decimal = decimal
        self.missing = {"", *(word.strip() for word in missing)}

    def row(self, cells: list[str], naive: NaiveTimes) -> Row:
        """What the cells of one row say.

        Raises:
            Fault: why it cannot be used.
        """
        layout = self.layout
        if len(cells) != len(layout.header):
            reason = "too few cells" if len(cells) < len(layout.header) else "too many cells"
            raise Fault(reason, f"{len(cells)} cells under a header of {len(layout.header)}")
        keys, trimmed = layout.series([cells[at] for at in layout.keys])
        values: list[float | None] = []
        faults: list[Fault] = []
        empty = 0
        for at in layout.values:
            try:
                value = self.value(cells[at], layout.header[at])
                empty += value is None
                values.append(math.nan if value is None and not layout.wide else value)
            except Fault as fault:
                if not layout.wide:
                    raise
                values.append(None)
                faults.append(fault)
        stamp = self._stripped(layout.timestamp, cells)
        arrival = None if layout.ingested is None else self._stripped(layout.ingested, cells)
        # Twice: only when all of it is read is it certain that the row is used, and its times are counted.
        for times in (0, 1):
            timestamp, offset = _time("timestamp", *stamp, layout.unit, naive, times)
            ingested = NO_INSTANT
            if arrival is not None and arrival[1]:
                ingested, _ = _time("ingested_at", *arrival, layout.ingested_unit, naive, times)
        return Row(timestamp, offset, ingested, keys, values, empty, trimmed, faults)

    def _stripped(self, at: int, cells: list[str]) -> tuple[str, str]:
        """How an error names a column, and the cell without blanks at its ends."""
        return f"column {self.layout.header[at]!r}", cells[at].strip(" \t")

    def value(self, text: str, column: str) -> float | None:
        """The number in a cell, None where it is empty.

        Raises:
            Fault: it is no number.
        """
        word = text.strip(" \t")
        if word in self.missing:
            return None
        plain = word if self.decimal == "." else word.replace(".", "_").replace(self.decimal, ".")
        if _NUMBER.fullmatch(plain):
            number = float(plain)
            if math.isinf(number):
                detail = f"column {column!r}: {word[:80]!r} is beyond what float64 holds, 1.8e308"
                raise Fault("value: too large", detail)
            return number
        sign = -1.0 if word.startswith("-") else 1.0
        special = _WORDS.get(word.removeprefix("+" if sign > 0 else "-").lower())
        if special is not None:
            return sign * special
        kind = next((kind for kind, form in _ASIDE.items() if form.fullmatch(word)), "not a number")
        reason = f"value: {kind}"
        raise Fault(reason, f"column {column!r}: {word[:80]!r} is no number ({kind}); {_WAY_OUT[kind]}")


def _time(name: str, where: str, word: str, unit: int, naive: NaiveTimes, times: int) -> tuple[int, int]:
    if not word:
        raise Fault(f"{name}: missing", f"{where} is empty")
    if unit:
        return _counted(name, word, unit, where), 0
    if re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", word) and not re.fullmatch(r"\d{8}", word):
        detail = (
            f"{where}: {word[:80]!r} is a count since 1970 and its unit is not stated; give"
            " --time-unit s, ms, us or ns, or unit in the map"
        )
        raise Fault(f"{name}: no unit", detail)
    if _LEAP.search(word):
        detail = (
            f"{where}: {word[:80]!r} is a leap second, which time since 1970 does not have; write the"
            " second before or after it"
        )
        raise Fault(f"{name}: leap second", detail)
    try:
        instant = naive.instant(word, times=times)
    except ValueError as error:
        message = str(error)
        if "has no zone" in message:
            raise Fault(f"{name}: no zone", f"{where}: {message} with --zone or in the map") from None
        reason = "out of range" if "outside 1677" in message or "year" in message else "not a time"
        raise Fault(f"{name}: {reason}", f"{where}: {message[:300]}") from None
    return instant, _offset(word)


def _counted(name: str, word: str, unit: int, where: str) -> int:
    match = _COUNT.fullmatch(word)
    if match is None:
        detail = f"{where}: {word[:80]!r} is no plain count of the stated unit since 1970"
        raise Fault(f"{name}: not a time", detail)
    sign, whole, fraction = match.groups()
    fraction = (fraction or "").rstrip("0")
    digits = len(str(unit)) - 1
    if len(fraction) > digits:
        raise Fault(f"{name}: not a time", f"{where}: {word[:80]!r} is finer than a nanosecond")
    instant = int(whole) * unit + int((fraction or "0").ljust(digits, "0") or 0)
    if instant >= 2**63:
        detail = f"{where}: {word[:80]!r} is outside 1677 to 2262 in the stated unit"
        raise Fault(f"{name}: out of range", detail)
    return -instant if sign else instant


def _offset(word: str) -> int:
    if word[-1] in "Zz":
        return 0
    match = _ZONE.search(word)
    if match is None or len(word) < 20:
        return NAIVE
    sign, hours, minutes = match.groups()
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line.

    Raises:
        Fault: its quotes or carriage returns make no row.
    """
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Fault("not a row", str(error)) from None
    except StopIteration:
        return []
