"""Whether features still look as they did when something was fitted on them: population stability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY
from titleshot.detectors.block import F64

BINS: Final = 10
DRIFTED: Final = 0.25
"""A population stability index above this is a major shift, by the rule of its author."""
_LEAST = 1e-3
"""Share an empty bin is taken to have, so that the index stays finite."""
_LEAST_ROWS: Final = 100
Arrays = dict[str, NDArray[Any]]


def reference(values: F64) -> Arrays:
    """What fitted rows look like: edges of their deciles and the share in each bin, the last for missing.

    Args:
        values: (rows, features), NaN where missing; at least one row.
    """
    rows, features = values.shape
    edges = np.full((features, BINS - 1), np.inf)
    for column in range(features):
        found = values[:, column]
        present = found[found == found]
        if len(present):
            edges[column] = np.quantile(present, np.arange(1, BINS) / BINS, method="lower")
    counts = np.zeros((features, BINS + 1), np.int64)
    _count(np.ascontiguousarray(values), np.arange(features), edges, counts)
    return {"drift_edges": edges, "drift_shares": counts / rows}


def index(shares: F64, now: F64) -> float:
    """Population stability index of two histograms of shares: sum of (p - q) ln(p / q), at least 0.

    Source: Siddiqi, "Credit Risk Scorecards" (2006). Empty bins count as a thousandth.

    >>> round(index(np.array([0.5, 0.5]), np.array([0.9, 0.1])), 3)
    0.879
    """
    p, q = np.maximum(now, _LEAST), np.maximum(shares, _LEAST)
    return float(np.sum((p - q) * np.log(p / q)))


class DriftWatch:
    """Counts rows of the day and, when the next one begins, compares them with what was fitted.

    A day with fewer than 100 rows says nothing. Memory: the day before.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        n = len(self.names)
        self._all = np.arange(n)
        self._edges = np.full((n, BINS - 1), np.inf)
        self._shares = np.zeros((n, BINS + 1))
        self.counts = np.zeros((n, BINS + 1), np.int64)
        self.day = np.zeros(1, np.int64)
        self.index = np.full(n, np.nan)
        """Of the last day that said anything, by feature."""
        self.days = np.zeros(n, np.int64)
        """Days on which each feature had drifted."""

    def use(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Compare with these from now on."""
        self._edges, self._shares = np.asarray(arrays["drift_edges"]), np.asarray(arrays["drift_shares"])

    @property
    def drifted(self) -> NDArray[np.bool_]:
        """Features that did not look as fitted on the last day that said anything."""
        drifted: NDArray[np.bool_] = np.nan_to_num(self.index) > DRIFTED
        return drifted

    def see(self, timestamp: int, values: F64, at: NDArray[np.int64] | None = None) -> None:
        """Rows (n, features) of one tick; ``at`` are the features' columns where there are others too."""
        day = timestamp // DAY
        if day != self.day[0]:
            self._close()
            self.day[0] = day
        columns = self._all if at is None else at
        _count(np.ascontiguousarray(values), columns, self._edges, self.counts)

    def _close(self) -> None:
        rows = self.counts[:1].sum()
        if rows >= _LEAST_ROWS:
            self.index = np.array(
                [index(q, p / rows) for q, p in zip(self._shares, self.counts, strict=True)], np.float64
            )
            self.days += self.drifted
        self.counts[:] = 0

    def report(self) -> dict[str, Any]:
        """Features that have drifted, with the last index and the number of days."""
        return {
            name: {"index": round(float(last), 3), "days": int(days)}
            for name, last, days in zip(self.names, self.index, self.days, strict=True)
            if days
        }

    def state(self) -> Arrays:
        """Arrays that :meth:`load` continues from."""
        return {"counts": self.counts, "day": self.day, "index": self.index, "days": self.days}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state`; copies."""
        self.counts, self.day = np.array(arrays["counts"]), np.array(arrays["day"])
        self.index, self.days = np.array(arrays["index"]), np.array(arrays["days"])


@njit(cache=True, nogil=True)
def _count(  # type: ignore[no-untyped-def] # pragma: no cover
    values, at, edges, counts
):
    """Add rows to bins; bin i holds values above edge i - 1 up to edge i, the last bin what is missing."""
    for row in range(values.shape[0]):
        for column in range(len(at)):
            value = values[row, at[column]]
            place = BINS
            if value == value:
                place = 0
                while place < BINS - 1 and edges[column, place] < value:
                    place += 1
            counts[column, place] += 1
