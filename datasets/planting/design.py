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
        self._services = _codes([cell.service for cell in cells])
        self._metrics = _codes([cell.metric for cell in cells])
        self._kinds = _codes([cell.kind.name for cell in cells])
        self._count = np.zeros(len(cells), np.int64)
        self._lot = rng.random(len(cells))
        self._size_lot = rng.random((len(cells), len(sizes)))
        self._open = np.ones((len(cells), len(sizes)), np.bool_)
        self._given: Counter[tuple[str, object, int]] = Counter()

    def next(self) -> tuple[int, int] | None:
        """A cell and a size, as positions; None when there is nothing left to give."""
        open_cells = self._open.any(axis=1) & (self._count < self._per)
        if not open_cells.any():
            return None
        served = sum(
            np.bincount(codes, self._count)[codes] / np.bincount(codes)[codes]
            for codes in (self._services, self._metrics, self._kinds)
        )
        order = np.lexsort((self._lot, np.round(served, 9), self._count))
        cell = int(next(at for at in order if open_cells[at]))
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

    def close(self, cell: int, size: int) -> None:
        """This size cannot be had in this cell."""
        self._open[cell, size] = False


def _codes(names: Sequence[str]) -> NDArray[np.int64]:
    return np.asarray(np.unique(names, return_inverse=True)[1], np.int64).reshape(-1)
