"""The identities met in a file, by the bytes of their cells, and the codes of their series."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.dataset_writer import DatasetWriter
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.importers.delimited.csv_kernel import ARENA, ENTRIES, PREVIOUS
from titleshot.datasets.importers.delimited.csv_layout import Fault, Layout
from titleshot.datasets.importers.delimited.csv_machine import PADDING

_FIRST = 1 << 12
_BYTES = 1 << 18
CURSORS = 7


class Identities:
    """The table of the compiled scan, and what each of its entries is called."""

    def __init__(self, layout: Layout, into: DatasetWriter) -> None:
        self._layout = layout
        self._into = into
        self.cursors = np.zeros(CURSORS, np.int64)
        self.cursors[PREVIOUS] = -1
        self.slots = np.zeros(2 * _FIRST, np.int32)
        self.hashes = np.zeros(_FIRST, np.uint64)
        self.places = np.zeros((_FIRST, len(layout.keys) + 1), np.int64)
        self.arena = np.zeros(_BYTES, np.uint8)
        self.following = np.full(_FIRST, -1, np.int32)
        self._called = 0
        self.codes = np.full((_FIRST, len(layout.metrics)), -1, np.int32)
        """Codes of the series of an entry, one for each column of values; -1 where it can have none."""
        self.trimmed = np.zeros(_FIRST, np.bool_)
        """Whether blanks were cut off its names."""

    def grow(self, bytes_needed: int) -> None:
        """Make room for twice as many entries, or for longer ones."""
        if self.cursors[ENTRIES] == len(self.hashes):
            size = 2 * len(self.hashes)
            self.hashes = _longer(self.hashes, size, 0)
            self.places = _longer(self.places, size, 0)
            self.following = _longer(self.following, size, -1)
            self.codes = _longer(self.codes, size, -1)
            self.trimmed = _longer(self.trimmed, size, False)
            self._hash_again()
        if self.cursors[ARENA] + bytes_needed + 2 * PADDING > len(self.arena):
            self.arena = _longer(self.arena, 2 * len(self.arena) + bytes_needed, 0)

    def _hash_again(self) -> None:
        self.slots = np.zeros(2 * len(self.hashes), np.int32)
        mask = len(self.slots) - 1
        wanted = (self.hashes[: self.cursors[ENTRIES]] >> np.uint64(32)).astype(np.int64) & mask
        for entry, slot in enumerate(wanted.tolist()):
            at = slot
            while self.slots[at]:
                at = (at + 1) & mask
            self.slots[at] = entry + 1

    def call(self) -> None:
        """Find out what the entries that are new since the last time are called."""
        entries = int(self.cursors[ENTRIES])
        for entry in range(self._called, entries):
            places = self.places[entry].tolist()
            cells = [
                self.arena[start:end].tobytes().decode("utf-8", "surrogateescape")
                for start, end in pairwise(places)
            ]
            try:
                keys, trimmed = self._layout.series(cells)
                self.codes[entry] = self._into.add_series(keys)
                self.trimmed[entry] = trimmed
            except (Fault, MalformedInput):
                continue  # the rules say for each row what is wrong with it
        self._called = entries


def _longer(array: NDArray, size: int, fill: float) -> NDArray:  # type: ignore[type-arg]
    grown = np.full((size, *array.shape[1:]), fill, array.dtype)
    grown[: len(array)] = array
    return grown
