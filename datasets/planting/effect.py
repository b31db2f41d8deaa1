"""What a planted fault does to the samples of a series: a function of each sample alone.

A sample that comes twice, late or in another block is changed in the same way, so the change does not depend
on how samples are read. Only samples within [start, end) are touched; what is not finite stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.planting.kinds import Direction, Kind
from titleshot.datasets.synthetic.effects import Effect, mean_height
from titleshot.datasets.synthetic.streams import stream

Floats = NDArray[np.float64]


class Bounds(NamedTuple):
    """Values a series may have."""

    low: float
    high: float
    whole: bool = False
    """Only whole numbers."""


@dataclass(frozen=True)
class Push:
    """A fault on one series, ready to be applied.

    ``size`` in spreads, or in samples for kinds that push nothing; ``spread`` in the unit of the metric;
    ``last`` is the value a flatline holds; ``cadence``, ``start`` and ``end`` in ns.
    """

    name: str
    series: int
    kind: Kind
    size: float
    direction: Direction
    spread: float
    last: float
    start: int
    end: int
    cadence: int
    bounds: Bounds
    seed: int

    @property
    def removes(self) -> bool:
        """True where samples are taken away."""
        return self.kind.name == "no_data"

    def on(self, timestamps: NDArray[np.int64], values: Floats) -> tuple[Floats, int]:
        """The values as they are under the fault, and how many were held at the end of the range.

        ``timestamps`` must lie within [start, end).
        """
        finite = np.isfinite(values)
        if self.kind.name == "flatline":
            return np.where(finite, self.last, values), 0
        pushed = values + self._push(timestamps)
        if self.bounds.whole:
            pushed = np.rint(pushed)
        # What was outside its range before is a fault of the data, not one of ours to mend.
        low, high = np.minimum(self.bounds.low, values), np.maximum(self.bounds.high, values)
        held = np.clip(pushed, low, high)
        clipped = finite & (held != pushed)
        return np.where(finite, held, values), int(clipped.sum())

    def _push(self, timestamps: NDArray[np.int64]) -> Floats:
        shape = self.kind.shape or "plateau"
        effect = Effect("", self.start, self.end, shape, seed=self._pattern())
        share = mean_height(effect, timestamps, max(self.cadence, 1))
        if self.kind.name == "noise":
            share = share * self._noise(timestamps)
        elif self.direction == "down":
            share = -share
        with np.errstate(over="ignore"):
            return np.asarray(share * (self.size * self.spread))

    def _noise(self, timestamps: NDArray[np.int64]) -> Floats:
        steps = (timestamps - self.start) // max(self.cadence, 1)
        drawn = stream(self.seed, "planted noise", self.name, self.series)
        return np.asarray(
            drawn.standard_normal(int((self.end - self.start) // max(self.cadence, 1)) + 1)[steps]
        )

    def _pattern(self) -> int:
        """Which bursts: equal for all series of a fault."""
        return int(stream(self.seed, "planted burst", self.name).integers(2**31))
