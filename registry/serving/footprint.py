"""What a contender takes while it keeps up: the time of its batches and the most memory its process held."""

from __future__ import annotations

import json
import math
import resource
import sys
from collections import Counter

PER_DOUBLING = 8
"""Steps of the histogram from one time to twice that time: a quantile is at most 9 % too high."""
_SHORTEST_S = 1e-6


class Footprint:
    """A histogram of times in steps of equal ratio, so that a year of batches is a few dozen numbers.

    >>> footprint = Footprint()
    >>> for _ in range(99):
    ...     footprint.took(0.002)
    >>> footprint.took(1.0)
    >>> footprint.timed, 2.0 <= footprint.quantile_ms(0.99) < 2.2, footprint.quantile_ms(1.0) >= 1000
    (100, True, True)
    """

    def __init__(self, text: str | None = None) -> None:
        """Start anew, or go on from what :meth:`text` gave."""
        said = json.loads(text) if text else {}
        self._steps = Counter({int(step): int(n) for step, n in said.get("steps", {}).items()})
        self._peak = int(said.get("peak_bytes", 0))

    @property
    def timed(self) -> int:
        """Batches timed."""
        return self._steps.total()

    @property
    def memory_mb(self) -> float | None:
        """Most memory held, 10⁶ bytes; None before the first batch."""
        return self._peak / 1e6 if self._peak else None

    def took(self, seconds: float) -> None:
        """Count a batch, and look how much memory the process has held at most."""
        ratio = max(seconds, _SHORTEST_S) / _SHORTEST_S
        self._steps[math.ceil(PER_DOUBLING * math.log2(ratio))] += 1
        self._peak = max(self._peak, peak_bytes())

    def quantile_ms(self, share: float) -> float | None:
        """The time that this share of batches stayed within, rounded up to a step; None without a batch."""
        left = math.ceil(share * self.timed)
        for step in sorted(self._steps):
            left -= self._steps[step]
            if left <= 0:
                return 1000 * _SHORTEST_S * math.exp2(step / PER_DOUBLING)
        return None

    def text(self) -> str:
        """JSON to go on from."""
        steps = {str(step): n for step, n in sorted(self._steps.items())}
        return json.dumps({"steps": steps, "peak_bytes": self._peak})


def peak_bytes() -> int:
    """The most memory this process has held so far."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else 1024 * held
