"""The compiled step of the novelty families: nearest past values, the bar, and what was said lately."""

from __future__ import annotations

import numpy as np
from numba import njit

from titleshot.detectors.detector import HIGHEST_STRANGENESS, LARGEST_VALUE

QUIET_CELLS = 8
"""The quiet time is kept in so many cells of the clock and the one under way."""
ALARM_CELLS = 28
"""The time over which alarms are counted is kept in so many cells; each counts once."""
DAY_LOUD, DAY_REPEAT_RATIO = 0.2, 2.0
"""A series that misses its time of day by this has no daily shape; what each such cell costs that part."""
EDGE_RATIO = 0.001
"""This share of the past values on either side is left out of their range."""
DAY_KNOWN_RATIO, DAY_NEIGHBOURS = 0.15, 3
"""At the same time of day a value is known within this share of the range; and whose spacing counts."""
DAY_SPACING_RATIO = 5.0
_MINUTES = 1_440


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
def _insert(ordered, n, value):  # type: ignore[no-untyped-def] # pragma: no cover
    at = _place(ordered, n, value)
    for i in range(n, at, -1):
        ordered[i] = ordered[i - 1]
    ordered[at] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _remove(ordered, n, value):  # type: ignore[no-untyped-def] # pragma: no cover
    for i in range(_place(ordered, n, value), n - 1):
        ordered[i] = ordered[i + 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _replace(ordered, n, old, new):  # type: ignore[no-untyped-def] # pragma: no cover
    """Take one of n ordered points out and put another in: only those between them move."""
    at, to = _place(ordered, n, old), _place(ordered, n, new)
    if to > at:
        to -= 1
        for i in range(at, to):
            ordered[i] = ordered[i + 1]
    else:
        for i in range(at, to, -1):
            ordered[i] = ordered[i - 1]
    ordered[to] = new


@njit(cache=True, nogil=True, error_model="numpy")
def _forget(  # type: ignore[no-untyped-def] # pragma: no cover
    ordered, n, value, ordered_levels, m, levels, at
):
    """Take a point and its level out; how many levels are left."""
    _remove(ordered, n, value)
    if len(levels) > 0 and levels[at] == levels[at]:
        _remove(ordered_levels, m, levels[at])
        return m - 1
    return m


@njit(cache=True, nogil=True, error_model="numpy")
def _replace_level(ordered, m, old, new):  # type: ignore[no-untyped-def] # pragma: no cover
    """The same for levels, either of which may be none; how many there are."""
    if old == old and new == new:
        _replace(ordered, m, old, new)
    elif old == old:
        _remove(ordered, m, old)
        return m - 1
    elif new == new:
        _insert(ordered, m, new)
        return m + 1
    return m


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(  # type: ignore[no-untyped-def] # pragma: no cover
    points, ordered, n, here, waiting, levels, ordered_levels, m
):
    """Put the newest of n points, and their levels, among the ordered ones; how many levels there are."""
    for back in range(waiting, 0, -1):
        i = here - back if here >= back else here - back + len(points)
        _insert(ordered, n - back, points[i])
        if len(levels) > 0 and levels[i] == levels[i]:
            _insert(ordered_levels, m, levels[i])
            m += 1
    return m


@njit(cache=True, nogil=True, error_model="numpy")
def _known(ordered, n, value):  # type: ignore[no-untyped-def] # pragma: no cover
    """Nearest of n ordered points, the distance of its own second neighbour, and the range of all."""
    cut = int(EDGE_RATIO * n)
    reach = ordered[n - 1 - cut] - ordered[cut]
    at = _place(ordered, n, value)
    if at == n or (at > 0 and value - ordered[at - 1] < ordered[at] - value):
        at -= 1
    near = ordered[at]
    left, right = at - 1, at + 1
    spacing = 0.0
    for _ in range(2):
        below = near - ordered[left] if left >= 0 else np.inf
        above = ordered[right] - near if right < n else np.inf
        if below <= above:
            spacing = below
            left -= 1
        else:
            spacing = above
            right += 1
    return near, spacing, reach


_HALF_DAY = 43_200 * 1_000_000_000
_DAY = 2 * _HALF_DAY


@njit(cache=True, nogil=True, error_model="numpy")
def _since(moments, oldest, n, at):  # type: ignore[no-untyped-def] # pragma: no cover
    """How many of n moments, in order from the oldest on, are before an instant."""
    low, high = 0, n
    while low < high:
        middle = (low + high) >> 1
        i = oldest + middle
        if moments[i if i < len(moments) else i - len(moments)] < at:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def _known_at_this_hour(  # type: ignore[no-untyped-def] # pragma: no cover
    points, moments, oldest, n, now, about, value, close
):
    """Nearest point of other days at this time of day, the distance of its third neighbour, how many.

    None is said to be there as soon as one lies within ``close``: then nobody asks how near it is.
    """
    window = len(points)
    count, at = 0, -1
    near = distance = np.inf
    spacing = np.full(DAY_NEIGHBOURS, np.inf)
    for asked in range(2):
        then = now - _DAY
        while n > 0 and then + about >= moments[oldest]:
            first = _since(moments, oldest, n, then - about)
            for k in range(first, n):
                i = oldest + k if oldest + k < window else oldest + k - window
                if moments[i] > then + about:
                    break
                if asked == 0:
                    count += 1
                    if abs(points[i] - value) < distance:
                        distance = abs(points[i] - value)
                        near = points[i]
                        at = i
                    if distance <= close:
                        return near, np.inf, 0
                elif i != at:
                    away = abs(points[i] - near)
                    place = DAY_NEIGHBOURS - 1
                    if away < spacing[place]:
                        while place > 0 and spacing[place - 1] > away:
                            spacing[place] = spacing[place - 1]
                            place -= 1
                        spacing[place] = away
            then -= _DAY
        if count <= DAY_NEIGHBOURS + 1:
            break
    return near, spacing[DAY_NEIGHBOURS - 1], count


@njit(cache=True, nogil=True, error_model="numpy")
def _loudest(most, stamps, cell):  # type: ignore[no-untyped-def] # pragma: no cover
    """Maximum of the cell of the clock under way and those before it; stamps count from 1."""
    found = 0.0
    for i in range(len(stamps)):
        if stamps[i] > 0 and cell + 1 - stamps[i] <= QUIET_CELLS:
            found = max(found, most[i])
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _marked(stamps, cell):  # type: ignore[no-untyped-def] # pragma: no cover
    """How many of the cells before this one are marked."""
    found = 0
    for i in range(len(stamps)):
        if stamps[i] > 0 and 0 < cell + 1 - stamps[i] <= ALARM_CELLS:
            found += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values,
    ring, times, ordered_values, filled, place, quiet_most, quiet_stamp, alarm_stamp, day_stamp, broken,
    level_ring, ordered_levels, levels_filled, looked_at, look_most, look_shares, look_share, waiting,
    threshold, min_points, memory, known_ratio, spacing_ratio, young, quiet, alarms, repeat_ratio, loud,
    level_points, level_weight, least, about, min_days, company_points, look_ratio,
    strangeness, expected, lower, upper, counts, driver, level_u, before, seen_at, since, company, began,
):  # fmt: skip
    window = ring.shape[1]
    for row in range(len(codes)):
        code = codes[row]
        now = timestamps[row]
        points, moments, ordered = ring[code], times[code], ordered_values[code]
        n, here = filled[code], place[code]
        # Adding 0 makes -0 equal to 0 in bits too.
        value = values[row] + 0.0
        sound = abs(value) <= LARGEST_VALUE
        span_of_alarms = now // alarms
        if waiting[code] > 0 and (
            now - looked_at[code] > QUIET_CELLS * quiet or looked_at[code] // alarms != span_of_alarms
        ):
            levels_filled[code] = _settle(
                points, ordered, n, here, waiting[code],
                level_ring[code], ordered_levels[code], levels_filled[code],
            )  # fmt: skip
            waiting[code] = 0
        oldest = here - n if here >= n else here - n + window
        while n > waiting[code] and memory > 0 and now - moments[oldest] > memory:
            levels_filled[code] = _forget(
                ordered,
                n - waiting[code],
                points[oldest],
                ordered_levels[code],
                levels_filled[code],
                level_ring[code],
                oldest,
            )
            n -= 1
            oldest = oldest + 1 if oldest + 1 < window else 0
        level = np.nan
        if sound and level_points > 0 and n >= level_points - 1:
            total = 0.0
            for back in range(level_points - 1, 0, -1):
                i = here - back if here >= back else here - back + window
                total += points[i] - value
            level = value + total / level_points
        u = near = half = np.nan
        by = 0
        of_level = np.nan
        repeats = 0
        last = 0
        beside = np.nan
        age = now - moments[oldest] if n > 0 else 0
        known = n - waiting[code]
        looking = confirmed = False
        begun = 0
        if sound and known >= min_points:
            ripe = age / (age + young) if young > 0 else 1.0
            near, spacing, reach = _known(ordered, known, value)
            bar = known_ratio * reach + spacing_ratio * spacing
            away = abs(value - near)
            share = (
                min(away / (known_ratio * reach), HIGHEST_STRANGENESS) if known_ratio * reach > 0.0 else 0.0
            )
            u = ripe * away / bar if bar > 0.0 else 0.0
            if level_points > 0:
                of_level = 0.0
                m = levels_filled[code]
                if m >= min_points and level == level:
                    close, gap, span = _known(ordered_levels[code], m, level)
                    room = known_ratio * span + spacing_ratio * gap
                    of_level = ripe * abs(level - close) / room if room > 0.0 else 0.0
                    of_level = min(of_level, HIGHEST_STRANGENESS)
                both = np.log(max(u, least)) + level_weight * np.log(max(of_level, least))
                u = np.exp(both / (1.0 + level_weight)) if u > 0.0 else 0.0
            of_day = 0.0
            if about > 0 and age >= min_days * _DAY and ripe > 0.0:
                usual, gap, found = _known_at_this_hour(
                    points, moments, oldest, n, now, about, value,
                    DAY_LOUD * DAY_KNOWN_RATIO * reach / ripe,
                )  # fmt: skip
                if found > DAY_NEIGHBOURS + 1:
                    room = DAY_KNOWN_RATIO * reach + DAY_SPACING_RATIO * gap
                    of_day = ripe * abs(value - usual) / room if room > 0.0 else 0.0
                    if of_day >= DAY_LOUD:
                        day_stamp[code, span_of_alarms % (ALARM_CELLS + 1)] = span_of_alarms + 1
                    of_day /= 1.0 + DAY_REPEAT_RATIO * _marked(day_stamp[code], span_of_alarms)
            repeats = _marked(alarm_stamp[code], span_of_alarms)
            weak = 1.0 + repeat_ratio * repeats
            raw = min(u / threshold, HIGHEST_STRANGENESS)
            of_day = min(of_day / threshold, HIGHEST_STRANGENESS)
            if max(raw, of_day) >= loud:
                alarm_stamp[code, span_of_alarms % (ALARM_CELLS + 1)] = span_of_alarms + 1
            if company_points > 0:
                # Company makes up for what repeats take, so they come first.
                raw /= weak
                of_day /= weak
                weak = 1.0
                if waiting[code] > 0:
                    if raw > look_most[code]:
                        look_shares[code] += look_share[code]
                        look_most[code], look_share[code] = raw, share
                    else:
                        look_shares[code] += share
                    beside = look_shares[code] / company_points
                    begun = looked_at[code]
                    together = look_most[code] + (1.0 - look_ratio) * beside
                    if share > 0.0 and together >= max(1.0, raw):
                        raw = min(together, HIGHEST_STRANGENESS)
                elif look_ratio <= raw < 1.0:
                    looked_at[code], look_most[code], look_share[code] = now, raw, share
                    look_shares[code] = 0.0
                    looking = True
                confirmed = raw >= 1.0
            if of_day > raw:
                raw, by, near, bar = of_day, 1, usual, room
                away = abs(value - near)
            cell = now // quiet
            loudest = _loudest(quiet_most[code], quiet_stamp[code], cell)
            u = raw / weak
            if raw <= loudest:
                # Said already, and louder: below 1, yet stranger the stranger it is.
                u = min(u, 0.5 * raw / loudest)
            if raw >= (look_ratio if company_points > 0 else 1.0):
                slot = cell % (QUIET_CELLS + 1)
                if quiet_stamp[code, slot] != cell + 1:
                    quiet_stamp[code, slot] = cell + 1
                    quiet_most[code, slot] = 0.0
                quiet_most[code, slot] = max(quiet_most[code, slot], raw)
            half = away / u if u > 1e-9 else threshold * bar
            if u >= 1.0:
                for back in range(1 + waiting[code], n + 1):
                    i = here - back if here >= back else here - back + window
                    if points[i] == near:
                        last = moments[i]
                        break
        strangeness[row] = u
        expected[row] = near
        lower[row] = near - half
        upper[row] = near + half
        counts[row] = known
        driver[row] = by
        level_u[row] = of_level
        before[row] = repeats
        seen_at[row] = last
        since[row] = age
        company[row] = beside
        began[row] = begun
        if not sound:
            broken[code] += 1
        else:
            looked = looking or waiting[code] > 0
            if n == window:
                n -= 1
                if looked:
                    levels_filled[code] = _forget(
                        ordered, known, points[here],
                        ordered_levels[code], levels_filled[code], level_ring[code], here,
                    )  # fmt: skip
                else:
                    _replace(ordered, window, points[here], value)
                    if level_points > 0:
                        levels_filled[code] = _replace_level(
                            ordered_levels[code], levels_filled[code], level_ring[code, here], level
                        )
            elif not looked:
                _insert(ordered, n, value)
                if level_points > 0 and level == level:
                    _insert(ordered_levels[code], levels_filled[code], level)
                    levels_filled[code] += 1
            points[here] = value
            moments[here] = now
            if level_points > 0:
                level_ring[code, here] = level
            here = here + 1 if here + 1 < window else 0
            n += 1
            if looked:
                # While a second look is taken, memory stays as it was before the first.
                waiting[code] += 1
                if confirmed or waiting[code] > company_points:
                    levels_filled[code] = _settle(
                        points, ordered, n, here, waiting[code],
                        level_ring[code], ordered_levels[code], levels_filled[code],
                    )  # fmt: skip
                    waiting[code] = 0
            place[code] = here
        filled[code] = n
