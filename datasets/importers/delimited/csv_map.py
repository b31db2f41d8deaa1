"""The column map: which column of a CSV file is what, and constants for what no column holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from titleshot.datasets.contracts.record import Record, in_words
from titleshot.datasets.contracts.telemetry import Name, Namespace
from titleshot.datasets.errors import UsageError
from titleshot.datasets.nearest import nearest

Unit = Literal["s", "ms", "us", "ns"]
NANOSECONDS: dict[str, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
EVERY_OTHER = "*"
"""In ``values``: every column that the map does not use for anything else is a metric of its own name. In
``series_labels``: the labels are what a column of JSON objects holds."""
CONTRACT = ("timestamp", "namespace", "service", "metric_name", "value", "series_labels", "ingested_at")
"""Columns that need no map."""

IDENTITY: dict[str, TypeAdapter[str]] = {
    "namespace": TypeAdapter(Namespace),
    "service": TypeAdapter(Name),
    "metric_name": TypeAdapter(Name),
}
"""What a series is called by, besides its labels, and what each may be."""

ColumnName = Annotated[str, Field(min_length=1, max_length=10_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeFrom(_Part):
    """A column of times: ISO 8601, or counts of ``unit`` since 1970 UTC."""

    column: ColumnName
    unit: Unit | None = None


class TextFrom(_Part):
    """A column, or one text for every row."""

    column: ColumnName | None = None
    value: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> TextFrom:
        if (self.column is None) == (self.value is None):
            raise ValueError("give either column (a column's name) or value (one text for every row)")
        return self


def _column(given: Any) -> Any:
    return {"column": given} if isinstance(given, str) else given


def _by_name(given: Any) -> Any:
    """A list of columns as a mapping of each to itself."""
    if isinstance(given, list):
        twice = {name for name in given if isinstance(name, str) and given.count(name) > 1}
        if twice:
            raise ValueError(f"column {sorted(twice)[0]!r} is listed twice; list it once")
        return {name: name for name in given}
    return given


def _every_other(given: Any) -> Any:
    return {EVERY_OTHER: given} if isinstance(given, str) else _by_name(given)


Time = Annotated[TimeFrom, BeforeValidator(_column)]
Text = Annotated[TextFrom, BeforeValidator(_column)]


class ColumnMap(Record):
    """``--columns MAP.yaml``. A column's name alone stands for ``{column: NAME}``.

    Long form: ``metric_name`` and ``value``. Wide form: ``values``, a mapping of column to metric name, a
    list of columns that are named like their metrics, or ``"*"`` for every column not used otherwise.
    ``series_labels`` is a mapping of label to column, a list of columns named like their labels, or one
    column that holds JSON objects.
    """

    timestamp: Time
    ingested_at: Time | None = None
    zone: str | None = None
    namespace: Text | None = None
    service: Text | None = None
    metric_name: Text | None = None
    value: ColumnName | None = None
    values: dict[ColumnName, Name] | None = None
    series_labels: dict[ColumnName, Text] = Field(default_factory=dict)
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    """Words that stand for an empty value, besides nothing."""

    _values = field_validator("values", "series_labels", mode="before")(_every_other)

    @field_validator("delimiter")
    @classmethod
    def _known_delimiter(cls, given: str | None) -> str | None:
        return None if given is None else delimiter_of(given)

    @model_validator(mode="after")
    def _one_form(self) -> ColumnMap:
        if (self.value is None) == (self.values is None):
            raise ValueError("give either value (one column of numbers) or values (a column a metric)")
        if self.values is not None and self.metric_name is not None:
            raise ValueError("metric_name goes with value; values names the metrics itself")
        if self.values == {}:
            raise ValueError("values is empty; name at least one column")
        if len(self.series_labels) > 1 and EVERY_OTHER in self.series_labels:
            raise ValueError(f"series_labels: {EVERY_OTHER!r} stands alone; name each label otherwise")
        for name in IDENTITY:
            part = getattr(self, name)
            if part is not None and part.value is not None:
                fault = fault_of(name, part.value)
                if fault:
                    raise ValueError(f"{name}: {fault}, got {part.value[:80]!r}")
        return self

    @property
    def columns(self) -> list[str]:
        """Every column it names."""
        texts = (self.namespace, self.service, self.metric_name, *self.series_labels.values())
        found = [part.column for part in (self.timestamp, self.ingested_at, *texts) if part is not None]
        return [name for name in (*found, self.value, *(self.values or ())) if name is not None]


def fault_of(name: str, text: str) -> str | None:
    """What keeps a text from being a namespace, service or metric name; None where nothing does."""
    try:
        IDENTITY[name].validate_python(text, strict=True)
    except ValidationError as error:
        return in_words(error.errors(include_url=False)[0]["msg"])
    return None


def delimiter_of(given: str) -> str:
    """The character a delimiter's name or the character itself stands for.

    >>> delimiter_of("semicolon")
    ';'

    Raises:
        ValueError: neither a name nor one character that can part cells.
    """
    found = DELIMITERS.get(given.lower(), given)
    if len(found) != 1 or not 9 <= ord(found) < 127 or found in '"\r\n0123456789+-.':
        hint = nearest(given, DELIMITERS)
        raise ValueError(f"delimiter {given!r} is neither a name nor one character that can part cells{hint}")
    return found


def map_of_names(
    header: list[str],
    *,
    namespace: str | None,
    service: str | None,
    metric_name: str | None,
    time_unit: str | None,
) -> ColumnMap | str:
    """The map of a header whose columns bear the contract's names; else what is missing, in words.

    Columns of other names are left out: the importer reports them.
    """
    by_name: dict[str, str] = {}
    for column in header:
        by_name.setdefault(column.strip().casefold(), column)
    given = {"namespace": namespace, "service": service, "metric_name": metric_name}
    found = {name: by_name[name] for name in CONTRACT if name in by_name and given.get(name) is None}
    missing = [
        name for name in ("timestamp", *given, "value") if name not in found and given.get(name) is None
    ]
    if missing:
        options = [f"--{name.replace('_', '-')}" for name in missing if name in given]
        how = f"give {', '.join(options)}, or " if len(options) == len(missing) else ""
        return (
            f"no column {' and no column '.join(missing)} among {_shown(header)};"
            f" {how}say which column is what with --columns MAP.yaml"
        )
    constants = {name: {"value": text} for name, text in given.items() if text is not None}
    timestamp = {"column": found.pop("timestamp"), "unit": time_unit}
    try:
        return ColumnMap.model_validate({"timestamp": timestamp, **found, **constants})
    except ValidationError as error:
        raise UsageError(in_words(error.errors(include_url=False)[0]["msg"])) from None


def _shown(header: list[str]) -> str:
    words = ", ".join(repr(column[:60]) for column in header[:12])
    return words + (f" and {len(header) - 12} more" if len(header) > 12 else "")


def with_options(
    of: ColumnMap,
    *,
    namespace: str | None,
    service: str | None,
    metric_name: str | None,
    time_unit: str | None,
    delimiter: str | None,
) -> ColumnMap:
    """The map with what the command line adds to it.

    Raises:
        UsageError: the map says it too, or lacks what a series is called by.
    """
    added: dict[str, Any] = {}
    for name, given in {"namespace": namespace, "service": service, "metric_name": metric_name}.items():
        if given is not None:
            _only_once(name, getattr(of, name))
            added[name] = TextFrom(value=given)
    if time_unit is not None:
        _only_once("time_unit", of.timestamp.unit)
        added["timestamp"] = of.timestamp.model_copy(update={"unit": time_unit})
    if delimiter is not None:
        _only_once("delimiter", of.delimiter)
        added["delimiter"] = delimiter_of(delimiter)
    try:
        whole = ColumnMap.model_validate({**dict(of), **added})
    except ValidationError as error:
        raise UsageError(in_words(error.errors(include_url=False)[0]["msg"])) from None
    needed = ["namespace", "service", *(["metric_name"] if whole.value is not None else [])]
    for name in needed:
        if getattr(whole, name) is None:
            raise UsageError(
                f"no {name}: name its column in the map ({name}: COLUMN), or one text for every row with"
                f" --{name.replace('_', '-')}"
            )
    return whole


def _only_once(name: str, said: object) -> None:
    if said is not None:
        flag = name.replace("_", "-")
        raise UsageError(f"--{flag} is given and the column map says {name} too; say it in one place")
