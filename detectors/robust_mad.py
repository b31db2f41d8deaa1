"""Robust MAD: how many robust deviations a value lies from the median of the points just before it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numba import njit
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    BandParams,
)
from titleshot.detectors.gaussian_tails import robust_tail
from titleshot.detectors.one_row import Step, StepDetector

GAUSSIAN_MAD = 1.482602218505602
"""Deviation of a Gaussian in units of its median absolute deviation."""


class RobustMadParams(BandParams):
    """Floors matter more here than elsewhere: half the window equal makes a MAD of 0."""

    window: Annotated[int, Field(ge=3, le=10_000)] = 60
    min_points: Annotated[int, Field(ge=3)] = 10
    memory_s: Annotated[float, Field(gt=0, le=366 * 86_400)] | None = None
    """Points older than this leave the window; None keeps the last ``window`` however old."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_points > self.window:
            raise ValueError(f"min_points must be at most window ({self.window}), got {self.min_points}")
        return self


class RobustMad(StepDetector):
    """Deviations from the median of the previous ``window`` points, the value itself left out.

        u = |v - median| / (threshold × spread),   band = median ± threshold × spread
        spread = max(1.4826 × median |point - median|, spread_floor, spread_floor_ratio × |median|)

    Median and MAD are exact: a window kept sorted, and the middle of two sorted runs of deviations. Scored
    from ``min_points`` on; then the value enters the window.

    Assumes that more than half of a window is healthy. Spikes in the baseline then cost nothing, which is
    where it hears faults that come close together and a rolling mean does not.

    Deaf to a fault that lasts longer than half a window (it becomes the baseline), to a slow drift, and,
    with both floors 0, to everything on a series of which half a window is equal, such as error counts that
    are mostly 0: set ``spread_floor``. A bimodal series (batch jobs) has a MAD as wide as the gap.

    On independent Gaussian noise 0.7 % of samples have u >= 1 with the defaults, 2.2 % with a window of 20:
    the tail of Student's t with .3675 n degrees of freedom, the efficiency of the MAD, the median's own
    error included. ``false_alarm_ratio`` has it for other parameters.

    Source: Hampel, "The influence curve and its role in robust estimation", 1974; Leys et al., "Detecting
    outliers", 2013.

    >>> detector = RobustMad(RobustMadParams(min_points=3))
    >>> detector.grow(1)
    >>> minute = 60 * SECOND * np.arange(5)
    >>> scored = detector.fold(np.zeros(5, np.int32), minute, np.array([1.0, 2.0, 900.0, 3.0, 20.0]))
    >>> scored.strangeness.round(3).tolist(), scored.expected[4:].tolist()
    ([nan, nan, nan, 0.225, 3.935], [2.5])
    """

    family: ClassVar[str] = "robust_mad"
    baseline_by_count: ClassVar[bool] = True
    Params = RobustMadParams
    params: RobustMadParams

    @property
    def memory_s(self) -> float | None:
        return self.params.memory_s

    def false_alarm_ratio(self, sample_count: int) -> float:
        return robust_tail(self.params.threshold, sample_count) * (0.5 if self.params.sign else 1)

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        p = self.params
        return {
            "ring": (np.float64, (p.window,)),
            "ordered": (np.float64, (p.window,)),
            "times": (np.int64, (p.window if p.memory_s else 0,)),
            "filled": (np.int32, ()),
            "next": (np.int32, ()),
            "broken": (np.int64, ()),
        }

    def _step(self) -> Step:
        return Step(_fold, _one)

    def _given(self) -> tuple[Any, ...]:
        p, c = self.params, self._columns
        return (
            c["ring"], c["ordered"], c["times"], c["filled"], c["next"], c["broken"],
            p.min_points, p.threshold, int(p.memory_s * SECOND) if p.memory_s else 0,
            p.spread_floor, p.spread_floor_ratio, p.sign,
        )  # fmt: skip

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        within = f" within {self.params.memory_s:g} s" if self.params.memory_s else ""
        return f"median of the previous {sample_count} samples{within}"


@njit(cache=True, nogil=True, error_model="numpy")
def _place(ordered, n, value):  # type: ignore[no-untyped-def] # pragma: no cover
    """Index of the first of n ordered points that is not below a value."""
    low, high = 0, n
    while low < high:
        middle = (low + high) >> 1
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def _middle_deviation(ordered, n, median):  # type: ignore[no-untyped-def] # pragma: no cover
    """Median of |point - median| of n ordered points.

    The deviations left of the middle, outwards, and right of it are two ordered runs; a binary search finds
    how many of the left are among the smallest ``k`` of both.
    """
    half = n >> 1
    k = (n + 1) >> 1
    low, high = 0, min(k, half)
    while low < high:
        left = (low + high) >> 1
        if median - ordered[half - 1 - left] < ordered[half + k - left - 1] - median:
            low = left + 1
        else:
            high = left
    right = k - low
    at = -1.0
    if low > 0:
        at = median - ordered[half - low]
    if right > 0:
        at = max(at, ordered[half + right - 1] - median)
    if n & 1:
        return at
    after = np.inf
    if low < half:
        after = median - ordered[half - 1 - low]
    if half + right < n:
        after = min(after, ordered[half + right] - median)
    return (at + after) / 2.0


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values, ring, sorted_ring, times, filled, place, broken,
    min_points, threshold, memory, floor, floor_ratio, sign,
    strangeness, expected, lower, upper, counts,
):  # fmt: skip
    window = ring.shape[1]
    for row in range(len(codes)):
        code = codes[row]
        points = ring[code]
        ordered = sorted_ring[code]
        here = place[code]
        n = filled[code]
        if memory > 0:
            moments = times[code]
            while n > 0:
                oldest = here - n if here >= n else here - n + window
                if timestamps[row] - moments[oldest] <= memory:
                    break
                n -= 1
                for i in range(_place(ordered, n, points[oldest]), n):
                    ordered[i] = ordered[i + 1]
        # Adding 0 makes -0 equal to 0 in bits too.
        value = values[row] + 0.0
        u = median = spread = np.nan
        sound = abs(value) <= LARGEST_VALUE
        if sound and n >= min_points:
            half = n >> 1
            median = ordered[half] if n & 1 else (ordered[half - 1] + ordered[half]) / 2.0
            spread = GAUSSIAN_MAD * _middle_deviation(ordered, n, median)
            spread = max(spread, floor, floor_ratio * abs(median))
            away = value - median
            if sign != 0:
                away = max(0.0, sign * away)
            if spread > 0.0:
                u = min(abs(away) / (threshold * spread), HIGHEST_STRANGENESS)
            else:
                u = 0.0
        strangeness[row] = u
        expected[row] = median
        lower[row] = median - threshold * spread
        upper[row] = median + threshold * spread
        counts[row] = n
        if sound:
            gap = n
            if n == window:
                gap = _place(ordered, n, points[here])
            else:
                n += 1
            # Move what lies between the gap and the place of the new value by one.
            while gap > 0 and ordered[gap - 1] > value:
                ordered[gap] = ordered[gap - 1]
                gap -= 1
            while gap < n - 1 and ordered[gap + 1] < value:
                ordered[gap] = ordered[gap + 1]
                gap += 1
            ordered[gap] = value
            points[here] = value
            if memory > 0:
                moments = times[code]
                moments[here] = timestamps[row]
            place[code] = here + 1 if here + 1 < window else 0
        else:
            broken[code] += 1
        filled[code] = n


@njit(cache=True, error_model="numpy")
def _one(row, code, timestamp, value):  # type: ignore[no-untyped-def] # pragma: no cover
    row.codes[0], row.timestamps[0], row.values[0] = code, timestamp, value
    _fold(row.codes, row.timestamps, row.values, *row.given)
    return row.strangeness[0], row.expected[0], row.lower[0], row.upper[0], row.counts[0]
