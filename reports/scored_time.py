"""Scored time: the evaluation span without warm-up, maintenance and "don't care" spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import DAY, SECOND

Int64 = NDArray[np.int64]


class Window(NamedTuple):
    """[start, end) in nanoseconds UTC; None for ``services`` means all of them."""

    start: int
    end: int
    services: frozenset[str] | None = None


class ScoredTime:
    """Which instants count, for each service.

    Args:
        span_from, span_to: the evaluation span [from, to), nanoseconds UTC.
        warm_up_s: seconds after ``span_from`` that do not count.
        left_out: maintenance and "don't care" windows; they may overlap.

    >>> time = ScoredTime(0, 100 * SECOND, 10, [Window(50 * SECOND, 60 * SECOND, frozenset({"shop/cart"}))])
    >>> time.scored("shop/cart", np.array([5, 20, 55, 60, 100]) * SECOND).tolist()
    [False, True, False, True, False]
    >>> bool(time.scored("shop/web", np.array([55 * SECOND]))[0])
    True
    """

    def __init__(
        self, span_from: int, span_to: int, warm_up_s: float = 0.0, left_out: Iterable[Window] = ()
    ) -> None:
        self.start = min(span_from + round(warm_up_s * SECOND), span_to)
        self.end = span_to
        everywhere: list[tuple[int, int]] = []
        of_service: dict[str, list[tuple[int, int]]] = {}
        for window in left_out:
            if window.services is None:
                everywhere.append((window.start, window.end))
            for service in window.services or ():
                of_service.setdefault(service, []).append((window.start, window.end))
        self._everywhere = _counted(self.start, self.end, everywhere)
        self._of_service: Mapping[str, Int64] = {
            service: _counted(self.start, self.end, everywhere + windows)
            for service, windows in of_service.items()
        }

    def scored(self, service: str | None, instants: Int64) -> NDArray[np.bool_]:
        """Whether each instant counts for the service; None asks whether it counts for any."""
        counted: NDArray[np.bool_] = np.searchsorted(self._edges(service), instants, "right") % 2 == 1
        return counted

    def seconds(self, service: str | None, starts: Int64, length: int) -> NDArray[np.float64]:
        """Counted seconds of each piece [start, start + length), in nanoseconds."""
        edges = self._edges(service)
        lower = np.maximum(edges[0::2], starts[:, None])
        upper = np.minimum(edges[1::2], starts[:, None] + length)
        seconds: NDArray[np.float64] = np.maximum(upper - lower, 0).sum(axis=1) / SECOND
        return seconds

    @cached_property
    def days(self) -> Int64:
        """UTC days (numbers since 1970) with any counted time, rising."""
        if not len(self._everywhere):
            return np.zeros(0, np.int64)
        days = np.arange(self._everywhere[0] // DAY, (self._everywhere[-1] - 1) // DAY + 1, dtype=np.int64)
        return days[self.seconds(None, days * DAY, DAY) > 0]

    def extent(self, service: str | None) -> tuple[int, int]:
        """From the first counted instant to the end of the last; (start, start) where nothing counts."""
        edges = self._edges(service)
        return (int(edges[0]), int(edges[-1])) if len(edges) else (self.start, self.start)

    def instants(self, service: str | None, shares: NDArray[np.float64]) -> Int64:
        """The instants at these shares [0, 1) of a service's counted time, which must not be empty."""
        edges = self._edges(service)
        starts, ends = edges[0::2], edges[1::2]
        before = np.concatenate([[0], np.cumsum(ends - starts)])
        passed = np.minimum((shares * before[-1]).astype(np.int64), before[-1] - 1)
        piece = np.searchsorted(before, passed, "right") - 1
        instants: Int64 = starts[piece] + passed - before[piece]
        return instants

    def _edges(self, service: str | None) -> Int64:
        return self._everywhere if service is None else self._of_service.get(service, self._everywhere)


def _counted(start: int, end: int, left_out: list[tuple[int, int]]) -> Int64:
    """Edges of what remains of [start, end): starts at even places, ends at odd ones."""
    edges: list[int] = []
    at = start
    for lower, upper in sorted(left_out):
        if lower > at and at < end:
            edges += [at, min(lower, end)]
        at = max(at, upper)
    if at < end:
        edges += [at, end]
    return np.array(edges, np.int64)
