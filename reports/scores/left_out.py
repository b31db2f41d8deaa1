"""What is in no denominator, so that nobody overlooks how much it is."""

from __future__ import annotations

import numpy as np

from titleshot.reports.matching import CARRIED_IN, CENSORED, NOT_SCORED
from titleshot.reports.scores.score import ScoreDefinition, ratio
from titleshot.reports.statistics import Summands
from titleshot.reports.tally import Tally


def _count(tally: Tally, fate: int) -> Summands:
    # The count itself: its divisor is one, whatever the number of blocks.
    return ratio(tally.of_incidents(tally.fate == fate), np.eye(tally.blocks, 1)[:, 0])


def _scored(tally: Tally) -> int:
    return int((tally.fate != NOT_SCORED).sum())


CARRIED_INCIDENTS = ScoreDefinition(
    name="carried_incidents",
    unit="count",
    better=None,
    n_of="incidents",
    question="How many incidents began while a page on them was already open, and were not paged anew?",
    formula="incidents not detected with a page open at their start; they are in no denominator",
    range="0 upwards",
    misleads="A contender that never closes its pages takes incidents out of its recall: mind it when high.",
    source="SCORING 1",
    kind="count",
    summands=lambda tally: _count(tally, CARRIED_IN),
    n=_scored,
    undefined=lambda _: "no scored time",
)
CENSORED_INCIDENTS = ScoreDefinition(
    name="censored_incidents",
    unit="count",
    better=None,
    n_of="incidents",
    question="How many incidents were cut by the end of the span before they were detected?",
    formula="incidents not detected whose window reaches beyond the evaluation span",
    range="0 upwards",
    misleads="They say nothing against the contender.",
    source="SCORING 1",
    kind="count",
    summands=lambda tally: _count(tally, CENSORED),
    n=_scored,
    undefined=lambda _: "no scored time",
)
