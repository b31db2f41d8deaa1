"""What of a contender's own pages rests on one detector, and what would be lost and spared without it.

A page rests on the alerts its candidate held when it was sent. Without the detector, pages that rest on it
alone would not have been sent, and incidents that only such pages hit would have been missed. That is read
from the log, not replayed: without it the correlator might have cut otherwise and a cooldown let another page
through, so what is lost is an upper limit, and to know it exactly the contender must be replayed without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.assignment import DETECTION, DUPLICATE, FALSE, FAN_OUT, UNMATCHED
from titleshot.reports.by_detector.alert_pages import Alerts
from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

_COUNTED = (DETECTION, DUPLICATE, FAN_OUT, FALSE, UNMATCHED)


def causes(log: ReplayLog, pages: Sequence[Page], alerts: Alerts) -> NDArray[np.int64]:
    """Alerts of each detector behind each page when it was sent: pages x detectors.

    A candidate's alerts are those of its last record. Of one merged into another these are its own.
    """
    counts = np.zeros((len(pages), len(alerts.detectors)), np.int64)
    said = log.table("incidents")
    ids = said["incident_id"].to_pylist()
    last = {name: row for row, name in enumerate(ids)}
    of_page = [last.get(page.incident_id, -1) for page in pages]
    rows = sorted({row for row in of_page if row >= 0})
    if not rows or not len(alerts):
        return counts
    lists = said["event_ids"].take(pa.array(rows, pa.int64())).combine_chunks()
    place = {row: number for number, row in enumerate(rows)}
    alert = pc.fill_null(pc.index_in(lists.flatten(), alerts.event_ids), -1).to_numpy(zero_copy_only=False)
    candidate = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    keys = np.unique(candidate[alert >= 0] * len(alerts) + alert[alert >= 0])  # an alert named twice is one
    candidate, alert = keys // len(alerts), keys % len(alerts)
    edges = np.searchsorted(candidate, np.arange(len(rows) + 1))
    for number, (page, row) in enumerate(zip(pages, of_page, strict=True)):
        if row >= 0:
            held = alert[edges[place[row]] : edges[place[row] + 1]]
            held = held[alerts.emitted_at[held] <= page.paged_at]
            counts[number] = np.bincount(alerts.detector[held], minlength=counts.shape[1])
    return counts


@dataclass(frozen=True)
class Credit:
    """One detector within its contender; masks over the rows of ``tally``."""

    tally: Tally
    behind: Bool
    """Pages with an alert of it."""
    alone: Bool
    """Pages with alerts of it and of no other."""
    lost: Bool
    """Incidents detected, and hit by pages that rest on it alone only."""
    found_alone: Bool
    """Incidents that alerts of it hit as pages, and alerts of no other detector did."""

    @classmethod
    def of(cls, tally: Tally, hit: NDArray[np.int64], causes: NDArray[np.int64], detector: int,
           found: Bool) -> Credit:  # fmt: skip
        """``hit``: the incident of each page, −1 for none; ``found``: incidents x detectors, by alerts."""
        behind = causes[:, detector] > 0
        alone = behind & (causes.sum(axis=1) == causes[:, detector])
        hits = np.isin(tally.result, (DETECTION, DUPLICATE, FAN_OUT))
        in_all = np.bincount(hit[hits], minlength=len(tally.fate))
        by_it = np.bincount(hit[hits & alone], minlength=len(tally.fate))
        return cls(
            tally,
            behind,
            alone,
            tally.detected & (in_all > 0) & (in_all == by_it),
            found[:, detector] & (found.sum(axis=1) == 1),
        )

    def pages(self, mask: Bool, *results: int) -> Float64:
        """Pages of the mask with one of these results, by block."""
        return self.tally.pages_where(mask, self.tally.weeks, self.tally.service_days).of_pages(*results)


def _share_of_pages(credit: Credit, mask: Bool) -> Summands:
    return ratio(credit.pages(mask, *_COUNTED), credit.tally.of_pages(*_COUNTED))


def _share_of_incidents(credit: Credit, mask: Bool) -> Summands:
    counted = credit.tally.counted
    return ratio(credit.tally.of_incidents(mask & counted), credit.tally.of_incidents(counted))


def _false_alone(credit: Credit) -> Summands:
    false = credit.pages(credit.alone, FALSE)
    return ratio(false if credit.tally.complete else false * np.nan, credit.tally.weeks)


def _n_pages(credit: Credit) -> int:
    return int(credit.tally.of_pages(*_COUNTED).sum())


def _n_incidents(credit: Credit) -> int:
    return int(credit.tally.counted.sum())


def _no_page(_: Credit) -> str:
    return "the contender sent no page in scored time"


def _no_incident(_: Credit) -> str:
    return "no labelled incident in scored time"


_SOURCE = "SCORING 1, on the alerts behind each page"

PAGES_CONTRIBUTED: CorrelationScore[Credit] = CorrelationScore(
    name="pages_contributed_ratio",
    better=None,
    n_of="pages",
    question="Behind how many of the contender's own pages stood an alert of this detector?",
    formula="pages whose candidate held an alert of it when the page was sent / all scored pages",
    range="0 to 1; those of several detectors may add up to more than 1",
    misleads="A detector that always speaks is behind every page; see pages_alone_ratio.",
    source=_SOURCE,
    kind="share",
    summands=lambda credit: _share_of_pages(credit, credit.behind),
    n=_n_pages,
    undefined=_no_page,
)
PAGES_ALONE: CorrelationScore[Credit] = CorrelationScore(
    name="pages_alone_ratio",
    better=None,
    n_of="pages",
    question="How many of the contender's own pages would nobody but this detector have caused?",
    formula="pages whose candidate held alerts of it alone when the page was sent / all scored pages",
    range="0 to 1",
    misleads="Right and false pages both count: read it beside recall_lost_without_it and the false ones.",
    source=_SOURCE,
    kind="share",
    summands=lambda credit: _share_of_pages(credit, credit.alone),
    n=_n_pages,
    undefined=_no_page,
)
RECALL_LOST: CorrelationScore[Credit] = CorrelationScore(
    name="recall_lost_without_it",
    better=None,
    n_of="incidents",
    question="How much of the contender's recall rests on this detector alone?",
    formula="detected incidents hit only by pages that rest on it alone / labelled incidents in scored time",
    range="0 to incident_recall",
    misleads=(
        "An upper limit, not replayed: without it a cooldown it caused might have let another page through."
        " Two detectors that each find everything lose nothing one at a time."
    ),
    source=_SOURCE,
    summands=lambda credit: _share_of_incidents(credit, credit.lost),
    n=_n_incidents,
    undefined=_no_incident,
    kind="proportion",
)
FALSE_PAGES_ALONE: CorrelationScore[Credit] = CorrelationScore(
    name="false_pages_spared_per_week_without_it",
    unit="per_week",
    better=None,
    n_of="on-call weeks",
    question="How many of the contender's false pages a week rest on this detector alone?",
    formula="pages that hit no labelled incident and rest on it alone / on-call weeks",
    range="0 to false_pages_per_week",
    misleads="What is spared; read it beside recall_lost_without_it, which is what is paid.",
    source=_SOURCE,
    kind="rate",
    summands=_false_alone,
    n=lambda credit: round(float(credit.tally.weeks.sum())),
    undefined=lambda credit: (
        "no scored time"
        if credit.tally.complete
        else "labels are not declared complete, so a page that hits nothing may be right"
    ),
)
FOUND_ALONE: CorrelationScore[Credit] = CorrelationScore(
    name="incidents_found_alone_ratio",
    better=None,
    n_of="incidents",
    question="How many incidents did only this detector alert on, whatever was paged?",
    formula="incidents that an alert of it hits as a page, and no alert of another / labelled incidents",
    range="0 to its own incident_recall",
    misleads="An alert by chance counts: compare its incident_recall with the chance level.",
    source=_SOURCE,
    summands=lambda credit: _share_of_incidents(credit, credit.found_alone),
    n=_n_incidents,
    undefined=_no_incident,
    kind="proportion",
)
CREDIT_SCORES: tuple[CorrelationScore[Credit], ...] = (
    PAGES_CONTRIBUTED,
    PAGES_ALONE,
    RECALL_LOST,
    FALSE_PAGES_ALONE,
    FOUND_ALONE,
)
"""By detector, after the scores of its alerts as pages."""
