"""The upright axes of drawings against threshold: shares whole, delays up to T, rates by powers of ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from titleshot.datasets.contracts.scores import Score
from titleshot.reports.rendering.axes import steps
from titleshot.reports.rendering.wording import number

_LEAST_RATE = 0.01
"""A rate of zero has no logarithm: this and all below stands on the floor."""


@dataclass(frozen=True)
class UpAxis:
    """Maps [low, high] to percent from the top, on the logarithm where ``by_ten``; outside is the edge."""

    low: float
    high: float
    by_ten: bool
    ticks: tuple[tuple[float, str], ...] = ()

    def down(self, value: float) -> float:
        """Percent from the top.

        >>> UpAxis(0, 10, False).down(2.5), UpAxis(1, 100, True).down(10.0), UpAxis(1, 100, True).down(0.0)
        (75.0, 50.0, 100.0)
        """
        low, high, at = self.low, self.high, value
        if self.by_ten:
            low, high, at = log10(low), log10(high), log10(max(value, self.low))
        share = (at - low) / (high - low)
        return round(100 * (1 - min(1.0, max(0.0, share))), 2)


def axis_of(name: str, scores: Sequence[Score | None], within_s: float) -> UpAxis:
    """The axis that holds these scores. A delay that is never below a third of T has its axis from there."""
    unit = next((score.unit for score in scores if score is not None), "")
    if unit == "ratio":
        return _with(UpAxis(0.0, 1.0, False), [(share, f"{100 * share:.0f} %") for share in (0, 0.5, 1)])
    if name == "mean_time_to_detect_s":
        ends = [end for score in scores if score is not None for end in (score.value, score.low) if end]
        low = within_s / 3 if min(ends, default=0) > within_s / 3 else 0.0
        each, unit = (60, "min") if within_s >= 120 else (1, "s")
        marks = steps(low / each, within_s / each, 3)
        return _with(
            UpAxis(low, within_s, False), [(each * mark, f"{number(mark)} {unit}") for mark in marks]
        )
    ends = [
        value
        for score in scores
        if score is not None
        for value in (score.value, score.low, score.high)
        if value is not None and value > 0
    ]
    low = 10.0 ** floor(log10(max(min(ends, default=1.0), _LEAST_RATE)))
    high = 10.0 ** ceil(log10(max(max(ends, default=10.0), 10 * low)))
    powers = range(round(log10(low)), round(log10(high)) + 1)
    every = ceil(len(powers) / 4)
    return _with(UpAxis(low, high, True), [(10.0**power, number(10.0**power)) for power in powers[::every]])


def _with(axis: UpAxis, ticks: Sequence[tuple[float, str]]) -> UpAxis:
    return UpAxis(axis.low, axis.high, axis.by_ten, tuple((axis.down(at), label) for at, label in ticks))
