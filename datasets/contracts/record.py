"""What all records share: frozen, typed, versioned, and refused rather than guessed at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from titleshot.datasets.errors import MalformedInput, UnknownVersion
from titleshot.datasets.nearest import nearest

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


class FaultAt(ValueError):
    """Raised by a record's check that looks at several fields: which of them to mend, from the record down.

    A reader that knows lines names the line of that field instead of the record's first.
    """

    def __init__(self, place: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


class Record(BaseModel):
    """A frozen record of the major version it names.

    A later minor version may add optional fields: they are read and left out.
    At our own minor version or below an unknown field is a mistake and is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    VERSION: ClassVar[str] = "1.0"

    schema_version: str = "1.0"

    @model_validator(mode="before")
    @classmethod
    def _known_version(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = data.get("schema_version", cls.VERSION)
        if given == cls.VERSION:
            return data
        major, minor = version_of(str(given))
        ours, our_minor = version_of(cls.VERSION)
        if major != ours:
            raise ValueError(
                f"schema_version {data['schema_version']!r}: this code reads {ours}.x; upgrade titleshot"
            )
        if minor > our_minor:
            return {name: value for name, value in data.items() if name in cls.model_fields}
        return data

    def to_json(self) -> str:
        """One line of JSON: sorted keys, unset optional fields left out."""
        return canonical_json(self.model_dump(mode="json", exclude_none=True))

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "record") -> Self:
        """Read one record.

        Raises:
            UnknownVersion: written by a major version this code does not know.
            MalformedInput: anything else that breaks the contract; names ``where`` and every field.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise broken(error, where) from None


class SeriesKey(NamedTuple):
    """Identity of a series; ``series_labels`` is canonical JSON of a flat text map.

    Sorting keys sorts series in the order every titleshot table uses.
    """

    namespace: str
    service: str
    metric_name: str
    series_labels: str = "{}"

    @property
    def service_id(self) -> str:
        return service_id(self.namespace, self.service)


def service_id(namespace: str, service: str) -> str:
    """The one name of a service wherever services are listed: ``namespace/service``.

    A namespace has no slash, so the name splits at the first one.
    """
    return f"{namespace}/{service}"


def version_of(text: str) -> tuple[int, int]:
    """``"1.4"`` as (1, 4)."""
    parts = text.split(".")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"schema_version {text!r} is not MAJOR.MINOR like 1.0")
    return int(parts[0]), int(parts[1])


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def broken(error: ValidationError, where: str, known: Iterable[str] = ()) -> MalformedInput:
    """Every fault of a record in one message that names the place and the fields.

    Args:
        known: names of fields, to offer the nearest for one that is not known.
    """
    faults = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'record'}: {_fault(fault, known)}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    )
    kind = UnknownVersion if "this code reads" in faults else MalformedInput
    return kind(f"{where}: {faults}")


def _fault(fault: Any, known: Iterable[str]) -> str:
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "extra_forbidden":
        return f"unknown field{nearest(str(fault['loc'][-1]), known)}"
    return in_words(fault["msg"])


def in_words(message: str) -> str:
    """A fault as pydantic says it, without the names of our classes.

    >>> in_words("Input should be a valid dictionary or instance of Owners")
    'Input should be a valid dictionary'
    """
    said = message.removeprefix("Value error, ").partition(" or instance of ")[0]
    return said.replace("a valid tuple", "a list")  # YAML and JSON have no tuples
