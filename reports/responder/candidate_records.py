"""Incident candidates of a log, those found to be another one folded into it."""

from __future__ import annotations

from dataclasses import dataclass

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
    parts: dict[str, list[IncidentCandidate]] = {name: [] for name in records}
    heads = []
    for name, candidate in records.items():
        head = _head(name, records)
        if head == name:
            heads.append(candidate)
        else:
            parts[head].append(candidate)
    return [Whole(candidate, tuple(parts[candidate.incident_id])) for candidate in heads]


def _head(name: str, records: dict[str, IncidentCandidate]) -> str:
    passed = [name]
    while (into := records[passed[-1]].merged_into) is not None and into in records:
        if into in passed:
            return min(passed[passed.index(into) :])
        passed.append(into)
    return passed[-1]
