"""Positions on a line as percent, so that a drawing stretches with its page and its marks do not."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """Maps [low, high] to 0..100; ``flipped`` puts low at the right."""

    low: float
    high: float
    flipped: bool = False

    def at(self, value: float) -> float:
        """Percent from the left, rounded to a hundredth; what lies outside is drawn at the edge.

        >>> Axis(0, 10).at(2.5), Axis(0, 10, flipped=True).at(2.5), Axis(0, 10).at(99)
        (25.0, 75.0, 100.0)
        """
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return round(100 * (1 - share if self.flipped else share), 2)


def around(values: list[float], *, flipped: bool = False) -> Axis:
    """The axis with zero in it and room at both ends.

    >>> around([-1.0, 4.0])
    Axis(low=-1.6, high=4.6, flipped=False)
    """
    finite = [value for value in [*values, 0.0] if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = 0.12 * (high - low) or 1.0
    return Axis(low - room, high + room, flipped)


def steps(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers within [low, high], at most ``most`` of them.

    >>> steps(0, 23)
    [0.0, 5.0, 10.0, 15.0, 20.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / most
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(scale * factor for factor in (1, 2, 2.5, 5, 10) if scale * factor >= rough * 0.9999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]
