"""JSON Lines: a file of samples, or a folder with a file or several for each kind of record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.labels import FeedbackLabel, IncidentLabel
from titleshot.datasets.contracts.reference import REFERENCE_ROW
from titleshot.datasets.contracts.telemetry import LogEvent, PlatformEvent
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.importer import Importer, Told
from titleshot.datasets.importers.naive_times import NaiveTimes
from titleshot.datasets.importers.record_lines import RecordLines
from titleshot.datasets.importers.sample_lines import SampleLines

_RECORDS: dict[str, TypeAdapter[Any]] = {
    "log_events": TypeAdapter(LogEvent),
    "platform_events": TypeAdapter(PlatformEvent),
    "reference": REFERENCE_ROW,
    "incidents": TypeAdapter(IncidentLabel),
    "feedback": TypeAdapter(FeedbackLabel),
    "pages": TypeAdapter(Page),
}
KINDS = ("samples", *_RECORDS)
_BATCH_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class JsonLines(Importer):
    """One record of the contract a line.

    In a folder the start of a file's name says what it holds: ``samples*.jsonl``, ``log_events*.jsonl``,
    ``platform_events*.jsonl``, ``reference*.jsonl``, ``incidents*.jsonl``, ``feedback*.jsonl``,
    ``pages*.jsonl``; several files of a kind are read in the order of their names. Samples keep the order of
    their lines, repeats and steps back in time included. Without an incidents file nothing is known to be a
    false page, so the labels are not declared complete.
    """

    format: ClassVar[str] = "jsonl"
    summary: ClassVar[str] = "JSON Lines of samples, events, reference data and labels"

    def read(self, source: str, into: DatasetWriter, naive: NaiveTimes, told: Told) -> None:
        place = Path(source)
        files = _files(place)
        read: dict[str, dict[str, int]] = {}
        for kind, paths in files.items():
            for path in paths:
                lines, used = _read_file(kind, path, into, naive, told)
                read[path.name] = {"lines": lines, "used": used}
        into.report["files"] = read
        if place.is_dir():
            known = {path for paths in files.values() for path in paths}
            into.report["files_not_read"] = sorted(
                path.name for path in place.iterdir() if path.is_file() and path not in known
            )
        if not into.samples:
            raise MalformedInput(_nothing(place, sum(of["lines"] for of in read.values()), into))
        if not files["incidents"]:
            into.evaluation = into.evaluation.model_copy(update={"labels_complete": False})
            into.report["labels"] = "no incidents file: labels are not declared complete"


def _files(source: Path) -> dict[str, list[Path]]:
    if source.is_file():
        return {**{kind: [] for kind in KINDS}, "samples": [source]}
    files = {kind: sorted(path for path in source.glob(f"{kind}*.jsonl") if path.is_file()) for kind in KINDS}
    if not files["samples"]:
        raise MalformedInput(f"{source}: no samples*.jsonl here; a folder holds {', '.join(KINDS)} (*.jsonl)")
    return files


def _read_file(kind: str, path: Path, into: DatasetWriter, naive: NaiveTimes, told: Told) -> tuple[int, int]:
    """Lines that are not blank, and lines used."""
    total = used = 0
    samples = SampleLines(path.name, into, naive)
    records = RecordLines(kind, path.name, into, naive)
    for lines, numbers in _batches(path):
        total += len(lines)
        if kind == "samples":
            before = into.samples
            samples.add(lines, numbers)
            used += into.samples - before
        else:
            found = [
                record
                for line, number in zip(lines, numbers, strict=True)
                if (record := records.record(_RECORDS[kind], line, number)) is not None
            ]
            used += len(found)
            _add(kind, found, into)
        told(f"reading {path.name}", total, None)
    return total, used


def _add(kind: str, records: list[Any], into: DatasetWriter) -> None:
    if kind == "log_events":
        into.add_log_events(records)
    elif kind == "platform_events":
        into.add_platform_events(records)
    elif kind == "reference":
        into.add_reference(records)
    else:
        into.add_labels(**{kind: records})


def _batches(path: Path) -> Iterator[tuple[list[bytes], list[int]]]:
    """Lines that are not blank, stripped, with their numbers from 1, some megabytes at a time."""
    number = 0
    try:
        with path.open("rb") as file:
            while read := file.readlines(_BATCH_BYTES):
                if number == 0:
                    read[0] = read[0].removeprefix(_BOM)
                stripped = [line.strip() for line in read]
                numbers = [number + i for i, line in enumerate(stripped, 1) if line]
                number += len(read)
                if numbers:
                    yield [line for line in stripped if line], numbers
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}") from None


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
