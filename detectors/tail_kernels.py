"""The compiled step of tail calibration: how rare a strangeness is for its series, and what enters."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

OCTAVES, PER_OCTAVE, LOWEST = 12, 8, 2.0**-6
"""Strangeness is counted in cells of an eighth of an octave from 1/64 to 64, one below and one above."""
CELLS = OCTAVES * PER_OCTAVE + 2
RUN = 4
"""Of strange scores in a row only the first so many enter."""
COMMON = 0.01
"""What comes more often among the past scores of a series is not strange, whatever the threshold."""
FRESH = 32
"""After so many scores in one cell what is common is looked at again."""
SUPPORT = 10
"""Past scores beyond a strangeness that make a count worth more than a fitted tail."""
_EDGES = 2.0 ** (np.arange(1, PER_OCTAVE) / PER_OCTAVE - 1)
_TOP = 2.0**6


@njit(cache=True, nogil=True, error_model="numpy")
def _cell(u):  # type: ignore[no-untyped-def] # pragma: no cover
    """The cell of a strangeness, from the bits of the number, so that every machine says the same."""
    if u < LOWEST:
        return 0
    if u >= _TOP:
        return CELLS - 1
    part, octave = math.frexp(u)
    k = 0
    while k < PER_OCTAVE - 1 and part >= _EDGES[k]:
        k += 1
    return 1 + (octave + 5) * PER_OCTAVE + k


@njit(cache=True, nogil=True, error_model="numpy")
def _lower_edge(cell):  # type: ignore[no-untyped-def] # pragma: no cover
    return LOWEST * 2.0 ** ((cell - 1) / PER_OCTAVE)


@njit(cache=True, nogil=True, error_model="numpy")
def _rarity(counts, n, u, cell):  # type: ignore[no-untyped-def] # pragma: no cover
    """P(U >= u) of scores counted in cells; n of them in all."""
    above = 0
    for i in range(cell + 1, CELLS):
        above += counts[0, i] + counts[1, i]
    if cell == 0:
        return 1.0
    here = counts[0, cell] + counts[1, cell]
    if above >= SUPPORT and cell < CELLS - 1:
        share = (u / _lower_edge(cell) - 1.0) / (2.0 ** (1.0 / PER_OCTAVE) - 1.0)
        return (above + here * (1.0 - share) + 0.5) / (n + 1.0)
    # Too few are beyond: a Weibull tail through the last edge with enough, and one with four times as many.
    beyond = above
    first = second = 0
    first_count = second_count = 0
    for i in range(cell, 0, -1):
        beyond += counts[0, i] + counts[1, i]
        if first == 0:
            if beyond >= SUPPORT:
                first, first_count = i, beyond
        elif beyond >= 4 * first_count:
            second, second_count = i, beyond
            break
    if first == 0 or second == 0:
        return np.nan
    near = -math.log((first_count + 0.5) / (n + 1.0))
    far = -math.log((second_count + 0.5) / (n + 1.0))
    shape = (math.log(near) - math.log(far)) * PER_OCTAVE / ((first - second) * math.log(2.0))
    rare = math.exp(-near * (u / _lower_edge(first)) ** shape)
    return max(rare, 0.1 / (n + 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(counts):  # type: ignore[no-untyped-def] # pragma: no cover
    """The lowest cell from which on scores are no more than ``COMMON`` of all."""
    n = 0
    for i in range(CELLS):
        n += counts[0, i] + counts[1, i]
    beyond = 0
    for i in range(CELLS - 1, 0, -1):
        beyond += counts[0, i] + counts[1, i]
        if beyond > COMMON * n:
            return i + 1
    return 1


@njit(cache=True, nogil=True, error_model="numpy")
def fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, strangeness, all_counts, periods, runs, cuts,
    period, least, strange_from, most_run, from_u, rare, support,
):  # fmt: skip
    """Rarity and support of rows with u >= ``from_u``, NaN and 0 for others; then each row enters."""
    for row in range(len(codes)):
        u = strangeness[row]
        rare[row] = np.nan
        support[row] = 0
        if np.isnan(u):
            continue
        code = codes[row]
        counts = all_counts[code]
        now = timestamps[row] // period + 1
        if now != periods[code]:
            follows = now == periods[code] + 1
            for i in range(CELLS):
                counts[1, i] = counts[0, i] if follows else 0
                counts[0, i] = 0
            if not follows:
                runs[code] = 0
                cuts[code] = 0
            periods[code] = now
        cell = _cell(u)
        if u >= from_u:
            n = 0
            for i in range(CELLS):
                n += counts[0, i] + counts[1, i]
            support[row] = n
            if n >= least:
                rare[row] = _rarity(counts, n, u, cell)
        runs[code] = 0 if u < strange_from or cell < cuts[code] else min(runs[code] + 1, most_run + 1)
        if runs[code] <= most_run:
            counts[0, cell] += 1
            if counts[0, cell] % FRESH == 0:
                cuts[code] = _cut(counts)
