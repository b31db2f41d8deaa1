"""What a detector may say beyond one number a row: evidence of its own, and answers at ticks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from titleshot.detectors.detector import Codes, Flags, Floats, Instants, Scored

_NEVER = -(2**62)

Notes = Mapping[str, npt.NDArray[Any]]
"""Columns of what lies behind each row, for the evidence of those that become events."""


class Ticks(NamedTuple):
    """Moments at which nothing need have come in, in order; each array of length k.

    ``places[i]`` is how many rows of the fold came before the tick; a row at the tick's own instant is one
    of them. ``every`` is the usual distance of ticks in nanoseconds: where two stand much further apart,
    nobody listened meanwhile.
    """

    places: Instants
    timestamps: Instants
    every: int

    @classmethod
    def none(cls) -> Ticks:
        """No ticks."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), 0)


class AtTicks(NamedTuple):
    """What was said at ticks, by tick; ``ticks[i]`` is the number of the tick that row i was said at."""

    ticks: Instants
    codes: Codes
    values: Floats
    scored: Scored
    notes: Notes


class Answers(NamedTuple):
    """One answer a row as in ``Scored``, the columns behind them, and what was said at ticks."""

    scored: Scored
    notes: Notes | None = None
    at_ticks: AtTicks | None = None


class Hearing:
    """Which ticks detectors hear: those at multiples of the contender's own tick, each once.

    A stream may hold others, such as those of the contender that spoke before; then what is said would
    hang on who spoke before.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.last = _NEVER

    def of(self, timestamps: Instants, ticks: Flags, samples: Flags) -> tuple[Ticks, Instants]:
        """The ticks to hear among rows in release order, placed among the samples; and their row numbers."""
        rows = np.flatnonzero(ticks)
        times = timestamps[rows]
        fresh = (times % self.every == 0) & (times > self.last)
        fresh[1:] &= times[1:] != times[:-1]
        rows, times = rows[fresh], times[fresh]
        if len(times):
            self.last = int(times[-1])
        return Ticks(np.cumsum(samples)[rows].astype(np.int64), times, self.every), rows
