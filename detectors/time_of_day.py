"""Time of day: how far a value lies from what the same time of day was like on the days before."""

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
from titleshot.detectors.robust_mad import GAUSSIAN_MAD

_DAY_S = 86_400


class TimeOfDayParams(BandParams):
    """A day is cut into slots; a slot and its two neighbours make the baseline."""

    days: Annotated[int, Field(ge=1, le=60)] = 7
    """How many days back the baseline reaches."""
    slot_s: Annotated[int, Field(ge=60, le=_DAY_S // 3)] = 1800
    """Seconds of a slot; must divide a day."""
    every_s: Annotated[int, Field(ge=1, le=_DAY_S // 3)] = 300
    """One sample of each such span enters the baseline, the first; must divide a slot."""
    min_points: Annotated[int, Field(ge=3)] = 12

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if _DAY_S % self.slot_s:
            raise ValueError(f"slot_s must divide a day of 86400 s, got {self.slot_s}")
        if self.slot_s % self.every_s:
            raise ValueError(f"every_s must divide slot_s ({self.slot_s}), got {self.every_s}")
        return self

    @property
    def slots(self) -> int:
        """Slots of a day."""
        return _DAY_S // self.slot_s

    @property
    def room(self) -> int:
        """Points a slot can hold within the memory: one day more than ``days`` may be touched."""
        return (self.days + 1) * (self.slot_s // self.every_s)


class TimeOfDay(StepDetector):
    """Robust deviations from the median of the same time of day over the last ``days`` days.

        u = |v - median| / (threshold × spread),   band = median ± threshold × spread
        spread = max(1.4826 × median |point - median|, spread_floor, spread_floor_ratio × |median|)

    over the points of the slot of the day that the value falls into and of the two beside it. Nothing has to
    be fitted. Scored from ``min_points`` on, with the defaults from the second day; a smaller number holds
    the first day against the hour before. Then the value enters, at most one each ``every_s``.

    Assumes that days resemble each other more than neighbouring hours do. Where they do not, the spread is
    wide and it is careful rather than wrong.

    Deaf to weekly cycles (a Monday morning is held against a week of mornings), to faults that come at the
    same time of most days (a cron job gone wrong becomes the baseline), and to a drift slower than ``days``.
    Half of ``days`` after a lasting change of level it takes the new level as usual; until then it calls
    every sample strange, so give it an alert policy or a correlator that does not page the same story daily.

    On independent Gaussian noise .3 % of samples have u >= 1 with the defaults, as for ``robust_mad`` with as
    many points. State: 16 bytes a point, 43 kB a series with the defaults.

    Source: the seasonal form of Hampel's identifier; the windows of neighbouring slots are ours.

    >>> detector = TimeOfDay(TimeOfDayParams(min_points=3, every_s=1800))
    >>> detector.grow(1)
    >>> noon = 86_400 * SECOND * np.arange(5) + 43_200 * SECOND
    >>> scored = detector.fold(np.zeros(5, np.int32), noon, np.array([1.0, 2.0, 900.0, 3.0, 20.0]))
    >>> scored.strangeness.round(3).tolist(), scored.expected[4:].tolist()
    ([nan, nan, nan, 0.225, 3.935], [2.5])
    """

    family: ClassVar[str] = "time_of_day"
    Params = TimeOfDayParams
    params: TimeOfDayParams

    @property
    def memory_s(self) -> float | None:
        return self.params.days * _DAY_S + self.params.slot_s

    def false_alarm_ratio(self, sample_count: int) -> float:
        return robust_tail(self.params.threshold, sample_count) * (0.5 if self.params.sign else 1)

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        p = self.params
        return {
            "points": (np.float64, (p.slots, p.room)),
            "times": (np.int64, (p.slots, p.room)),
            "filled": (np.int32, (p.slots,)),
            "next": (np.int32, (p.slots,)),
            "entered": (np.int64, ()),
            "broken": (np.int64, ()),
        }

    def _step(self) -> Step:
        return Step(_fold, _one)

    def _given(self) -> tuple[Any, ...]:
        p, c = self.params, self._columns
        return (
            c["points"], c["times"], c["filled"], c["next"], c["entered"], c["broken"],
            p.min_points, p.threshold, int((self.memory_s or 0) * SECOND),
            p.slot_s * SECOND, p.every_s * SECOND,
            p.spread_floor, p.spread_floor_ratio, p.sign,
        )  # fmt: skip

    def baseline(self, sample_count: int, timestamp: int) -> str:
        minute = timestamp // (60 * SECOND) % 1440
        about = f"about {minute // 60:02d}:{minute % 60:02d} UTC"
        return f"{sample_count} samples {about}, {self.params.days} days back"


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values, all_points, all_times, all_filled, place, entered, broken,
    min_points, threshold, memory, slot_length, every, floor, floor_ratio, sign,
    strangeness, expected, lower, upper, counts,
):  # fmt: skip
    slots, room = all_points.shape[1], all_points.shape[2]
    near = np.empty(3 * room)
    for row in range(len(codes)):
        code = codes[row]
        now = timestamps[row]
        slot = (now % (slots * slot_length)) // slot_length
        n = 0
        for beside in range(-1, 2):
            other = (slot + beside) % slots
            points = all_points[code, other]
            times = all_times[code, other]
            for i in range(all_filled[code, other]):
                if now - times[i] <= memory:
                    near[n] = points[i]
                    n += 1
        # Adding 0 makes -0 equal to 0 in bits too.
        value = values[row] + 0.0
        u = median = spread = np.nan
        sound = abs(value) <= LARGEST_VALUE
        if sound and n >= min_points:
            median = np.median(near[:n])
            spread = GAUSSIAN_MAD * np.median(np.abs(near[:n] - median))
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
        if not sound:
            broken[code] += 1
            continue
        # The first sample of each span of the clock enters: which one does must not hang on the one before.
        cell = now // every + 1
        if entered[code] != cell:
            entered[code] = cell
            at = place[code, slot]
            all_points[code, slot, at] = value
            all_times[code, slot, at] = now
            all_filled[code, slot] = max(all_filled[code, slot], at + 1)
            place[code, slot] = at + 1 if at + 1 < room else 0


@njit(cache=True, error_model="numpy")
def _one(row, code, timestamp, value):  # type: ignore[no-untyped-def] # pragma: no cover
    row.codes[0], row.timestamps[0], row.values[0] = code, timestamp, value
    _fold(row.codes, row.timestamps, row.values, *row.given)
    return row.strangeness[0], row.expected[0], row.lower[0], row.upper[0], row.counts[0]
