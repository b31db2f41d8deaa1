"""The one definition of a hit: which page belongs to which incident, and what became of both.

A page hits an incident when a service it named is affected and it was sent within
[start − early_s, end + grace_s). Of several incidents it hits one: first where it named the root, then one
not hit yet, then the latest start. A page that hits nothing but was open when an incident started is carried
into it, one incident a page here too: neither detection nor false. Pages are taken in the order they were
sent, so the order they come in does not matter.

Source: SCORING 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import SECOND
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.scores import IncidentOutcome, Outcome, PageOutcome
from titleshot.reports.assignment import (
    DUPLICATE,
    FAN_OUT,
    RESULTS,
    Assignment,
    IncidentTable,
    PageTable,
    Rules,
    assign,
)
from titleshot.reports.match_tables import Codes, incident_table, page_order, page_table
from titleshot.reports.point_in_time import Reference
from titleshot.reports.scored_time import ScoredTime

FATES: tuple[Outcome, ...] = get_args(Outcome)
DETECTED, MISSED, CARRIED_IN, CENSORED, NOT_SCORED = range(5)


@dataclass(frozen=True)
class Matching:
    """Pages and incidents, sorted, with what became of them as arrays over their rows."""

    pages: PageTable
    incidents: IncidentTable
    assignment: Assignment
    fate: NDArray[np.int8]
    """Codes of ``FATES``, one per incident."""

    @classmethod
    def of(cls, pages: PageTable, incidents: IncidentTable, complete: bool, end: int) -> Matching:
        """Match two tables; ``end`` is where the evaluation span ends, in nanoseconds UTC."""
        assignment = assign(pages, incidents, complete)
        fate = np.where(incidents.closes > end, CENSORED, MISSED).astype(np.int8)
        fate[assignment.carried] = CARRIED_IN
        fate[assignment.first_page >= 0] = DETECTED
        fate[~incidents.scored] = NOT_SCORED
        return cls(pages, incidents, assignment, fate)

    def count(self, result: int) -> NDArray[np.int64]:
        """Pages of one result per incident."""
        rows = self.assignment.incident[self.assignment.result == result]
        return np.bincount(rows[rows >= 0], minlength=len(self.incidents))

    def delay_s(self) -> NDArray[np.float64]:
        """max(0, paged_at − start) of the first hit; infinite where there is none."""
        delay = np.full(len(self.incidents), np.inf)
        found = self.assignment.first_page >= 0
        paged_at = self.pages.paged_at[self.assignment.first_page[found]]
        delay[found] = np.maximum(paged_at - self.incidents.start[found], 0) / SECOND
        return delay


@dataclass(frozen=True)
class Matched:
    """A matching with the records it was made of, in the order of its tables."""

    matching: Matching
    pages: list[Page]
    incidents: list[IncidentLabel]
    reference: Reference
    codes: Codes
    rules: Rules

    def page_outcomes(self) -> tuple[PageOutcome, ...]:
        """One per page, in the order they were sent."""
        of = self.matching.assignment
        return tuple(
            PageOutcome.model_construct(
                page_id=page.page_id,
                paged_at=page.paged_at,
                route=page.route,
                severity=page.severity,
                services=page.services,
                outcome=RESULTS[result],
                incident_id=None if incident < 0 else self.incidents[incident].incident_id,
            )
            for page, result, incident in zip(
                self.pages, of.result.tolist(), of.incident.tolist(), strict=True
            )
        )

    def incident_outcomes(self) -> tuple[IncidentOutcome, ...]:
        """One per label, by (start, incident_id); ``page_ids`` hold carried pages too."""
        delays, first_page = self.matching.delay_s(), self.matching.assignment.first_page
        duplicates, fan_outs = self.matching.count(DUPLICATE), self.matching.count(FAN_OUT)
        affected, page_ids = self._affected(), self._page_ids()
        outcomes = []
        for row, label in enumerate(self.incidents):
            detected = self.matching.fate[row] == DETECTED
            outcomes.append(
                IncidentOutcome.model_construct(
                    incident_id=label.incident_id,
                    start=label.start,
                    end=label.end,
                    root_service=label.root_service,
                    affected_services=tuple(sorted(affected[row])),
                    severity=label.severity,
                    kind=label.kind,
                    team=self.teams[row],
                    outcome=FATES[self.matching.fate[row]],
                    detected_at=self.pages[first_page[row]].paged_at if detected else None,
                    time_to_detect_s=float(delays[row]) if detected else None,
                    page_ids=tuple(page_ids[row]),
                    duplicates=int(duplicates[row]),
                    fan_out=int(fan_outs[row]),
                )
            )
        return tuple(outcomes)

    @cached_property
    def roots(self) -> list[str]:
        """The root of each incident, by the name it went by when the incident started."""
        return [self.reference.canonical(label.root_service, label.start) for label in self.incidents]

    @cached_property
    def teams(self) -> list[str | None]:
        """The owner of each incident's root when it started."""
        return [
            self.reference.team(root, label.start)
            for root, label in zip(self.roots, self.incidents, strict=True)
        ]

    def _affected(self) -> list[list[str]]:
        names, of = self.codes.names(), self.matching.incidents.affected
        affected: list[list[str]] = [[] for _ in self.incidents]
        for row, code in zip(of.rows.tolist(), of.codes.tolist(), strict=True):
            affected[row].append(names[code])
        return affected

    def _page_ids(self) -> list[list[str]]:
        page_ids: list[list[str]] = [[] for _ in self.incidents]
        for page, incident in zip(self.pages, self.matching.assignment.incident.tolist(), strict=True):
            if incident >= 0:
                page_ids[incident].append(page.page_id)
        return page_ids


def match(
    pages: Iterable[Page],
    incidents: Iterable[IncidentLabel],
    *,
    rules: Rules,
    time: ScoredTime,
    reference: Reference | None = None,
) -> Matched:
    """Match what was paged with what happened.

    Args:
        pages: one record per page, in any order; what a replay said only because it ended is left out.
        incidents: the latest revision of each label, in any order.
        reference: topology, owners and aliases; None: nothing known.
    """
    reference = reference or Reference()
    sent = sorted((page for page in pages if not page.flushed), key=page_order)
    labels = sorted(incidents, key=lambda label: (label.start, label.incident_id))
    codes = Codes()
    of_incidents = incident_table(labels, rules, reference, time, codes)
    of_pages = page_table(sent, reference, time, codes)
    matching = Matching.of(of_pages, of_incidents, rules.labels_complete, time.end)
    return Matched(matching, sent, labels, reference, codes, rules)
