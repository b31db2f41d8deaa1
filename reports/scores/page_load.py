"""What the people on call had to take in, right or wrong."""

from __future__ import annotations

import numpy as np

from titleshot.datasets.contracts.instants import WEEK
from titleshot.reports.assignment import UNSCORED
from titleshot.reports.exposure import SHIFT
from titleshot.reports.scores.score import ScoreDefinition, no_weeks, on_call_weeks, ratio
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import PAGES_A_SHIFT, Tally

_SHIFTS_A_WEEK = WEEK / SHIFT


def _over_budget(tally: Tally) -> Summands:
    rows = tally.result != UNSCORED
    _, first, pages = np.unique(
        np.column_stack([tally.page_shift[rows], tally.rotation[rows]]),
        axis=0, return_index=True, return_counts=True,
    )  # fmt: skip
    over = first[pages > PAGES_A_SHIFT]
    by_block = np.bincount(tally.page_day[rows][over], minlength=tally.blocks)[: tally.blocks].astype(float)
    return ratio(by_block, tally.shifts)


PAGES_PER_WEEK = ScoreDefinition(
    name="pages_per_week",
    unit="per_week",
    better="down",
    n_of="on-call weeks",
    question="How many pages does a week on call bring, right or wrong?",
    formula="all pages in scored time / on-call weeks",
    range="0 upwards",
    misleads="Fewer is better only at the same recall.",
    kind="rate",
    summands=lambda tally: ratio(tally.load(), tally.weeks),
    n=on_call_weeks,
    undefined=no_weeks,
    groups=frozenset({"team"}),
)
PAGES_PER_SHIFT = ScoreDefinition(
    name="pages_per_shift",
    unit="per_shift",
    better="down",
    n_of="on-call weeks",
    question="How many pages does a shift of 12 hours bring, right or wrong? Two is a common budget.",
    formula="all pages in scored time / (on-call weeks x 14)",
    range="0 upwards",
    misleads="A mean: storms hide in it, see shifts_over_budget_ratio.",
    kind="rate",
    summands=lambda tally: ratio(tally.load(), tally.weeks * _SHIFTS_A_WEEK),
    n=on_call_weeks,
    undefined=no_weeks,
    groups=frozenset({"team"}),
)
SHIFTS_OVER_BUDGET = ScoreDefinition(
    name="shifts_over_budget_ratio",
    unit="ratio",
    better="down",
    n_of="shifts",
    question="In how many shifts of 12 hours came more than two pages?",
    formula="shifts of a rotation (from 00:00 and 12:00 UTC) with more than 2 pages / shifts",
    range="0 to 1; 0 is best",
    misleads="It does not say how many more.",
    kind="share",
    summands=_over_budget,
    n=lambda tally: round(float(tally.shifts.sum())),
    undefined=no_weeks,
    groups=frozenset({"team"}),
)
