"""Intervals where every day says the same: what was not seen in n tries may still happen.

A bootstrap of days that are all alike has no width. Claiming to know a rate of zero from two quiet weeks
would let anything pass.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Literal, NamedTuple

from scipy.special import chdtri

from titleshot.reports.proportions import wilson

Kind = Literal["proportion", "share", "rate", "mean", "quantile", "maximum", "count"]


class Alike(NamedTuple):
    """A score whose days are all alike: its kind, its two sums, its n and the largest single step."""

    kind: Kind
    above: float
    below: float
    n: int
    bound: float | None


def alike(found: Alike, confidence: float) -> tuple[float, float, str] | None:
    """(low, high, method) of one contender's score; None where nothing can be said.

    >>> low, high, _ = alike(Alike("rate", 0, 10, 10, None), 0.95)
    >>> low, round(high, 3)
    (0.0, 0.369)
    """
    tail = (1 - confidence) / 2
    if found.kind == "rate":
        low = float(chdtri(2 * found.above, 1 - tail)) / 2 if found.above > 0 else 0.0
        high = float(chdtri(2 * (found.above + 1), tail)) / 2
        return low / found.below, high / found.below, "exact Poisson interval, all days alike"
    if found.kind == "share":
        return *wilson(found.above, found.below, confidence), "Wilson score interval, all days alike"
    if found.kind == "mean" and found.bound is not None:
        value, half = found.above / found.below, found.bound * _unseen_share(found.n, tail)
        return value - half, value + half, "limit of the unseen, all days alike"
    return None


def alike_pair(champion: Alike, challenger: Alike, confidence: float) -> tuple[float, float, str] | None:
    """The same for the difference of two contenders that no day tells apart."""
    tail = (1 - confidence) / 2
    difference = challenger.above / challenger.below - champion.above / champion.below
    if champion.kind == "rate":
        half = -log(tail) / challenger.below
        return difference - half, difference + half, "Poisson limit where no day differs"
    if champion.kind == "share":
        (low1, high1), (low2, high2) = (wilson(s.above, s.below, confidence) for s in (champion, challenger))
        p1, p2 = champion.above / champion.below, challenger.above / challenger.below
        low = difference - sqrt((p2 - low2) ** 2 + (high1 - p1) ** 2)
        high = difference + sqrt((high2 - p2) ** 2 + (p1 - low1) ** 2)
        return low, high, "Newcombe's interval where no day differs"
    bounds = [found.bound for found in (champion, challenger) if found.bound is not None]
    if champion.kind == "mean" and bounds:
        half = max(bounds) * _unseen_share(min(champion.n, challenger.n), tail)
        return difference - half, difference + half, "limit of the unseen where no day differs"
    return None


def _unseen_share(n: int, tail: float) -> float:
    """The largest share of cases that n tries would still miss altogether with probability ``tail``."""
    return float(1 - tail ** (1 / n))
