"""How often a window at random holds an alert: what recall by any hit is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from titleshot.reports.correlation.account import Account
from titleshot.reports.correlation.baselines import WINDOW_S, share_with_alert
from titleshot.reports.correlation.definition import CorrelationScore
from titleshot.reports.statistics import Summands


@dataclass(frozen=True)
class Windows:
    """Times of alerts in [start, end), nanoseconds UTC."""

    times: NDArray[np.int64]
    start: int
    end: int

    @classmethod
    def of(cls, account: Account) -> Windows:
        """All alerts of scored time, from its beginning to its end."""
        return cls(account.times, account.terms.time.start, account.terms.time.end)


RANDOM_WINDOW_HIT_RATIO: CorrelationScore[Windows] = CorrelationScore(
    name="random_window_hit_ratio",
    better=None,
    n_of="alerts",
    question=f"How likely does a window of {WINDOW_S} s at random hold an alert?",
    formula=f"share of the span's windows of {WINDOW_S} s that hold at least one alert",
    range="0 to 1",
    misleads="Not of a contender's worth: any_hit_recall near it says nothing more than chance.",
    summands=lambda windows: Summands(
        np.array([[share_with_alert(windows.times, windows.start, windows.end)]]), lambda sums: sums[..., 0]
    ),
    n=lambda windows: len(windows.times),
    undefined=lambda _: f"scored time is shorter than {WINDOW_S} s",
    no_interval="a property of the alerts, not an estimate",
)
