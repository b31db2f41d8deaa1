"""What a log says of its candidates, read as columns: who is in them, when they opened, what they suspect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.correlation.partition import ALONE

Int64 = NDArray[np.int64]
ALERTED = "alerted"
"""What the alert policy calls an event that it let pass: only those reach a correlator."""


@dataclass(frozen=True)
class Alerts:
    """Alerts of a log, in its order, without those said only because the replay ended."""

    times: Int64
    services: list[str]
    group: Int64
    """The candidate each is in; ``ALONE`` for none."""


@dataclass(frozen=True)
class Candidates:
    """Candidates by the moment they opened, merged ones folded into what they were merged into."""

    opened: Int64
    """Engine clock when a candidate was first said, nanoseconds UTC."""
    severity: list[str]
    hypotheses: list[list[tuple[str, float]]]
    """(service, confidence), most probable first, as last said."""

    def __len__(self) -> int:
        return len(self.opened)


def read(log: ReplayLog) -> tuple[Alerts, Candidates, tuple[str, ...]]:
    """Alerts and candidates of a log, and what a reader should know of them.

    A candidate first said only when the replay ended is left out; one merged into another gives it its alerts
    and keeps nothing else. An alert said in several candidates belongs to the one that opened first; one said
    twice is one.
    """
    table = log.table("events")
    names, alerts = table["event_id"].combine_chunks(), alert_rows(table)
    said = log.table("incidents")
    ids, flushed = said["incident_id"].to_pylist(), said["flushed"].to_pylist()
    emitted = said["emitted_at"].cast(pa.int64()).to_pylist()
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for row, name in enumerate(ids):
        first.setdefault(name, row)
        last[name] = row
    merged = said["merged_into"].to_pylist()
    into = {name: merged[row] for name, row in last.items() if merged[row] is not None}
    heads = [name for name in first if _head(name, into, first) == name and not flushed[first[name]]]
    heads.sort(key=lambda name: (emitted[first[name]], name))
    place = {name: number for number, name in enumerate(heads)}
    of_record = [place.get(_head(name, into, first), ALONE) for name in last]
    rows = pa.array([*last.values()], pa.int64())
    group, notes = _groups(names, said["event_ids"].take(rows), of_record)
    table, group = table.take(alerts), group[alerts]

    severity, hypotheses = said["severity"].to_pylist(), said["hypotheses"].to_pylist()
    candidates = Candidates(
        np.array([emitted[first[name]] for name in heads], np.int64),
        [severity[last[name]] for name in heads],
        [[(h["service"], h["confidence"]) for h in json.loads(hypotheses[last[name]])] for name in heads],
    )
    services = pc.binary_join_element_wise(table["namespace"], table["service"], "/").to_pylist()
    times = table["timestamp"].cast(pa.int64()).to_numpy()
    return Alerts(times, services, group), candidates, notes


def alert_rows(events: pa.Table) -> Int64:
    """Rows of the alerts among a log's events; one said twice counts once, where it was said first."""
    kept = pc.and_(pc.equal(events["policy"], ALERTED), pc.invert(pc.fill_null(events["flushed"], False)))
    names = events["event_id"].combine_chunks()
    once = pc.index_in(names, names).to_numpy(zero_copy_only=False) == np.arange(len(names))
    return np.flatnonzero(pc.fill_null(kept, False).to_numpy() & once)


def _head(name: str, into: dict[str, str], known: dict[str, int]) -> str:
    passed = [name]
    while (target := into.get(passed[-1])) is not None and target in known:
        if target in passed:  # candidates merged into each other are one, by the same name from both sides
            return min(passed[passed.index(target) :])
        passed.append(target)
    return passed[-1]


def _groups(
    event_ids: pa.Array, of_candidates: pa.ChunkedArray, numbers: Sequence[int]
) -> tuple[Int64, tuple[str, ...]]:
    lists = of_candidates.combine_chunks() if of_candidates.num_chunks != 1 else of_candidates.chunk(0)
    alert = pc.fill_null(pc.index_in(lists.flatten(), event_ids), -1).to_numpy(zero_copy_only=False)
    number = np.array(numbers, np.int64)[pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)]
    unknown = int((alert < 0).sum())
    known = (alert >= 0) & (number >= 0)
    group = np.full(len(event_ids), np.iinfo(np.int64).max, np.int64)
    np.minimum.at(group, alert[known], number[known])  # candidates are numbered as they opened
    group[group == np.iinfo(np.int64).max] = ALONE
    pairs = np.unique(np.column_stack([alert[known], number[known]]), axis=0)
    several = len(pairs) - int((group >= 0).sum())
    notes = []
    if unknown:
        notes.append(f"{unknown} events of candidates are none of this log's and are left out of them")
    if several:
        notes.append(f"{several} times an alert was in more than one candidate: the first to open has it")
    return group, tuple(notes)
