"""Labels, reference data and events from JSON Lines, beside telemetry of any other format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.importer import Told, untold
from titleshot.datasets.importers.jsonl import read_records, record_files
from titleshot.datasets.importers.naive_times import NaiveTimes


@contextmanager
def beside(folder: Path | None, into: DatasetWriter, zone: str | None, told: Told = untold) -> Iterator[None]:
    """Read ``incidents*.jsonl``, ``feedback*.jsonl``, ``reference*.jsonl`` … of a folder into a writer.

    The block in between reads the telemetry, which may take hours: what is wrong with the folder is said
    before. With an incidents file the labels are declared complete, as where samples come in JSON Lines.

    Raises:
        MalformedInput: no such folder, nothing of that kind in it, or a link that leads out of it.
        UnknownVersion: written by a newer major version.
    """
    if folder is None:
        yield
        return
    files = record_files(folder) if folder.is_dir() else {}
    if not any(files.values()):
        raise MalformedInput(
            f"--beside {folder}: no folder with incidents*.jsonl, reference*.jsonl or another kind of the"
            " jsonl format in it"
        )
    naive = NaiveTimes(zone)
    into.report["files_beside"] = {
        path.name: read_records(kind, path, into, naive, told)
        for kind, paths in files.items()
        for path in paths
    }
    if naive.read:
        into.report["times_beside"] = f"{naive.read:,} without a zone read as {naive.zone}"
    yield
    if files["incidents"]:
        into.evaluation = into.evaluation.model_copy(update={"labels_complete": True})
        into.report.pop("labels", None)
