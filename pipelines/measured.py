"""What a sidecar's journal says of the run it is about: how long, how well it kept up, what it took."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.measured import Measured
from titleshot.datasets.contracts.record import broken
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.datasets.replay_log import ReplayLog
from titleshot.registry.serving.footprint import Footprint
from titleshot.registry.serving.journal_reader import JournalReader, Swap
from titleshot.registry.serving.sidecar import FOOTPRINT

HOUR = 3600 * SECOND
MISSED_TICKS = 3
"""Ticks that must be absent in a row before the time between two is called a gap."""


def measure(journal: JournalReader, swap: Swap, inputs: Path | str | None = None) -> Measured | None:
    """What a sidecar's journal says of the contender that speaks from ``swap`` on.

    None of a shim's journal, and where the journal that was followed is neither at ``inputs`` nor where it
    was: without its records nobody knows how long it ran.

    Hours run from the first record it took in to the last one the followed journal has. Not covered are gaps
    between ticks, when nothing was taken in, and the records at the end that it has not got to.

    Raises:
        MalformedInput: the followed file is no journal, or the footprint that was kept is none.
    """
    followed = Path(inputs or journal.meta("follows") or "")
    if journal.meta("role") != "sidecar" or not followed.is_file():
        return None
    records = JournalReader(followed)
    try:
        rows = records.records(swap.from_seq - 1, most=1), records.records(records.last - 1, most=1)
        reached = records.records(journal.scored - 1, journal.scored)
        if not (rows[0] and rows[1] and reached):
            return None
        first, last, scored = rows[0][0].arrival, rows[1][0].arrival, reached[0].arrival
        ticks = [row.arrival for row in records.records(swap.from_seq - 1, journal.scored, kind="tick")]
    finally:
        records.close()
    tick = round(float(json.loads(swap.recipe).get("tick_s", 60)) * SECOND)
    away = sum(
        b - a - tick for a, b in pairwise([first, *ticks, scored]) if b - a > (MISSED_TICKS + 1) * tick
    )
    try:
        took = Footprint(journal.meta(f"{FOOTPRINT}{swap.from_seq}"))
    except (ValueError, TypeError, AttributeError) as error:
        raise MalformedInput(f"{journal.path}: its footprint cannot be read: {error}") from None
    return Measured(
        contender=swap.contender,
        artifact_digest=swap.artifact_digest,
        measured_from=first,
        measured_to=last,
        shadow_hours=max(0, last - first) / HOUR,
        shadow_coverage=max(0.0, (scored - first - away) / (last - first)) if last > first else 0.0,
        p99_latency_ms=took.quantile_ms(0.99),
        timed=took.timed,
        memory_mb=took.memory_mb,
    )


def shadow_run(log: ReplayLog) -> Measured:
    """The same of a log that is named for what was measured.

    Raises:
        UsageError: it holds no measurements.
    """
    measured = measured_in(log)
    if measured is None:
        raise UsageError(
            f"{log.path} holds no measurements of a shadow run; make it with titleshot journal of what "
            "titleshot shadow wrote, with --inputs where the shim's journal is elsewhere now"
        )
    return measured


def measured_in(log: ReplayLog) -> Measured | None:
    """What ``journal`` measured of a sidecar's run and wrote into its log; None in any other log.

    Raises:
        MalformedInput: the measurements in ``log.json`` are none.
    """
    journal = log.about.get("journal")
    said = journal.get("measured") if isinstance(journal, dict) else None
    if said is None:
        return None
    try:
        return Measured.model_validate(said)
    except ValidationError as error:
        raise broken(error, str(Path(log.path) / "log.json")) from None
