"""DSPOT: how far a value is from the last few, in units of what extreme value theory holds for too far."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numba import njit
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.answers import Answers, Notes, Ticks
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    Codes,
    DetectorParams,
    Direction,
    Floats,
    Instants,
)
from titleshot.detectors.one_row import Step, StepDetector


class DspotParams(DetectorParams):
    """Strange is what is exceeded with a probability of ``risk``."""

    risk: Annotated[float, Field(gt=0, le=0.05)] = 1e-4
    """On each side."""
    depth: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Values of which the mean is what the next one is held against."""
    window: Annotated[int, Field(ge=100, le=20_000)] = 2_000
    """Distances that are remembered."""
    min_points: Annotated[int, Field(ge=50)] = 200
    tail_ratio: Annotated[float, Field(ge=0.005, le=0.2)] = 0.02
    """This share of them on either side, and at least ten, is the tail."""
    memory_s: Annotated[float, Field(gt=0, le=366 * 86_400)] | None = None
    """Values and distances older than this are forgotten; None keeps the last ones however old."""
    direction: Direction = "both"
    spread_floor: Annotated[float, Field(ge=0, le=LARGEST_VALUE)] = 0.0
    """In the metric's unit: no value this close to the last few is strange."""
    spread_floor_ratio: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """Nor one within this share of the absolute mean."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_points > self.window:
            raise ValueError(f"min_points must be at most window ({self.window}), got {self.min_points}")
        if self.risk >= self.tail_ratio:
            raise ValueError(f"risk must be below tail_ratio ({self.tail_ratio:g}), got {self.risk:g}")
        return self


class Dspot(StepDetector):
    """Distance from the mean of the last ``depth`` values, by a generalised Pareto tail of such distances.

        u = (v - mean) / z_high or (mean - v) / z_low,   band = mean - z_low … mean + z_high
        z = t + sigma / xi × ((risk × n / k)^-xi - 1),   z >= spread_floor, spread_floor_ratio × |mean|

    ``t`` is the distance that ``k`` of the last ``n`` exceed, ``xi`` and ``sigma`` shape and scale of the
    Pareto law of their excesses, by probability-weighted moments. Each side has a tail of its own. The
    probability of a distance this large, on either side where both count, is in the evidence as
    ``tail_probability``.

    Assumes that the level holds over ``depth`` values and that large distances come from one law, whatever
    the law of small ones. Needs no Gaussian: on heavy tails it is as rare as it says.

    Deaf to a slow drift, to all but the edges of a lasting change, to what is strange only for the time of
    day, and to more faults after a window with many: they are in the tail it knows. Constant series have no
    tail: without a floor u is 0.

    On independent Gaussian noise .05 % of samples have u >= 1 with 2,000 distances behind them and .2 % with
    200, where .02 % are asked for: a tail is known from few points. On Student's t with 3 degrees and uniform
    noise the same, on lognormal .08 %; probabilities of .01 and .001 come .012 and .0015 of the time.
    State: 24 bytes a distance, 48 kB a series with the defaults; a step costs a search, a move of half a
    window and two passes over the tails: .8 µs.

    Source: Siffer, Fouque, Termier and Largouët, "Anomaly detection in streams with extreme value theory",
    2017, DSPOT. Ours: a sliding window for the ever longer list of peaks; moments (Hosking and Wallis,
    "Parameter and quantile estimation for the generalized Pareto distribution", 1987) for maximum likelihood,
    with xi within ±.5; and alarms enter the tail, since what is left out by its own decisions never forgets.

    >>> detector = Dspot(DspotParams(min_points=50, depth=1))
    >>> detector.grow(1)
    >>> values = np.sin(np.arange(300.0) ** 2)
    >>> values[299] = 40.0
    >>> minute = 60 * SECOND * np.arange(300)
    >>> scored = detector.fold(np.zeros(300, np.int32), minute, values)
    >>> bool(scored.strangeness[60:299].max() < 1.5), bool(scored.strangeness[299] > 10)
    (True, True)
    """

    family: ClassVar[str] = "dspot"
    baseline_by_count: ClassVar[bool] = True
    note_columns: ClassVar[tuple[str, ...]] = ("tail",)
    Params = DspotParams
    params: DspotParams

    @property
    def memory_s(self) -> float | None:
        # A distance rests on values that were within memory when it was made.
        return None if self.params.memory_s is None else 2 * self.params.memory_s

    @property
    def window_seconds(self) -> float | None:
        return self.params.memory_s

    def false_alarm_ratio(self, sample_count: int) -> float:
        share = self.params.risk * (1 if self.params.direction != "both" else 2)
        return float(share * (1 + 1.5 * (2_000 / max(sample_count, 50)) ** 0.8))

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        p = self.params
        return {
            "values": (np.float64, (p.depth,)),
            "value_times": (np.int64, (p.depth,)),
            "values_filled": (np.int32, ()),
            "values_next": (np.int32, ()),
            "distances": (np.float64, (p.window,)),
            "times": (np.int64, (p.window,)),
            "ordered": (np.float64, (p.window,)),
            "filled": (np.int32, ()),
            "next": (np.int32, ()),
            "broken": (np.int64, ()),
        }

    def _step(self) -> Step:
        return Step(_fold, _one)

    def _given(self) -> tuple[Any, ...]:
        p, c = self.params, self._columns
        return (
            c["values"], c["value_times"], c["values_filled"], c["values_next"],
            c["distances"], c["times"], c["ordered"], c["filled"], c["next"], c["broken"],
            p.min_points, p.risk, p.tail_ratio, int((p.memory_s or 0) * SECOND),
            p.spread_floor, p.spread_floor_ratio, {"both": 0, "high": 1, "low": -1}[p.direction],
        )  # fmt: skip

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:  # noqa: ARG002
        return Answers(*self._folded(codes, timestamps, values))

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        p = self.params
        return f"mean of the previous {p.depth} samples, and how far the last {sample_count} were from theirs"

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:  # noqa: ARG002
        return {"tail_probability": float(notes["tail"][row])}


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
def _tail(ordered, n, tail_ratio, risk, side):  # type: ignore[no-untyped-def] # pragma: no cover
    """Threshold, scale, shape, share beyond the threshold, and the distance exceeded with a risk."""
    k = max(10, int(tail_ratio * n))
    edge = ordered[n - 1 - k] if side > 0 else -ordered[k]
    mean = weighted = 0.0
    for i in range(k):
        # From the smallest excess to the largest.
        excess = (ordered[n - k + i] if side > 0 else -ordered[k - 1 - i]) - edge
        mean += excess
        weighted += (1.0 - (i + 0.65) / k) * excess
    mean /= k
    weighted /= k
    share = k / n
    if mean <= 0.0:
        return edge, 0.0, 0.0, share, edge
    xi = 2.0 - mean / (mean - 2.0 * weighted) if mean > 2.0 * weighted else -0.5
    xi = min(max(xi, -0.5), 0.5)
    sigma = mean * (1.0 - xi)
    if abs(xi) < 1e-6:
        far = edge + sigma * np.log(share / risk)
    else:
        far = edge + sigma / xi * ((risk / share) ** -xi - 1.0)
    return edge, sigma, xi, share, far


@njit(cache=True, nogil=True, error_model="numpy")
def _beyond(away, edge, sigma, xi, share):  # type: ignore[no-untyped-def] # pragma: no cover
    """Probability of a distance beyond the edge."""
    if sigma <= 0.0:
        return share
    if abs(xi) < 1e-6:
        return share * np.exp(-(away - edge) / sigma)
    return share * max(0.0, 1.0 + xi * (away - edge) / sigma) ** (-1.0 / xi)


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values,
    all_recent, recent_times, recent_filled, recent_next, all_distances, all_times, all_ordered,
    filled, place, broken, min_points, risk, tail_ratio, memory, floor, floor_ratio, sign,
    strangeness, expected, lower, upper, counts, tails,
):  # fmt: skip
    depth, window = all_recent.shape[1], all_distances.shape[1]
    for row in range(len(codes)):
        code = codes[row]
        now = timestamps[row]
        recent, distances, ordered = all_recent[code], all_distances[code], all_ordered[code]
        n, here = filled[code], place[code]
        while n > 0 and memory > 0:
            oldest = here - n if here >= n else here - n + window
            if now - all_times[code, oldest] <= memory:
                break
            for i in range(_place(ordered, n, distances[oldest]), n - 1):
                ordered[i] = ordered[i + 1]
            n -= 1
        m, spot = recent_filled[code], recent_next[code]
        while m > 0 and memory > 0:
            oldest = spot - m if spot >= m else spot - m + depth
            if now - recent_times[code, oldest] <= memory:
                break
            m -= 1
        # Adding 0 makes -0 equal to 0 in bits too.
        value = values[row] + 0.0
        sound = abs(value) <= LARGEST_VALUE
        u = mean = low = high = beyond = away = np.nan
        if sound and m == depth:
            first = recent[spot]
            total = 0.0
            for back in range(depth):
                total += recent[spot + back if spot + back < depth else spot + back - depth] - first
            mean = first + total / depth
            away = (value - first) - total / depth
            if n >= min_points:
                least = max(floor, floor_ratio * abs(mean))
                edge, sigma, xi, share, far = _tail(ordered, n, tail_ratio, risk, 1)
                high = max(far, least, 0.0)
                edge_low, sigma_low, xi_low, share_low, far_low = _tail(ordered, n, tail_ratio, risk, -1)
                low = max(far_low, least, 0.0)
                size, unit = (away, high) if away >= 0.0 else (-away, low)
                if away < 0.0:
                    edge, sigma, xi, share = edge_low, sigma_low, xi_low, share_low
                if size >= edge:
                    beyond = _beyond(size, edge, sigma, xi, share) * (2.0 if sign == 0 else 1.0)
                if sign * away < 0.0:
                    size = 0.0
                u = min(size / unit, HIGHEST_STRANGENESS) if unit > 0.0 else 0.0
        strangeness[row] = u
        expected[row] = mean if u == u else np.nan
        lower[row] = mean - low
        upper[row] = mean + high
        counts[row] = n
        tails[row] = beyond
        if not sound:
            broken[code] += 1
        else:
            if m == depth:
                gap = n
                if n == window:
                    gap = _place(ordered, n, distances[here])
                else:
                    n += 1
                while gap > 0 and ordered[gap - 1] > away:
                    ordered[gap] = ordered[gap - 1]
                    gap -= 1
                while gap < n - 1 and ordered[gap + 1] < away:
                    ordered[gap] = ordered[gap + 1]
                    gap += 1
                ordered[gap] = away
                distances[here] = away
                all_times[code, here] = now
                place[code] = here + 1 if here + 1 < window else 0
            recent[spot] = value
            recent_times[code, spot] = now
            recent_next[code] = spot + 1 if spot + 1 < depth else 0
            m = min(m + 1, depth)
        recent_filled[code] = m
        filled[code] = n


@njit(cache=True, error_model="numpy")
def _one(row, code, timestamp, value):  # type: ignore[no-untyped-def] # pragma: no cover
    row.codes[0], row.timestamps[0], row.values[0] = code, timestamp, value
    _fold(row.codes, row.timestamps, row.values, *row.given)
    return row.strangeness[0], row.expected[0], row.lower[0], row.upper[0], row.counts[0]
