"""Repeated pages on an incident its people already knew of."""

from __future__ import annotations

import numpy as np

from titleshot.reports.assignment import DUPLICATE, FAN_OUT
from titleshot.reports.scores.score import (
    BY_INCIDENT,
    BY_PAGE,
    ScoreDefinition,
    no_weeks,
    on_call_weeks,
    ratio,
)
from titleshot.reports.tally import Tally


def _longest_train(tally: Tally) -> float:
    return float(max(1, tally.duplicates[tally.compared].max(initial=0)))


DUPLICATES_PER_WEEK = ScoreDefinition(
    name="duplicates_per_week",
    unit="per_week",
    better="down",
    n_of="on-call weeks",
    question="How often in a week on call is somebody paged again for what they already know?",
    formula="later hits on a route that was paged for the incident before / on-call weeks",
    range="0 upwards; 0 is best",
    misleads="A contender that detects little repeats little.",
    kind="rate",
    summands=lambda tally: ratio(tally.of_pages(DUPLICATE), tally.weeks),
    n=on_call_weeks,
    undefined=no_weeks,
    groups=BY_PAGE,
)
DUPLICATES_PER_INCIDENT = ScoreDefinition(
    name="duplicates_per_incident",
    unit="per_incident",
    better=None,
    n_of="detected incidents",
    question="How many repeats does one incident bring?",
    formula="duplicates / detected incidents; in a comparison over incidents both detected",
    range="0 upwards",
    misleads="A mean: look at the incidents with long trains of pages.",
    kind="mean",
    summands=lambda tally: ratio(
        tally.of_incidents(np.where(tally.compared, tally.duplicates, 0)), tally.of_incidents(tally.compared)
    ),
    n=lambda tally: int(tally.compared.sum()),
    undefined=lambda _: "no incident was detected",
    bound=_longest_train,
    instead="duplicates_per_week",
    groups=BY_INCIDENT,
)
FAN_OUT_PER_WEEK = ScoreDefinition(
    name="fan_out_per_week",
    unit="per_week",
    better=None,
    n_of="on-call weeks",
    question="How often in a week is another team paged for an incident that one team already knows of?",
    formula="later hits on a route not paged for the incident before / on-call weeks",
    range="0 upwards",
    misleads="The second team may well be the right one.",
    kind="rate",
    summands=lambda tally: ratio(tally.of_pages(FAN_OUT), tally.weeks),
    n=on_call_weeks,
    undefined=no_weeks,
)
