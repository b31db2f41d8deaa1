"""The compiled passes behind the order of release: one loop each over rows, no copies."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from titleshot.detectors.block import I8, I32, I64


@njit(cache=True, nogil=True)
def admit(
    kinds: I8,
    arrivals: I64,
    timestamps: I64,
    lateness: int,
    skew: int,
    clock: int,
    bound: int,
    status: I8,
    stamped: I64,
    bounds: I64,
    clocks: I64,
    causes: I64,
    sequence: I64,
    first: int,
) -> tuple[int, int, int, int]:
    """One pass in arrival order: moves the clock, judges and numbers rows, lists the steps of the bound."""
    steps = 0
    dead = 0
    for i in range(len(kinds)):
        clock = max(clock, arrivals[i])
        now = max(clock, bound)
        moved = clock - lateness + (1 if kinds[i] == 4 else 0)
        if moved > bound:
            bound = moved
            bounds[steps] = bound
            clocks[steps] = clock
            causes[steps] = i
            steps += 1
        sequence[i] = first + i
        if kinds[i] == 0 or kinds[i] == 4:
            stamped[i] = now
            status[i] = 0
        else:
            stamped[i] = timestamps[i]
            if timestamps[i] > arrivals[i] + skew:
                status[i] = 2
                dead += 1
            elif timestamps[i] < bound:
                status[i] = 1
                dead += 1
            else:
                status[i] = 0
    return clock, bound, steps, dead


@njit(cache=True, nogil=True)
def survey(timestamps: I64, kinds: I8, keys: I64, sequence: I64, codes: I32, ranks: I64) -> tuple[bool, bool]:
    """Whether rows stand in release order, and whether any repeats the one before."""
    repeats = False
    before = 0
    for i in range(len(timestamps)):
        key = ranks[codes[i]] if kinds[i] == 3 else keys[i]
        if i > 0:
            j = i - 1
            if timestamps[i] != timestamps[j]:
                if timestamps[i] < timestamps[j]:
                    return False, False
            elif kinds[i] != kinds[j]:
                if kinds[i] < kinds[j]:
                    return False, False
            elif key != before:
                if key < before:
                    return False, False
            elif sequence[i] < sequence[j]:
                return False, False
            elif kinds[i] != 4 and kinds[i] != 0:
                repeats = True
        before = key
    return True, repeats


@njit(cache=True, nogil=True)
def release_clocks(timestamps: I64, bounds: I64, clocks: I64, out: I64) -> None:
    """For ordered timestamps, the clock of the first step whose bound lies beyond each."""
    step = 0
    for i in range(len(timestamps)):
        while bounds[step] <= timestamps[i]:
            step += 1
        out[i] = clocks[step]


@njit(cache=True, nogil=True)
def mark_repeats(timestamps: I64, kinds: I8, keys: I64, out: NDArray[np.bool_]) -> int:
    """Marks rows that repeat the one before: same sample instant, or the same platform or log event."""
    found = 0
    for i in range(1, len(timestamps)):
        same = timestamps[i] == timestamps[i - 1] and kinds[i] == kinds[i - 1] and keys[i] == keys[i - 1]
        if same and kinds[i] != 4 and kinds[i] != 0:
            out[i] = True
            found += 1
    return found
