"""What the samples look like: one row a series and period, one row a series, from one streaming pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, SECOND
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.validation import profile_kernel as kernel
from titleshot.datasets.validation.suite import Range
from titleshot.datasets.validation.violations import MOST, Violations, violations_of

MOST_SLOTS = 1_000_000
"""Rows of the profile at most; beyond, a period is 2, 4, 8 … days."""

_FIRST = np.iinfo(np.int64).min


class Rows(NamedTuple):
    """Samples in the order they arrived, as equally long numpy arrays."""

    codes: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    values: NDArray[np.float64]
    source_rows: NDArray[np.int64]
    early: NDArray[np.bool_] | None = None
    """Rows that arrived before their own timestamp; None where no row says when it arrived."""

    def take(self, order: NDArray[np.intp]) -> Rows:
        """The rows in another order."""
        early = None if self.early is None else self.early[order]
        return Rows(
            self.codes[order], self.timestamps[order], self.values[order], self.source_rows[order], early
        )


@dataclass(frozen=True)
class Profile:
    """What one pass saw.

    ``days``, one entry a series and period that has rows: series, day (ns), rows, nan, infinite, non_finite,
    out_of_range, repeated, disordered, minimum, maximum (NaN where nothing is finite), first, last (ns),
    largest_gap_s, gap_cadences.

    ``series``, one entry a series: series, rows, cadence_s (NaN where there is no usual step), first, last
    (ns; 0 without rows), missing (samples the cadence would have brought and did not), outside_span,
    non_finite, from_the_future (samples that arrived before their own timestamp).
    """

    keys: Sequence[SeriesKey]
    days: dict[str, NDArray[Any]]
    series: dict[str, NDArray[Any]]
    violations: Violations
    period_days: int
    rows: int


def profile_samples(
    keys: Sequence[SeriesKey],
    blocks: Callable[[], Iterable[Rows]],
    span: tuple[int, int],
    *,
    range_of: Callable[[str], Range] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Profile:
    """Profile samples that arrive as blocks; ``blocks`` is called again where a second pass is needed.

    Args:
        span: [from, to) of the timestamps, in nanoseconds UTC; rows outside are counted.
        range_of: declared range of a metric name.
        progress: told the rows done.

    Raises:
        MalformedInput: a row names a series that is not in ``keys``.
    """
    state = _State(keys, span, range_of)
    for rows in blocks():
        state.fold(rows)
        if progress is not None:
            progress(state.rows)
    if state.strays:
        state.settle(blocks())
    return state.profile()


class _State:
    def __init__(
        self, keys: Sequence[SeriesKey], span: tuple[int, int], range_of: Callable[[str], Range] | None
    ) -> None:
        count = len(keys)
        self.keys, self.span, self.rows = keys, span, 0
        self.period_days = 1
        while count * self._periods > MOST_SLOTS and self._periods > 1:
            self.period_days *= 2
        self.period, self.periods = self.period_days * DAY, self._periods
        self.origin = span[0] // self.period
        held = [(range_of or _anything)(key.metric_name) for key in keys]
        self.low = np.array([range_.least for range_ in held], np.float64)
        self.high = np.array([range_.most for range_ in held], np.float64)
        self.counters = np.zeros((count * self.periods, kernel.COUNTERS), np.int64)
        self.extremes = np.tile([np.inf, -np.inf], (count * self.periods, 1))
        self.cursors = np.zeros((count, kernel.CURSORS), np.int64)
        self.cursors[:, [kernel.NEWEST, kernel.BEFORE, kernel.SOURCE, kernel.LEFT]] = kernel.NEVER
        self.recent = np.zeros((count, kernel.RECENT), np.int64)
        self.examples = np.zeros((kernel.COUNTERS, MOST, 3), np.int64)
        self.example_values = np.zeros((kernel.COUNTERS, MOST))
        self.kept = np.zeros(kernel.COUNTERS, np.int64)
        self.early = np.zeros(count, np.int64)
        self.strays: list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]] = []

    @property
    def _periods(self) -> int:
        period = self.period_days * DAY
        return max((self.span[1] - 1) // period - self.span[0] // period + 1, 1)

    def fold(self, rows: Rows) -> None:
        if not rows.codes.size:
            return
        self._known(rows.codes)
        found = np.empty(rows.codes.size, np.int64)
        if rows.early is not None:
            self.early += np.bincount(rows.codes[rows.early], minlength=len(self.keys))
        strays = kernel.fold(
            *rows[:4],
            self.origin,
            *self.span,
            self.period,
            self.periods,
            self.low,
            self.high,
            self.counters,
            self.extremes,
            self.cursors,
            self.recent,
            self.examples,
            self.example_values,
            self.kept,
            found,
        )
        if strays:
            at = found[:strays].copy()
            self.strays.append((at + self.rows, rows.codes[at], rows.timestamps[at]))
        self.rows += rows.codes.size

    def settle(self, blocks: Iterable[Rows]) -> None:
        positions, codes, timestamps = (np.concatenate(part) for part in zip(*self.strays, strict=True))
        wanted = np.unique(np.stack([codes.astype(np.int64), timestamps]), axis=1)
        key_from = np.searchsorted(wanted[0], np.arange(len(self.keys) + 1))
        seen = np.zeros(wanted.shape[1], np.bool_)
        start = next_stray = 0
        for rows in blocks:
            next_stray = kernel.settle(
                *rows[:4],
                start,
                self.origin,
                self.period,
                self.periods,
                key_from,
                np.ascontiguousarray(wanted[1]),
                seen,
                positions,
                next_stray,
                self.counters,
                self.examples,
                self.example_values,
                self.kept,
            )
            start += rows.codes.size

    def profile(self) -> Profile:
        kernel.finish(self.origin, self.period, self.periods, self.counters, self.cursors, self.recent)
        used = np.flatnonzero(self.counters[:, kernel.ROWS])
        counts = self.counters[used]
        codes = used // self.periods
        series = self._series(codes, counts)
        minimum, maximum = self.extremes[used].T
        nothing = minimum > maximum
        gap_s = counts[:, kernel.LARGEST_GAP] / SECOND
        days = {
            "series": codes,
            # The first day of all that 64 bits hold begins before what they hold.
            "day": np.maximum(self.origin + used % self.periods, _FIRST // self.period + 1) * self.period,
            "rows": counts[:, kernel.ROWS],
            "nan": counts[:, kernel.NAN],
            "infinite": counts[:, kernel.INFINITE],
            "non_finite": counts[:, kernel.NAN] + counts[:, kernel.INFINITE],
            "out_of_range": counts[:, kernel.OUT_OF_RANGE],
            "repeated": counts[:, kernel.REPEATED],
            "disordered": counts[:, kernel.DISORDERED],
            "minimum": np.where(nothing, np.nan, minimum),
            "maximum": np.where(nothing, np.nan, maximum),
            "first": counts[:, kernel.FIRST],
            "last": counts[:, kernel.LAST],
            "largest_gap_s": gap_s,
            # A series without a usual step has no gaps.
            "gap_cadences": np.nan_to_num(gap_s / series["cadence_s"][codes]),
        }
        found = violations_of(self.keys, self.examples, self.example_values, self.kept)
        return Profile(self.keys, days, series, found, self.period_days, self.rows)

    def _series(self, codes: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        count = len(self.keys)
        rows = np.bincount(codes, counts[:, kernel.ROWS], count).astype(np.int64)
        steps = rows - np.bincount(codes, counts[:, kernel.REPEATED], count).astype(np.int64) - 1
        bad = counts[:, kernel.NAN] + counts[:, kernel.INFINITE]
        first = np.full(count, np.iinfo(np.int64).max)
        last = np.full(count, np.iinfo(np.int64).min)
        np.minimum.at(first, codes, counts[:, kernel.FIRST])
        np.maximum.at(last, codes, counts[:, kernel.LAST])
        empty = rows == 0
        first[empty] = last[empty] = 0
        # A majority of share p leaves about (2p - 1) of all votes: what leaves few is no usual step.
        usual = (self.cursors[:, kernel.VOTES] * 10 >= steps) & (steps > 0)
        cadence_s = np.where(usual, self.cursors[:, kernel.STEP] / SECOND, np.nan)
        wanted = np.nan_to_num((last.astype(np.float64) - first) / SECOND / cadence_s)
        return {
            "series": np.arange(count),
            "rows": rows,
            "cadence_s": cadence_s,
            "first": first,
            "last": last,
            "missing": np.maximum(np.rint(wanted).astype(np.int64) - np.maximum(steps, 0), 0) * usual,
            "outside_span": self.cursors[:, kernel.OUTSIDE].copy(),
            "non_finite": np.bincount(codes, bad, count).astype(np.int64),
            "from_the_future": self.early.copy(),
        }

    def _known(self, codes: NDArray[np.int32]) -> None:
        least, most = int(codes.min()), int(codes.max())
        if least < 0 or most >= len(self.keys):
            wrong = least if least < 0 else most
            raise MalformedInput(
                f"samples name series {wrong} and there are series 0 to {len(self.keys) - 1};"
                " import the dataset again"
            )


def _anything(metric_name: str) -> Range:
    return Range(metric=metric_name)
