"""The compiled step of the change point: blocks, what is usual at their time of day, summed distances."""

from __future__ import annotations

import numpy as np
from numba import njit

from titleshot.detectors.detector import HIGHEST_STRANGENESS, LARGEST_VALUE
from titleshot.detectors.robust_mad import GAUSSIAN_MAD


@njit(cache=True, nogil=True, error_model="numpy")
def _middle(points, n):  # type: ignore[no-untyped-def] # pragma: no cover
    """Median of the first n points, which it sorts."""
    for i in range(1, n):
        point = points[i]
        j = i
        while j > 0 and points[j - 1] > point:
            points[j] = points[j - 1]
            j -= 1
        points[j] = point
    return points[n // 2] if n & 1 else (points[n // 2 - 1] + points[n // 2]) / 2.0


@njit(cache=True, nogil=True, error_model="numpy")
def _usual(medians, days, slot, day, back, near):  # type: ignore[no-untyped-def] # pragma: no cover
    """Blocks near this time of day, days that have it, its median, their spread, and the median a week ago.

    Each slot is held against its own median, so that a steep hour is not wide.
    """
    slots, room = medians.shape
    n = weekly = seen = points = 0
    level = np.nan
    week, own = np.empty(3), np.empty(room)
    for beside in range(-1, 2):
        other, shifted = slot + beside, day
        # Across midnight the neighbour belongs to the day before or after.
        if other < 0:
            other, shifted = other + slots, day - 1
        elif other >= slots:
            other, shifted = other - slots, day + 1
        m = 0
        for before in range(1, max(back, 7) + 1):
            wanted = shifted - before
            at = wanted % room
            if wanted < 0 or days[other, at] != wanted + 1:
                continue
            if before <= back:
                own[m] = medians[other, at]
                m += 1
            if before == 7:
                week[weekly] = medians[other, at]
                weekly += 1
        if m == 0:
            continue
        middle = _middle(own, m)
        for i in range(m):
            # The middle one is no distance from itself: counted, it would make few days look alike.
            if i != m >> 1:
                near[n] = abs(own[i] - own[m >> 1])
                n += 1
        points += m
        if beside == 0:
            seen, level = m, middle
    spread = GAUSSIAN_MAD * _middle(near, n) if n > 0 else np.nan
    return points, seen, level, spread, _middle(week, weekly) if weekly > 0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _slope(away, at, order, n, scratch):  # type: ignore[no-untyped-def] # pragma: no cover
    """Median of the slopes between all pairs, per hour."""
    m = 0
    for i in range(n):
        for j in range(i):
            hours = (at[order[i]] - at[order[j]]) / 3.6e12
            scratch[m] = (away[order[i]] - away[order[j]]) / hours
            m += 1
    return np.median(scratch[:m]) if m > 0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_up(z, at, newest, oldest, allowance, sign, order):  # type: ignore[no-untyped-def] # pragma: no cover
    """The larger of the two sums over blocks after ``oldest``, signed, and the blocks of its change."""
    span = len(z)
    up = down = 0.0
    up_from = down_from = 0
    n = 0
    calm = 0
    for back in range(span - 1, -1, -1):
        slot = (newest - back) % span
        if at[slot] == 0 or at[slot] <= oldest:
            continue
        order[n] = slot
        calm = calm + 1 if abs(z[slot]) < allowance else 0
        up, down = up + z[slot] - allowance, down - z[slot] - allowance
        if calm >= 2 or up <= 0.0 or sign < 0:
            up, up_from = 0.0, n + 1
        if calm >= 2 or down <= 0.0 or sign > 0:
            down, down_from = 0.0, n + 1
        n += 1
    if up >= down:
        return up, up_from, n
    return -down, down_from, n


@njit(cache=True, nogil=True, error_model="numpy")
def fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values,
    all_medians, all_days, all_points, held, cell, block, all_away, all_z, all_at,
    usual, spread, week_ago, near_by, total, since, change, slope, blocks, broken,
    length, back, min_days, allowance, threshold, floor, floor_ratio, sign,
    strangeness, expected, lower, upper, counts,
    totals, sinces, changes, slopes, many, latest,
):  # fmt: skip
    slots, room = all_medians.shape[1], all_medians.shape[2]
    span = all_z.shape[1]
    cut = allowance + threshold / 2
    near = np.empty(3 * room)
    order = np.empty(span, np.int64)
    pairs = np.empty(span * (span - 1) // 2)
    recent = np.empty(span)
    for row in range(len(codes)):
        code = codes[row]
        now = timestamps[row]
        # Adding 0 makes -0 equal to 0 in bits too.
        value = values[row] + 0.0
        here = now // length
        newest = (here - 1) % span
        u = level = wide = np.nan
        n = 0
        if not abs(value) <= LARGEST_VALUE:
            broken[code] += 1
        else:
            if held[code] == 0 or block[code] != here:
                if held[code] > 0:
                    done = block[code]
                    day, slot = done // slots, done % slots
                    middle = _middle(all_points[code], held[code])
                    if near_by[code] > 0:
                        away = middle - usual[code]
                        z = 0.0
                        if spread[code] > 0.0:
                            z = away / spread[code]
                            other = (middle - week_ago[code]) / spread[code]
                            if z * other <= 0.0:
                                z = 0.0
                            elif abs(other) < abs(z):
                                z = other
                        if abs(z) > cut:
                            z = np.sign(z) * (cut + 0.495 * threshold * (1.0 - cut / abs(z)))
                        all_z[code, done % span] = z
                        all_away[code, done % span] = away
                        all_at[code, done % span] = (done + 1) * length
                    all_medians[code, slot, day % room] = middle
                    all_days[code, slot, day % room] = day + 1
                    held[code] = 0
                block[code] = here
                cell[code] = -1
                m, seen, usual[code], spread[code], week_ago[code] = _usual(
                    all_medians[code], all_days[code], here % slots, here // slots, back, near
                )
                near_by[code] = m if seen >= min_days else 0
                spread[code] = max(spread[code], floor, floor_ratio * abs(usual[code]))
                at, oldest = all_at[code], (here - span) * length
                s, start, known = _sum_up(all_z[code], at, newest, oldest, allowance, sign, order)
                total[code] = s
                blocks[code] = known - start
                if abs(s) >= threshold:
                    since[code] = at[order[start]] - length
                    for i in range(start, known):
                        recent[i - start] = all_away[code, order[i]]
                    slope[code] = _slope(all_away[code], at, order[start:known], known - start, pairs)
                    change[code] = _middle(recent, known - start)
            twelfth = now % length // (length // len(all_points[code]))
            if cell[code] != twelfth:
                cell[code] = twelfth
                all_points[code, held[code]] = value
                held[code] += 1
            if near_by[code] > 0:
                n = near_by[code]
                level = usual[code]
                wide = allowance * spread[code]
                u = min(abs(total[code]) / threshold, HIGHEST_STRANGENESS)
        strangeness[row] = u
        expected[row] = level
        lower[row] = level - wide
        upper[row] = level + wide
        counts[row] = n
        totals[row] = total[code]
        sinces[row] = since[code]
        changes[row] = change[code]
        slopes[row] = slope[code]
        many[row] = blocks[code]
        latest[row] = level + all_away[code, newest]
