"""Resampling by whole days: replicates of any score that is a function of block sums, and what they say.

Counts of how often each day was drawn, times the sums of each day, give every replicate in one matrix
product, and those of all scores of a run, which share the same draws, in one too. Nothing depends on the
number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from math import ceil, floor, sqrt
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

Float64 = NDArray[np.float64]
Number = TypeVar("Number", bound=np.generic)

FEWEST_BLOCKS = 20
"""Below this a bootstrap of days promises more than it holds."""
MOST_UNDEFINED = 0.1
"""Share of replicates that may be undefined, for want of a denominator, before there is no interval."""
_CELLS = 400_000
"""Cells worked on at a time: what a processor's cache holds."""
_NARROW = 16
"""Columns of a score that are worth adding up together with others."""


class Summands(NamedTuple):
    """A score as a function of sums: ``columns`` are blocks x k, ``of`` maps sums (…, k) to scores (…)."""

    columns: Float64
    of: Callable[[NDArray[Any]], Float64]
    days: NDArray[np.intp] | None = None
    """Where each column is 1 on one day and 0 elsewhere, that day: sums are then looked up, as integers."""

    def value(self) -> float:
        """The score on the blocks as they were; NaN where undefined."""
        return float(self.of(self.columns.sum(axis=0)))


class Resampling:
    """Draws of ``blocks`` days with replacement, ``resamples`` times.

    >>> days = Resampling(blocks=30, resamples=4, seed=7)
    >>> days.counts.sum(axis=1).tolist()
    [30, 30, 30, 30]
    """

    def __init__(self, blocks: int, resamples: int, seed: int) -> None:
        self.blocks = blocks
        self.resamples = resamples
        self.seed = seed
        self._prepared: dict[bytes, Float64] = {}

    @cached_property
    def counts(self) -> NDArray[np.uint16]:
        """How often each day was drawn: resamples x blocks."""
        random = np.random.default_rng([self.seed, 0])
        counts = np.empty((self.resamples, self.blocks), np.uint16)
        # Piece by piece: what fits a processor's cache is not paid for page by page.
        for rows in _cut(counts, self.blocks):
            drawn = random.integers(self.blocks, size=rows.shape)
            drawn += np.arange(len(rows))[:, None] * self.blocks
            rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
        return counts

    @cached_property
    def swaps(self) -> NDArray[np.uint16]:
        """1 where champion and challenger trade places on a day: resamples x blocks."""
        random = np.random.default_rng([self.seed, 1])
        swaps = np.empty((self.resamples, self.blocks), np.uint16)
        for rows in _cut(swaps, self.blocks):
            rows[:] = random.integers(2, size=rows.shape)
        return swaps

    def prepare(self, alone: Sequence[Summands], pairs: Sequence[tuple[Summands, Summands]] = ()) -> None:
        """Add up the columns of many scores at once, for :meth:`replicates` and :meth:`permuted` to take.

        The counts are read once instead of once a score; what comes out is the same bit for bit. What was
        prepared before is let go.
        """
        self._prepared = {}
        if not self.blocks:
            return
        both = [*alone, *(side for pair in pairs for side in pair)]
        self._add_up(b"days", self.counts, [_on_grid(summands.columns) for summands in both])
        moves = [_moved(*pair) for pair in pairs]
        if moves:
            self._add_up(b"swaps", self.swaps, moves)

    def _add_up(self, mark: bytes, rows: NDArray[np.uint16], columns: Sequence[Float64]) -> None:
        # Many scores are per the same weeks or incidents: such a column is added up once.
        distinct: dict[bytes, int] = {}
        places = {
            _key(mark, one): [distinct.setdefault(column.tobytes(), len(distinct)) for column in one.T]
            for one in columns
            if one.shape[1] <= _NARROW
        }
        if not places:
            return
        side_by_side = np.column_stack([np.frombuffer(column) for column in distinct])
        sums = np.concatenate([piece.astype(float) @ side_by_side for piece in _cut(rows, self.blocks)])
        self._prepared |= {key: sums[:, place] for key, place in places.items()}

    def replicates(self, summands: Summands) -> Float64:
        """The score on each draw of days."""
        if summands.days is not None:
            drawn = _cut(self.counts, len(summands.days))
            return np.concatenate([summands.of(rows[:, summands.days]) for rows in drawn])
        columns = _on_grid(summands.columns)
        ready = self._prepared.get(_key(b"days", columns))
        if ready is not None:
            return summands.of(ready)
        return np.concatenate([summands.of(rows @ columns) for rows in self._pieces(self.counts, summands)])

    def leave_one_out(self, summands: Summands) -> Float64:
        """The score without each of the days."""
        return summands.of(summands.columns.sum(axis=0) - summands.columns)

    def permuted(self, champion: Summands, challenger: Summands) -> Float64:
        """The difference when on random days the two trade places."""
        first, second = (_on_grid(side.columns).sum(axis=0) for side in (champion, challenger))
        columns = _moved(champion, challenger)
        ready = self._prepared.get(_key(b"swaps", columns))
        sums = (
            [ready] if ready is not None else [rows @ columns for rows in self._pieces(self.swaps, champion)]
        )
        return np.concatenate([champion.of(second - moved) - champion.of(first + moved) for moved in sums])

    def _pieces(self, rows: NDArray[np.uint16], summands: Summands) -> Iterator[Float64]:
        pieces = _cut(rows, max(self.blocks, summands.columns.shape[1]))
        return (piece.astype(float) for piece in pieces)


def _moved(champion: Summands, challenger: Summands) -> Float64:
    """What trading places on a day moves from the one to the other."""
    return _on_grid(challenger.columns) - _on_grid(champion.columns)


def _key(mark: bytes, columns: Float64) -> bytes:
    return blake2b(columns.tobytes(), digest_size=16, key=mark).digest()


def _on_grid(columns: Float64) -> Float64:
    """Each column rounded, by about 1e-12 of its largest, to where all its sums are exact.

    Then no order of adding changes a bit: not the pieces, the linear algebra library nor its threads.
    """
    largest = np.abs(columns).max(axis=0, initial=0.0) * max(len(columns), 1)
    with np.errstate(invalid="ignore"):
        _, exponent = np.frexp(largest)
        step = np.ldexp(1.0, np.where(np.isfinite(largest), exponent, 0) - 52)
        gridded: Float64 = np.round(columns / step) * step
    return gridded


def _cut(rows: NDArray[Number], columns: int) -> Iterator[NDArray[Number]]:
    step = max(1, _CELLS // max(columns, 1))
    return (rows[start : start + step] for start in range(0, len(rows), step))


def percentile_interval(replicates: Float64, confidence: float, blocks: int) -> tuple[float, float]:
    """Percentiles, widened for few blocks.

    Source of the widening: Hesterberg (2015), The American Statistician 69, "expanded percentile".
    """
    return ordered_percentiles(np.sort(replicates), confidence, blocks)


def ordered_percentiles(ordered: Float64, confidence: float, blocks: int) -> tuple[float, float]:
    """The same of replicates in rising order."""
    tail = _tail(confidence, blocks)
    return _quantiles(ordered, tail, 1 - tail)


def bca_interval(
    replicates: Float64, value: float, without: Float64, confidence: float, blocks: int
) -> tuple[float, float]:
    """Percentiles corrected for bias and skew, widened for few blocks; for scores of one contender.

    Args:
        without: the score without each day.

    Source: Efron (1987), JASA 82; acceleration from the jackknife.
    """
    ordered = np.sort(replicates)
    below = (np.count_nonzero(ordered < value) + np.count_nonzero(ordered <= value)) / (2 * len(ordered))
    bias = float(ndtri(np.clip(below, 1e-4, 1 - 1e-4)))
    influence = np.mean(without[np.isfinite(without)]) - without[np.isfinite(without)]
    power = float(np.square(influence).sum())
    skew = float((influence**3).sum()) / (6 * power**1.5) if power > 0 else 0.0
    tail = _tail(confidence, blocks)

    def corrected(share: float) -> float:
        z = bias + float(ndtri(share))
        return float(ndtr(bias + z / max(1 - skew * z, 0.1)))

    return _quantiles(ordered, corrected(tail), corrected(1 - tail))


def _tail(confidence: float, blocks: int) -> float:
    return float(ndtr(sqrt(blocks / (blocks - 1)) * stdtrit(blocks - 1, (1 - confidence) / 2)))


def _quantiles(ordered: Float64, lower: float, upper: float) -> tuple[float, float]:
    # Order statistics, outward: replicates may be infinite, and an interval errs on the wide side.
    last = len(ordered) - 1
    low = min(max(floor((last + 2) * lower) - 1, 0), last)
    high = min(max(ceil((last + 2) * upper) - 1, 0), last)
    return float(ordered[low]), float(ordered[high])


def permutation_p(differences: Float64, observed: float) -> float:
    """Two-sided p-value of an observed difference among permuted ones; undefined ones count as extreme."""
    slack = 1e-12 * max(1.0, abs(observed))
    extreme = np.count_nonzero(~(np.abs(differences) < abs(observed) - slack))
    return (1 + extreme) / (1 + len(differences))
