"""``titleshot import``: telemetry and labels of one format into a dataset."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.formats import IMPORTERS, importer_of
from titleshot.datasets.importers.importer import ImportOptions
from titleshot.pipelines.outcome import Outcome, Progress, silent


def import_dataset(
    *,
    format: str,  # noqa: A002  the word of the command line
    source: Path | str,
    dataset: Path | str,
    name: str | None = None,
    zone: str | None = None,
    ingest_delay_s: float = 0.0,
    replace: bool = False,
    progress: Progress = silent,
) -> Dataset:
    """Read ``source`` into a new dataset, all or nothing, and return it.

    Args:
        format: a name in ``importers.formats.IMPORTERS``.
        source: file or folder of that format.
        dataset: folder to make; one that is there is replaced, labels included, only with ``replace``.
        name: of the dataset; the folder's name where left out.
        zone: IANA name of the zone of times without one.
        ingest_delay_s: seconds from a record's timestamp to its arrival where it has no ``ingested_at``.

    Raises:
        UsageError: unknown format or zone, or the folder is taken.
        MalformedInput: the source is absent or nothing in it can be used.
        UnknownVersion: the source was written by a newer major version.
    """
    importer = importer_of(format)
    source, dataset = Path(source), Path(dataset)
    if not source.exists():
        raise MalformedInput(f"{source}: no such file or folder")
    progress("import", 0, None)
    with DatasetWriter(
        dataset,
        name=name or dataset.resolve().name,
        source=f"{format}:{source.resolve().name}",
        ingest_delay_s=ingest_delay_s,
        replace=replace,
    ) as writer:
        importer.run(source, writer, ImportOptions(zone=zone))
    opened = Dataset.open(dataset)
    progress("import", opened.card.rows, opened.card.rows)
    return opened


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    formats = "; ".join(f"{importer.format}: {importer.summary}" for importer in IMPORTERS.values())
    parser.add_argument("format", metavar="FORMAT", help=formats)
    parser.add_argument("source", metavar="SOURCE", type=Path, help="file or folder to read")
    parser.add_argument("dataset", metavar="DATASET", type=Path, help="folder to make")
    parser.add_argument("--name", help="name of the dataset (default: the folder's)")
    parser.add_argument("--zone", help="zone of times that have none, such as UTC or Europe/Berlin")
    parser.add_argument(
        "--ingest-delay-s",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds from a record's timestamp to its arrival, where it does not say (default: 0)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="replace a dataset that is there, with its labels"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Import and tell what came of it."""
    dataset = import_dataset(
        format=args.format,
        source=args.source,
        dataset=args.dataset,
        name=args.name,
        zone=args.zone,
        ingest_delay_s=args.ingest_delay_s,
        replace=args.replace,
        progress=progress,
    )
    card, report, labels = dataset.card, dataset.import_report(), dataset.labels()
    document = {
        "dataset": str(dataset.path),
        "name": card.name,
        "digest": card.digest,
        "span_from": format_instant(card.span_from),
        "span_to": format_instant(card.span_to),
        "samples": card.rows,
        "series": card.series,
        "incidents": len(labels.incidents),
        "tables": {table: entry.rows for table, entry in card.tables.items()},
        "report": report,
    }
    return Outcome(_told(dataset, report, len(labels.incidents)), document)


def _told(dataset: Dataset, report: dict[str, Any], incidents: int) -> str:
    card = dataset.card
    cadence = f"{card.cadence_s:g} s" if card.cadence_s else "mixed"
    span = f"{format_instant(card.span_from)} to {format_instant(card.span_to)}"
    lines = [
        f"{dataset.path}: {card.rows:,} samples of {card.series:,} series, {incidents:,} labelled incidents",
        f"{span}, cadence {cadence}, digest {card.digest[:16]}",
    ]
    samples = report.get("samples", {})
    seen = {
        "repeated": samples.get("duplicates", 0),
        "out of order": samples.get("out_of_order", 0),
        "not finite": samples.get("non_finite", 0),
        "gaps": samples.get("gaps", 0),
    }
    if any(seen.values()):
        lines.append("kept and counted: " + ", ".join(f"{n:,} {what}" for what, n in seen.items() if n))
    if naive := report.get("times_without_zone"):
        lines.append(f"{naive['times']:,} times without a zone read as {naive['read_as']}")
    for kind, reasons in report.get("quarantined", {}).items():
        words = ", ".join(f"{reason} ({n:,})" for reason, n in reasons.items())
        lines.append(f"set aside in quarantine/{kind}.parquet: {words}")
    if not dataset.card.evaluation.labels_complete:
        lines.append("labels are not declared complete: no page counts as false (dataset.yaml, evaluation)")
    lines.append(f"next: titleshot validate {dataset.path}")
    return "\n".join(lines)
