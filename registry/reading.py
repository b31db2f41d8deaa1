"""What a criterion reads of a score: a value, its intervals, what they rest on, and all of it in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from statistics import NormalDist
from typing import Literal

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.datasets.contracts.scores import Direction, Score
from titleshot.registry.labelling import pages_to_label
from titleshot.registry.wording import amount, change, count, percent, span, title, weeks
from titleshot.reports.feedback.definitions import USEFULNESS
from titleshot.reports.statistics import FEWEST_BLOCKS

Place = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class Reading:
    """A score of the challenger, or a paired difference, turned so that up is better.

    ``value``, ``low``, ``high`` stay as scored; ``gain`` is turned.
    """

    score: PairedScore | Score
    better: Direction

    @property
    def value(self) -> float | None:
        return self.score.difference if isinstance(self.score, PairedScore) else self.score.value

    @property
    def gain(self) -> tuple[float, float, float] | None:
        """(value, low, high) with up better; None where any is undefined."""
        return self._turned(self.score.low, self.score.high)

    @property
    def decisive(self) -> tuple[float, float, float] | None:
        """The same at the decisive confidence; only paired differences have one."""
        if isinstance(self.score, PairedScore):
            return self._turned(self.score.decisive_low, self.score.decisive_high)
        return None

    def _turned(self, low: float | None, high: float | None) -> tuple[float, float, float] | None:
        if self.value is None or low is None or high is None:
            return None
        return (self.value, low, high) if self.better == "up" else (-self.value, -high, -low)

    def place(self, bound: float, lenient: float | None = None) -> tuple[Place, bool]:
        """Where the interval lies of a bound, up being better, and whether a failure is decisive.

        Args:
            lenient: what it must lie below to fail, where the bound itself is uncertain.
        """
        if self.gain is None:
            return "undecided", False
        _, low, high = self.gain
        lenient = bound if lenient is None else lenient
        if low > bound:
            return "pass", False
        if high >= lenient:
            return "undecided", False
        return "fail", self.decisive is not None and self.decisive[2] < lenient

    def found(self) -> str:
        """The numbers in one sentence, n and interval included."""
        score, value = self.score, self.value
        name = title(score.name)
        if value is None:
            return f"{name}: undefined ({score.reason or 'no reason given'})"
        paired = isinstance(score, PairedScore)
        said = change(value, score.unit) if paired else amount(value, score.unit)
        if isinstance(score, PairedScore) and score.champion is not None and score.challenger is not None:
            said = (
                f"{amount(score.challenger, score.unit)} against {amount(score.champion, score.unit)}, {said}"
            )
        n = f"n = {count(score.n, score.n_of)}"
        if score.low is None or score.high is None or score.confidence is None:
            return f"{name}: {said} (no interval: {score.reason or 'no reason given'}; {n})"
        interval = span(score.low, score.high, score.unit, signed=paired)
        return f"{name}: {said} ({percent(score.confidence)} interval {interval}; {n})"

    def missing(self, bound: float, comparison: Comparison) -> tuple[str, int | None]:
        """What would decide an undecided one, in words, and the incidents in all that takes, where known."""
        score, name = self.score, title(self.score.name)
        if score.name == USEFULNESS.name:  # its interval is a bracket: answers close it, incidents do not
            return f"{name}: {pages_to_label(score, comparison, self._turn(bound))}", None
        if self.gain is None and self.value is not None and comparison.blocks < FEWEST_BLOCKS:
            days = count(FEWEST_BLOCKS - comparison.blocks, "days")
            return f"{days} more: an interval over days needs {FEWEST_BLOCKS}", None
        if self.gain is None:
            return f"{name}: {score.reason or 'there is no interval'}", None
        value, low, high = self.gain
        reach = value - low if value > bound else high - value
        if value == bound or reach <= 0 or score.n == 0 or not score.confidence:
            return f"{name}: the difference lies on the margin; more data alone may never decide it", None
        total = needed(score.n, reach, abs(value - bound), score.confidence)
        more, side = count(total - score.n, score.n_of), "pass" if value > bound else "fail"
        growth = total / score.n
        wait = f": about {weeks((growth - 1) * comparison.weeks)} at this rate" if comparison.weeks else ""
        return (
            f"{name}: about {more} more ({total:,} in all) would let it {side} four times in five, "
            f"if nothing else changes{wait}"
        ), ceil(growth * comparison.incidents_scored)

    def _turn(self, bound: float) -> float:
        return bound if self.better == "up" else -bound


def needed(n: int, reach: float, distance: float, confidence: float) -> int:
    """How many in all until an interval clears a bound at ``distance`` four times in five.

    Args:
        n: how many there are, that give an interval which reaches ``reach`` to the side of the bound.
        confidence: of that interval, two-sided. Intervals shrink with the root of n.

    >>> needed(100, reach=0.06, distance=0.03, confidence=0.90)
    915
    """
    normal = NormalDist()
    luck = 1 + normal.inv_cdf(0.8) / normal.inv_cdf((1 + confidence) / 2)
    return max(n + 1, int(n * (luck * reach / distance) ** 2) + 1)
