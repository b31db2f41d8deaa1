"""One log against the labels: its alerts cut in two ways, and what its candidates claimed of incidents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.assignment import IncidentTable
from titleshot.reports.correlation.candidates import Candidates, read
from titleshot.reports.correlation.event_truth import NOISE, incident_of_events
from titleshot.reports.correlation.partition import Partition
from titleshot.reports.match_tables import Codes, incident_table
from titleshot.reports.point_in_time import Reference
from titleshot.reports.terms import Terms

Int64 = NDArray[np.int64]
NONE = -1


@dataclass(frozen=True)
class Account:
    """What a log said, in numbers; incidents are those that count, alerts those in scored time."""

    terms: Terms
    labels: list[IncidentLabel]
    incidents: IncidentTable
    """One row per label of ``labels``."""
    every_incident: IncidentTable
    """Those that do not count too: no quiet hour may lie in one."""
    times: Int64
    """Of each alert."""
    services: Int64
    names: list[str]
    """What the numbers in ``services`` and tables mean: canonical names."""
    partition: Partition
    candidates: Candidates
    notes: tuple[str, ...]

    @classmethod
    def of(cls, terms: Terms, log: ReplayLog) -> Account:
        """Read a log under settled terms.

        An alert counts in scored time of its service, by the name it went by. Alerts of an incident that does
        not count are set aside: they are neither its, nor noise.
        """
        alerts, candidates, notes = read(log)
        reference, codes = terms.reference, Codes()
        labels = sorted(terms.labels.incidents, key=lambda label: (label.start, label.incident_id))
        table = incident_table(labels, terms.rules, reference, terms.time, codes)
        named = [
            reference.canonical(name, at)
            for name, at in zip(alerts.services, alerts.times.tolist(), strict=True)
        ]
        services = np.array([codes(name) for name in named], np.int64)
        names = codes.names()
        truth = incident_of_events(alerts.times, services, table)
        counts = _scored(terms, names, services, alerts.times) & np.append(table.scored, True)[truth]
        number = np.append(np.where(table.scored, np.cumsum(table.scored) - 1, NOISE), NOISE)
        rows = np.flatnonzero(table.scored)
        counted = table.take(rows)
        partition = Partition(
            number[truth[counts]],
            alerts.group[counts],
            len(rows),
            len(candidates),
            _block(terms, counted.start),
            _block(terms, candidates.opened),
            len(terms.exposure.days),
            terms.rules.labels_complete,
        )
        return cls(
            terms,
            [labels[row] for row in rows.tolist()],
            counted,
            table,
            alerts.times[counts],
            services[counts],
            names,
            partition,
            candidates,
            notes,
        )

    @property
    def reference(self) -> Reference:
        return self.terms.reference

    @cached_property
    def roots(self) -> list[str]:
        """The root of each incident by its canonical name."""
        return [self.names[code] for code in self.incidents.root.tolist()]

    @cached_property
    def main(self) -> Int64:
        """The candidate a responder finds an incident in: that with most of its alerts, of equals the first
        to open; ``NONE`` where no candidate has any."""
        cells = self.partition.cells
        rows = np.flatnonzero(cells.group < self.partition.groups)
        incident, group, n = (column[rows] for column in cells)
        best_last = np.lexsort((-group, n, incident))
        main = np.full(self.partition.incidents, NONE, np.int64)
        main[incident[best_last]] = group[best_last]
        return main

    @cached_property
    def subject(self) -> Int64:
        """The incident a candidate holds most of, of equals the first to start; ``NONE``: only noise."""
        cells = self.partition.cells
        rows = np.flatnonzero(cells.group < self.partition.groups)
        incident, group, n = (column[rows] for column in cells)
        best_last = np.lexsort((-incident, n, group))
        subject = np.full(self.partition.groups, NONE, np.int64)
        subject[group[best_last]] = incident[best_last]
        return subject

    @cached_property
    def ranked(self) -> list[list[str]]:
        """Hypotheses of each incident's main candidate, by the names that were canonical when it started."""
        lists = []
        for candidate, label in zip(self.main.tolist(), self.labels, strict=True):
            said = self.candidates.hypotheses[candidate] if candidate != NONE else []
            # A service named twice, by two of its names, has the better rank.
            lists.append(list(dict.fromkeys(self.reference.canonical(name, label.start) for name, _ in said)))
        return lists


def _scored(terms: Terms, names: list[str], services: Int64, times: Int64) -> NDArray[np.bool_]:
    scored = np.zeros(len(times), bool)
    for code in np.unique(services).tolist():
        rows = services == code
        scored[rows] = terms.time.scored(names[code], times[rows])
    return scored


def _block(terms: Terms, instants: Int64) -> Int64:
    # A candidate may be said a moment after scored time ended: it belongs to the last day.
    return np.minimum(terms.exposure.block(instants), len(terms.exposure.days) - 1)
