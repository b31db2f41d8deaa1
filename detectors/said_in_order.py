"""What one detector said, samples and ticks in one order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from titleshot.detectors.answers import Answers, AtTicks, Notes, Ticks
from titleshot.detectors.block import F64, I8, I32, I64
from titleshot.detectors.detector import Scored


class SaidInOrder(NamedTuple):
    """Rows of one detector in order: samples, and what was said at ticks among them."""

    codes: I32
    timestamps: I64
    values: F64
    clocks: I64
    scored: Scored
    notes: Notes | None


def in_order(
    given: tuple[I32, I64, F64], clocks: I64, answers: Answers, ticks: Ticks, tick_clocks: I64
) -> SaidInOrder:
    """Answers to samples, and where something was said at ticks that among them."""
    at: AtTicks | None = answers.at_ticks
    if at is None or not len(at.codes):
        return SaidInOrder(*given, clocks, answers.scored, answers.notes)
    before = ticks.places[at.ticks]

    def among(column: Any, more: Any) -> Any:
        return np.insert(column, before, more)

    return SaidInOrder(
        among(given[0], at.codes),
        among(given[1], ticks.timestamps[at.ticks]),
        among(given[2], at.values),
        among(clocks, tick_clocks[at.ticks]),
        Scored(*map(among, answers.scored, at.scored)),
        {name: among(column, at.notes[name]) for name, column in (answers.notes or {}).items()},
    )


@njit(cache=True, nogil=True)
def samples_only(
    kinds: I8, codes: I32, timestamps: I64, values: F64, clocks: I64
) -> tuple[I32, I64, F64, I64]:
    """Columns of the rows that are samples."""
    n = 0
    for i in range(len(kinds)):
        n += kinds[i] == 3
    out = (np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.float64), np.empty(n, np.int64))
    j = 0
    for i in range(len(kinds)):
        if kinds[i] == 3:
            out[0][j], out[1][j], out[2][j], out[3][j] = codes[i], timestamps[i], values[i], clocks[i]
            j += 1
    return out
