"""Isolation forest: how few random cuts set a service's features apart from what is usual together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.block import F64
from titleshot.detectors.detector import HIGHEST_STRANGENESS, Arrays
from titleshot.detectors.row_detector import History, RowDetector, RowParams

_TAIL_STARTS = 0.05
"""Share of the calibration rows that the tail is fitted to."""
_EULER = 0.5772156649015329


class IsolationForestParams(RowParams):
    """The forest, and how rare a row must be."""

    columns: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "requests_change",
        "traffic_percentile",
        "burn_rate_5m",
        "burn_rate_1h",
        "latency_change",
        "saturation_change",
        "queue_change",
        "callee_burn_rate",
        "callee_latency_change",
    )
    trees: Annotated[int, Field(ge=1, le=1000)] = 100
    """Trees of the forest."""
    subsample: Annotated[int, Field(ge=2, le=4096)] = 256
    """Rows each tree is grown from."""
    seed: int = 0
    """Of the rows and cuts drawn by the fit."""
    false_alarm_ratio: Annotated[float, Field(gt=0, lt=0.05)] = 0.0005
    """Share of healthy rows that are strange, by rows the trees did not see."""
    min_rows: Annotated[int, Field(ge=100)] = 1000
    """Healthy rows needed on even days and on odd ones."""


class IsolationForest(RowDetector):
    """Rows that few random cuts set apart, in units of how rare that is among healthy rows.

        s = 2 ** (-E[path length] / c(subsample))         in (0, 1): the forest's score
        p = share of healthy rows with a score at least s  exponential beyond the highest 5 %
        u = ln p / ln false_alarm_ratio

    Fitted: scikit-learn makes the trees from the rows of even days, labelled incidents left out, as packed
    arrays (no pickle); the tail is fitted to the rows of odd days, which the trees have not seen. Serving
    walks the arrays.

    What drove a row: at each cut the share of a column grows by how much rarer than one half the side taken
    is, ``log2(samples / samples of the side) - 1`` bits where positive, over all trees.

    Assumes that most of the history is healthy and that a few services are alike enough to share one
    forest. Deaf to how far a value lies beyond all history (a forest only knows beyond), and to faults that
    look like rare but usual hours.

    On healthy rows like the history's ``false_alarm_ratio`` of them have u >= 1.

    Deviations: the path attribution is ours (after the idea of Carletti, Terzi and Susto, DIFFI, 2023, which
    ranks columns by how early they isolate); the calibrated tail too.

    Source: Liu, Ting and Zhou, "Isolation-based anomaly detection", ACM TKDD 6 (2012).

    >>> IsolationForest().params.trees, IsolationForest().family
    (100, 'isolation_forest')
    """

    family: ClassVar[str] = "isolation_forest"
    Params = IsolationForestParams
    params: IsolationForestParams

    def __init__(self, params: IsolationForestParams | None = None) -> None:
        super().__init__(params)
        self._trees: tuple[NDArray[Any], ...] = ()
        self._tail = np.zeros(3)
        self._scale = 1.0

    @property
    def false_alarm_ratio(self) -> float:
        """As asked for: the tail is calibrated to it."""
        return self.params.false_alarm_ratio

    def fit(self, history: History) -> Arrays:
        """Trees from even days, tail from odd days, both without labelled incidents.

        Raises:
            UsageError: fewer than ``min_rows`` healthy rows on even or on odd days.
        """
        from titleshot.detectors.fitting.forest_arrays import isolation_trees

        healthy = ~history.faulty
        described = self.described(history.rows.values[healthy])
        given = history.rows.values[:, self._columns]
        usual = np.nan_to_num(described["levels"][:, 1])
        given = np.where(np.isfinite(given), given, usual)
        even = (history.rows.timestamps // 86_400_000_000_000) % 2 == 0
        for which, days in ((even & healthy, "even"), (~even & healthy, "odd")):
            if which.sum() < self.params.min_rows:
                raise UsageError(
                    f"{self.name}: {which.sum():,} healthy rows on {days} days, min_rows is"
                    f" {self.params.min_rows:,}; fit on a longer history, or lower min_rows"
                )
        p = self.params
        arrays = isolation_trees(given[even & healthy], p.trees, p.subsample, p.seed)
        self._use({**arrays, "tail": np.array([0.0, 1.0, 0.0])})
        scores = self.path_score(given[~even & healthy])
        return {**described, **arrays, "tail": _tail_of(scores)}

    def _use(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        names = ("roots", "column", "threshold", "left", "right", "samples")
        roots, *nodes, samples = (np.ascontiguousarray(arrays[name]) for name in names)
        if len({len(part) for part in (*nodes, samples)}) > 1 or roots[-1] != len(samples):
            raise MalformedInput(f"fitted arrays of {self.name} do not fit together; fit again")
        # What a node adds is the same for every row: worked out here, read when walking.
        self._trees = (roots, *nodes, *_worth(nodes[0], nodes[2], nodes[3], samples))
        self._scale = float(_average_path(int(arrays["subsample"][0]))) * (len(self._trees[0]) - 1)
        self._tail = np.asarray(arrays["tail"], np.float64)

    def _scored(self, given: F64) -> tuple[F64, F64, F64]:
        """The forest's score, u and the shares of each column, of rows (n, columns)."""
        n = len(given)
        scores, u, shares = np.empty(n), np.empty(n), np.zeros((n, given.shape[1]))
        rare = self.params.false_alarm_ratio
        _walk(given.astype(np.float32), *self._trees, self._scale, self._tail, rare, scores, u, shares)
        return scores, u, shares

    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        return self._scored(given)[1:]

    def path_score(self, given: F64) -> F64:
        """The forest's own score of rows (n, columns) without NaN, in (0, 1); higher is stranger."""
        return self._scored(given)[0]


def _tail_of(scores: F64) -> F64:
    """Where the tail starts, the share beyond, and its rate: exponential, by the mean excess."""
    start = float(np.quantile(scores, 1 - _TAIL_STARTS, method="lower"))
    beyond = scores[scores > start]
    share = max(len(beyond), 1) / len(scores)
    excess = float(np.mean(beyond - start)) if len(beyond) else 1e-6
    return np.array([start, share, 1 / max(excess, 1e-9)])


@njit(cache=True, nogil=True, error_model="numpy")
def _average_path(n: int) -> float:  # pragma: no cover
    """Mean path length of an unsuccessful search in a binary search tree of n points."""
    if n <= 1:
        return 0.0
    if n == 2:
        return 1.0
    path: float = 2.0 * (np.log(n - 1.0) + _EULER) - 2.0 * (n - 1.0) / n
    return path


@njit(cache=True, nogil=True, error_model="numpy")
def _worth(column, left, right, samples):  # type: ignore[no-untyped-def] # pragma: no cover
    """Bits of rarity a step into each node adds, and the path length left at each leaf."""
    bits, rest = np.zeros(len(column)), np.zeros(len(column))
    for node in range(len(column)):
        if column[node] < 0:
            rest[node] = _average_path(samples[node])
            continue
        for child in (left[node], right[node]):
            bits[child] = max(0.0, np.log2(samples[node] / samples[child]) - 1.0)
    return bits, rest


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(  # type: ignore[no-untyped-def] # pragma: no cover
    given, roots, column, threshold, left, right, bits, rest, scale, tail, rare, scores, strangeness, shares
):
    start, share, rate = tail[0], tail[1], tail[2]
    for row in range(len(given)):
        depth = 0.0
        for tree in range(len(roots) - 1):
            node = roots[tree]
            while column[node] >= 0:
                child = left[node] if given[row, column[node]] <= threshold[node] else right[node]
                shares[row, column[node]] += bits[child]
                depth += 1.0
                node = child
            depth += rest[node]
        score = 2.0 ** (-depth / scale)
        u = 0.0
        if score > start:
            u = min((np.log(share) - rate * (score - start)) / np.log(rare), HIGHEST_STRANGENESS)
        scores[row], strangeness[row] = score, u
        total = np.sum(shares[row])
        if total > 0.0:
            shares[row] /= total
