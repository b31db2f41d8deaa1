"""Tail calibration: how rare a strangeness is among what its own series showed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from titleshot.datasets.contracts.instants import SECOND
from titleshot.detectors.detector import Arrays, Codes, DetectorParams, Floats, Instants
from titleshot.detectors.series_columns import Layout, SeriesColumns
from titleshot.detectors.tail_kernels import CELLS, LOWEST, RUN, fold

_STATE: Layout = {
    "counts": (np.int32, (2, CELLS), 0),
    "period": (np.int64, (), 0),
    "run": (np.int8, (), 0),
    "cut": (np.int8, (), 0),
}


class TailParams(DetectorParams):
    """How far back a tail probability looks, and how much it must have seen."""

    memory_s: Annotated[float, Field(ge=7_200, le=366 * 86_400)] = 14 * 86_400
    """Scores of between half and all of this time are counted."""
    min_scores: Annotated[int, Field(ge=50)] = 500
    """With fewer past scores of a series there is no probability: a cold start."""


class Tails(NamedTuple):
    """One answer a row: P(U >= u), NaN where there is none, and on how many past scores it rests."""

    probability: Floats
    support: npt.NDArray[np.int32]


class TailCalibration:
    """P(U >= u) of one detector on one series, learnt from its own past as the stream goes by.

        p = (past scores beyond u + 1/2) / (past scores + 1)            from ten beyond u on
        p = exp(-(a u)^b) through two points of the tail, nine before   with fewer

    So strangeness of every family, whatever its threshold and its noise, can be compared: p = .001 is what
    this detector says of this series once in a thousand samples while nothing is wrong. The least it claims
    is a tenth of one over the scores it rests on. Past scores are counted in cells of an eighth of an
    octave, in two generations that change at multiples of half the memory, counted from 1970.

    Faults must not pass for the usual: of strange scores in a row (u >= 1, and among the rarest hundredth of
    the series) only the first four are counted. To count all makes every long fault usual; to count none
    makes rare what comes back each Monday morning. Where a detector knows faults from labels, or watches
    all metrics of a service (``knows_faults``), it is silent but for faults: then only the first counts of
    scores in a row that are strange at all.

    Assumes that healthy scores of a series are drawn alike over the memory, and that faults are few or last.
    Deaf to rarity beyond what was seen. Too careful where faults are short and frequent, too bold where
    healthy stretches are strange for long. What it comes to is measured on synthetic platforms, for every
    family, in FAMILIES.md.

    Source: the empirical tail of conformal prediction (Vovk et al., "Algorithmic Learning in a Random
    World", 2005); beyond it the Weibull tail of Gardes and Girard, "Estimation of the Weibull
    tail-coefficient", 2008, here through two quantiles. Runs and generations are ours. 794 bytes a series.

    >>> tails = TailCalibration(TailParams(min_scores=100))
    >>> tails.grow(1)
    >>> u = np.abs(np.random.default_rng(0).normal(size=5_000)) / 3
    >>> said = tails.fold(np.zeros(5_000, np.int32), 60 * SECOND * np.arange(5_000), u, from_u=0.0)
    >>> round(float((said.probability[1_000:] <= 0.01).mean()), 3)
    0.009
    """

    def __init__(self, params: TailParams, *, knows_faults: bool = False) -> None:
        self.params = params
        self._left_out = (LOWEST, 1) if knows_faults else (1.0, RUN)
        self._period = round(params.memory_s * SECOND) // 2
        self._columns = SeriesColumns(_STATE, "tails")

    @property
    def memory_s(self) -> float:
        """Rows more than this many seconds older than a row cannot change its answer."""
        return self.params.memory_s

    def grow(self, n: int) -> None:
        """Make state for the codes below n. What is there stays as it is; a smaller n does nothing."""
        self._columns.grow(n)

    def fold(self, codes: Codes, timestamps: Instants, strangeness: Floats, *, from_u: float = 1.0) -> Tails:
        """How rare each row is that is at least ``from_u`` strange, in release order; then it enters."""
        c, n = self._columns, len(codes)
        said = Tails(np.empty(n), np.empty(n, np.int32))
        fold(
            codes, timestamps, strangeness, c["counts"], c["period"], c["run"], c["cut"],
            self._period, self.params.min_scores, *self._left_out, from_u, *said,
        )  # fmt: skip
        return said

    def told(
        self, told: Sequence[Mapping[str, Any] | None], tails: Tails, rows: npt.NDArray[np.int64]
    ) -> list[Mapping[str, Any] | None]:
        """Evidence of the rows named, with what is known of their rarity.

        A probability of the detector's own stands while there is no calibrated one.
        """
        found: list[Mapping[str, Any] | None] = []
        for one, p, support in zip(
            told, tails.probability[rows].tolist(), tails.support[rows].tolist(), strict=True
        ):
            own = {} if one is None else dict(one)
            said = self.evidence(p, support)
            found.append(own | said if said["tail_probability"] is not None else said | own)
        return found

    def evidence(self, probability: float, support: int) -> dict[str, Any]:
        """What an event says of its rarity; with a reason where it is not known.

        >>> TailCalibration(TailParams()).evidence(float("nan"), 40)["tail_reason"]
        'cold start: 40 of 500 past scores'
        """
        told: dict[str, Any] = {"tail_probability": None, "tail_support": support}
        if support < self.params.min_scores:
            return told | {"tail_reason": f"cold start: {support} of {self.params.min_scores} past scores"}
        if np.isnan(probability):
            return told | {"tail_reason": "too few different past scores to fit a tail to"}
        least = 0.1 / (support + 1)
        return told | {"tail_probability": float(f"{probability:.3g}"), "tail_least": float(f"{least:.3g}")}

    def state(self) -> Arrays:
        """The state as arrays of one length: live ones, so write them out before the next fold."""
        return self._columns.state()

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Continue from what ``state`` gave; copies.

        Raises:
            MalformedInput: arrays of something else.
        """
        self._columns.load(arrays)
