"""Which series there are: identity to code, and the rank that orders them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.record import SeriesKey


class SeriesIndex:
    """Codes count up in the order series are first named; ranks sort them by identity.

    Output never depends on codes, only on ranks, so the order in which series turn up does not matter.

    >>> index = SeriesIndex()
    >>> index.code(SeriesKey("shop", "cart", "latency")), index.code(SeriesKey("shop", "auth", "latency"))
    (0, 1)
    >>> index.ranks.tolist()
    [1, 0]
    """

    def __init__(self, keys: Iterable[SeriesKey] = ()) -> None:
        self.keys: list[SeriesKey] = []
        self.services: list[str] = []
        self._codes: dict[SeriesKey, int] = {}
        self._ranks: NDArray[np.int64] | None = None
        for key in keys:
            self.code(key)

    def __len__(self) -> int:
        return len(self.keys)

    def code(self, key: SeriesKey) -> int:
        """The code of a series, a new one where it has none yet."""
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self.keys)
            self.keys.append(key)
            self.services.append(key.service_id)
            self._ranks = None
        return code

    @property
    def ranks(self) -> NDArray[np.int64]:
        """int64[n]: place of each code among the sorted identities."""
        if self._ranks is None:
            order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
            self._ranks = np.empty(len(order), np.int64)
            self._ranks[order] = np.arange(len(order))
        return self._ranks
