"""One pass over the samples: what each series looks like, before anything is planted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.dataset import Dataset

_FIRST_STAMPS = 65


class Survey(NamedTuple):
    """One entry a series, in the order of its codes."""

    first: NDArray[np.int64]
    """Earliest timestamp (ns)."""
    last: NDArray[np.int64]
    cadence: NDArray[np.int64]
    """Usual step (ns): the median of its first 64; 0 where it has fewer than two timestamps."""
    whole: NDArray[np.bool_]
    """Every finite value is a whole number."""
    minimum: NDArray[np.float64]
    """Least finite value; infinite where there is none."""


class BySeries:
    """Positions of a block's rows, series by series."""

    def __init__(self, codes: NDArray[np.int32], timestamps: NDArray[np.int64], series: int) -> None:
        self.order = np.argsort(codes, kind="stable")
        self.edges = np.searchsorted(codes[self.order], np.arange(series + 1))
        self.timestamps = timestamps

    def rows(self, code: int, start: int, end: int) -> NDArray[np.intp]:
        """Rows of a series with timestamps in [start, end), in the order they stand."""
        mine = self.order[self.edges[code] : self.edges[code + 1]]
        stamps = self.timestamps[mine]
        return np.asarray(mine[(stamps >= start) & (stamps < end)])


def survey(dataset: Dataset, told: Callable[[int], None]) -> Survey:
    """Look at every sample once; ``told`` is told the rows done."""
    count = len(dataset.series())
    limits = np.iinfo(np.int64)
    first, last = np.full(count, limits.max), np.full(count, limits.min)
    whole, minimum = np.ones(count, np.bool_), np.full(count, np.inf)
    stamps: list[list[NDArray[np.int64]]] = [[] for _ in range(count)]
    seen = np.zeros(count, np.int64)
    done = 0
    for block in dataset.blocks():
        codes, times, values = block.codes, block.timestamps, block.values
        np.minimum.at(first, codes, times)
        np.maximum.at(last, codes, times)
        finite = np.isfinite(values)
        np.minimum.at(minimum, codes[finite], values[finite])
        whole[codes[finite & (values != np.rint(values))]] = False
        _collect(stamps, seen, codes, times)
        done += len(codes)
        told(done)
    cadence = np.array([_step(parts) for parts in stamps], np.int64)
    return Survey(first, last, cadence, whole, minimum)


def _collect(
    stamps: list[list[NDArray[np.int64]]],
    seen: NDArray[np.int64],
    codes: NDArray[np.int32],
    times: NDArray[np.int64],
) -> None:
    new = np.flatnonzero(seen[codes] < _FIRST_STAMPS)
    if not len(new):
        return
    rows = BySeries(codes[new], times[new], len(seen))
    for code in np.flatnonzero(np.diff(rows.edges)):
        mine = rows.order[rows.edges[code] : rows.edges[code + 1]][:_FIRST_STAMPS]
        stamps[code].append(times[new][mine])
        seen[code] += len(mine)


def _step(parts: list[NDArray[Any]]) -> int:
    if not parts:
        return 0
    steps = np.diff(np.unique(np.concatenate(parts)))
    return int(np.median(steps)) if len(steps) else 0
