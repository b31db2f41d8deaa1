"""Which service, metric and kind gets a fault of which size: every cell in turn, sizes spread evenly.

A cell is a service, a metric and a kind. The next fault always goes to a cell that has fewest, among those to
the service, metric and kind that have fewest, and gets the size that is rarest in its cell, then for its
kind, its service and its metric; what is still equal is settled by lot. So a plan that is cut short anywhere
is still balanced: counts of services, metrics, kinds and sizes differ by little more than one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.planting.kinds import Kind


class Cell(NamedTuple):
    """Where faults of one curve go."""

    service: str
    metric: str
    kind: Kind


class Design:
    """Hands out cells and sizes until each cell has ``per`` faults or nothing is open.

    Args:
        per: faults a cell gets at most.
    """

    def __init__(
        self, cells: Sequence[Cell], sizes: Sequence[float], per: int, rng: np.random.Generator
    ) -> None:
        self.cells, self._sizes, self._per = cells, sizes, per
        columns = zip(*((cell.service, cell.metric, cell.kind.name) for cell in cells), strict=True)
        self._groups = [(codes, np.bincount(codes)) for codes in map(_codes, columns)]
        self._count = np.zeros(len(cells), np.int64)
        self._lot = rng.random(len(cells))
        self._size_lot = rng.random((len(cells), len(sizes)))
        self._open = np.ones((len(cells), len(sizes)), np.bool_)
        self._given: Counter[tuple[str, object, int]] = Counter()

    def next(self) -> tuple[int, int] | None:
        """A cell and a size, as positions; None when there is nothing left to give."""
        open_cells = np.flatnonzero(self._open.any(axis=1) & (self._count < self._per))
        if not len(open_cells):
            return None
        fewest = open_cells[self._count[open_cells] == self._count[open_cells].min()]
        served = np.zeros(len(fewest))
        for codes, cells_of in self._groups:
            served += (np.bincount(codes, self._count) / cells_of)[codes[fewest]]
        # Rounded: what is equal must be equal, whatever order sums were made in.
        served = np.round(served, 9)
        fewest = fewest[served == served.min()]
        cell = int(fewest[np.argmin(self._lot[fewest])])
        sizes = [at for at in range(len(self._sizes)) if self._open[cell, at]]
        size = min(sizes, key=lambda at: (*self._rarity(cell, at), self._size_lot[cell, at]))
        return cell, size

    def _rarity(self, cell: int, size: int) -> tuple[int, ...]:
        named = self.cells[cell]
        names = (cell, named.kind.name, named.service, named.metric)
        return tuple(
            self._given[what, name, size]
            for what, name in zip(("cell", "kind", "service", "metric"), names, strict=True)
        )

    def _add(self, cell: int, size: int, by: int) -> None:
        named = self.cells[cell]
        self._count[cell] += by
        for key in (
            ("cell", cell),
            ("kind", named.kind.name),
            ("service", named.service),
            ("metric", named.metric),
        ):
            self._given[*key, size] += by

    def give(self, cell: int, size: int) -> None:
        """The fault has a place."""
        self._add(cell, size, 1)

    def take_back(self, cell: int, size: int) -> None:
        """The place turned out to be unfit."""
        self._add(cell, size, -1)

    def close(self, which: NDArray[np.bool_]) -> int:
        """Sizes that cannot be had, as a mask of cells by sizes; how many of them were open."""
        closed = int((self._open & which).sum())
        self._open &= ~which
        return closed


def _codes(names: Sequence[str]) -> NDArray[np.int64]:
    return np.asarray(np.unique(names, return_inverse=True)[1], np.int64).reshape(-1)
