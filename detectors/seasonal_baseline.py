"""Seasonal baseline: how many robust deviations a value lies from what is usual at this hour of the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from numba import njit
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import DAY, SECOND, WEEK
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.answers import Answers, Notes, Ticks
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    Arrays,
    BandParams,
    Codes,
    Detector,
    Flags,
    Floats,
    Instants,
    Scored,
)
from titleshot.detectors.fitted import packed_keys, rows_by_key
from titleshot.detectors.gaussian_tails import robust_tail
from titleshot.detectors.local_time import days_of, offsets_of
from titleshot.detectors.robust_mad import GAUSSIAN_MAD

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST_MONDAY = 4 * DAY
"""1970-01-05, the first Monday of Unix time."""


class SeasonalBaselineParams(BandParams):
    """``slot_s`` must divide the period; ``zone``, or ``utc_offset_s``, is the clock people live by."""

    period: Literal["week", "day"] = "week"
    """What repeats: hours are held against the same ones of other weeks, or of other days."""
    slot_s: Annotated[float, Field(ge=60, le=86_400)] = 3600
    """Length of the slots the period is cut into."""
    utc_offset_s: Annotated[float, Field(ge=-86_400, le=86_400)] = 0
    min_points: Annotated[int, Field(ge=3)] = 8
    """Samples of history a slot needs before it says anything."""
    min_weeks: Annotated[int, Field(ge=1, le=520)] = 1
    """Weeks these must come from."""
    zone: str | None = None
    """An IANA time zone such as Europe/Berlin; summer time is then the zone's."""
    holidays: tuple[date, ...] = ()
    """Local dates, as 2026-12-25; what holds for one service only is a planned change."""
    on_holidays: Literal["leave_out", "as_sunday"] = "leave_out"
    """A holiday is neither learnt from nor scored, or both as if it were a Sunday."""
    score_planned: bool = False
    """True scores samples in maintenance and planned changes too; they are never learnt from."""

    @model_validator(mode="after")
    def _whole_slots(self) -> Self:
        if self.period_ns % self.slot_ns:
            raise ValueError(f"slot_s must divide a {self.period} into whole slots, got {self.slot_s:g}")
        if self.zone is not None:
            offsets_of(self.zone)
            if self.utc_offset_s:
                raise ValueError(f"zone {self.zone} has its own offsets; leave utc_offset_s out")
        return self

    @property
    def period_ns(self) -> int:
        return WEEK if self.period == "week" else DAY

    @property
    def slot_ns(self) -> int:
        return int(self.slot_s * SECOND)

    @property
    def slots(self) -> int:
        return self.period_ns // self.slot_ns

    def offsets(self) -> tuple[Instants, Instants]:
        """From when on which offset is added to UTC, both in ns."""
        if self.zone is not None:
            return offsets_of(self.zone)
        return np.array([-(2**62)]), np.array([int(self.utc_offset_s * SECOND)])


class SeasonalBaseline(Detector):
    """Deviations from the median of the same hour of the week in history.

        u = |v - median| / (threshold × spread),   band = median ± threshold × spread
        median, spread = 1.4826 × MAD of the history of (series, slot)
        spread = max(spread, spread_floor, spread_floor_ratio × |median|)

    Fitted: nothing is learned while scoring. Left out of the fit: samples in maintenance or in planned
    changes known by the cutoff, and ``holidays``. Not scored: the same (unless ``score_planned``, and
    maintenance is held by the alert policy even then), series that were not in the history, and slots with
    fewer than ``min_points`` samples or ``min_weeks`` weeks in it; all of these have a sample count of 0 or
    are counted as ``left_out_planned``. With ``on_holidays: as_sunday`` holidays teach and are held against
    the Sunday's slots instead. The evidence says how many samples and how many weeks stand behind it.

    Assumes that history looks like the coming weeks and that half of each slot's history is healthy. Without
    a ``zone`` the slots are those of a fixed offset and shift by an hour when summer time begins and ends.

    Deaf to faults within the usual range of the hour, to a change of level since the fit (which it calls
    strange until it is fitted again), to everything in a slot without history, and on holidays and through
    planned changes: pair it with a detector that is not.

    On independent Gaussian noise 0.9 % of samples have u >= 1 with 48 samples per slot (four weeks at five
    minutes) and the defaults: the tail of Student's t with .3675 n degrees of freedom. ``false_alarm_ratio``
    has it for other parameters; a single slot may be off by half, for better or worse.

    Source: median and MAD by slot as in Hochenbaum, Vallis and Kejariwal, "Automatic anomaly detection in
    the cloud via statistical learning", 2017, without the trend.

    >>> detector = SeasonalBaseline(SeasonalBaselineParams(min_points=3))
    >>> key, week = SeriesKey("shop", "cart", "latency"), WEEK * np.arange(4)
    >>> fitted = detector.fit([key], np.zeros(4, np.int32), week, np.array([1.0, 2.0, 3.0, 2.0]))
    >>> detector.grow(1)
    >>> detector.use(fitted, [key])
    >>> scored = detector.fold(np.zeros(1, np.int32), week[-1:] + WEEK, np.array([20.0]))
    >>> scored.expected.tolist(), scored.sample_count.tolist(), detector.baseline(4, 0)
    ([2.0], [4], 'Thursday 00:00 over 4 samples of history')
    >>> fitted["weeks"].max().item()
    4
    """

    family: ClassVar[str] = "seasonal_baseline"
    Params = SeasonalBaselineParams
    params: SeasonalBaselineParams
    needs_fit: ClassVar[bool] = True

    def __init__(self, params: SeasonalBaselineParams | None = None) -> None:
        super().__init__(params)
        p = self.params
        self.leaves_out_planned = not p.score_planned
        self._rows: Codes = np.zeros(0, np.int32)
        self._calendar = (
            *p.offsets(),
            days_of(p.holidays),
            p.on_holidays == "as_sunday",
            p.period_ns,
            p.slot_ns,
        )
        none, count = np.zeros((0, p.slots)), np.zeros((0, p.slots), np.int32)
        self._fitted: tuple[Floats, Floats, Codes, Codes] = (none, none, count, count)

    @property
    def memory_s(self) -> float | None:
        return 0.0

    @property
    def window_seconds(self) -> float | None:
        return self.params.slot_s

    def false_alarm_ratio(self, sample_count: int) -> float:
        return robust_tail(self.params.threshold, sample_count) * (0.5 if self.params.sign else 1)

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        return {"broken": (np.int64, ())}

    def fit(
        self,
        keys: Sequence[SeriesKey],
        codes: Codes,
        timestamps: Instants,
        values: Floats,
        keep: Flags | None = None,
    ) -> Arrays:
        """Median, spread, count and weeks per series and slot, and the keys as JSON text in bytes.

        ``keys[code]`` is the series of a code. Rows may be in any order. The offsets of the zone are stored
        too, so that a machine with another edition of the time zones serves what was replayed.
        """
        p = self.params
        slots = np.empty(len(codes), np.int64)
        _slots_of(timestamps, *self._calendar, slots)
        sound = (np.abs(values) <= LARGEST_VALUE) & (slots >= 0)
        if keep is not None:
            sound &= keep
        points = values[sound]
        n = len(keys) * p.slots
        cells = codes[sound].astype(np.int64) * p.slots + slots[sound]
        medians, counts = _median_by_cell(cells, points, n)
        spreads, _ = _median_by_cell(cells, np.abs(points - medians[cells]), n)
        weeks = np.unique(np.stack([cells, (timestamps[sound] - _FIRST_MONDAY) // WEEK]), axis=1)[0]
        form = (len(keys), p.slots)
        return {
            "keys": packed_keys(keys),
            "median": medians.reshape(form),
            "spread": (GAUSSIAN_MAD * spreads).reshape(form),
            "count": counts.astype(np.int32).reshape(form),
            "weeks": np.bincount(weeks, minlength=n).astype(np.int32).reshape(form),
            "offset_since": self._calendar[0],
            "offset": self._calendar[1],
        }

    def use(self, arrays: Mapping[str, npt.NDArray[np.generic]], keys: Sequence[SeriesKey]) -> None:
        """Score with these from now on; series that are not in them are not scored.

        Raises:
            MalformedInput: arrays of another family or of other slots.
        """
        if not arrays:
            arrays = self.fit([], np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))
        try:
            known = rows_by_key(arrays)
            median = np.ascontiguousarray(arrays["median"], np.float64)
            spread = np.ascontiguousarray(arrays["spread"], np.float64)
            count = np.ascontiguousarray(arrays["count"], np.int32)
            weeks = np.ascontiguousarray(arrays["weeks"], np.int32)
            since, offset = (np.ascontiguousarray(arrays[n], np.int64) for n in ("offset_since", "offset"))
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedInput(
                f"fitted arrays of {self.name} cannot be read ({error}); fit again"
            ) from None
        wanted = (len(known), self.params.slots)
        if not median.shape == spread.shape == count.shape == weeks.shape == wanted:
            raise MalformedInput(
                f"fitted arrays of {self.name} must be {wanted[0]} series x {wanted[1]} slots, got "
                f"{median.shape}, {spread.shape}, {count.shape}, {weeks.shape}; fit again"
            )
        self._fitted = (median, spread, count, weeks)
        self._calendar = (since, offset, *self._calendar[2:])
        self._rows = np.array([known.get(key, -1) for key in keys], np.int32)

    def grow(self, n: int) -> None:
        super().grow(n)
        if n > len(self._rows):
            self._rows = np.concatenate([self._rows, np.full(n - len(self._rows), -1, np.int32)])

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        return self.answer(codes, timestamps, values, Ticks.none()).scored

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:  # noqa: ARG002
        p, n = self.params, len(codes)
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        weeks = np.empty(n, np.int32)
        _fold(
            codes, timestamps, values, self._rows, *self._fitted, self._columns["broken"], *self._calendar,
            p.min_points, p.min_weeks, p.threshold, p.spread_floor, p.spread_floor_ratio, p.sign,
            *scored, weeks,
        )  # fmt: skip
        return Answers(scored, {"weeks": weeks})

    def baseline(self, sample_count: int, timestamp: int) -> str:
        p = self.params
        slots = np.empty(1, np.int64)
        _slots_of(np.array([timestamp], np.int64), *self._calendar, slots)
        day, rest = divmod(int(slots[0]) * p.slot_ns, DAY)
        clock = f"{rest // (3600 * SECOND):02d}:{rest // (60 * SECOND) % 60:02d}"
        name = f"{_DAYS[day]} " if p.period == "week" else ""
        zone = f" {p.zone}" if p.zone else ""
        return f"{name}{clock}{zone} over {sample_count} samples of history"

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:  # noqa: ARG002
        return {"weeks": int(notes["weeks"][row])}


def _median_by_cell(cells: Instants, points: Floats, n: int) -> tuple[Floats, Instants]:
    """Exact median of the points of each cell, NaN where there are none, and how many there are."""
    order = np.lexsort((points, cells))
    ordered = points[order]
    counts = np.bincount(cells, minlength=n).astype(np.int64)
    starts = np.cumsum(counts) - counts
    some = counts > 0
    low = starts[some] + (counts[some] - 1) // 2
    high = starts[some] + counts[some] // 2
    medians = np.full(n, np.nan)
    medians[some] = (ordered[low] + ordered[high]) / 2.0
    return medians, counts


@njit(cache=True, nogil=True, error_model="numpy")
def _slot(at, since, offset, holidays, as_sunday, period, slot):  # type: ignore[no-untyped-def] # pragma: no cover
    """Slot of the local day or week an instant falls into; -1 on a holiday that is left out."""
    local = at + offset[np.searchsorted(since, at, side="right") - 1]
    day = local // DAY
    if len(holidays) > 0:
        i = np.searchsorted(holidays, day)
        if i < len(holidays) and holidays[i] == day:
            if not as_sunday:
                return -1
            # 1970-01-04 was the first Sunday.
            local = local - day * DAY + 3 * DAY
    return (local - _FIRST_MONDAY) % period // slot


@njit(cache=True, nogil=True, error_model="numpy")
def _slots_of(  # type: ignore[no-untyped-def] # pragma: no cover
    timestamps, since, offset, holidays, as_sunday, period, slot, out
):
    for row in range(len(timestamps)):
        out[row] = _slot(timestamps[row], since, offset, holidays, as_sunday, period, slot)


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values, rows, medians, spreads, history, history_weeks, broken,
    since, offset, holidays, as_sunday, period, slot,
    min_points, min_weeks, threshold, floor, floor_ratio, sign,
    strangeness, expected, lower, upper, counts, weeks,
):  # fmt: skip
    for row in range(len(codes)):
        code = codes[row]
        series = rows[code]
        value = values[row]
        u = median = spread = np.nan
        n = at = 0
        if series >= 0:
            at = _slot(timestamps[row], since, offset, holidays, as_sunday, period, slot)
            if at >= 0 and history[series, at] >= min_points and history_weeks[series, at] >= min_weeks:
                n = history[series, at]
        if not abs(value) <= LARGEST_VALUE:
            broken[code] += 1
        elif n > 0:
            median = medians[series, at]
            spread = max(spreads[series, at], floor, floor_ratio * abs(median))
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
        weeks[row] = history_weeks[series, at] if n > 0 else 0
