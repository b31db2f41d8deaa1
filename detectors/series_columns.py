"""State of many series as columns that grow: what alert policy and tail calibration keep per series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.detector import Arrays

Layout = Mapping[str, tuple[type[np.generic], tuple[int, ...], int]]
"""Name of a column to its dtype, the shape of one series, and what it starts at."""


class SeriesColumns:
    """Columns of length ``series``; ``whose`` names the owner in errors.

    >>> columns = SeriesColumns({"run": (np.int32, (), 0)}, "a policy")
    >>> columns.grow(2)
    >>> columns["run"][:2].tolist(), columns.series
    ([0, 0], 2)
    """

    def __init__(self, layout: Layout, whose: str) -> None:
        self._layout, self._whose = layout, whose
        self.series = 0
        self._columns: dict[str, npt.NDArray[Any]] = {
            name: np.zeros((0, *shape), dtype) for name, (dtype, shape, _) in layout.items()
        }

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """The whole column, rows beyond ``series`` included; live until the next ``grow`` or ``load``."""
        return self._columns[name]

    def grow(self, n: int) -> None:
        """Make room for the codes below n. What is there stays as it is; a smaller n does nothing."""
        if n <= self.series:
            return
        for name, (dtype, shape, start) in self._layout.items():
            old = self._columns[name]
            if n > len(old):
                # Room for twice as many, or a series at a time would copy everything each time.
                column = np.full((max(n, 2 * len(old)), *shape), start, dtype)
                column[: len(old)] = old
                self._columns[name] = column
        self.series = n

    def state(self) -> Arrays:
        """The columns as arrays of length ``series``: live ones, so write them out before the next fold."""
        return {name: column[: self.series] for name, column in self._columns.items()}

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Continue from what ``state`` gave; copies.

        Raises:
            MalformedInput: arrays of something else.
        """
        lengths = {len(array) for array in arrays.values()}
        if arrays.keys() != self._layout.keys() or len(lengths) != 1:
            raise MalformedInput(
                f"state of {self._whose} has {sorted(self._layout)}, got {sorted(arrays)};"
                " take a new snapshot"
            )
        self._columns = {name: np.array(arrays[name], dtype) for name, (dtype, *_) in self._layout.items()}
        self.series = lengths.pop()
