"""Incident candidates of a log, those found to be another one folded into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from titleshot.datasets.contracts.incidents import IncidentCandidate
from titleshot.datasets.replay_log import ReplayLog


@dataclass(frozen=True)
class Whole:
    """A candidate as last said, and what was merged into it."""

    candidate: IncidentCandidate
    merged: tuple[IncidentCandidate, ...]

    @property
    def event_ids(self) -> tuple[str, ...]:
        """Its own and those of what was merged into it, each once, in that order."""
        ids = [*self.candidate.event_ids, *(name for one in self.merged for name in one.event_ids)]
        return tuple(dict.fromkeys(ids))


def whole_incidents(log: ReplayLog) -> list[Whole]:
    """Every incident of a log that is not part of another, by (opened_at, incident_id).

    Candidates merged into each other, or into one the log does not have, stand for themselves.
    """
    records = {candidate.incident_id: candidate for candidate in log.incidents()}
    return _folded(records)


def widest(log: ReplayLog, most: int, span: tuple[int, int]) -> list[Whole]:
    """The incidents with most services, of equals those with most events, then the first; at most ``most``.

    Only what opened within ``span`` [from, to), nanoseconds UTC, counts, and what has at least two services.
    """
    said = log.table("incidents").select(["incident_id", "services", "event_ids", "opened_at", "merged_into"])
    wide = pc.fill_null(pc.list_value_length(said["services"]), 0).to_pylist()
    long = pc.fill_null(pc.list_value_length(said["event_ids"]), 0).to_pylist()
    opened = said["opened_at"].cast(pa.int64()).to_pylist()
    last = {name: row for row, name in enumerate(said["incident_id"].to_pylist())}
    merged = said["merged_into"].to_pylist()
    into = {name: merged[row] for name, row in last.items()}
    fitting = [
        (-wide[row], -long[row], opened[row], name)
        for name, row in last.items()
        if wide[row] > 1 and span[0] <= opened[row] < span[1] and _head(name, into) == name
    ]
    chosen = {name: place for place, (*_, name) in enumerate(sorted(fitting)[:most])}
    parts = [name for name in last if _head(name, into) in chosen]
    found = _folded({candidate.incident_id: candidate for candidate in log.incidents(parts)})
    return sorted(found, key=lambda whole: chosen[whole.candidate.incident_id])


def _folded(records: dict[str, IncidentCandidate]) -> list[Whole]:
    into = {name: candidate.merged_into for name, candidate in records.items()}
    parts: dict[str, list[IncidentCandidate]] = {name: [] for name in records}
    heads = []
    for name, candidate in records.items():
        head = _head(name, into)
        if head == name:
            heads.append(candidate)
        else:
            parts[head].append(candidate)
    return [Whole(candidate, tuple(parts[candidate.incident_id])) for candidate in heads]


def _head(name: str, into: Mapping[str, str | None]) -> str:
    """What a candidate was merged into at last; of those merged into each other the first by name."""
    passed = [name]
    while (target := into[passed[-1]]) is not None and target in into:
        if target in passed:
            return min(passed[passed.index(target) :])
        passed.append(target)
    return passed[-1]
