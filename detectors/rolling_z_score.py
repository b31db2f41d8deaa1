"""Rolling z-score: how many deviations a value lies from the mean of the points just before it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numba import njit
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    BandParams,
    Codes,
    Detector,
    Floats,
    Instants,
    Scored,
)
from titleshot.detectors.gaussian_tails import two_sided_t_tail


class RollingZScoreParams(BandParams):
    """``deviation`` divides squares by n (population) or n - 1 (sample)."""

    window: Annotated[int, Field(ge=2, le=10_000)] = 20
    min_points: Annotated[int, Field(ge=2)] = 5
    deviation: Literal["population", "sample"] = "population"
    memory_s: Annotated[float, Field(gt=0, le=366 * 86_400)] | None = None
    """Points older than this leave the window; None keeps the last ``window`` however old."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_points > self.window:
            raise ValueError(f"min_points must be at most window ({self.window}), got {self.min_points}")
        return self


class RollingZScore(Detector):
    """Deviations from the mean of the previous ``window`` points, the value itself left out.

        u = |v - mean| / (threshold × spread),   band = mean ± threshold × spread
        spread = max(deviation, spread_floor, spread_floor_ratio × |mean|)

    Scored from ``min_points`` on; then the value enters the window. Sums run over the window from the oldest
    point to the newest after subtracting the oldest, in two passes: an offset of 1e9, a scale of 1e-9 or a
    spike of 1e12 that has left the window costs no digit, and equal values have a spread of exactly 0.

    Assumes that the next value is drawn like the last ones: level and spread steady over a window, values
    roughly Gaussian and independent.

    Deaf to a slow drift (the mean follows), to the second half of a fault longer than a window (it becomes
    the baseline) and to anything while a spike in the window holds the spread wide. Takes every turn of a
    daily cycle that is steep within a window, and every rollout, for a fault.

    On independent Gaussian noise 1.0 % of samples have u >= 1 with the defaults: (v - mean) / deviation is
    Student's t with n - 1 degrees of freedom, scaled by √((n + 1) / (n - 1)) (population) or √((n + 1) / n).
    ``false_alarm_ratio`` has it for other parameters.

    Source: the worked example of the module; the two passes after Chan, Golub and LeVeque, "Algorithms for
    computing the sample variance", 1983.

    >>> detector = RollingZScore(RollingZScoreParams(min_points=3))
    >>> detector.grow(1)
    >>> minute = 60 * SECOND * np.arange(4)
    >>> scored = detector.fold(np.zeros(4, np.int32), minute, np.array([1.0, 2.0, 3.0, 20.0]))
    >>> scored.strangeness.round(3).tolist(), scored.expected[3:].tolist()
    ([nan, nan, nan, 7.348], [2.0])
    """

    family: ClassVar[str] = "rolling_z_score"
    Params = RollingZScoreParams
    params: RollingZScoreParams

    @property
    def memory_s(self) -> float | None:
        return self.params.memory_s

    def false_alarm_ratio(self, sample_count: int) -> float:
        n = sample_count
        scale = (n + 1) / (n - 1) if self.params.deviation == "population" else (n + 1) / n
        return two_sided_t_tail(self.params.threshold / scale**0.5, n - 1) * (0.5 if self.params.sign else 1)

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        p = self.params
        return {
            # Everything is written twice, a window apart, so that the window lies in one piece.
            "ring": (np.float64, (2 * p.window,)),
            "times": (np.int64, (2 * p.window if p.memory_s else 0,)),
            "filled": (np.int32, ()),
            "next": (np.int32, ()),
            "broken": (np.int64, ()),
        }

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        p, c, n = self.params, self._columns, len(codes)
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        _fold(
            codes, timestamps, values, c["ring"], c["times"], c["filled"], c["next"], c["broken"],
            p.min_points, p.threshold, 1 if p.deviation == "sample" else 0,
            int(p.memory_s * SECOND) if p.memory_s else 0,
            p.spread_floor, p.spread_floor_ratio, p.sign, *scored,
        )  # fmt: skip
        return scored

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        within = f" within {self.params.memory_s:g} s" if self.params.memory_s else ""
        return f"mean of the previous {sample_count} samples{within}"


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values, ring, times, filled, place, broken,
    min_points, threshold, lost, memory, floor, floor_ratio, sign,
    strangeness, expected, lower, upper, counts,
):  # fmt: skip
    window = ring.shape[1] // 2
    for row in range(len(codes)):
        code = codes[row]
        points = ring[code]
        here = place[code]
        n = filled[code]
        if memory > 0:
            moments = times[code]
            while n > 0 and timestamps[row] - moments[here + window - n] > memory:
                n -= 1
        value = values[row]
        u = mean = spread = np.nan
        sound = abs(value) <= LARGEST_VALUE
        if sound and n >= min_points:
            start = here + window - n
            stop = here + window
            first = points[start]
            whole = start + (n & ~3)
            a = b = c = d = 0.0
            for i in range(start, whole, 4):
                a += points[i] - first
                b += points[i + 1] - first
                c += points[i + 2] - first
                d += points[i + 3] - first
            for i in range(whole, stop):
                a += points[i] - first
            shift = ((a + b) + (c + d)) / n
            a = b = c = d = 0.0
            for i in range(start, whole, 4):
                e = (points[i] - first) - shift
                f = (points[i + 1] - first) - shift
                g = (points[i + 2] - first) - shift
                h = (points[i + 3] - first) - shift
                a += e * e
                b += f * f
                c += g * g
                d += h * h
            for i in range(whole, stop):
                e = (points[i] - first) - shift
                a += e * e
            spread = np.sqrt(((a + b) + (c + d)) / (n - lost))
            mean = first + shift
            spread = max(spread, floor, floor_ratio * abs(mean))
            away = (value - first) - shift
            if sign != 0:
                away = max(0.0, sign * away)
            if spread > 0.0:
                u = min(abs(away) / (threshold * spread), HIGHEST_STRANGENESS)
            else:
                u = 0.0
        strangeness[row] = u
        expected[row] = mean
        lower[row] = mean - threshold * spread
        upper[row] = mean + threshold * spread
        counts[row] = n
        if sound:
            points[here] = value
            points[here + window] = value
            if memory > 0:
                moments = times[code]
                moments[here] = timestamps[row]
                moments[here + window] = timestamps[row]
            place[code] = here + 1 if here + 1 < window else 0
            n = min(n + 1, window)
        else:
            broken[code] += 1
        filled[code] = n
