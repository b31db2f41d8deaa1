"""Lines of JSON into records, one by one; what breaks the contract is set aside with the reason."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from titleshot.datasets.contracts.record import broken
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import UnknownVersion
from titleshot.datasets.importers.naive_times import NaiveTimes

Row = TypeVar("Row", bound=BaseModel)


class RecordLines:
    """Reads lines of one file of one kind."""

    def __init__(self, kind: str, source: str, into: DatasetWriter, naive: NaiveTimes) -> None:
        self._kind = kind
        self._source = source
        self._into = into
        self._naive = naive

    def record(self, adapter: TypeAdapter[Row], line: bytes, number: int) -> Row | None:
        """The record in a line; None where it was set aside.

        Raises:
            UnknownVersion: written by a newer major version.
        """
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._aside("not JSON", f"line {number}: not JSON: {error}", number, line)
            return None
        if not isinstance(data, dict):
            self._aside("not JSON", f"line {number}: not a JSON object with fields", number, line)
            return None
        try:
            return adapter.validate_python(self._with_zones(adapter, data))
        except ValidationError as error:
            fault = broken(error, f"{self._source}:{number}")
            if isinstance(fault, UnknownVersion):
                raise fault from None
            self._aside(_reason(error), str(fault), number, line)
        except OverflowError:
            self._aside("value: too large", f"line {number}: a number beyond float64", number, line)
        return None

    def _aside(self, reason: str, detail: str, number: int, line: bytes) -> None:
        text = line.decode("utf-8", "backslashreplace")
        self._into.quarantine(self._kind, reason, detail, self._source, number, text)

    def _with_zones(self, adapter: TypeAdapter[Row], data: dict[str, Any]) -> dict[str, Any]:
        if self._naive.zone is None:
            return data
        read = dict(data)
        for field in _instant_fields(adapter) & set(data):
            try:
                read[field] = self._naive.instant(data[field])
            except (ValueError, TypeError):
                continue  # the contract says what is wrong with it
        return read


def _reason(error: ValidationError) -> str:
    """A short word to count by; free text of the input has no place in it."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind, place = fault["type"], [str(part) for part in fault["loc"]]
    if kind == "extra_forbidden":
        return "unknown field"
    return f"{place[-1] if place else 'record'}: {_fault_word(kind, fault['msg'])}"


def _fault_word(kind: str, message: str) -> str:
    if kind == "missing":
        return "missing"
    if "has no zone" in message:
        return "no zone"
    return "wrong type" if kind.endswith(("_type", "_parsing")) else "not allowed"


@cache
def _instant_fields(adapter: TypeAdapter[Any]) -> set[str]:
    schema = adapter.json_schema()
    records = [schema, *schema.get("$defs", {}).values()]
    return {
        name
        for record in records
        for name, field in record.get("properties", {}).items()
        if any(part.get("format") == "date-time" for part in (field, *field.get("anyOf", ())))
    }
