"""Labels, reference data and events from JSON Lines, beside telemetry of any other format."""

from __future__ import annotations

from pathlib import Path

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.importer import Told, untold
from titleshot.datasets.importers.jsonl import read_records, record_files
from titleshot.datasets.importers.naive_times import NaiveTimes


def read_beside(folder: Path, into: DatasetWriter, naive: NaiveTimes, told: Told = untold) -> None:
    """Read ``incidents*.jsonl``, ``feedback*.jsonl``, ``reference*.jsonl`` … of a folder into a writer.

    With an incidents file the labels are declared complete, as where samples come in JSON Lines.

    Raises:
        MalformedInput: no such folder, nothing of that kind in it, or a link that leads out of it.
        UnknownVersion: written by a newer major version.
    """
    if not folder.is_dir():
        raise MalformedInput(f"{folder}: no such folder")
    files = record_files(folder)
    if not any(files.values()):
        kinds = ", ".join(f"{kind}*.jsonl" for kind in files)
        raise MalformedInput(f"{folder}: nothing to read beside the telemetry; a folder may hold {kinds}")
    read = into.report.setdefault("files_beside", {})
    for kind, paths in files.items():
        for path in paths:
            read[path.name] = read_records(kind, path, into, naive, told)
    if files["incidents"]:
        into.evaluation = into.evaluation.model_copy(update={"labels_complete": True})
        into.report.pop("labels", None)
