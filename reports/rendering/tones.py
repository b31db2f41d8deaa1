"""What may be said: which side an interval allows, and what the challenger is compared with."""

from __future__ import annotations

import math
from typing import Literal

from titleshot.datasets.contracts.comparisons import Comparison, PairedScore
from titleshot.reports.rendering.wording import counted

Tone = Literal["better", "worse", "open", "same", "unknown"]
TONES: dict[Tone, str] = {
    "better": "better",
    "worse": "worse",
    "open": "could be chance",
    "same": "no difference",
    "unknown": "no interval",
}


def bounds(pair: PairedScore | None) -> tuple[float, float] | None:
    """Ends of the interval of a difference; None where there is none, or one that is not finite."""
    if pair is None or pair.difference is None or pair.low is None or pair.high is None:
        return None
    finite = all(math.isfinite(number) for number in (pair.difference, pair.low, pair.high))
    return (pair.low, pair.high) if finite else None


def tone(pair: PairedScore) -> Tone:
    """What the interval of a difference allows to say: a side only when it leaves zero out."""
    ends = bounds(pair)
    if ends is None or pair.better is None:
        return "unknown"
    low, high = ends
    if low == high == 0:
        return "same"
    if low > 0 or high < 0:
        return "better" if (low > 0) == (pair.better == "up") else "worse"
    return "open"


def counted_of(pair: PairedScore) -> str:
    """``240 incidents``, with the singular where it is one."""
    return counted(pair.n, pair.n_of.removesuffix("s"), pair.n_of)


def pair_named(comparison: Comparison, *names: str) -> PairedScore | None:
    """The first of these scores that the comparison has."""
    by_name = {pair.name: pair for pair in comparison.pairs}
    return next((by_name[name] for name in names if name in by_name), None)


def has_champion(comparison: Comparison) -> bool:
    """False for a first promotion, which is judged against never paging."""
    return comparison.champion.identity.contender != "never"


def today_of(comparison: Comparison) -> str:
    """What the challenger would take the place of, in the middle of a sentence."""
    return "what runs today" if has_champion(comparison) else "no paging at all"
