"""A small table for the gate: columns for the rules, and words for the rows that break one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """``columns`` are numpy arrays of one length, without nulls: a null would pass every rule of a row."""

    table: str
    columns: Mapping[str, NDArray[Any]]
    words: Callable[[int], str]
    """A row by its position, as an example for a reader."""

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


def frame_of(
    table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], words: Callable[[int], str]
) -> Frame:
    """A frame from rows of Python values; booleans, numbers or texts by what the column holds."""
    held = list(rows)
    arrays: dict[str, NDArray[Any]] = {}
    for place, name in enumerate(columns):
        cells = [row[place] for row in held]
        text = bool(cells) and isinstance(cells[0], str)
        arrays[name] = np.array(cells, dtype=object if text else None)
    return Frame(table, arrays, words)
