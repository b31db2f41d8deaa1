"""Serve the last hours of a dataset through a real shim process, and check it against their replay."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from titleshot.datasets.contracts.instants import HOUR
from titleshot.datasets.contracts.record import Record
from titleshot.datasets.contracts.telemetry import Sample
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import FailedCheck
from titleshot.pipelines.journal import check_journal, registered_at

_PATIENCE_S = 300


class ServedHistory(NamedTuple):
    """What went into the shim and what came out."""

    records: int
    said: dict[str, int]
    equal: bool
    journal: Path


def serve_history(dataset: Dataset, name: str, *, home: Path, hours: float) -> ServedHistory:
    """Pipe reference data and the samples of the last ``hours`` into ``titleshot serve NAME --stdin``.

    The records keep their own clock, so an afternoon is served in a second.

    Raises:
        FailedCheck: the shim ended with an error; its words are in the message.
    """
    journal = home / "journals" / f"{name}-history.db"
    delay = str(dataset.card.ingest_delay_s)
    words = ["serve", name, "--stdin", "--clock", "records", "--delay-s", delay, "--quiet"]
    words += ["--home", str(home), "--journal", str(journal)]
    lines = "".join(f"{record.to_json()}\n" for record in _records(dataset, hours))
    done = subprocess.run(  # noqa: S603  our own interpreter and words
        [sys.executable, "-m", "titleshot.pipelines.cli", *words],
        input=lines,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    if done.returncode:
        raise FailedCheck(f"serve ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    check = check_journal(journal, registered_at(home))
    return ServedHistory(check.records, check.said, check.equal, journal)


def _records(dataset: Dataset, hours: float) -> Iterator[Record]:
    yield from dataset.reference()
    start = dataset.card.span_to - round(hours * HOUR)
    series = dataset.series()
    for block in dataset.blocks(from_=start):
        columns = (block.codes, block.timestamps, block.values, block.arrivals)
        for code, timestamp, value, arrival in zip(*(column.tolist() for column in columns), strict=True):
            key = series[code]
            yield Sample(
                timestamp=timestamp,
                namespace=key.namespace,
                service=key.service,
                metric_name=key.metric_name,
                value=value,
                series_labels=json.loads(key.series_labels),
                ingested_at=arrival,
            )
