"""What detectors over feature rows are: fitted arrays and one compiled step; a row in, a strangeness out."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field, field_validator

from titleshot.datasets.contracts.record import canonical_json
from titleshot.datasets.errors import MalformedInput
from titleshot.datasets.nearest import nearest
from titleshot.detectors.block import F64, I8, I32
from titleshot.detectors.detector import Arrays, DetectorParams
from titleshot.detectors.features.drift import DriftWatch, reference
from titleshot.detectors.features.feature_rows import FeatureRows
from titleshot.detectors.features.service_health_columns import NAMES, VERSION

SCORED, NOT_FITTED, TOO_MUCH_MISSING, HAS_DRIFTED = range(4)
UNSCORED = ("scored", "not fitted", "too many features missing", "features have drifted since the fit")
_FEW = 8
"""Rows that are counted sooner in Python than by numpy."""
_CALENDAR = frozenset({"hour", "weekday"})
"""A day has one weekday: their drift would say nothing."""


class RowParams(DetectorParams):
    """What families over feature rows share."""

    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Features used, by name."""
    max_missing_ratio: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A row that misses a larger share of the columns mostly present when fitted is not scored."""
    refuse_drifted: bool = False
    """Whether rows are left unscored while a column has drifted since the fit; else it is only counted."""

    @field_validator("columns")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for name in given:
            if name not in NAMES:
                raise ValueError(f"service_health {VERSION} has no feature {name!r}{nearest(name, NAMES)}")
        if len(set(given)) < len(given):
            raise ValueError("a feature is named twice")
        return given


class RowScored(NamedTuple):
    """One answer per row, all of length n; NaN where the row is not scored.

    ``strangeness`` is u as detectors have it. ``driver`` is the place in ``NAMES`` of the feature that did
    most to make the row strange, the numbers beside it are that feature's usual value and range.
    """

    strangeness: F64
    driver: I32
    expected: F64
    lower: F64
    upper: F64
    shares: F64
    """(n, columns): how much each column did, adding up to 1; zeros where nothing did."""
    why: I8
    """Place in ``UNSCORED``."""


class History(NamedTuple):
    """Feature rows to learn from: rows in order of time, and what was known of each by the cutoff."""

    rows: FeatureRows
    service_names: tuple[str, ...]
    faulty: NDArray[np.bool_]
    """Within a labelled incident of the service."""
    incident: I32
    """Which one, counted by start; -1 for none."""
    judged: I8
    """1 where a responder found a page about the service useful then, -1 noisy, 0 where nobody judged."""
    trusted: NDArray[np.bool_]
    """Whether labels of that time were likely all in by the cutoff."""
    labels: dict[str, Any]
    """Where the labels come from: sources, reviewers, age, services without any; JSON."""


class RowDetector(ABC):
    """One family with its parameters. It has no state of its own but counts and what the day looked like."""

    family: ClassVar[str]
    Params: ClassVar[type[RowParams]]
    takes_missing: ClassVar[bool] = False
    """True where the family knows what to do with NaN; others get the fitted median in its place."""

    def __init__(self, params: RowParams | None = None) -> None:
        self.params = self.Params() if params is None else params  # type: ignore[call-arg]
        self._columns = np.array([NAMES.index(name) for name in self.params.columns], np.int64)
        self._watched = [name for name in self.params.columns if name not in _CALENDAR]
        self._watched_at = np.array([NAMES.index(name) for name in self._watched], np.int64)
        self.drift = DriftWatch(self._watched)
        self.unscored = np.zeros(len(UNSCORED), np.int64)
        self._common: tuple[F64, F64] | None = None
        """Share of fitted rows each column was present in; its low, middle and high level."""
        self.rows_fitted = 0
        """Rows of history that what is in use rests on."""

    @property
    def baseline(self) -> str:
        """In words, what a row is held against."""
        return f"{self.rows_fitted:,} feature rows of history"

    @property
    def false_alarm_ratio(self) -> float:
        """Documented share of healthy rows with u >= 1, once in use; where a family says nothing, 1 %."""
        return 0.01

    @property
    def memory_s(self) -> float:
        """How far back a row can matter: drift is that of the day before."""
        return 2 * 86_400.0

    @property
    def name(self) -> str:
        """``family@digest`` of the parameters: what events carry."""
        digest = hashlib.sha256(canonical_json(self.params.model_dump(mode="json")).encode()).hexdigest()
        return f"{self.family}@{digest[:8]}"

    @abstractmethod
    def fit(self, history: History) -> Arrays:
        """Learn; give what :meth:`use` takes, :meth:`described` included."""

    @abstractmethod
    def _use(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take what the family itself fitted."""

    @abstractmethod
    def _strangeness(self, given: F64) -> tuple[F64, F64]:
        """u and shares of rows (n, columns) without NaN."""

    def described(self, values: F64) -> Arrays:
        """What the fitted rows (n, all features) looked like, so that others can be held against them."""
        given = values[:, self._columns]
        present = np.isfinite(given).mean(axis=0) if len(given) else np.zeros(len(self._columns))
        levels = np.full((len(self._columns), 3), np.nan)
        for place, column in enumerate(given.T):
            found = column[np.isfinite(column)]
            if len(found):
                levels[place] = np.quantile(found, (0.005, 0.5, 0.995), method="lower")
        about = {"version": VERSION, "columns": list(self.params.columns)}
        return {
            "about": np.frombuffer(canonical_json(about).encode(), np.uint8).copy(),
            "rows": np.array([len(given)], np.int64),
            "present": present,
            "levels": levels,
            **(reference(values[:, self._watched_at]) if len(values) else {}),
        }

    def use(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Score with these from now on.

        Raises:
            MalformedInput: fitted on another version of the features, on others, or by another family.
        """
        if not arrays:
            self._common = None
            return
        wanted = canonical_json({"version": VERSION, "columns": list(self.params.columns)}).encode()
        try:
            about = bytes(np.asarray(arrays["about"], np.uint8).tobytes())
            if about != wanted:
                raise MalformedInput(
                    f"{self.name} was fitted on {about.decode()}, this is {wanted.decode()}; fit again"
                )
            self.drift.use(arrays)
            self._use(arrays)
            self._common = (
                np.ascontiguousarray(arrays["present"], np.float64),
                np.ascontiguousarray(arrays["levels"], np.float64),
            )
            self.rows_fitted = int(arrays["rows"][0])
        except (KeyError, ValueError, TypeError) as error:
            raise MalformedInput(
                f"fitted arrays of {self.name} cannot be read ({error}); fit again"
            ) from None

    def score(self, rows: FeatureRows) -> RowScored:
        """Score rows of one tick; each by itself, one row or many in the same compiled steps."""
        n, columns = len(rows), len(self._columns)
        why = np.full(n, NOT_FITTED, np.int8)
        u, shares = np.full(n, np.nan), np.zeros((n, columns))
        driver = np.full(n, -1, np.int32)
        lower, expected, upper = np.full((3, n), np.nan)
        if self._common is not None and n:
            p, values = self.params, np.ascontiguousarray(rows.values)
            given, absent = np.empty((n, columns)), np.empty((n, columns), np.bool_)
            self.drift.see(int(rows.timestamps[0]), values, self._watched_at)
            refused = p.refuse_drifted and bool(self.drift.drifted.any())
            scored = _ready(
                values, self._columns, *self._common, p.max_missing_ratio,
                self.takes_missing, refused, given, absent, why,
            )  # fmt: skip
            if scored == n:
                u, shares = self._strangeness(given)
            elif scored:
                fine = why == SCORED
                u[fine], shares[fine] = self._strangeness(given[fine])
            _drivers(why, absent, self._columns, self._common[1], shares, driver, expected, lower, upper)
        for reason in why.tolist() if n < _FEW else ():
            self.unscored[reason] += 1
        if n >= _FEW:
            self.unscored += np.bincount(why, minlength=len(UNSCORED))
        return RowScored(u, driver, expected, lower, upper, shares, why)

    def report(self) -> dict[str, Any]:
        """Rows scored and not, and why; features that have drifted."""
        return {
            "rows": {UNSCORED[i]: int(n) for i, n in enumerate(self.unscored.tolist()) if n},
            "drifted": self.drift.report(),
        }

    def state(self) -> Arrays:
        """Arrays that :meth:`load` continues from."""
        return {"unscored": self.unscored, **{f"drift.{k}": v for k, v in self.drift.state().items()}}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state`; copies."""
        self.unscored = np.array(arrays["unscored"])
        self.drift.load({k.removeprefix("drift."): v for k, v in arrays.items() if k.startswith("drift.")})


@njit(cache=True, nogil=True, error_model="numpy")
def _ready(  # type: ignore[no-untyped-def] # pragma: no cover
    values, columns, present, levels, max_missing_ratio, takes_missing, refused, given, absent, why
):
    """Fill what rows give, what they lack and whether they may be scored; how many may."""
    usual = max(1, int(np.sum(present >= 0.5)))
    scored = 0
    for row in range(len(values)):
        lacking = 0
        for place in range(len(columns)):
            value = values[row, columns[place]]
            absent[row, place] = not np.isfinite(value)
            if absent[row, place]:
                lacking += present[place] >= 0.5
                # What is missing is taken as usual and named in the evidence: it can make nothing strange.
                if not takes_missing:
                    value = levels[place, 1] if levels[place, 1] == levels[place, 1] else 0.0
            given[row, place] = value
        if refused:
            why[row] = HAS_DRIFTED
        elif lacking > max_missing_ratio * usual:
            why[row] = TOO_MUCH_MISSING
        else:
            why[row] = SCORED
            scored += 1
    return scored


@njit(cache=True, nogil=True, error_model="numpy")
def _drivers(  # type: ignore[no-untyped-def] # pragma: no cover
    why, absent, columns, levels, shares, driver, expected, lower, upper
):
    """Take what is missing out of the shares; name the feature that did most, and its usual range."""
    for row in range(len(why)):
        if why[row] != SCORED:
            continue
        best = 0
        for place in range(len(columns)):
            if absent[row, place]:
                shares[row, place] = 0.0
            if shares[row, place] > shares[row, best]:
                best = place
        driver[row] = columns[best]
        lower[row], expected[row], upper[row] = levels[best, 0], levels[best, 1], levels[best, 2]
