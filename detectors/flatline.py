"""Flatline: how long a series has stood still, in units of the longest it usually does."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numba import njit
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import DAY, SECOND, format_instant
from titleshot.detectors.answers import Answers, Notes, Ticks
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    Codes,
    Detector,
    DetectorParams,
    Floats,
    Instants,
    Scored,
    Shape,
)

_DAY_S = 86_400


class FlatlineParams(DetectorParams):
    """A stretch without change is strange from ``times_usual`` the longest usual one on."""

    times_usual: Annotated[float, Field(ge=1, le=1_000)] = 2.0
    least_s: Annotated[float, Field(ge=0, le=7 * _DAY_S)] = 900
    """No stretch shorter than this is strange."""
    least_samples: Annotated[int, Field(ge=2, le=100_000)] = 6
    """Nor one of fewer samples."""
    tolerance: Annotated[float, Field(ge=0, le=LARGEST_VALUE)] = 0.0
    """In the metric's unit: a value this close to the one before has not moved."""
    days: Annotated[int, Field(ge=2, le=60)] = 8
    """How many days back it is remembered how long the series stood still."""
    min_days: Annotated[int, Field(ge=1, le=60)] = 3
    """Days that must have been seen, the one under way not counted, before it speaks."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_days >= self.days:
            raise ValueError(f"min_days must be below days ({self.days}), got {self.min_days}")
        return self


class Flatline(Detector):
    """Time since the value last moved, in units of the longest that the series usually stands still.

        u = min(still / allowed, samples / least_samples),   allowed = max(times_usual × usual, least_s)
        usual = the second longest of the days' longest stretches, over the last ``days`` days

    A stretch begins with a value and lasts while each is within ``tolerance`` of the one before; gaps and
    broken values neither end nor lengthen it. It counts for each day it touches with its length by the end
    of that day. The longest day is spared, so that one flatline does not teach that flatlines are usual. The
    event carries the value that stands; its expectation and bounds are that value too.

    Assumes that what is usual comes back within ``days``: a counter idle every night or every weekend is
    known once two nights or two days of a weekend were seen. A series that never moved since it was first
    seen, or that has stood still for longer than ``days``, is constant by nature and scored 0.

    Deaf to a series that stands still no longer than twice what it does anyway (a count that is 0 for hours
    on most days), to values that stand still but for noise wider than ``tolerance``, and to the first
    ``min_days`` days. With a ``tolerance`` a drift in small steps stands still too. Takes the first holiday
    of a series that idles for a fault.

    On independent Gaussian noise no sample has u >= 1: equal values do not come twice. On counts and rounded
    values stretches are as long as chance makes them: at five minutes 3 to 6 false ones per series and 1,000
    days (Poisson counts with means of .2 and 2, noise rounded to its deviation).

    Source: the stuck-sensor test of meteorology (a persistence test, as in Zahumenský, "Guidelines on quality
    control procedures for data from automatic weather stations", 2004) with its limit learned per series.

    >>> detector = Flatline(FlatlineParams(min_days=1, least_samples=3))
    >>> detector.grow(1)
    >>> hours = 3_600 * SECOND * np.arange(48)
    >>> values = np.where(np.arange(48) < 40, np.arange(48.0), 7.5)
    >>> scored = detector.fold(np.zeros(48, np.int32), hours, values)
    >>> scored.strangeness[38:44].round(2).tolist()
    [0.0, 0.0, 0.0, 0.67, 1.0, 1.33]
    """

    family: ClassVar[str] = "flatline"
    hears: ClassVar[Shape] = "stuck"
    has_tail: ClassVar[bool] = False
    baseline_by_count: ClassVar[bool] = True
    Params = FlatlineParams
    params: FlatlineParams

    def __init__(self, params: FlatlineParams | None = None) -> None:
        super().__init__(params)
        self.warm_up_s = (self.params.min_days + 1) * _DAY_S

    @property
    def memory_s(self) -> float | None:
        # A day is remembered whole, and a stretch that reaches into it may be as old as the days again.
        return 2 * (self.params.days + 1) * _DAY_S

    @property
    def window_seconds(self) -> float | None:
        return None

    def false_alarm_ratio(self, sample_count: int) -> float:  # noqa: ARG002
        return 0.0

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        room = self.params.days + 1
        return {
            "longest": (np.int64, (room,)),
            "day": (np.int64, (room,)),
            "value": (np.float64, ()),
            "start": (np.int64, ()),
            "last": (np.int64, ()),
            "samples": (np.int32, ()),
            "moved": (np.int8, ()),
            "broken": (np.int64, ()),
        }

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        return self.answer(codes, timestamps, values, Ticks.none()).scored

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:  # noqa: ARG002
        p, c, n = self.params, self._columns, len(codes)
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        starts, usual = np.empty(n, np.int64), np.empty(n, np.int64)
        _fold(
            codes, timestamps, values,
            c["longest"], c["day"], c["value"], c["start"], c["last"], c["samples"], c["moved"], c["broken"],
            p.times_usual, int(p.least_s * SECOND), p.least_samples, p.tolerance, p.min_days,
            *scored, starts, usual,
        )  # fmt: skip
        return Answers(scored, {"start": starts, "usual": usual})

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        return f"how long it stood still on the last {sample_count} days"

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:
        start = int(notes["start"][row])
        return {
            "strange": "stuck",
            "still_since": format_instant(start),
            "still_s": (timestamp - start) / SECOND,
            "usually_at_most_s": int(notes["usual"][row]) / SECOND,
        }


_DAY = int(DAY)


@njit(cache=True, nogil=True, error_model="numpy")
def _end(longest, days, start, stop):  # type: ignore[no-untyped-def] # pragma: no cover
    """A stretch counts for every day it touches, with its length by the end of that day."""
    room = len(days)
    last = stop // _DAY
    for day in range(max(start // _DAY, last - room + 1), last + 1):
        slot = day % room
        length = min(stop, (day + 1) * _DAY) - start
        # Days count from 1, since all state starts at zero.
        if days[slot] != day + 1:
            days[slot] = day + 1
            longest[slot] = 0
        longest[slot] = max(longest[slot], length)


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values, all_longest, all_days, kept, start, last, samples, moved, broken,
    times_usual, least, least_samples, tolerance, min_days,
    strangeness, expected, lower, upper, counts, starts, usuals,
):  # fmt: skip
    for row in range(len(codes)):
        code = codes[row]
        longest, days = all_longest[code], all_days[code]
        room = len(days)
        now = timestamps[row]
        # Adding 0 makes -0 equal to 0 in bits too.
        value = values[row] + 0.0
        u = level = np.nan
        known = 0
        usual = 0
        if not abs(value) <= LARGEST_VALUE:
            broken[code] += 1
        else:
            if samples[code] > 0 and now - last[code] > room * _DAY:
                samples[code] = 0
                moved[code] = 0
            if samples[code] > 0 and now - start[code] > room * _DAY:
                moved[code] = 0  # constant by nature, as far as anyone remembers
            if samples[code] == 0 or not abs(value - kept[code]) <= tolerance:
                if samples[code] > 0:
                    if moved[code]:
                        _end(longest, days, start[code], last[code])
                    moved[code] = 1
                start[code] = now
                samples[code] = 0
            kept[code] = value
            samples[code] += 1
            last[code] = now
            first = second = 0
            today = now // _DAY
            for slot in range(room):
                if days[slot] > today + 1 - room and days[slot] > 0:
                    if days[slot] <= today:
                        known += 1
                    if longest[slot] > first:
                        second = first
                        first = longest[slot]
                    else:
                        second = max(second, longest[slot])
            if known >= min_days:
                level = value
                usual = second
                u = 0.0
                if moved[code]:
                    allowed = max(times_usual * usual, 1.0 * least)
                    still = now - start[code]
                    if allowed > 0.0:
                        u = min(still / allowed, samples[code] / least_samples)
                    else:
                        u = samples[code] / least_samples
                    u = min(u, HIGHEST_STRANGENESS) if samples[code] > 1 else 0.0
        strangeness[row] = u
        expected[row] = lower[row] = upper[row] = level
        counts[row] = known if u == u else 0
        starts[row] = start[code]
        usuals[row] = usual
