"""Sums of a service's metrics over windows of the clock, in bounded memory: compiled, one slot per step.

Time is cut at multiples of the tick and of five minutes, never at the first sample, so what a window holds
does not depend on when watching began. Sums run from the oldest slot to the newest.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from titleshot.detectors.block import F64, I32, I64
from titleshot.detectors.detector import LARGEST_VALUE

SHORT_S, LONG_S, DAY_S, WEEK_S = 300, 3_600, 86_400, 604_800
SLOT_S, HALF_HOUR_S = 300, 1_800
SLOTS = DAY_S // SLOT_S
"""Five-minute slots of a day: the long windows are sums of closed ones."""
HALF_HOURS = WEEK_S // HALF_HOUR_S
"""Half hours of a week, whose means traffic is ranked among."""


def layout(roles: int, ticks: int) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
    """State of one service: sums and counts by role, in rings of ticks, five minutes and half hours."""
    return {
        "tick_at": (np.int64, (ticks,)),
        "tick_sum": (np.float64, (roles, ticks)),
        "tick_count": (np.int32, (roles, ticks)),
        "slot_at": (np.int64, (SLOTS + 1,)),
        "slot_sum": (np.float64, (roles, SLOTS + 1)),
        "slot_count": (np.int32, (roles, SLOTS + 1)),
        "half_at": (np.int64, (HALF_HOURS + 1,)),
        "half_sum": (np.float64, (HALF_HOURS + 1,)),
        "half_count": (np.int32, (HALF_HOURS + 1,)),
        "fresh": (np.bool_, ()),
        "broken": (np.int64, ()),
    }


@njit(cache=True, nogil=True, error_model="numpy")
def take_in(  # type: ignore[no-untyped-def] # pragma: no cover
    services: I32, roles: I32, timestamps: I64, values: F64, tick: int, slot: int, half: int, traffic: int,
    tick_at, tick_sum, tick_count, slot_at, slot_sum, slot_count, half_at, half_sum, half_count,
    fresh, broken,
) -> None:  # fmt: skip
    """Add samples to their slots; a row with role -1 is no part of any feature.

    A sample at T belongs to the tick, slot and half hour that end at T or first after it.
    """
    for row in range(len(services)):
        role = roles[row]
        if role < 0:
            continue
        s, value = services[row], values[row]
        if not abs(value) <= LARGEST_VALUE:
            broken[s] += 1
            continue
        fresh[s] = True
        at = (timestamps[row] + tick - 1) // tick
        place = at % tick_at.shape[1]
        if tick_at[s, place] != at:
            tick_at[s, place] = at
            tick_sum[s, :, place] = 0.0
            tick_count[s, :, place] = 0
        tick_sum[s, role, place] += value
        tick_count[s, role, place] += 1
        at = (timestamps[row] + slot - 1) // slot
        place = at % slot_at.shape[1]
        if slot_at[s, place] != at:
            slot_at[s, place] = at
            slot_sum[s, :, place] = 0.0
            slot_count[s, :, place] = 0
        slot_sum[s, role, place] += value
        slot_count[s, role, place] += 1
        if role == traffic:
            at = (timestamps[row] + half - 1) // half
            place = at % half_at.shape[1]
            if half_at[s, place] != at:
                half_at[s, place] = at
                half_sum[s, place] = 0.0
                half_count[s, place] = 0
            half_sum[s, place] += value
            half_count[s, place] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def means(  # type: ignore[no-untyped-def] # pragma: no cover
    chosen: I32, now: int, tick: int, slot: int,
    tick_at, tick_sum, tick_count, slot_at, slot_sum, slot_count,
    short, long, day,
) -> None:  # fmt: skip
    """Mean of each role over the last five minutes, hour and day at tick ``now``; NaN where no sample fell.

    The five minutes end at ``now``; hour and day are made of the closed five-minute slots before it.
    """
    newest_tick, newest_slot = now // tick, now // slot
    ticks, slots = tick_at.shape[1], slot_at.shape[1]
    for row in range(len(chosen)):
        s = chosen[row]
        for role in range(tick_sum.shape[1]):
            total, n = 0.0, 0
            for at in range(newest_tick - (ticks - 1) + 1, newest_tick + 1):
                place = at % ticks
                if tick_at[s, place] == at:
                    total += tick_sum[s, role, place]
                    n += tick_count[s, role, place]
            short[row, role] = total / n if n else np.nan
            total, n = 0.0, 0
            last_hour, hours = 0.0, 0
            for at in range(newest_slot - (slots - 1) + 1, newest_slot + 1):
                place = at % slots
                if slot_at[s, place] == at:
                    total += slot_sum[s, role, place]
                    n += slot_count[s, role, place]
                    if at > newest_slot - LONG_S // SLOT_S:
                        last_hour += slot_sum[s, role, place]
                        hours += slot_count[s, role, place]
            long[row, role] = last_hour / hours if hours else np.nan
            day[row, role] = total / n if n else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def ranks(  # type: ignore[no-untyped-def] # pragma: no cover
    chosen: I32, now: int, half: int, least: int, current: F64, half_at, half_sum, half_count, out: F64
) -> None:  # fmt: skip
    """Share of the last week's half hours with less traffic, ties half; NaN below ``least`` of them."""
    newest = now // half
    places = half_at.shape[1]
    for row in range(len(chosen)):
        s = chosen[row]
        n, below = 0, 0.0
        for at in range(newest - (places - 1) + 1, newest + 1):
            place = at % places
            if half_at[s, place] == at and half_count[s, place] > 0:
                n += 1
                mean = half_sum[s, place] / half_count[s, place]
                below += 1.0 if mean < current[row] else 0.5 if mean == current[row] else 0.0
        out[row] = below / n if n >= least and current[row] == current[row] else np.nan
