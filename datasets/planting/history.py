"""What a series did just before a fault: its spread, and its last value.

The spread is the deviation of samples from the level of the moment: over the last 288 samples before the
fault, cut into runs of twelve, 1.4826 times the median of |value − median of its run|. Runs follow cycles and
drifts, so the spread is that of the noise, not of the day. Where more than half the samples sit on the
level exactly, as with sparse errors, that median is 0 and 1.2533 times the mean deviation stands in for it
(both are one standard deviation for normal noise). A series that did not move at all has no spread and
gets no fault that is sized in it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

RUN: Final = 12
SAMPLES: Final = 24 * RUN
"""Samples before a fault that are looked at; a third of them must be there."""
LEAST: Final = SAMPLES // 3

Floats = NDArray[np.float64]


class History(NamedTuple):
    """Finite samples before a fault in the order of time, first arrival of each timestamp."""

    spread: float
    """0 where the series did not move."""
    last: float
    samples: int


def history_of(timestamps: NDArray[np.int64], values: Floats) -> History:
    """The history in samples that came in any order; the first of equal timestamps counts.

    >>> times = np.arange(240)
    >>> history_of(times, np.tile([1.0, 2.0, 3.0], 80)).spread
    1.4826
    """
    finite = np.isfinite(values)
    stamps, values = timestamps[finite], values[finite]
    _, first = np.unique(stamps, return_index=True)  # the first of equal ones
    values = values[first]
    if not len(values):
        return History(0.0, 0.0, 0)
    return History(spread_of(values), float(values[-1]), len(values))


def spread_of(values: Floats) -> float:
    """The spread of finite values in the order of time; the last run may be longer than twelve."""
    runs = [values[at : at + RUN] for at in range(0, max(len(values) // RUN, 1) * RUN, RUN)]
    runs[-1] = values[(len(runs) - 1) * RUN :]
    apart = np.concatenate([np.abs(run - np.median(run)) for run in runs])
    return float(1.4826 * np.median(apart)) or float(1.2533 * apart.mean())
