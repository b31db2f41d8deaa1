"""Does the correlator keep silent about causes while nothing happens?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import HOUR, SECOND
from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.correlation.partition import by_block
from titleshot.reports.scores.score import ratio
from titleshot.reports.statistics import Summands


@dataclass(frozen=True)
class QuietHours:
    """Whole hours of scored time that touch no incident, and whether a cause was named in them."""

    named: NDArray[np.bool_]
    day: NDArray[np.int64]
    blocks: int
    complete: bool

    @classmethod
    def of(cls, account: Account) -> QuietHours:
        time, table = account.terms.time, account.every_incident
        hours = np.arange(-(-time.start // HOUR), time.end // HOUR, dtype=np.int64) * HOUR
        whole = hours[time.seconds(None, hours, HOUR) >= HOUR / SECOND]
        # Of all that opened by the end of an hour, the latest to close; then none may have begun before it.
        latest = np.maximum.accumulate(table.closes[np.argsort(table.opens)]) if len(table) else table.closes
        begun = np.searchsorted(np.sort(table.opens), whole + HOUR, "left")
        until = np.append(np.iinfo(np.int64).min, latest)[begun]
        quiet = whole[until <= whole]
        # An alert in no candidate, numbered −1, blames nobody.
        named = np.array([*map(bool, account.candidates.hypotheses), False], bool)
        blamed = account.times[named[account.partition.group]] // HOUR * HOUR
        return cls(
            np.isin(quiet, blamed),
            account.terms.exposure.block(quiet),
            account.partition.blocks,
            account.partition.complete,
        )


def _summands(hours: QuietHours) -> Summands:
    silent = by_block(hours.day, ~hours.named, hours.blocks)
    if not hours.complete:
        silent = silent * np.nan
    return ratio(silent, by_block(hours.day, np.ones(len(hours.named)), hours.blocks))


QUIET_SPECIFICITY = CorrelationScore(
    name="quiet_specificity",
    better="up",
    n_of="quiet hours",
    question="In how many quiet hours did it blame nobody?",
    formula=(
        "quiet hours in which no candidate with a hypothesis had an alert / quiet hours: whole hours of"
        " scored time that touch no incident"
    ),
    range="0 to 1; 1 is best",
    misleads=(
        "A correlator that never names a cause has 1: read it beside ac_at_1. Alerts that linger after an"
        " incident cost an hour too."
    ),
    kind="share",
    summands=_summands,
    n=lambda hours: len(hours.named),
    undefined=lambda hours: (
        "no whole hour of scored time is without an incident"
        if hours.complete
        else "labels are not declared complete, so no hour is known to be quiet"
    ),
)
