"""No data: how long a series has been silent, in units of the longest it usually is."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numba import njit
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.detectors.answers import Answers, AtTicks, Notes, Ticks
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

_GAPS = 24
"""Distances between samples that are remembered."""
_SPARED = 2
"""So many of the longest of them are held to be silences themselves."""
_MOST = 366 * 86_400


class NoDataParams(DetectorParams):
    """A silence is strange from ``missed_periods`` on, in periods of what is usual for the series."""

    missed_periods: Annotated[float, Field(ge=1, le=10_000)] = 4.0
    period_s: Annotated[float, Field(gt=0, le=_MOST)] | None = None
    """Declared distance of samples; None learns it from each series."""
    least_s: Annotated[float, Field(ge=0, le=_MOST)] = 0
    """No silence shorter than this is strange, however often samples come."""
    again_times: Annotated[float, Field(ge=1, le=1_000)] = 1.0
    """How many times as long a silence must be to be spoken of again; 1 speaks once a period."""
    min_points: Annotated[int, Field(ge=3, le=_GAPS)] = 8
    """Distances to have seen before the period counts as learned."""
    gone_s: Annotated[float, Field(gt=0, le=_MOST)] = 86_400
    """A series silent for longer has gone: nothing more is said until it is back and known again."""

    @model_validator(mode="after")
    def _speaks_before_it_is_gone(self) -> Self:
        needed = max(self.least_s, self.missed_periods * (self.period_s or 0))
        if self.gone_s <= needed:
            raise ValueError(
                f"gone_s must be above what makes a silence strange ({needed:g} s), got {self.gone_s:g}"
            )
        return self


class NoData(Detector):
    """Time since the last sample, in units of the longest that a series usually takes.

        u = silence / allowed,   allowed = max(missed_periods × period, least_s)
        period = ``period_s``, else the third longest of the last 24 distances between samples

    Asked at ticks, because a silence brings no sample: it speaks at the first tick with u >= 1 and from then
    on once for every usual distance that passes, or whenever the silence has grown ``again_times``. A sample
    with a finite number ends it (u = 0); NaN is no data. The event carries the last value seen; its
    expectation and bounds are that value too.

    Silence counts only while somebody listened: where two ticks stand more than twice their usual distance
    apart, it counts from the later one. A series silent for longer than ``gone_s`` has gone, as after a
    deployment that removed it, and is learned anew when it comes back. The end of the data is no silence.

    Assumes that a series is sent at a steady pace and that 21 of the last 24 distances were healthy.

    Deaf to series never seen, to a silence shorter than a tick, to a pace that slows down by less than
    ``missed_periods``, to the third silence of many within 24 samples, and to whether one series or all are
    silent: that is the correlator's. Takes a scrape that is dropped on purpose for a fault.

    On independent Gaussian noise sent at a steady pace no tick has u >= 1. On series sent at random times
    fewer than .3 % of the distances between samples have, with the defaults.

    Source: the absence rule of every monitoring system, with the pace learned; the spared longest distances
    make it a trimmed maximum.

    >>> detector = NoData(NoDataParams(period_s=60))
    >>> detector.grow(1)
    >>> ticks = Ticks(np.array([1, 1]), 60 * SECOND * np.array([3, 5]), 60 * SECOND)
    >>> code, at = np.zeros(1, np.int32), np.array([60 * SECOND])
    >>> said = detector.answer(code, at, np.array([0.3]), ticks).at_ticks
    >>> said.ticks.tolist(), said.scored.strangeness.tolist(), said.values.tolist()
    ([1], [1.0], [0.3])
    """

    family: ClassVar[str] = "no_data"
    hears: ClassVar[Shape] = "silence"
    has_tail: ClassVar[bool] = False
    hears_ticks: ClassVar[bool] = True
    baseline_by_count: ClassVar[bool] = True
    Params = NoDataParams
    params: NoDataParams

    @property
    def memory_s(self) -> float | None:
        # The last sample may be this old, and what it was held against was as old again then.
        return 2 * self.params.gone_s

    @property
    def window_seconds(self) -> float | None:
        return None

    def false_alarm_ratio(self, sample_count: int) -> float:  # noqa: ARG002
        return 0.0

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        return {
            "times": (np.int64, (_GAPS + 1,)),
            "filled": (np.int32, ()),
            "next": (np.int32, ()),
            "value": (np.float64, ()),
            "last": (np.int64, ()),
            "since": (np.int64, ()),
            "heard": (np.int64, ()),
            "usual": (np.int64, ()),
            "allowed": (np.int64, ()),
            "said": (np.int64, ()),
            "broken": (np.int64, ()),
        }

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        return self.answer(codes, timestamps, values, Ticks.none()).scored

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:
        p, c, n = self.params, self._columns, len(codes)
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        whole, real = _answer(
            codes, timestamps, values, ticks.places, ticks.timestamps, ticks.every, self.series,
            c["times"], c["filled"], c["next"], c["value"], c["last"], c["since"], c["heard"], c["usual"],
            c["allowed"], c["said"], c["broken"],
            p.min_points, p.missed_periods, p.again_times, int((p.period_s or 0) * SECOND),
            int(p.least_s * SECOND), int(p.gone_s * SECOND), *scored,
        )  # fmt: skip
        if not len(whole):
            return Answers(scored)
        ticked, theirs, counts, last, usual, missed = (np.ascontiguousarray(column) for column in whole.T)
        u, value = (np.ascontiguousarray(column) for column in real.T)
        notes = {"last": last, "usual": usual, "missed": missed}
        said = Scored(u, value, value, value, counts.astype(np.int32))
        nothing = {name: np.zeros(n, np.int64) for name in notes}
        return Answers(scored, nothing, AtTicks(ticked, theirs.astype(np.int32), value, said, notes))

    def baseline(self, sample_count: int, timestamp: int) -> str:  # noqa: ARG002
        if self.params.period_s is not None:
            return f"a sample every {self.params.period_s:g} s, as declared"
        return f"the distances of the last {sample_count + 1} samples"

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:
        last, usual = int(notes["last"][row]), int(notes["usual"][row])
        return {
            "strange": "silence",
            "last_seen": format_instant(last),
            "silent_s": (timestamp - last) / SECOND,
            "usual_period_s": usual / SECOND,
            "missing_samples": int(notes["missed"][row]),
            "value_is": "the last one seen",
        }


@njit(cache=True, nogil=True, error_model="numpy")
def _pace(times, here, filled, scratch):  # type: ignore[no-untyped-def] # pragma: no cover
    """Median and third longest of the distances between the last ``filled`` times of a ring."""
    room = len(times)
    n = filled - 1
    for i in range(n):
        later = times[(here - 1 - i) % room]
        gap = later - times[(here - 2 - i) % room]
        j = i
        while j > 0 and scratch[j - 1] > gap:
            scratch[j] = scratch[j - 1]
            j -= 1
        scratch[j] = gap
    return scratch[n // 2], scratch[max(n - 1 - _SPARED, n // 2)]


@njit(cache=True, nogil=True, error_model="numpy")
def _answer(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values, places, moments, every, series,
    times, filled, place, kept, last, since, heard, usual, allowed, said, broken,
    min_points, most_missed, again, declared, least, gone,
    strangeness, expected, lower, upper, counts,
):  # fmt: skip
    room = times.shape[1]
    scratch = np.empty(room, np.int64)
    whole, real = np.empty((16, 6), np.int64), np.empty((16, 2))
    m = 0
    tick = 0
    for row in range(len(codes) + 1):
        while tick < len(places) and places[tick] <= row:
            now = moments[tick]
            for code in range(series):
                if filled[code] == 0:
                    continue
                if heard[code] != 0 and now - heard[code] > 2 * every:
                    since[code] = max(since[code], now)
                heard[code] = now
                if now - last[code] > gone:
                    filled[code] = 0
                    allowed[code] = 0
                    continue
                silence = now - max(last[code], since[code])
                if allowed[code] == 0 or silence < allowed[code]:
                    continue
                missed = silence // usual[code]
                if missed <= said[code] or missed < again * said[code]:
                    continue
                said[code] = missed
                if m == len(whole):
                    more, other = np.empty((2 * m, 6), np.int64), np.empty((2 * m, 2))
                    more[:m], other[:m] = whole, real
                    whole, real = more, other
                whole[m, 0], whole[m, 1], whole[m, 3], whole[m, 4] = tick, code, last[code], usual[code]
                whole[m, 2], whole[m, 5] = max(filled[code] - 1, 1), missed
                real[m, 0] = min(silence / allowed[code], HIGHEST_STRANGENESS)
                real[m, 1] = kept[code]
                m += 1
            tick += 1
        if row == len(codes):
            break
        code, now = codes[row], timestamps[row]
        here, n = place[code], filled[code]
        while n > 0 and now - times[code, (here - n) % room] > gone:
            n -= 1
        # Adding 0 makes -0 equal to 0 in bits too.
        value = values[row] + 0.0
        u = level = np.nan
        before = 0
        if not abs(value) <= LARGEST_VALUE:
            broken[code] += 1
        else:
            if n > 0 and (declared > 0 or n > min_points):
                u, level, before = 0.0, value, max(n - 1, 1)
            times[code, here] = now
            here = here + 1 if here + 1 < room else 0
            place[code] = here
            n = min(n + 1, room)
            if n == 1:
                heard[code] = 0
            last[code] = since[code] = now
            kept[code] = value
            said[code] = 0
            if declared > 0:
                usual[code] = declared
                allowed[code] = max(int(most_missed * declared), least)
            elif n > min_points:
                middle, longest = _pace(times[code], here, n, scratch)
                usual[code] = max(middle, 1)
                allowed[code] = max(int(most_missed * longest), least, 1)
            else:
                allowed[code] = 0
        filled[code] = n
        strangeness[row] = u
        expected[row] = lower[row] = upper[row] = level
        counts[row] = before
    return whole[:m], real[:m]
