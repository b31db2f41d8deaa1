"""``log.json``: whose words a replay log holds, about which data, and how many of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from titleshot.datasets.contracts.data_parts import DataParts
from titleshot.datasets.contracts.instants import Instant, parse_instant
from titleshot.datasets.contracts.record import broken, version_of
from titleshot.datasets.dataset_card import DatasetCard
from titleshot.datasets.errors import MalformedInput, UnknownVersion

VERSION = "1.0"


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Data(_Part):
    name: str | None = None
    digest: str | None = None
    parts: DataParts | None = None


class _Span(_Part):
    from_: Instant | None = Field(default=None, alias="from")
    to: Instant | None = None


class _About(_Part):
    """What readers rest on; a log may say more."""

    log_version: str
    contender: str | None = None
    recipe_digest: str | None = None
    artifact_digest: str | None = None
    dataset: _Data | None = None
    span: _Span | None = None
    opaque: bool = False
    """A page history of another tool: no contender that could be replayed or served."""
    pages_digest: str | None = None
    """Of an opaque log's pages: all the identity it has."""
    notes: list[str] = Field(default_factory=list)
    """What every scorecard of the log must repeat."""
    rows: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)


def about_dataset(card: DatasetCard) -> dict[str, Any]:
    """What ``log.json`` says of the dataset a log was made from."""
    return {"name": card.name, "digest": card.digest, "parts": card.parts.model_dump(mode="json")}


def span_of(about: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The span [from, to) a log is of, nanoseconds UTC, as ``log.json`` has it; None where it says nothing.

    >>> span_of({"span": {"from": "1970-01-01T00:00:01Z"}}), span_of({})
    ((1000000000, None), (None, None))
    """
    said = about.get("span") or {}
    start, end = (None if said.get(name) is None else parse_instant(said[name]) for name in ("from", "to"))
    return start, end


def read_about(folder: Path) -> dict[str, Any]:
    """``log.json`` of a log whose tables are all there and whole.

    Raises:
        MalformedInput: no log, or one that breaks its contract; names file and field.
        UnknownVersion: written by a newer major version.
    """
    path = folder / "log.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MalformedInput(
            f"{folder}: no replay log here (log.json is missing); make one with replay"
        ) from None
    except OSError as error:
        raise MalformedInput(
            f"{folder}: no replay log here ({error.strerror}); make one with replay"
        ) from None
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"{path} is not JSON: {error}; replay again") from None
    try:
        about = _About.model_validate(document)
        major = version_of(about.log_version)[0]
    except ValidationError as error:
        raise broken(error, str(path)) from None
    except ValueError:
        raise MalformedInput(
            f"{path}: log_version {about.log_version!r} is not MAJOR.MINOR like 1.0"
        ) from None
    if major != version_of(VERSION)[0]:
        raise UnknownVersion(
            f"{path}: log_version {about.log_version}; this code reads {version_of(VERSION)[0]}.x;"
            " upgrade titleshot"
        )
    for name, rows in about.rows.items():
        _check_whole(folder / f"{name}.parquet", rows)
    said: dict[str, Any] = document
    return said


def _check_whole(path: Path, rows: int) -> None:
    try:
        found = pq.ParquetFile(path).metadata.num_rows
    except FileNotFoundError:
        raise MalformedInput(f"{path}: no such file, but log.json names it; replay again") from None
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None
    if found != rows:
        raise MalformedInput(f"{path} holds {found} rows, log.json says {rows}; replay again")


def unreadable(path: Path, error: Exception) -> MalformedInput:
    """The error to raise for a table of a log that cannot be read."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return MalformedInput(f"{path} cannot be read as Parquet ({reason}); it may be cut off: replay again")
