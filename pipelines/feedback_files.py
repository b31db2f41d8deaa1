"""Files of answers, JSON Lines or CSV: read whole or refused whole, every fault with its line and field."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.labels import FeedbackLabel
from titleshot.datasets.errors import MalformedInput, UnknownVersion, UsageError
from titleshot.datasets.whole_output import whole_file

FIELDS = (
    "feedback_id",
    "page_id",
    "verdict",
    "reviewer",
    "labelled_at",
    "hypothesis_right",
    "severity_right",
    "actual_service",
    "comment",
)
MOST_FAULTS = 20
"""Faults a message tells of; the rest is counted."""
_LARGEST = 1 << 28


def own_id(page_id: str, reviewer: str) -> str:
    """The id of a reviewer's answer on a page: a later answer of theirs replaces the earlier one.

    >>> own_id("p1", "ann")
    'p1:ann'
    """
    return f"{page_id}:{reviewer}"


def read_answers(path: Path) -> list[tuple[int, FeedbackLabel]]:
    """Answers with their lines, counted from 1.

    ``feedback_id`` may be left out: it is then page and reviewer, and a later answer replaces an earlier one.
    In CSV the first line names the fields and an empty cell is an absent field.

    Raises:
        MalformedInput: a line breaks the contract; tells of all of them.
        UsageError: neither .jsonl nor .csv.
        UnknownVersion: written by a newer major version.
    """
    kind = path.suffix.lower()
    if kind not in {".jsonl", ".csv"}:
        raise UsageError(f"{path}: answers come as .jsonl or .csv; name such a file")
    text = _text(path)
    rows = _of_csv(path, text) if kind == ".csv" else _of_lines(text)
    found: list[tuple[int, FeedbackLabel]] = []
    faults: list[str] = []
    for line, row in rows:
        where = f"{path}:{line}"
        try:
            found.append((line, _answer(row, where)))
        except UnknownVersion:
            raise
        except MalformedInput as error:
            faults.append(str(error))
    refuse(path, faults)
    if not found:
        raise MalformedInput(f"{path}: no answer in it; a line looks like {_EXAMPLE}")
    return found


def refuse(path: Path | str, faults: Sequence[str]) -> None:
    """Raise MalformedInput of all faults, where there are any."""
    if faults:
        more = len(faults) - MOST_FAULTS
        rest = f"\nand {more} more" if more > 0 else ""
        raise MalformedInput(
            f"{path}: nothing was written, {len(faults)} fault{'s'[: len(faults) > 1]}\n"
            + "\n".join(faults[:MOST_FAULTS])
            + rest
        )


def write_answers(path: Path, answers: Sequence[FeedbackLabel]) -> None:
    """Write answers as .jsonl or .csv, whole or not at all; a name without an ending is JSON Lines.

    Raises:
        UsageError: another ending, or nothing can be written there.
    """
    kind = path.suffix.lower()
    if kind in {"", ".jsonl"}:
        text = "".join(f"{said.to_json()}\n" for said in answers)
    elif kind == ".csv":
        lines = io.StringIO()
        writer = csv.DictWriter(lines, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(json.loads(said.to_json()) for said in answers)
        text = lines.getvalue()
    else:
        raise UsageError(f"{path}: answers are written as .jsonl or .csv; name such a file")
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise MalformedInput(f"{path}: {path.stat().st_size:,} bytes of answers; split the file")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{path}: not UTF-8 at byte {error.start + 1}; save it as UTF-8") from None
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}") from None


def _of_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line, object_pairs_hook=_each_once)
            except _Twice as twice:
                yield number, str(twice)
            except (ValueError, RecursionError):
                yield number, "not JSON"


class _Twice(Exception):
    pass


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice("a field stands twice; which one is meant?")
    return found


def _of_csv(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        unknown = [name for name in header if name not in {*FIELDS, "schema_version"}]
        if unknown or len(set(header)) < len(header):
            raise MalformedInput(
                f"{path}:1: the first line must name fields, each once, of {', '.join(FIELDS)};"
                f" got {', '.join(header)[:200]}"
            )
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                yield reader.line_num, f"{len(cells)} cells, the header has {len(header)}"
            else:
                yield reader.line_num, {k: v for k, v in zip(header, cells, strict=True) if v != ""}
    except csv.Error as error:
        raise MalformedInput(f"{path}:{reader.line_num}: not CSV: {error}") from None


def _answer(row: Any, where: str) -> FeedbackLabel:
    if not isinstance(row, dict):
        said = row if isinstance(row, str) else "not an object with fields"
        raise MalformedInput(f"{where}: {said}")
    if "feedback_id" not in row and isinstance(row.get("page_id"), str):
        row = {**row, "feedback_id": own_id(row["page_id"], str(row.get("reviewer", "")))}
    if isinstance(row.get("labelled_at"), (int, float)):
        raise MalformedInput(
            f"{where}: labelled_at: a number has no unit; write ISO 8601 like 2026-04-26T01:20:30Z"
        )
    return FeedbackLabel.from_json(json.dumps(row), where=where)


_EXAMPLE = '{"page_id": "p1", "verdict": "useful", "reviewer": "ann", "labelled_at": "2026-04-26T09:00:00Z"}'
