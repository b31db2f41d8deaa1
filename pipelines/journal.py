"""``journal``: what a shim or sidecar said, as a replay log that ``score`` takes; and does a replay agree?"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from titleshot.datasets.contracts.events import AnomalyEvent
from titleshot.datasets.contracts.incidents import DeadLetter, IncidentCandidate, Page
from titleshot.datasets.contracts.instants import format_instant, parse_instant
from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import FailedCheck, MalformedInput, UsageError
from titleshot.datasets.log_about import about_dataset
from titleshot.datasets.replay_log import (
    EVENTS,
    LogWriter,
    ReplayLog,
    dead_letters_table,
    incidents_table,
    pages_table,
)
from titleshot.detectors.contender import Contender
from titleshot.pipelines.measured import measure
from titleshot.pipelines.outcome import Outcome, Progress
from titleshot.registry.artifact import Artifact
from titleshot.registry.home import Home
from titleshot.registry.serving.journal_reader import JournalReader, Said, Swap
from titleshot.registry.serving.journal_replay import differences, replay_journal
from titleshot.registry.tree import checked_copy

_AT_ONCE = 10_000


class Check(NamedTuple):
    """Whether a replay of a journal says what was served."""

    records: int
    said: dict[str, int]
    differences: list[str]

    @property
    def equal(self) -> bool:
        return not self.differences


def journal(
    path: Path | str,
    *,
    out: Path | str,
    dataset: Dataset | Path | str | None = None,
    inputs: Path | str | None = None,
) -> ReplayLog:
    """Write what the contender that spoke last said as a replay log.

    What others said before it is left out: a log is about one contender. Nothing is flushed: what was open
    when the journal ended is open in the log.

    Args:
        dataset: the one the records came from; ``score`` asks for it.
        inputs: the journal a sidecar followed; default where it was. Its records tell how long it ran.

    Raises:
        UsageError: no journal, or nobody spoke yet.
        MalformedInput: the file is no journal, or damaged.
    """
    source = JournalReader(Path(path))
    try:
        swaps = source.swaps()
        if not swaps:
            raise UsageError(f"{path}: nobody has spoken in this journal yet")
        last = swaps[-1]
        data = dataset if isinstance(dataset, Dataset) or dataset is None else Dataset.open(Path(dataset))
        counts = Counter({"samples": 0, "events": 0, **json.loads(last.counts)})
        with LogWriter(Path(out)) as writer:
            measured = measure(source, last, inputs)
            for part in _parts(source.said(last.from_seq - 1), _AT_ONCE):
                _append(writer, part, counts)
            writer.about = {
                **_about(last, data),
                "counts": dict(sorted(counts.items())),
                "journal": {
                    "role": source.meta("role"),
                    "name": last.name,
                    "alias": last.alias,
                    "version": last.version,
                    "clock": source.meta("clock"),
                    "records": [last.from_seq, source.scored],
                    "contenders_before": len(swaps) - 1,
                    **({"measured": measured.model_dump(mode="json")} if measured else {}),
                },
                "run": {
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "titleshot": version("titleshot"),
                },
            }
        return ReplayLog(Path(out))
    finally:
        source.close()


def check_journal(
    path: Path | str,
    contender: Contender | Callable[[Swap], Contender],
    *,
    inputs: Path | str | None = None,
) -> Check:
    """Replay a journal's records and compare with what was served, record for record.

    Args:
        contender: the one that spoke, or a way to get the one that spoke from a swap on; see
            :func:`registered_at`.
        inputs: the journal a sidecar followed; default the one it says it followed.

    Raises:
        UsageError: the contender is not the one that spoke, or the records are not there.
    """
    source = JournalReader(Path(path))
    follows = source.meta("follows")
    other = JournalReader(Path(inputs or follows or path)) if follows or inputs else None
    try:
        replayed = replay_journal(source, contender, inputs=other)
        served = list(source.said())
        return Check(
            source.scored,
            dict(sorted(Counter(one.kind for one in served).items())),
            differences(served, replayed),
        )
    finally:
        source.close()
        if other is not None:
            other.close()


def registered_at(home: Path) -> Callable[[Swap], Contender]:
    """The contenders of a home's own copies, each checked against the digest that was served."""

    def get(swap: Swap) -> Contender:
        kept = Home(home).artifact(swap.tree_digest)
        if not kept.is_dir():
            raise UsageError(
                f"{swap.name} version {swap.version} is not in {home}; name its --home, or --check CONTENDER"
            )
        with tempfile.TemporaryDirectory(prefix="titleshot-") as scratch:
            return Artifact(checked_copy(kept, Path(scratch) / "contender", swap.tree_digest)).contender

    return get


def _about(swap: Swap, data: Dataset | None) -> dict[str, Any]:
    span = None
    if swap.first_ns is not None and swap.last_ns is not None:
        span = {"from": format_instant(swap.first_ns), "to": format_instant(swap.last_ns + 1)}
    return {
        "contender": swap.contender,
        "recipe_digest": swap.recipe_digest,
        "artifact_digest": swap.artifact_digest,
        "recipe": json.loads(swap.recipe),
        "dataset": None if data is None else about_dataset(data.card),
        "span": span,
        "opaque": False,
    }


def _append(writer: LogWriter, part: list[Said], counts: Counter[str]) -> None:
    lines = {kind: [json.loads(one.text) for one in part if one.kind == kind] for kind in _KINDS}
    try:
        incidents = [IncidentCandidate.model_validate(line["record"]) for line in lines["incident"]]
        pages = [Page.model_validate(line["record"]) for line in lines["page"]]
        dead = [DeadLetter.model_validate(line["record"]) for line in lines["dead_letter"]]
        events = _events(lines["event"])
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedInput(f"the journal holds a line that nobody said: {error}") from None
    writer.append("events", events)
    writer.append("incidents", incidents_table(incidents))
    writer.append("pages", pages_table(pages))
    writer.append("dead_letters", dead_letters_table(dead))
    counts.update(f"dead_{letter.reason}" for letter in dead)


_KINDS = ("event", "incident", "page", "dead_letter")


def _events(lines: list[dict[str, Any]]) -> pa.Table:
    events = [AnomalyEvent.model_validate(line["record"]) for line in lines]
    columns: dict[str, list[Any]] = {
        field.name: [getattr(event, field.name, None) for event in events] for field in EVENTS
    }
    columns["series_labels"] = [canonical_json(event.series_labels) for event in events]
    columns["labels"] = [canonical_json(event.labels) for event in events]
    columns["evidence"] = [
        canonical_json(event.evidence.model_dump(mode="json", exclude_none=True)) for event in events
    ]
    columns["policy"] = [line["policy"] for line in lines]
    columns["emitted_at"] = [parse_instant(line["emitted_at"]) for line in lines]
    columns["flushed"] = [False] * len(lines)
    return pa.table(
        [
            pa.array(columns[field.name], pa.int64()).cast(field.type)
            if pa.types.is_timestamp(field.type)
            else pa.array(columns[field.name], field.type)
            for field in EVENTS
        ],
        schema=EVENTS,
    )


def _parts(said: Iterator[Said], size: int) -> Iterable[list[Said]]:
    while part := list(islice(said, size)):
        yield part


def arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``titleshot journal``."""
    parser.add_argument("journal", type=Path, metavar="JOURNAL", help="file that serve or shadow wrote")
    parser.add_argument("--out", type=Path, metavar="LOG", help="folder for the replay log")
    parser.add_argument(
        "--dataset", type=Path, metavar="DATASET", help="where the records came from; score then checks it"
    )
    parser.add_argument(
        "--check",
        nargs="?",
        const="",
        metavar="CONTENDER",
        help="replay the records and compare with what was served (default: the versions in the home)",
    )
    parser.add_argument(
        "--inputs", type=Path, metavar="JOURNAL", help="what a sidecar followed, if it is elsewhere now"
    )


def command(args: argparse.Namespace, progress: Progress) -> Outcome:  # noqa: ARG001  nothing to show
    """Run ``titleshot journal``."""
    if args.out is None and args.check is None:
        raise UsageError("nothing to do: give --out LOG, --check, or both")
    text: list[str] = []
    document: dict[str, Any] = {}
    if args.check is not None:
        from titleshot.pipelines.contender_source import contender_from

        wanted = contender_from(args.check, home=args.home) if args.check else registered_at(args.home)
        checked = check_journal(args.journal, wanted, inputs=args.inputs)
        if not checked.equal:
            raise FailedCheck(
                f"{args.journal}: a replay does not say what was served:\n" + "\n".join(checked.differences)
            )
        text.append(f"a replay of {checked.records:,} records says what was served, record for record")
        document["check"] = {"records": checked.records, "said": checked.said, "equal": True}
    if args.out is not None:
        log = journal(args.journal, out=args.out, dataset=args.dataset, inputs=args.inputs)
        about = log.about
        before = about["journal"]["contenders_before"]
        text.append(
            f"{about['contender']} said {about['rows']['events']:,} events, {about['rows']['pages']:,} page "
            f"records and {about['rows']['dead_letters']:,} dead letters "
            f"about {about['counts']['samples']:,} samples"
            + (f"; {before} contenders that spoke before it are left out" if before else "")
        )
        text.append(f"log: {args.out}")
        document |= {"log": str(args.out), **about}
    return Outcome("\n".join(text), document)
