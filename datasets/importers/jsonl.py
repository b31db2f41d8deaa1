"""JSON Lines: a file of samples, or a folder with a file or several for each kind of record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.reference import REFERENCE_ROW
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent, Sample
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.importer import Importer, Told
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.record_lines import RecordLines
from titleshot.datasets.importers.sample_lines import SampleLines, are_objects
from titleshot.datasets.importers.source_files import BOM, LongLine, files_below, line_blocks, opened

_RECORDS: dict[str, TypeAdapter[Any]] = {
    "log_events": TypeAdapter(LogEvent),
    "platform_events": TypeAdapter(PlatformEvent),
    "reference": REFERENCE_ROW,
    "incidents": TypeAdapter(IncidentLabel),
    "feedback": TypeAdapter(FeedbackLabel),
    "pages": TypeAdapter(Page),
}
_KINDS = {"samples": TypeAdapter(Sample), **_RECORDS}
_ENDINGS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, kw_only=True)
class JsonLines(Importer):
    """One record of the contract a line.

    In a folder the start of a file's name says what it holds: ``samples*.jsonl``, ``log_events*.jsonl``,
    ``platform_events*.jsonl``, ``reference*.jsonl``, ``incidents*.jsonl``, ``feedback*.jsonl``,
    ``pages*.jsonl``, each also ``.jsonl.gz``; several files of a kind are read in the order of their names.
    Samples keep the order of their lines, repeats and steps back in time included. Without an incidents file
    nothing is known to be a false page, so the labels are not declared complete.
    """

    format: ClassVar[str] = "jsonl"
    summary: ClassVar[str] = "JSON Lines of samples, events, reference data and labels"

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        place = Path(source)
        samples, records = [place], dict[str, list[Path]]()
        if not place.is_file():
            samples, records = _of_kind(place, "samples"), record_files(place)
            if not samples:
                raise MalformedInput(
                    f"{source}: no samples*.jsonl here; a folder holds {', '.join(_KINDS)} (*.jsonl)"
                )
        into.report["files"] = read = {}
        for path in samples:
            read[path.name] = _read_samples(path, into, naive, told)
        for kind, paths in records.items():
            for path in paths:
                read[path.name] = read_records(kind, path, into, naive, told)
        if place.is_dir():
            names = (path.name for path in place.iterdir() if path.is_file())
            into.report["files_not_read"] = sorted(name for name in names if name not in read)
        if not into.samples:
            raise MalformedInput(_nothing(place, sum(of["lines"] for of in read.values()), into))
        labels_of(records.get("incidents", []), into)


def _of_kind(folder: Path, kind: str) -> list[Path]:
    found = files_below(folder, f"{kind}*")
    return [path for path in found if path.name.endswith(_ENDINGS)]


def record_files(folder: Path) -> dict[str, list[Path]]:
    """Files of every kind but samples in a folder, by kind.

    Raises:
        MalformedInput: a link leads out of the folder.
    """
    return {kind: _of_kind(folder, kind) for kind in _RECORDS}


def labels_of(incidents: Sequence[Path], into: DatasetWriter) -> None:
    """Without incidents nothing is known to be a false page."""
    if not incidents:
        into.evaluation = into.evaluation.model_copy(update={"labels_complete": False})
        into.report["labels"] = "no incidents file: labels are not declared complete"


def _read_samples(path: Path, into: DatasetWriter, naive: NaiveTimes, told: Told) -> dict[str, int]:
    """How many lines are not blank, and how many were used."""
    total, before = 0, into.samples
    records = RecordLines("samples", path.name, into, naive, _KINDS)
    samples = SampleLines(records, into, naive)
    for lines, numbers in _batches(path):
        total += len(numbers)
        if isinstance(lines, LongLine):
            records.pass_by(lines, numbers[0])
        else:
            samples.add(lines, numbers)
        told(f"reading {path.name}", total, None)
    return {"lines": total, "used": into.samples - before}


def read_records(kind: str, path: Path, into: DatasetWriter, naive: NaiveTimes, told: Told) -> dict[str, int]:
    """Read a file of one kind that is not samples; how many lines are not blank, and how many were used."""
    total = used = 0
    records = RecordLines(kind, path.name, into, naive, _KINDS)
    for lines, numbers in _batches(path):
        total += len(numbers)
        if isinstance(lines, LongLine):
            records.pass_by(lines, numbers[0])
        else:
            found = [
                record
                for line, number in zip(lines, numbers, strict=True)
                if (record := records.record(_RECORDS[kind], line, number)) is not None
            ]
            used += len(found)
            _add(kind, found, into)
        told(f"reading {path.name}", total, None)
    return {"lines": total, "used": used}


def _add(kind: str, records: list[Any], into: DatasetWriter) -> None:
    if kind == "log_events":
        into.add_log_events(records)
    elif kind == "platform_events":
        into.add_platform_events(records)
    elif kind == "reference":
        into.add_reference(records)
    else:
        into.add_labels(**{kind: records})


def _batches(path: Path) -> Iterator[tuple[list[bytes] | LongLine, list[int] | range]]:
    """Lines that are not blank, stripped, with their numbers from 1; a line too long by itself."""
    number = 0
    with opened(path) as file:
        for block in line_blocks(file, path):
            if isinstance(block, LongLine):
                number += 1
                yield block, [number]
                continue
            text = bytes(memoryview(block.buffer)[: block.end - 1])
            if number == 0:
                text = text.removeprefix(BOM)
            read = text.split(b"\n")
            if are_objects(text, len(read)):
                yield read, range(number + 1, number + len(read) + 1)
                number += len(read)
                continue
            stripped = [line.strip() for line in read]
            numbers = [number + i for i, line in enumerate(stripped, 1) if line]
            number += len(read)
            if numbers:
                yield [line for line in stripped if line], numbers


def _nothing(source: Path, lines: int, into: DatasetWriter) -> str:
    if not lines:
        return f"{source}: empty; give JSON Lines like {_EXAMPLE}"
    reasons = sorted(into.quarantined.get("samples", {}).items(), key=lambda item: -item[1])
    words = ", ".join(f"{reason} ({count})" for reason, count in reasons[:3])
    zone = "; name the zone with --zone" if any("no zone" in reason for reason, _ in reasons) else ""
    return f"{source}: none of {lines} lines is a sample: {words}{zone}; a line looks like {_EXAMPLE}"


_EXAMPLE = (
    '{"timestamp": "2026-04-26T01:00:00Z", "namespace": "commerce", "service": "checkout-api",'
    ' "metric_name": "latency_p99", "value": 0.41}'
)
