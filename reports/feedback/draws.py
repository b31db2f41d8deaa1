"""The random part of a review queue: pages drawn with unequal, known probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def inclusion(sizes: Float64, n: int) -> Float64:
    """Probabilities in proportion to size that add up to ``n``; what would come above 1 is drawn for sure.

    Args:
        sizes: above 0, at least ``n`` of them.

    >>> inclusion(np.array([1.0, 1.0, 2.0, 12.0]), 2).tolist()
    [0.25, 0.25, 0.5, 1.0]
    """
    chance = np.ones(len(sizes))
    free = np.ones(len(sizes), bool)
    while free.any():
        share = (n - np.count_nonzero(~free)) * sizes / sizes[free].sum()
        certain = free & (share >= 1)
        if not certain.any():
            chance[free] = share[free]
            break
        free &= ~certain
    return chance


def spread(chance: Float64, groups: Sequence[Sequence[int]], random: np.random.Generator) -> list[int]:
    """As many places as ``chance`` adds up to, each drawn with its own; in random order.

    Places of a group lie side by side and one step is drawn from each stretch of chance 1, so that hardly
    ever two of one group are drawn.

    Source: Madow (1949), Annals of Mathematical Statistics 20, systematic sampling with unequal
    probabilities.
    """
    line = [place for group in random.permutation(len(groups)).tolist() for place in groups[group]]
    ends = np.cumsum(chance[line])
    n = round(float(ends[-1])) if len(ends) else 0
    at = np.searchsorted(ends, random.random() + np.arange(n), side="right")
    # The last end may lie an ulp below a whole number.
    drawn = [line[min(place, len(line) - 1)] for place in at.tolist()]
    return [drawn[place] for place in random.permutation(len(drawn)).tolist()]
