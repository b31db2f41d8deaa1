"""One row at a time without making arrays: what a compiled step needs lies ready for the call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.experimental import structref

from titleshot.datasets.errors import UsageError
from titleshot.detectors.detector import Arrays, Codes, Detector, Floats, Instants, OneScored, Scored


class Step(NamedTuple):
    """A family's compiled step, folded over blocks and called with the block of one row that lies ready."""

    fold: Any
    """``(codes, timestamps, values, *given, strangeness, expected, lower, upper, counts, *notes)``."""
    one: Any
    """``(OneRow, code, timestamp, value)`` to the five numbers of ``Scored``; it calls ``fold``."""


@structref.register
class _OneRowType(types.StructRef):  # type: ignore[misc]
    """The compiler's type of :class:`OneRow`."""


class OneRow(structref.StructRefProxy):  # type: ignore[misc]
    """A block of one row, its answer, and in ``given`` what the step takes after the row.

    It holds its arrays by reference count, so no step ever sees memory that was given back.
    """

    __slots__ = ()


structref.define_proxy(
    OneRow,
    _OneRowType,
    ["codes", "timestamps", "values", "strangeness", "expected", "lower", "upper", "counts", "given"],
)


@njit(cache=True)
def _one_row(codes, timestamps, values, strangeness, expected, lower, upper, counts, given):  # type: ignore[no-untyped-def] # pragma: no cover
    return OneRow(codes, timestamps, values, strangeness, expected, lower, upper, counts, given)


class StepDetector(Detector):
    """A family whose answers are one compiled step over its state columns and parameters.

    :meth:`one` calls the same step as :meth:`fold`, without its arrays: about 1 µs for the rolling families.

    >>> from titleshot.detectors.rolling_z_score import RollingZScore
    >>> detector = RollingZScore()
    >>> detector.grow(1)
    >>> for second in range(8):
    ...     said = detector.one(0, second * 1_000_000_000, float(second % 2))
    >>> [round(number, 3) for number in said]
    [0.385, 0.429, -1.056, 1.913, 7]

    Raises:
        UsageError: a code that ``grow`` was not told of.
    """

    note_columns: ClassVar[tuple[str, ...]] = ()
    """Columns of numbers that the step fills in after the five of ``Scored``."""
    _one: Callable[[int, int, float], OneScored] | None = None

    @abstractmethod
    def _step(self) -> Step:
        """The compiled step; step and loop stand in the family's own file."""

    @abstractmethod
    def _given(self) -> tuple[Any, ...]:
        """State columns and parameters in the order the step takes them, each of the same type always."""

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        return self._folded(codes, timestamps, values)[0]

    def _folded(self, codes: Codes, timestamps: Instants, values: Floats) -> tuple[Scored, Arrays]:
        """The answers, and the note columns beside them."""
        n = len(codes)
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        notes: Arrays = {name: np.empty(n) for name in self.note_columns}
        self._step().fold(codes, timestamps, values, *self._given(), *scored, *notes.values())
        return scored, notes

    def one(self, code: int, timestamp: int, value: float) -> OneScored:
        if not 0 <= code < self.series:
            raise UsageError(f"code must be below the {self.series} series there are, got {code}; grow first")
        return (self._one or self._ready())(code, timestamp, value)

    def grow(self, n: int) -> None:
        before = tuple(self._columns.values())
        super().grow(n)
        if any(old is not now for old, now in zip(before, self._columns.values(), strict=True)):
            self._one = None

    def load(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        super().load(arrays)
        self._one = None

    def _ready(self) -> Callable[[int, int, float], OneScored]:
        """The step bound to the columns there are now; they are others after growing and loading."""
        block = (np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1))
        scored = Scored.empty(1)
        notes = tuple(np.zeros(1) for _ in self.note_columns)
        row = _one_row(*block, *scored, (*self._given(), *scored, *notes))
        # The step compiled for these types, since finding it anew costs more than all the rest of a call.
        types_of_row = (row._numba_type_, types.int64, types.int64, types.float64)
        one = self._step().one
        one.compile(types_of_row)
        step = one.get_overload(types_of_row)

        def call(code: int, timestamp: int, value: float) -> OneScored:
            answer: OneScored = step(row, code, timestamp, value)
            return answer

        self._one = call
        return call
