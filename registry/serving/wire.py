"""What comes in: JSON into records, or into faults that say what is wrong. Names in telemetry are data."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from titleshot.datasets.contracts.record import broken, canonical_json
from titleshot.datasets.contracts.reference import REFERENCE_KINDS, REFERENCE_ROW
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent, Sample, Tick
from titleshot.datasets.errors import MalformedInput, UnknownVersion
from titleshot.datasets.nearest import nearest
from titleshot.detectors.block import AnyRecord

Kind = Literal["reference", "platform", "log", "sample", "tick"]
ALL_KINDS: frozenset[Kind] = frozenset({"reference", "platform", "log", "sample", "tick"})
LONGEST_KEPT = 4096
"""Characters of a broken record that its dead letter keeps."""

_NAMED: dict[str, Kind] = {
    "sample": "sample",
    "platform": "platform",
    "platform_event": "platform",
    "log": "log",
    "log_event": "log",
    "tick": "tick",
}
_READERS: dict[Kind, TypeAdapter[Any]] = {
    "reference": REFERENCE_ROW,
    "platform": TypeAdapter(PlatformEvent),
    "log": TypeAdapter(LogEvent),
    "sample": TypeAdapter(Sample),
    "tick": TypeAdapter(Tick),
}


class Incoming(NamedTuple):
    """A record that keeps its contract, and the JSON the journal holds of it."""

    kind: Kind
    record: AnyRecord
    text: str


class Fault(NamedTuple):
    """What came in and is no record, and why; it becomes a dead letter."""

    reason: Literal["malformed", "unknown_version", "out_of_contract"]
    detail: str
    kind: Kind | Literal["unknown"]
    given: dict[str, Any]


def read_body(body: bytes, kinds: frozenset[Kind] = ALL_KINDS) -> list[Incoming | Fault]:
    """The records of a request: JSON Lines, a JSON array, or one JSON object over several lines.

    Raises:
        MalformedInput: nothing in it can be told apart as a record: an array that does not parse, not UTF-8.
    """
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise MalformedInput(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    if text.startswith("["):
        try:
            items = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise MalformedInput(f"the body is no JSON array: {error}; send an array or JSON Lines") from None
        return [read(item, kinds) for item in items]
    # Not splitlines(): it also splits at characters that may stand in a JSON string.
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 1 and lines[0].strip() == "{":
        return [read_line(text, kinds)]
    return [read_line(line, kinds) for line in lines]


def read_line(line: str, kinds: frozenset[Kind] = ALL_KINDS) -> Incoming | Fault:
    """The record in one line of JSON.

    >>> read_line('{"timestamp": "2026-04-26T01:00:00Z"}').kind
    'tick'
    >>> read_line('{"timestamp": "yesterday", "kind": "tick"}').reason
    'out_of_contract'
    """
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Fault("malformed", f"not JSON: {error}", "unknown", {"text": _kept(line)})
    return read(given, kinds)


def read(given: Any, kinds: frozenset[Kind] = ALL_KINDS) -> Incoming | Fault:
    """The record in a JSON value: by its field ``kind``, else by the fields it has."""
    if not isinstance(given, dict):
        return Fault("malformed", "not a JSON object with fields", "unknown", as_data(given))
    kind = _kind_of(given, kinds)
    if kind is None:
        return Fault("malformed", _unknown_kind(given), "unknown", as_data(given))
    if kind not in kinds:
        said = f"a {kind} does not belong here; here go: {', '.join(sorted(kinds))}"
        return Fault("out_of_contract", said, kind, as_data(given))
    try:
        if kind != "reference" and "kind" in given:
            fields = {name: value for name, value in given.items() if name != "kind"}
        else:
            fields = given
        record = _READERS[kind].validate_python(fields)
        text = text_of(record)
        if "\ufffd" in text:
            # Half of a surrogate pair is written down as this sign: then the journal would hold another name.
            json.dumps(fields, ensure_ascii=False).encode()
    except ValidationError as error:
        fault = broken(error, kind)
        reason: Any = "unknown_version" if isinstance(fault, UnknownVersion) else "out_of_contract"
        return Fault(reason, _kept(str(fault), 500), kind, as_data(given))
    except (ValueError, OverflowError, RecursionError) as error:
        return Fault("out_of_contract", _kept(f"{kind}: {error}", 500), kind, as_data(given))
    return Incoming(kind, record, text)


def text_of(record: AnyRecord) -> str:
    """JSON of a record, as the journal holds it; equal records give equal text."""
    return record.model_dump_json(exclude_none=True)


def record_of(kind: str, text: str) -> AnyRecord:
    """The record in what :func:`text_of` wrote.

    Raises:
        MalformedInput: written by something else.
    """
    try:
        read: AnyRecord = _READERS[kind].validate_json(text)  # type: ignore[index]
    except (ValidationError, KeyError) as error:
        said = broken(error, kind) if isinstance(error, ValidationError) else f"no record is a {kind!r}"
        raise MalformedInput(f"journal row cannot be read: {said}") from None
    return read


def as_data(given: Any) -> dict[str, Any]:
    """Something broken as it can be kept: whole where it is small sound JSON, else as text, cut short."""
    try:
        text = canonical_json(given)
        text.encode()
    except (ValueError, RecursionError):
        return {"text": _kept(_ascii(given))}
    if isinstance(given, dict) and len(text) <= LONGEST_KEPT:
        return given
    return {"text": _kept(text)}


def _kind_of(given: dict[str, Any], kinds: frozenset[Kind]) -> Kind | None:
    named = given.get("kind")
    if isinstance(named, str):
        return "reference" if named in REFERENCE_KINDS else _NAMED.get(named)
    if named is not None:
        return None
    if len(kinds) == 1:
        return next(iter(kinds))
    if "metric_name" in given or "value" in given:
        return "sample"
    if "template" in given or "level" in given:
        return "log"
    if "reason" in given:
        return "platform"
    return "tick" if set(given) <= {"timestamp", "schema_version"} and given else None


def _unknown_kind(given: dict[str, Any]) -> str:
    named = given.get("kind")
    if named is None:
        return 'no record has these fields; name its kind, as in {"kind": "sample", ...}'
    hint = nearest(named, [*_NAMED, *REFERENCE_KINDS]) if isinstance(named, str) else ""
    return _kept(f"unknown kind {named!r}{hint}", 500)


def _kept(text: str, most: int = LONGEST_KEPT) -> str:
    return text[:most].encode("utf-8", "backslashreplace").decode()


def _ascii(given: Any) -> str:
    try:
        return json.dumps(given)
    except RecursionError:
        return "nested too deeply to be written down"
