"""``titleshot import``: telemetry and labels of one format into a dataset."""

from __future__ import annotations

import argparse
import types
from pathlib import Path
from typing import Any, get_args, get_origin

from titleshot.datasets.contracts.instants import format_instant
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import UsageError
from titleshot.datasets.importers.beside import beside as records_beside
from titleshot.datasets.importers.formats import IMPORTERS, importer_of
from titleshot.datasets.importers.importer import Importer, Option
from titleshot.pipelines import import_pages
from titleshot.pipelines.import_report import import_told
from titleshot.pipelines.outcome import Outcome, Progress, silent


def import_dataset(
    *,
    format: str,  # noqa: A002  the word of the command line
    source: Path | str,
    dataset: Path | str,
    name: str | None = None,
    ingest_delay_s: float = 0.0,
    beside: Path | str | None = None,
    replace: bool = False,
    progress: Progress = silent,
    **options: Any,
) -> Dataset:
    """Read ``source`` into a new dataset, all or nothing, and return it.

    Args:
        format: a name in ``importers.formats.IMPORTERS``.
        source: file or folder of that format, or an address where the format is remote.
        dataset: folder to make; one that is there is replaced, labels included, only with ``replace``.
        name: of the dataset; the folder's name where left out.
        ingest_delay_s: seconds from a record's timestamp to its arrival where it has no ``ingested_at``.
        beside: folder of JSON Lines to read with it: incidents, feedback, reference data, events, pages.
        options: fields of the format's importer, such as ``zone`` (IANA name of the zone of times without
            one) and ``cadence_s``; those that are None are left at their defaults.

    Raises:
        UsageError: unknown format, option or zone, or the folder is taken.
        MalformedInput: the source is absent or nothing in it can be used.
        UnknownVersion: the source was written by a newer major version.
        Unreachable: a remote source does not answer.
    """
    if format == import_pages.FORMAT:
        raise UsageError("pages become a log and no dataset: call import_pages")
    importer = importer_of(format).of(**options)
    dataset = Path(dataset)
    progress("import", 0, None)
    with DatasetWriter(
        dataset,
        name=name or dataset.resolve().name,
        source=f"{format}:{_short(importer, source)}",
        ingest_delay_s=ingest_delay_s,
        replace=replace,
    ) as writer:
        folder = None if beside is None else Path(beside)
        with records_beside(folder, writer, importer.zone, progress):
            importer.run(source, writer, progress)
    importer.succeeded(dataset)
    opened = Dataset.open(dataset)
    progress("import", opened.card.rows, opened.card.rows)
    return opened


def _short(importer: Importer, source: Path | str) -> str:
    """The source without the folders above it and without what an address may hold of secrets."""
    return (
        str(source).partition("?")[0].rpartition("@")[2] if importer.remote else Path(source).resolve().name
    )


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, and every format's options in a group of its own."""
    formats = "; ".join(f"{name}: {importer.summary}" for name, importer in IMPORTERS.items())
    formats += f"; {import_pages.FORMAT}: {import_pages.SUMMARY}"
    parser.add_argument("format", metavar="FORMAT", help=formats)
    parser.add_argument("source", metavar="SOURCE", help="file or folder to read, or an address")
    parser.add_argument("dataset", metavar="DATASET", type=Path, help="folder to make")
    parser.add_argument("--name", help="name of the dataset (default: the folder's)")
    parser.add_argument(
        "--ingest-delay-s",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds from a record's timestamp to its arrival, where it does not say (default: 0)",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="FOLDER",
        help="read incidents*.jsonl, feedback*.jsonl, reference*.jsonl, … of this folder with it",
    )
    parser.add_argument(
        "--replace", action="store_true", help="replace a dataset that is there, with its labels"
    )
    group: Any = parser
    taken = set()
    for option in Importer.options():
        taken.add(option.name)
        _add(group, option)
    for name, importer in IMPORTERS.items():
        own = [option for option in importer.options() if option.name not in taken]
        if own:
            group = parser.add_argument_group(f"format {name}")
        for option in own:
            taken.add(option.name)
            _add(group, option)
    import_pages.arguments(parser)


def _add(group: Any, option: Option) -> None:
    kinds = [kind for kind in _parts(option.kind) if kind is not type(None)]
    # A field that is a word of Python, such as from_, ends in a line that its flag has not.
    flag, says = f"--{option.name.rstrip('_').replace('_', '-')}", option.says
    if kinds == [bool]:
        group.add_argument(flag, dest=option.name, action="store_true", default=None, help=says)
    elif get_origin(kinds[0]) is tuple:
        group.add_argument(
            flag, dest=option.name, action="append", metavar=option.metavar, help=f"{says} (may be repeated)"
        )
    else:
        group.add_argument(flag, dest=option.name, type=kinds[0], metavar=option.metavar, help=says)


def _parts(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if isinstance(kind, types.UnionType) else (kind,)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """The importers' options that were given; a list of words is a tuple in an importer."""
    names = {option.name for importer in IMPORTERS.values() for option in importer.options()}
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def command(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Import and tell what came of it."""
    if args.format == import_pages.FORMAT:
        import_pages.refuse_others(_given(args) | ({"beside": args.beside} if args.beside else {}))
        return import_pages.command(args, progress)
    import_pages.refuse_elsewhere(args)
    dataset = import_dataset(
        format=args.format,
        source=args.source,
        dataset=args.dataset,
        name=args.name,
        ingest_delay_s=args.ingest_delay_s,
        beside=args.beside,
        replace=args.replace,
        progress=progress,
        **_given(args),
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
    return Outcome(import_told(dataset), document)
