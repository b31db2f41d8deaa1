"""How long an incident waited for a candidate of its own to open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND
from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.definition import TOLD_BY, CorrelationScore
from titleshot.reports.correlation.partition import by_block
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands


@dataclass(frozen=True)
class Openings:
    """Seconds from each incident's start to the opening of a candidate for it; infinite for never."""

    delay_s: NDArray[np.float64]
    incident_block: NDArray[np.int64]
    blocks: int
    within_s: float

    def only(self, among: NDArray[np.bool_]) -> Openings:
        """Of these incidents."""
        return Openings(self.delay_s[among], self.incident_block[among], self.blocks, self.within_s)

    @classmethod
    def of(cls, account: Account) -> Openings:
        """A candidate opens for an incident if it has one of its alerts and opened at or after start − early.

        One that was open before said nothing new when the incident began: none opened for it. Otherwise one
        endless candidate would open for every incident at once.
        """
        cells, opened = account.partition.cells, account.candidates.opened
        rows = np.flatnonzero(cells.group < account.partition.groups)
        incident, at = cells.incident[rows], opened[cells.group[rows]]
        new = at >= account.incidents.opens[incident]
        first = np.full(account.partition.incidents, np.iinfo(np.int64).max)
        np.minimum.at(first, incident[new], at[new])
        found = first < np.iinfo(np.int64).max
        delay = np.full(len(first), np.inf)
        delay[found] = np.maximum(first[found] - account.incidents.start[found], 0) / SECOND
        return cls(
            delay,
            account.partition.incident_block,
            account.partition.blocks,
            account.terms.settings.detect_within_s,
        )


def _capped(openings: Openings) -> Summands:
    capped = np.minimum(openings.delay_s, openings.within_s)
    return ratio(
        by_block(openings.incident_block, capped, openings.blocks),
        by_block(openings.incident_block, np.ones(len(capped)), openings.blocks),
    )


def _median(openings: Openings) -> Summands:
    ordered = np.sort(openings.delay_s)
    middle = float(ordered[(len(ordered) - 1) // 2]) if len(ordered) else np.nan
    return Summands(
        np.array([[middle if np.isfinite(middle) else np.nan]]),
        lambda sums: sums[..., 0],
    )


def _no_median(openings: Openings) -> str:
    if not len(openings.delay_s):
        return "no labelled incident in scored time"
    found = int(np.isfinite(openings.delay_s).sum())
    return f"only for {found} of {len(openings.delay_s)} incidents a candidate opened, fewer than half"


_FORMULA = (
    "opening = engine clock at which a candidate with one of its alerts was first said, from start − early"
)

MEAN_TIME_TO_OPEN = CorrelationScore(
    name="mean_time_to_open_s",
    unit="s",
    better="down",
    n_of="incidents",
    question="How long did an incident wait for its candidate, if waiting is counted up to the decision's T?",
    formula=f"mean over all incidents of min(max(0, opening − start), T); never counts T; {_FORMULA}",
    range="0 to T; 0 is best",
    misleads=(
        "A candidate that was open before the incident began opens nothing, also where it was open for good"
        " reason. It moves with the detector: an incident without alerts counts T."
    ),
    summands=_capped,
    bound=lambda openings: openings.within_s,
    groups=TOLD_BY,
    n=lambda openings: len(openings.delay_s),
    undefined=lambda _: "no labelled incident in scored time",
)
TIME_TO_OPEN_P50 = CorrelationScore(
    name="time_to_open_p50_s",
    unit="s",
    better="down",
    n_of="incidents",
    question="Within which delay had a candidate opened for half of all incidents?",
    formula=f"smallest delay within which one opened for at least half of all incidents; {_FORMULA}",
    range="0 upwards; null where none opened for half of them",
    misleads="It says nothing of the slower half; mean_time_to_open_s counts it.",
    summands=_median,
    n=lambda openings: len(openings.delay_s),
    undefined=_no_median,
    no_interval="a quantile of few numbers; mean_time_to_open_s carries the interval",
)
