"""A share of trials with its interval: what happens on one day is not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.scores import Direction, Score
from titleshot.reports.intervals import wilson_of_days
from titleshot.reports.statistics import Summands


class Days:
    """The days of a span [from, to), nanoseconds UTC, over which shares are taken."""

    def __init__(self, span: tuple[int, int], confidence: float) -> None:
        self._first = span[0] // DAY
        self.count = max(int((span[1] - 1) // DAY - self._first) + 1, 1)
        self._confidence = confidence

    def share(
        self,
        name: str,
        moments: Sequence[int],
        counted: Sequence[bool],
        *,
        n_of: str,
        better: Direction | None,
        undefined: str | None = None,
    ) -> Score:
        """Counted among all, with Wilson's interval at the effective n of days.

        Args:
            moments: one per trial, nanoseconds UTC.
            counted: whether each trial counts.
            undefined: why the share is not known, whatever the numbers.
        """
        n = len(moments)
        reason = undefined or (f"no {n_of}" if n == 0 else None)
        if reason:
            return Score(
                name=name, unit="ratio", better=better, n=0 if undefined else n, n_of=n_of, reason=reason
            )
        day = np.clip(np.array(moments, np.int64) // DAY - self._first, 0, self.count - 1)
        columns = np.column_stack(
            [
                np.bincount(day, weights=np.array(counted, float), minlength=self.count),
                np.bincount(day, minlength=self.count).astype(float),
            ]
        )
        interval = wilson_of_days(
            Summands(columns, lambda sums: sums[..., 0] / sums[..., 1]), self.count, self._confidence
        )
        return Score(
            name=name,
            value=float(sum(counted) / n),
            unit="ratio",
            better=better,
            n=n,
            n_of=n_of,
            low=interval.low,
            high=interval.high,
            confidence=self._confidence,
            method=interval.method,
        )
