"""What one contender did, as numbers by day block: all that scores are computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.reports.assignment import DETECTION, DUPLICATE, FAN_OUT, RESULTS, UNSCORED
from titleshot.reports.exposure import SHIFT, Exposure
from titleshot.reports.matching import CARRIED_IN, CENSORED, DETECTED, MISSED, NOT_SCORED, Matching

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

PAGES_A_SHIFT = 2
"""What a person on call can take in during a shift of twelve hours."""


@dataclass(frozen=True)
class Tally:
    """Arrays over incidents (one row per label), over pages, and over day blocks.

    An incident and the pages that hit it belong to the day of its start, other pages to the day they were
    sent. Rows of what is not scored belong to block 0 and no mask holds them.
    """

    exposure: Exposure
    complete: bool
    """Labels are declared complete: a page that hits nothing is false."""
    within_s: float
    """T of the decision."""

    incident_block: Int64
    fate: NDArray[np.int8]
    delay_s: Float64
    """Infinite where not detected."""
    early: Bool
    """Detected before the labelled start."""
    observed_s: Float64
    """How long an incident was watched: infinite, or until the end of the span that cut it."""
    duplicates: Int64
    named: Int64
    """Services the detecting page named."""
    named_right: Int64
    """Of them, those the incident affects."""
    reset_s: Float64
    """End of the last hitting page's activity − end of the incident; NaN where not detected."""

    counted: Bool
    """Incidents in the denominator of recall."""
    timed: Bool
    """Incidents whose delay up to T is known."""
    watched: Bool
    """Incidents of the delay's distribution: those of recall and those cut by the end of the span."""
    compared: Bool
    """Incidents whose repeats and aftermath are looked at: detected, in a comparison by both."""

    page_block: Int64
    page_day: Int64
    """Block of the day a page was sent, for the load on a shift."""
    result: NDArray[np.int8]
    rotation: Int64
    page_shift: Int64

    weeks: Float64
    """On-call weeks by block."""
    service_days: Float64
    own_shifts: Float64 | None = None
    """Shifts by block where only one rotation's pages are looked at; None: those of all."""

    @property
    def shifts(self) -> Float64:
        """Shifts of 12 hours, by block, that the pages fell into."""
        return self.exposure.shifts if self.own_shifts is None else self.own_shifts

    @property
    def blocks(self) -> int:
        return len(self.exposure.days)

    @property
    def detected(self) -> Bool:
        found: Bool = self.fate == DETECTED
        return found

    def of_incidents(self, values: NDArray[np.generic]) -> Float64:
        """A value per incident, summed by block."""
        return self._summed(self.incident_block, values.astype(float))

    def of_pages(self, *results: int) -> Float64:
        """Pages with one of these results, by block."""
        wanted = np.zeros(len(RESULTS), bool)
        wanted[list(results)] = True
        rows = wanted[self.result]
        return self._summed(self.page_block[rows], np.ones(int(rows.sum())))

    def load(self) -> Float64:
        """Pages that anybody got, by the block of the day they were sent."""
        rows = self.result != UNSCORED
        return self._summed(self.page_day[rows], np.ones(int(rows.sum())))

    def _summed(self, blocks: Int64, values: Float64) -> Float64:
        sums: Float64 = np.bincount(blocks, values, minlength=self.blocks)[: self.blocks].astype(float)
        return sums

    def incidents_where(self, mask: Bool) -> Tally:
        """Only these incidents count; pages stay."""
        masks = ("counted", "timed", "watched", "compared")
        return replace(self, **{name: getattr(self, name) & mask for name in masks})

    def pages_where(
        self, mask: Bool, weeks: Float64, service_days: Float64, shifts: Float64 | None = None
    ) -> Tally:
        """Only these pages, with what they are to be counted per."""
        columns = ("page_block", "page_day", "result", "rotation", "page_shift")
        kept = {name: getattr(self, name)[mask] for name in columns}
        return replace(self, **kept, weeks=weeks, service_days=service_days, own_shifts=shifts)


def tally(
    matching: Matching,
    exposure: Exposure,
    rotations: Int64,
    *,
    end: int,
    within_s: float,
    complete: bool,
) -> Tally:
    """Count one matching. ``rotations``: whom each page woke; ``end`` ends the evaluation span."""
    pages, incidents, found = matching.pages, matching.incidents, matching.assignment
    fate = matching.fate
    cut = incidents.closes > end
    observed_s = np.where(cut, (end - incidents.start) / SECOND, np.inf)
    scored = fate != NOT_SCORED
    incident_block = np.where(scored, _within(exposure, incidents.start), 0)

    rows = np.flatnonzero(np.isin(found.result, (DETECTION, DUPLICATE, FAN_OUT)))
    page_day = np.where(found.result != UNSCORED, _within(exposure, pages.paged_at), 0)
    page_block = page_day.copy()
    page_block[rows] = incident_block[found.incident[rows]]

    detected = fate == DETECTED
    early = np.zeros(len(incidents), bool)
    early[detected] = pages.paged_at[found.first_page[detected]] < incidents.start[detected]
    last_activity = np.full(len(incidents), np.iinfo(np.int64).min)
    np.maximum.at(last_activity, found.incident[rows], pages.active_until[rows])
    reset_s = np.where(detected, (last_activity - incidents.end) / SECOND, np.nan)

    return Tally(
        exposure=exposure,
        complete=complete,
        within_s=within_s,
        incident_block=incident_block,
        fate=fate,
        delay_s=np.where(detected, matching.delay_s(), np.inf),
        early=early,
        observed_s=observed_s,
        duplicates=matching.count(DUPLICATE),
        named=np.append(np.bincount(pages.services.rows, minlength=len(pages)), 0)[found.first_page],
        named_right=_named_right(matching),
        reset_s=reset_s,
        counted=detected | (fate == MISSED),
        timed=detected | (fate == MISSED) | ((fate == CENSORED) & (observed_s >= within_s)),
        watched=scored & (fate != CARRIED_IN),
        compared=detected,
        page_block=page_block,
        page_day=page_day,
        result=found.result,
        rotation=rotations,
        page_shift=pages.paged_at // SHIFT,
        weeks=exposure.weeks.sum(axis=1),
        service_days=exposure.service_days.sum(axis=1),
    )


def _named_right(matching: Matching) -> Int64:
    """Of the services the detecting page of each incident named, how many are affected."""
    first, affected = matching.assignment.first_page, matching.incidents.affected
    # A page is the first of one incident at most.
    incident = np.full(len(matching.pages), -1, np.int64)
    incident[first[first >= 0]] = np.flatnonzero(first >= 0)
    page, code = matching.pages.services
    wide = 1 + max(code.max(initial=0), affected.codes.max(initial=0))
    right = np.isin(incident[page] * wide + code, affected.rows * wide + affected.codes)
    return np.bincount(incident[page[right]], minlength=len(first))


def paired(champion: Tally, challenger: Tally) -> tuple[Tally, Tally]:
    """Both over the same incidents: those that count for either.

    Left out are incidents carried by one of them, and those cut by the end of the span that neither had
    detected by then. One that only one of them had detected when the span ended stays: it is a difference.
    """
    scored = (champion.fate != NOT_SCORED) & (champion.fate != CARRIED_IN) & (challenger.fate != CARRIED_IN)
    either = champion.detected | challenger.detected
    counted = scored & (either | (champion.fate == MISSED))
    timed = champion.timed & challenger.timed & scored
    compared = champion.detected & challenger.detected
    both = {"counted": counted, "timed": timed, "watched": scored, "compared": compared}
    return replace(champion, **both), replace(challenger, **both)


def _within(exposure: Exposure, instants: Int64) -> Int64:
    # What is not scored may lie outside every block; no mask holds it, so any block will do.
    return np.minimum(exposure.block(instants), max(len(exposure.days) - 1, 0))
