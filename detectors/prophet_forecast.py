"""Prophet forecast: how many deviations a value lies from a forecast that was worked out when fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from numba import njit
from pydantic import Field, model_validator

from titleshot.datasets.contracts.instants import SECOND, format_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.detector import (
    HIGHEST_STRANGENESS,
    LARGEST_VALUE,
    Arrays,
    BandParams,
    Codes,
    Detector,
    Flags,
    Floats,
    Instants,
    Scored,
)
from titleshot.detectors.fitted import packed_keys, rows_by_key
from titleshot.detectors.gaussian_tails import robust_tail


class ProphetForecastParams(BandParams):
    """The model and how far its forecast reaches; times in seconds."""

    horizon_s: Annotated[float, Field(ge=3600, le=366 * 86_400)] = 14 * 86_400
    """How far the stored forecast reaches beyond the history; fit again before it ends."""
    step_s: Annotated[float, Field(ge=60, le=86_400)] = 900
    """Grid of history (median of each step) and of forecast (linear in between)."""
    min_points: Annotated[int, Field(ge=10)] = 96
    """Grid points of history a series needs; others are not scored."""
    changepoint_prior_scale: Annotated[float, Field(gt=0, le=10)] = 0.05
    """Prophet's own: how readily the trend bends."""
    seasonality_mode: Literal["additive", "multiplicative"] = "additive"
    """Prophet's own: whether day and week are added to the trend or grow with it."""
    country_holidays: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    """Two letters of a country whose public holidays the model is told of."""

    @model_validator(mode="after")
    def _reaches(self) -> Self:
        if self.horizon_s < self.step_s:
            raise ValueError(f"horizon_s {self.horizon_s:g} must be at least step_s {self.step_s:g}")
        return self

    @property
    def step_ns(self) -> int:
        return round(self.step_s * SECOND)

    @property
    def steps(self) -> int:
        return int(self.horizon_s // self.step_s) + 1


class ProphetForecast(Detector):
    """Deviations from Prophet's forecast of trend, day, week and holidays, read from a stored table.

        u = |v - forecast| / (threshold × spread),   band = forecast ± threshold × spread
        spread² = (1.4826 × MAD of the residuals in history)² + variance of the trends to come
        spread = max(spread, spread_floor, spread_floor_ratio × |forecast|)

    Fitted: ``fit`` asks Prophet once per series and keeps forecast and spread on a grid of ``step_s``, which
    the spread's second term makes wider the further ahead it lies. Serving reads the table and never imports
    Prophet. A row before or beyond the table is not scored and is counted in the state ``beyond``; a series
    without a model in ``unfitted``.

    Deviations from Prophet: the band is ``threshold`` deviations, not a quantile of drawn samples; its
    observation noise is robust, so incidents in the history do not widen it; see ``fitting/prophet_tables``.

    Assumes that day, week and trend go on as they were; daily shape needs two days of history, weekly two
    weeks, yearly two years.

    Deaf to faults within the band. A level that has changed since the fit stays strange until it is fitted
    again, and nothing is said beyond the horizon.

    On independent Gaussian noise around a shape Prophet can draw, .3 % of samples have u >= 1 with the
    defaults and four weeks of history; ``false_alarm_ratio`` has it for other parameters.

    Source: Taylor and Letham, "Forecasting at scale", The American Statistician 72 (2018).

    >>> ProphetForecast().params.steps, ProphetForecast().needs_fit
    (1345, True)
    """

    family: ClassVar[str] = "prophet_forecast"
    Params = ProphetForecastParams
    params: ProphetForecastParams
    needs_fit: ClassVar[bool] = True
    unscored_words: ClassVar[Mapping[str, str]] = {
        "beyond": "beyond_the_forecast",
        "unfitted": "no_forecast",
    }

    def __init__(self, params: ProphetForecastParams | None = None) -> None:
        super().__init__(params)
        none = np.zeros((0, self.params.steps))
        self._rows: Codes = np.zeros(0, np.int32)
        self._fitted: tuple[Instants, Floats, Floats, Codes] = (
            np.zeros(0, np.int64),
            none,
            none,
            np.zeros(0, np.int32),
        )

    @property
    def memory_s(self) -> float | None:
        return 0.0

    @property
    def window_seconds(self) -> float | None:
        return self.params.step_s

    def false_alarm_ratio(self, sample_count: int) -> float:
        return robust_tail(self.params.threshold, max(sample_count, 3)) * (0.5 if self.params.sign else 1)

    def layout(self) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
        return {"broken": (np.int64, ()), "beyond": (np.int64, ()), "unfitted": (np.int64, ())}

    def fit(
        self,
        keys: Sequence[SeriesKey],
        codes: Codes,
        timestamps: Instants,
        values: Floats,
        keep: Flags | None = None,
    ) -> Arrays:
        """Forecast and spread per series and step, from the step after the last sample of the history on.

        ``keys[code]`` is the series of a code. Rows may be in any order. Series with too little history are
        left out.
        """
        p = self.params
        sound = np.abs(values) <= LARGEST_VALUE
        if keep is not None:
            sound &= keep
        codes, points, times = codes[sound], values[sound], timestamps[sound]
        order = np.lexsort((times, codes))
        bounds = np.searchsorted(codes[order], np.arange(len(keys) + 1))
        start = (int(timestamps.max()) // p.step_ns + 1) * p.step_ns if len(timestamps) else 0
        known: list[SeriesKey] = []
        tables: list[tuple[Floats, Floats, int]] = []
        for code, key in enumerate(keys):
            mine = order[bounds[code] : bounds[code + 1]]
            table = _table(p, times[mine].tobytes(), points[mine].tobytes(), start)
            if table is not None:
                known.append(key)
                tables.append(table)
        form = (len(known), p.steps)
        return {
            "keys": packed_keys(known),
            "start": np.full(len(known), start, np.int64),
            "expected": np.array([table[0] for table in tables], np.float64).reshape(form),
            "spread": np.array([table[1] for table in tables], np.float64).reshape(form),
            "count": np.array([table[2] for table in tables], np.int32),
        }

    def use(self, arrays: Mapping[str, npt.NDArray[np.generic]], keys: Sequence[SeriesKey]) -> None:
        """Score with these from now on; series that are not in them are not scored.

        Raises:
            MalformedInput: arrays of another family or of another grid.
        """
        if not arrays:
            arrays = self.fit([], np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))
        try:
            known = rows_by_key(arrays)
            start = np.ascontiguousarray(arrays["start"], np.int64)
            expected = np.ascontiguousarray(arrays["expected"], np.float64)
            spread = np.ascontiguousarray(arrays["spread"], np.float64)
            count = np.ascontiguousarray(arrays["count"], np.int32)
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedInput(
                f"fitted arrays of {self.name} cannot be read ({error}); fit again"
            ) from None
        wanted = (len(known), self.params.steps)
        if not (expected.shape == spread.shape == wanted and len(start) == len(count) == len(known)):
            raise MalformedInput(
                f"fitted arrays of {self.name} must be {wanted[0]} series x {wanted[1]} steps, got "
                f"{expected.shape}, {spread.shape}; fit again"
            )
        self._fitted = (start, expected, spread, count)
        self._rows = np.array([known.get(key, -1) for key in keys], np.int32)

    def grow(self, n: int) -> None:
        super().grow(n)
        if n > len(self._rows):
            self._rows = np.concatenate([self._rows, np.full(n - len(self._rows), -1, np.int32)])

    def fold(self, codes: Codes, timestamps: Instants, values: Floats) -> Scored:
        p, n, state = self.params, len(codes), self._columns
        scored = Scored(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int32))
        _fold(
            codes, timestamps, values, self._rows, *self._fitted,
            state["broken"], state["beyond"], state["unfitted"],
            p.step_ns, p.threshold, p.spread_floor, p.spread_floor_ratio, p.sign, *scored,
        )  # fmt: skip
        return scored

    def baseline(self, sample_count: int, timestamp: int) -> str:
        p = self.params
        step = format_instant(timestamp // p.step_ns * p.step_ns)
        return f"Prophet's forecast for {step}, fitted on {sample_count} steps of {p.step_s:g} s"


@lru_cache(maxsize=16)
def _table(
    params: ProphetForecastParams, timestamps: bytes, values: bytes, start: int
) -> tuple[Floats, Floats, int] | None:
    """Remembered, because the laws fit the same few series over and over, at a second each."""
    from titleshot.detectors.fitting.prophet_tables import Settings, forecast_table

    settings = Settings(
        params.step_s,
        params.horizon_s,
        params.changepoint_prior_scale,
        params.seasonality_mode,
        params.country_holidays,
        params.min_points,
    )
    return forecast_table(np.frombuffer(timestamps, np.int64), np.frombuffer(values), start, settings)


@njit(cache=True, nogil=True, error_model="numpy")
def _fold(  # type: ignore[no-untyped-def] # pragma: no cover
    codes, timestamps, values, rows, starts, forecasts, spreads, history, broken, beyond, unfitted,
    step, threshold, floor, floor_ratio, sign,
    strangeness, expected, lower, upper, counts,
):  # fmt: skip
    last = forecasts.shape[1] - 1
    for row in range(len(codes)):
        code = codes[row]
        series = rows[code]
        value = values[row]
        u = centre = spread = np.nan
        n = 0
        if not abs(value) <= LARGEST_VALUE:
            broken[code] += 1
        elif series < 0:
            unfitted[code] += 1
        else:
            ahead = timestamps[row] - starts[series]
            at = ahead // step
            if ahead < 0 or at > last or (at == last and ahead % step > 0):
                beyond[code] += 1
            else:
                share = (ahead % step) / step
                to = min(at + 1, last)
                n = history[series]
                centre = forecasts[series, at] * (1 - share) + forecasts[series, to] * share
                spread = spreads[series, at] * (1 - share) + spreads[series, to] * share
                spread = max(spread, floor, floor_ratio * abs(centre))
                away = value - centre
                if sign != 0:
                    away = max(0.0, sign * away)
                if spread > 0.0:
                    u = min(abs(away) / (threshold * spread), HIGHEST_STRANGENESS)
                else:
                    u = 0.0
        strangeness[row] = u
        expected[row] = centre
        lower[row] = centre - threshold * spread
        upper[row] = centre + threshold * spread
        counts[row] = n
