"""Rolling z-score: how many deviations a value lies from the mean of the points just before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    BandParams,
)
from titleshot.detectors.gaussian_tails import two_sided_t_tail
from titleshot.detectors.one_row import Step, StepDetector


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


class RollingZScore(StepDetector):
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
    baseline_by_count: ClassVar[bool] = True
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

    def _step(self) -> Step:
        return Step(_fold, _one)

    def _given(self) -> tuple[Any, ...]:
        p, c = self.params, self._columns
        return (
            c["ring"], c["times"], c["filled"], c["next"], c["broken"],
            p.min_points, p.threshold, 1 if p.deviation == "sample" else 0,
            int(p.memory_s * SECOND) if p.memory_s else 0,
            p.spread_floor, p.spread_floor_ratio, p.sign,
        )  # fmt: skip

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        within = f" within {self.params.memory_s:g} s" if self.params.memory_s else ""
        return f"mean of the previous {sample_count} samples{within}"


_FOUR = ir.VectorType(ir.DoubleType(), 4)


def _over_fours(builder: Any, points: Any, start: Any, stop: Any, term: Callable[[Any], Any]) -> Any:
    """Four sums side by side over points start, start + 4 … below stop, then (a + b) + (c + d).

    Vector instructions, because no compiler may reorder a sum for speed: this order holds on every machine.
    """
    sums = cgutils.alloca_once_value(builder, ir.Constant(_FOUR, [0.0] * 4))
    with cgutils.for_range_slice(builder, start, stop, ir.Constant(start.type, 4)) as (i, _):
        four = builder.load(builder.bitcast(builder.gep(points, [i]), _FOUR.as_pointer()))
        four.align = 8
        builder.store(builder.fadd(builder.load(sums), term(four)), sums)
    a, b, c, d = (
        builder.extract_element(builder.load(sums), ir.Constant(ir.IntType(32), lane)) for lane in range(4)
    )
    return builder.fadd(builder.fadd(a, b), builder.fadd(c, d))


def _in_all_lanes(builder: Any, number: Any) -> Any:
    four = ir.Constant(_FOUR, ir.Undefined)
    for lane in range(4):
        four = builder.insert_element(four, number, ir.Constant(ir.IntType(32), lane))
    return four


@intrinsic
def _sum_of_fours(_typing: Any, points: Any, _start: Any, _stop: Any, _first: Any) -> Any:
    """Sum of points - first; stop - start is a multiple of 4."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        base = _in_all_lanes(builder, given[3])
        return _over_fours(builder, data, given[1], given[2], lambda four: builder.fsub(four, base))

    return types.float64(points, types.intp, types.intp, types.float64), generate


@intrinsic
def _squares_of_fours(_typing: Any, points: Any, _start: Any, _stop: Any, _first: Any, _shift: Any) -> Any:
    """Sum of squares of (points - first) - shift; stop - start is a multiple of 4."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        base, mean = _in_all_lanes(builder, given[3]), _in_all_lanes(builder, given[4])

        def square(four: Any) -> Any:
            away = builder.fsub(builder.fsub(four, base), mean)
            return builder.fmul(away, away)

        return _over_fours(builder, data, given[1], given[2], square)

    return types.float64(points, types.intp, types.intp, types.float64, types.float64), generate


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
            total = _sum_of_fours(points, start, whole, first)
            for i in range(whole, stop):
                total += points[i] - first
            shift = total / n
            squares = _squares_of_fours(points, start, whole, first, shift)
            for i in range(whole, stop):
                away = (points[i] - first) - shift
                squares += away * away
            spread = np.sqrt(squares / (n - lost))
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


@njit(cache=True, error_model="numpy")
def _one(row, code, timestamp, value):  # type: ignore[no-untyped-def] # pragma: no cover
    row.codes[0], row.timestamps[0], row.values[0] = code, timestamp, value
    _fold(row.codes, row.timestamps, row.values, *row.given)
    return row.strangeness[0], row.expected[0], row.lower[0], row.upper[0], row.counts[0]
