"""What every detector is: parameters, state arrays and one compiled step folded over rows.

A detector holds state for the series codes ``0 .. n - 1``. Replay folds it over blocks of a million rows,
serving over blocks of one; both give the same bits. The laws it must keep are in ``detectors/check.py``.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from titleshot.datasets.contracts.record import SeriesKey, canonical_json
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.answers import Answers, Notes, Ticks

Codes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int32]
Instants = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Arrays = dict[str, npt.NDArray[np.generic]]
Direction = Literal["both", "high", "low"]
Shape = Literal["level", "silence", "stuck", "drift", "novelty"]
"""What is strange to a detector: how far a row's value is from one expectation, that no row comes, that
values stand still, that they move away slowly, that a value was never there (further from one known value
may be nearer to another)."""

HIGHEST_STRANGENESS = 1e15
"""Strangeness is cut here, so that ``u / (1 + u)`` stays below 1 in 64 bits."""
LARGEST_VALUE = 1e150
"""A value beyond this is as broken as an infinity: its square does not fit in 64 bits."""


OneScored = tuple[float, float, float, float, int]
"""What ``Scored`` has of one row: strangeness, expected, lower, upper, sample count."""


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


class BandParams(DetectorParams):
    """What families share that hold a value against ``expected ± threshold × spread``.

    The spread is at least ``spread_floor`` (in the metric's unit) and at least ``spread_floor_ratio`` of the
    absolute expectation. Where it is still 0, u is 0: no unit, no strangeness. ``direction`` high or low
    says that only values above or below are strange; the others have u = 0 and the band is unchanged.
    """

    threshold: Annotated[float, Field(gt=0, le=1e6)] = 3.0
    direction: Direction = "both"
    spread_floor: Annotated[float, Field(ge=0, le=LARGEST_VALUE)] = 0.0
    spread_floor_ratio: Annotated[float, Field(ge=0, le=1e6)] = 0.0

    @property
    def sign(self) -> int:
        """``direction`` as the kernels take it: 0 both, 1 high, -1 low."""
        return {"both": 0, "high": 1, "low": -1}[self.direction]


class Detector(ABC):
    """One family with its parameters, over the state of many series.

    Rows come in release order: per series the timestamps grow, and no (series, timestamp) comes twice.
    A value that is NaN, infinite or beyond 1e150 is not scored, never enters a baseline and is counted
    per series in the state ``broken``.
    """

    family: ClassVar[str]
    """The name it is registered and asked for by."""
    Params: ClassVar[type[DetectorParams]]
    needs_fit: ClassVar[bool] = False
    baseline_by_count: ClassVar[bool] = False
    """True where the words of :meth:`baseline` are the same at any time."""
    hears: ClassVar[Shape] = "level"
    """What it listens for; the laws plant that. For all but ``level`` the row's value is not what is strange:
    ``expected`` and bounds then say where the series stands, and the evidence says why."""
    hears_ticks: ClassVar[bool] = False
    """True where time that passes without a row matters: :meth:`answer` is then told of ticks."""
    grade: ClassVar[Literal["servable", "lab"]] = "servable"
    """``lab``: any Python, replayed and compared but never registered."""
    unscored_words: ClassVar[Mapping[str, str]] = {}
    """State columns that count samples left unscored, each with the reason in a word or two."""
    has_tail: ClassVar[bool] = True
    """False where an answer hangs on the one before, or comes when nothing does: no draw, no probability."""
    warm_up_s: float = 0
    """How long it must have watched a series before it speaks, where that is longer than a few rows."""

    leaves_out_planned: bool = False
    """True where rows in maintenance or in a planned change known by then are not scored."""

    def __init__(self, params: DetectorParams | None = None) -> None:
        self.params = self.Params() if params is None else params
        self.series = 0
        self._layout = self.layout()
        self._columns: Arrays = {
            name: np.zeros((0, *shape), dtype) for name, (dtype, shape) in self._layout.items()
        }

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

    @abstractmethod
    def false_alarm_ratio(self, sample_count: int) -> float:
        """Share of rows with u >= 1 on independent Gaussian noise with that many points behind each.

        As documented, and without floors; law 8 measures it.
        """

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        """State per series: name to (dtype, shape of one series). All of it starts at zero."""
        return {}

    def grow(self, n: int) -> None:
        """Make state for the codes below n. What is there stays as it is; a smaller n does nothing."""
        if n <= self.series:
            return
        for name, (dtype, shape) in self._layout.items():
            old = self._columns[name]
            if n > len(old):
                # Room for twice as many, or a series at a time would copy everything each time.
                column = np.zeros((max(n, 2 * len(old)), *shape), dtype)
                column[: len(old)] = old
                self._columns[name] = column
        self.series = n

    @abstractmethod
    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        """Score rows and take them in. Codes must be below the n last grown to."""

    def one(self, code: int, timestamp: int, value: float) -> OneScored:
        """The bits :meth:`fold` gives for one row; nanoseconds and the metric's unit, plain numbers out."""
        block = np.array([code], np.int32), np.array([timestamp], np.int64), np.array([value], np.float64)
        *numbers, counts = self.fold(*block)
        u, expected, lower, upper = (float(column[0]) for column in numbers)
        return u, expected, lower, upper, int(counts[0])

    def answer(self, codes: Codes, timestamps: Instants, values: Floats, ticks: Ticks) -> Answers:  # noqa: ARG002
        """What the engine calls: :meth:`fold`, and more where a family hears ticks or has more to tell."""
        return Answers(self.fold(codes, timestamps, values))

    def tell(self, notes: Notes, row: int, timestamp: int) -> dict[str, Any]:  # noqa: ARG002
        """Evidence of one row from the columns that came with it; it goes before what every event has."""
        return {}

    def state(self) -> Arrays:
        """The state as arrays of length n: live ones, so write them out before the next fold."""
        return {name: column[: self.series] for name, column in self._columns.items()}

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Continue from what ``state`` gave under the same parameters; copies.

        Raises:
            MalformedInput: arrays of another family or of other parameters.
        """
        lengths = {len(array) for array in arrays.values()}
        if arrays.keys() != self._layout.keys() or len(lengths) > 1:
            raise MalformedInput(
                f"state of {self.name} has {sorted(self._layout)}, got {sorted(arrays)}; take a new snapshot"
            )
        for name, (dtype, shape) in self._layout.items():
            found = arrays[name]
            if found.dtype != dtype or found.shape[1:] != shape:
                raise MalformedInput(
                    f"state {name!r} of {self.name} is {np.dtype(dtype)}{shape} per series, got "
                    f"{found.dtype}{found.shape[1:]}; it was written under other parameters"
                )
        self._columns = {name: np.array(arrays[name]) for name in self._layout}
        self.series = lengths.pop() if lengths else self.series

    @abstractmethod
    def baseline(self, sample_count: int, timestamp: int) -> str:
        """In words, what the expectation of a row at ``timestamp`` rested on."""

    def baselines(self, sample_counts: Sequence[int], timestamps: Sequence[int]) -> list[str]:
        """:meth:`baseline` of many rows."""
        if self.baseline_by_count:
            words = {count: self.baseline(count, 0) for count in set(sample_counts)}
            return [words[count] for count in sample_counts]
        pairs = zip(sample_counts, timestamps, strict=True)
        return [self.baseline(count, timestamp) for count, timestamp in pairs]

    def fit(
        self,
        keys: Sequence[SeriesKey],
        codes: Codes,
        timestamps: Instants,
        values: Floats,
        keep: Flags | None = None,
    ) -> Arrays:
        """Learn from history; rows where ``keep`` is False (maintenance, planned changes) are left out.

        ``keys[code]`` is the series of a code. Only families with ``needs_fit`` have this.
        """
        raise NotImplementedError(f"{self.family} learns nothing beforehand")

    def use(self, arrays: Mapping[str, npt.NDArray[np.generic]], keys: Sequence[SeriesKey]) -> None:
        """Score with what ``fit`` gave from now on; ``keys[code]`` is the series of a code.

        Call it again with all keys after growing. Series that were not in the history are not scored. Only
        families with ``needs_fit`` have this.
        """
        raise NotImplementedError(f"{self.family} learns nothing beforehand")
