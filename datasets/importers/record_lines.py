"""Lines of JSON into records, one by one; what breaks the contract is set aside with the reason."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from titleshot.datasets.contracts.record import broken
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import UnknownVersion
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.source_files import LONGEST_LINE, LongLine

Row = TypeVar("Row", bound=BaseModel)

MOST_DEEP = 32
"""Levels of a record; no record of ours has more than four."""
_BEYOND_FLOAT = 2**1024
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_LEAP = re.compile(r"\d{2}:\d{2}:60")
_RULE = re.compile(r"Value error, ([a-z_]+) (must be [a-z ]{3,40})")


class _Fault(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RecordLines:
    """Reads lines of one file of one kind.

    Args:
        kinds: the contracts of all kinds, so that a record in the wrong file can be told so.
    """

    def __init__(
        self,
        kind: str,
        source: str,
        into: DatasetWriter,
        naive: NaiveTimes,
        kinds: Mapping[str, TypeAdapter[Any]] | None = None,
    ) -> None:
        self._kind = kind
        self._source = source
        self._into = into
        self._naive = naive
        self._kinds = dict(kinds or {})

    def record(self, adapter: TypeAdapter[Row], line: bytes, number: int) -> Row | None:
        """The record in a line; None where it was set aside.

        Raises:
            UnknownVersion: written by a newer major version.
        """
        where = f"{self._source}:{number}"
        try:
            data = _parsed(line)
            return adapter.validate_python(self._with_times(adapter, data))
        except _Fault as fault:
            self._aside(fault.reason, f"{where}: {fault}", number, line)
        except ValidationError as error:
            told = broken(error, where)
            if isinstance(told, UnknownVersion):
                raise told from None
            other = self._looks_like(data)
            hint = f"; it looks like a record of {other}*.jsonl" if other else ""
            self._aside(f"looks like {other}" if other else _reason(error), f"{told}{hint}", number, line)
        except OverflowError:
            self._aside("number too large", f"{where}: value is beyond what float64 holds", number, line)
        return None

    def pass_by(self, line: LongLine, number: int) -> None:
        """Set aside a line that was too long to be held."""
        detail = (
            f"{self._source}:{number}: a line of {line.length:,} bytes, more than {LONGEST_LINE:,}:"
            " no record is that long"
        )
        self._aside("line too long", detail, number, line.head)

    def _aside(self, reason: str, detail: str, number: int, line: bytes) -> None:
        text = line.decode("utf-8", "backslashreplace")
        self._into.quarantine(self._kind, reason, detail, self._source, number, text)

    def _with_times(self, adapter: TypeAdapter[Row], data: dict[str, Any]) -> dict[str, Any]:
        read = dict(data)
        for field in _instant_fields(adapter) & set(data):
            given = data[field]
            if isinstance(given, (int, float)) and not isinstance(given, bool):
                raise _Fault(
                    f"{field}: no unit",
                    f"{field}: {given!r} is a number and nothing says of which unit; write ISO 8601 like"
                    " 2026-04-26T01:20:30Z, or import CSV with a stated unit",
                )
            if isinstance(given, str) and _LEAP.search(given):
                raise _Fault(
                    f"{field}: leap second",
                    f"{field}: {given[:80]!r} is a leap second, which time since 1970 does not have; write"
                    " the second before or after it",
                )
            if self._naive.zone is not None:
                try:
                    read[field] = self._naive.instant(given)
                except (ValueError, TypeError):
                    continue  # the contract says what is wrong with it
        return read

    def _looks_like(self, data: dict[str, Any]) -> str | None:
        """The other kind whose required fields a record has, where it lacks some of its own."""
        whole = [
            name
            for name, contract in self._kinds.items()
            if any(fields <= set(data) for fields in _required(contract))
        ]
        return whole[0] if len(whole) == 1 and whole != [self._kind] else None


def _parsed(line: bytes) -> dict[str, Any]:
    """The object in a line.

    Raises:
        _Fault: it holds none, or one that readers would not agree on.
    """
    if len(line) > LONGEST_LINE:
        raise _Fault("line too long", f"a line of {len(line):,} bytes, more than {LONGEST_LINE:,}")
    try:
        text = line.decode()
        data = json.loads(text, object_pairs_hook=_each_once, parse_int=_whole, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise _Fault("not JSON", f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise _Fault("not JSON", f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise _Fault("nested too deep", f"nested deeper than {MOST_DEEP} levels") from None
    if not isinstance(data, dict):
        raise _Fault("not JSON", "not a JSON object with fields")
    # A half of a pair can only have been written as an escape: strict UTF-8 has none.
    _checked(data, "", 0, halves=b"\\u" in line)
    return data


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise _Fault("field given twice", f"{name[:80]!r} stands twice in one object; which one is meant?")
    return found


def _whole(digits: str) -> int:
    if len(digits) > 400:  # float64 ends at 309 digits
        raise _Fault("number too large", f"a number of {len(digits):,} digits")
    return int(digits)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Fault("number too large", f"{text[:80]} is beyond what float64 holds, 1.8e308")
    return number


def _checked(data: Any, place: str, depth: int, *, halves: bool) -> None:
    if depth > MOST_DEEP:
        raise _Fault("nested too deep", f"{place[:80]}: nested deeper than {MOST_DEEP} levels")
    if isinstance(data, dict):
        for name, value in data.items():
            if halves and _HALF_PAIR.search(name):
                raise _Fault("not Unicode", f"{place or 'record'}: a name with half of a surrogate pair")
            _checked(value, f"{place}.{name}" if place else name, depth + 1, halves=halves)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            _checked(value, f"{place}.{index}", depth + 1, halves=halves)
    elif halves and isinstance(data, str) and _HALF_PAIR.search(data):
        raise _Fault("not Unicode", f"{place[:80]}: a text with half of a surrogate pair cannot be stored")
    elif place == "value" and isinstance(data, int) and abs(data) >= _BEYOND_FLOAT:
        raise _Fault("number too large", f"{place}: {str(data)[:40]}… is beyond what float64 holds, 1.8e308")
    elif place != "value" and isinstance(data, int) and not -(2**63) <= data < 2**63:
        raise _Fault("number too large", f"{place[:80]}: {str(data)[:40]} is beyond 64 bits")


def _reason(error: ValidationError) -> str:
    """A short word to count by; free text of the input has no place in it."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind, place = fault["type"], [str(part) for part in fault["loc"]]
    if kind == "extra_forbidden":
        return "unknown field"
    if not place and (rule := _RULE.match(fault["msg"])):
        return f"{rule[1]}: {rule[2]}"
    return f"{place[-1] if place else 'record'}: {_fault_word(kind, fault['msg'])}"


def _fault_word(kind: str, message: str) -> str:
    if kind == "missing":
        return "missing"
    if "has no zone" in message:
        return "no zone"
    return "wrong type" if kind.endswith(("_type", "_parsing")) else "not allowed"


@cache
def _records(adapter: TypeAdapter[Any]) -> list[dict[str, Any]]:
    schema = adapter.json_schema()
    return [schema, *schema.get("$defs", {}).values()]


@cache
def _instant_fields(adapter: TypeAdapter[Any]) -> set[str]:
    return {
        name
        for record in _records(adapter)
        for name, field in record.get("properties", {}).items()
        if any(part.get("format") == "date-time" for part in (field, *field.get("anyOf", ())))
    }


@cache
def _required(adapter: TypeAdapter[Any]) -> list[set[str]]:
    return [set(record["required"]) for record in _records(adapter) if record.get("required")]
