"""What every detector is: parameters, state arrays and one compiled step folded over rows.

A detector holds state for the series codes ``0 .. n - 1``. Replay folds it over blocks of a million rows,
serving over blocks of one; both give the same bits. The laws it must keep are in ``detectors/check.py``.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.errors import UsageError

Codes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int32]
Instants = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Arrays = dict[str, npt.NDArray[np.generic]]
Direction = Literal["both", "high", "low"]

HIGHEST_STRANGENESS = 1e15
"""Strangeness is cut here, so that ``u / (1 + u)`` stays below 1 in 64 bits."""
LARGEST_VALUE = 1e150
"""A value beyond this is as broken as an infinity: its square does not fit in 64 bits."""


class Scored(NamedTuple):
    """One answer per row, all of length n.

    ``strangeness`` is u in units of the threshold: 1 is just strange enough for an event, 2 twice as
    strange; range [0, 1e15]. A row that is not scored (too few points, a broken value, an unknown series)
    has NaN in ``strangeness``, ``expected``, ``lower`` and ``upper``.
    """

    strangeness: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    sample_count: Counts

    @classmethod
    def empty(cls, n: int) -> Scored:
        """n rows that are not scored."""
        return cls(*(np.full(n, np.nan) for _ in range(4)), np.zeros(n, np.int32))  # type: ignore[call-arg]


class DetectorParams(BaseModel):
    """Base of a family's parameters: frozen, nothing unknown, nothing infinite, units in the names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Detector(ABC):
    """One family with its parameters, over the state of many series.

    Rows come in release order: per series the timestamps grow, and no (series, timestamp) comes twice.
    A value that is NaN, infinite or beyond 1e150 is not scored, never enters a baseline and is counted
    per series in ``broken``.
    """

    family: ClassVar[str]
    """The name it is registered and asked for by."""
    Params: ClassVar[type[DetectorParams]]
    needs_fit: ClassVar[bool] = False

    def __init__(self, params: DetectorParams | None = None) -> None:
        self.params = self.Params() if params is None else params
        self.broken: Instants = np.zeros(0, np.int64)

    @property
    def name(self) -> str:
        """``family@digest``, the digest being 8 hex digits of the parameters: what events carry."""
        digest = hashlib.sha256(canonical_json(self.params.model_dump(mode="json")).encode()).hexdigest()
        return f"{self.family}@{digest[:8]}"

    @property
    @abstractmethod
    def memory_s(self) -> float | None:
        """Rows more than this many seconds older than a row cannot change its answer; None is no limit."""

    @property
    def window_seconds(self) -> float | None:
        """Span of time an expectation rests on, where it is fixed."""
        return self.memory_s

    @property
    @abstractmethod
    def false_alarm_ratio(self) -> float:
        """Share of rows with u >= 1 on independent Gaussian noise, as documented; law 8 measures it."""

    @abstractmethod
    def grow(self, n: int) -> None:
        """Make state for the codes below n. What is there stays as it is; a smaller n does nothing."""

    @abstractmethod
    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        """Score rows and take them in. Codes must be below the n last grown to."""

    @abstractmethod
    def state(self) -> Arrays:
        """The state as arrays: live ones, so write them out before the next fold."""

    @abstractmethod
    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Continue from what ``state`` gave under the same parameters; copies."""

    @abstractmethod
    def baseline(self, sample_count: int, timestamp: int) -> str:
        """In words, what the expectation of a row at ``timestamp`` rested on."""

    def fit(
        self,
        keys: Sequence[SeriesKey],
        codes: Codes,
        timestamps: Instants,
        values: Floats,
        keep: Flags | None = None,
    ) -> Arrays:
        """Learn from history; rows where ``keep`` is False (maintenance, planned changes) are left out.

        Raises:
            UsageError: this family learns nothing beforehand.
        """
        raise UsageError(f"{self.family} is not fitted; leave it out of fit")

    def use(self, arrays: Mapping[str, npt.NDArray[np.generic]], keys: Sequence[SeriesKey]) -> None:
        """Score with what ``fit`` gave from now on; ``keys[code]`` is the series of a code.

        Call it again with all keys after growing. Series that were not in the history are not scored.

        Raises:
            UsageError: this family learns nothing beforehand.
        """
        raise UsageError(f"{self.family} is not fitted; it has no fitted arrays to use")


def grown(array: npt.NDArray[np.generic], n: int) -> npt.NDArray[np.generic]:
    """``array`` with at least n rows, new ones zero, old ones unchanged; room is kept for doubling."""
    if n <= len(array):
        return array
    larger = np.zeros((n, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
