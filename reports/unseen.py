"""How far an interval reaches at the least: what was not seen in n tries may still happen.

A bootstrap of days knows only what was seen: of days that are all alike it says that nothing can differ, and
claiming to know a rate of zero from two quiet weeks would let anything pass. What happens with probability
``tail`` or more is not seen at all in −ln(tail) expected cases, 3.7 at 95 % (the rule of three). So every
interval reaches as far as so many unseen cases would move the score, whatever else it is made of. It matters
where few days differ. That it holds always, and not only where no day differs at all, is what keeps a first
false page from narrowing an interval.

Source: Hanley and Lippman-Hand (1983), JAMA 249, for the rule of three.
"""

from __future__ import annotations

from math import log
from typing import Literal, NamedTuple

Kind = Literal["proportion", "share", "rate", "mean", "quantile", "maximum", "count"]


class Sums(NamedTuple):
    """A score as far as the unseen can move it: its kind, its value, its two sums, its n, its largest step.

    ``bound`` is the largest step one observation can make of a mean, or of a largest rate.
    """

    kind: Kind
    value: float
    above: float
    below: float
    n: int
    bound: float | None


def unseen(found: Sums, confidence: float) -> tuple[float, float] | None:
    """(low, high) of one contender's score; None where nothing can be said.

    >>> low, high = unseen(Sums("rate", 0.0, 0, 10, 10, None), 0.95)
    >>> low, round(high, 3)
    (0.0, 0.369)
    """
    tail = (1 - confidence) / 2
    if found.kind == "share":
        return _with_more_below(found, tail), _with_more_above(found, tail)
    half = _half(found, tail)
    if half is None:
        return None
    low = found.value - half
    # There is no rate below zero.
    return (low if found.kind == "mean" else max(low, 0.0)), found.value + half


def unseen_pair(champion: Sums, challenger: Sums, confidence: float) -> tuple[float, float] | None:
    """The same for challenger minus champion; what was not seen may be on either side.

    >>> same = Sums("share", 0.5, 50, 100, 100, None)
    >>> [round(limit, 3) for limit in unseen_pair(same, same, 0.95)]
    [-0.018, 0.018]
    """
    tail = (1 - confidence) / 2
    if champion.kind == "share":
        return (
            min(_with_more_below(challenger, tail) - champion.value,
                challenger.value - _with_more_above(champion, tail)),
            max(_with_more_above(challenger, tail) - champion.value,
                challenger.value - _with_more_below(champion, tail)),
        )  # fmt: skip
    halves = [half for half in (_half(champion, tail), _half(challenger, tail)) if half is not None]
    if not halves:
        return None
    difference = challenger.value - champion.value
    return difference - max(halves), difference + max(halves)


def _half(found: Sums, tail: float) -> float | None:
    if found.kind == "rate":
        return -log(tail) / found.below
    if found.bound is None or found.kind not in {"mean", "maximum"}:
        return None
    # Of n incidents a share was not seen; of days, so many pages of the team with the fewest weeks.
    return found.bound * (1 - tail ** (1 / found.n) if found.kind == "mean" else -log(tail))


def _with_more_below(found: Sums, tail: float) -> float:
    return found.above / (found.below - log(tail))


def _with_more_above(found: Sums, tail: float) -> float:
    return (found.above - log(tail)) / (found.below - log(tail))
