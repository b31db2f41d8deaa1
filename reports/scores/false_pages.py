"""Pages that matched no incident: per on-call week, for the worst team, per service and day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.assignment import FALSE, UNMATCHED
from titleshot.reports.scores.score import (
    ScoreDefinition,
    needs_complete_labels,
    no_weeks,
    on_call_weeks,
    only_complete,
    ratio,
)
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally


def _worst(tally: Tally) -> Summands:
    """Sums of false pages and of weeks for each rotation; the largest rate among them."""
    rotations = tally.exposure.weeks.shape[1]
    false = np.zeros((tally.blocks, rotations))
    rows = (tally.result == FALSE) & (tally.rotation >= 0)
    np.add.at(false, (tally.page_block[rows], tally.rotation[rows]), 1)

    def of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        pages, weeks = sums[..., :rotations], sums[..., rotations:]
        rates = np.divide(pages, weeks, out=np.full_like(pages, -np.inf), where=weeks > 0)
        worst = rates.max(axis=-1, initial=-np.inf)
        return np.where(np.isfinite(worst), worst, np.nan)

    return Summands(np.hstack([only_complete(tally, false), tally.exposure.weeks]), of)


def _one_page(tally: Tally) -> float:
    """What one page adds to the rate of the rotation with the fewest weeks."""
    weeks = tally.exposure.weeks.sum(axis=0)
    return float(1 / weeks[weeks > 0].min(initial=np.inf))


FALSE_PAGES_PER_WEEK = ScoreDefinition(
    name="false_pages_per_week",
    unit="per_week",
    better="down",
    n_of="on-call weeks",
    question="How often in a week on call is somebody paged for nothing?",
    formula="pages that hit no labelled incident / on-call weeks (weeks x rotations)",
    range="0 upwards; 0 is best",
    misleads="A mean over teams; the worst stands beside. Unlabelled incidents make right pages look false.",
    kind="rate",
    summands=lambda tally: ratio(only_complete(tally, tally.of_pages(FALSE)), tally.weeks),
    n=on_call_weeks,
    undefined=needs_complete_labels("no scored time"),
    groups=frozenset({"team"}),
)
FALSE_PAGES_WORST_TEAM = ScoreDefinition(
    name="false_pages_per_week_worst_team",
    unit="per_week",
    better="down",
    n_of="on-call weeks",
    question="How often in a week is the team with the most false pages paged for nothing?",
    formula="largest over rotations of false pages / weeks",
    range="at least false_pages_per_week",
    misleads="A largest of several is biased upwards when weeks are few.",
    kind="maximum",
    summands=_worst,
    n=on_call_weeks,
    undefined=needs_complete_labels("no scored time"),
    bound=_one_page,
)
FALSE_PAGES_PER_SERVICE_DAY = ScoreDefinition(
    name="false_pages_per_service_day",
    unit="per_service_day",
    better="down",
    n_of="service-days",
    question="How often a day does one service page for nothing?",
    formula="false pages / scored days summed over services; a page counts once, for its probable service",
    range="0 upwards; 0 is best",
    misleads="One noisy service is hidden by many quiet ones; see it by service.",
    kind="rate",
    summands=lambda tally: ratio(only_complete(tally, tally.of_pages(FALSE)), tally.service_days),
    n=lambda tally: round(float(tally.service_days.sum())),
    undefined=needs_complete_labels("no scored time"),
    groups=frozenset({"service"}),
)
UNMATCHED_PAGES_PER_WEEK = ScoreDefinition(
    name="unmatched_pages_per_week",
    unit="per_week",
    better=None,
    n_of="on-call weeks",
    question="How many pages a week hit no label, where labels are not complete?",
    formula="unmatched pages / on-call weeks; false_pages_per_week lies between 0 and this",
    range="0 upwards",
    misleads="It is an end of a bracket, not an estimate.",
    kind="rate",
    summands=lambda tally: ratio(tally.of_pages(UNMATCHED), tally.weeks),
    n=on_call_weeks,
    undefined=no_weeks,
    groups=frozenset({"team"}),
    applies=lambda tally: not tally.complete,
)
