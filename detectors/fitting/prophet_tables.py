"""Prophet models of many series, as tables of what they expect. The one place that imports Prophet."""

from __future__ import annotations

import logging
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from titleshot.datasets.contracts.instants import SECOND

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_MAD_OF_GAUSSIAN = 1.4826
_OUTLYING = 6.0
"""Deviations from a first fit beyond which a step is left out of the second."""


class Settings(NamedTuple):
    """How a model is made and how far it looks ahead; seconds."""

    step_s: float
    horizon_s: float
    changepoint_prior_scale: float
    seasonality_mode: str
    country_holidays: str | None
    min_points: int


class Table(NamedTuple):
    """Expectation and standard deviation at ``start + i * step``, in the metric's unit."""

    expected: F64
    spread: F64
    points: int
    """Grid points of history the model was fitted on."""


def forecast_table(timestamps: I64, values: F64, start: int, settings: Settings) -> Table | None:
    """Fit one series and work out what is expected from ``start`` on; None where the history is too short.

    The history is thinned to the median of each step, so one broken sample moves nothing; steps far from a
    first fit (old incidents) are left out of a second, as Prophet's authors advise. The deviation is
    that of the residuals at full resolution (1.4826 × MAD, so that incidents in the history do not widen it)
    and, beyond the history, the spread of the trends Prophet would draw: changes of slope come as a Poisson
    process with the rate and the mean size (Laplace) of those found, which after a time t gives the variance
    ``rate × 2 × size² × t³ / 3``. Prophet draws samples of the same; the closed form needs no seed.

    Args:
        timestamps: nanoseconds UTC, ascending. values: finite, same length.

    Source: Taylor and Letham, "Forecasting at scale", The American Statistician 72 (2018).
    """
    step = round(settings.step_s * SECOND)
    at, medians = _thinned(timestamps, values, step)
    if len(at) < settings.min_points:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3 warns of what Prophet does, on every call
        model, ahead, back = _modelled(at, medians, start, settings)
        away = medians - back
        sound = np.abs(away - np.median(away)) <= _OUTLYING * _deviation(away)
        if not sound.all():
            at, medians = at[sound], medians[sound]
            model, ahead, back = _modelled(at, medians, start, settings)
    scatter = _deviation(values - np.interp(timestamps, at, back))
    drift = _drift(model, start, step, len(ahead))
    return Table(ahead, np.sqrt(scatter**2 + drift), len(at))


def _modelled(at: I64, medians: F64, start: int, settings: Settings) -> tuple[Any, F64, F64]:
    import pandas as pd

    for name in ("cmdstanpy", "prophet", "prophet.plot"):
        logging.getLogger(name).disabled = True
    from prophet import Prophet

    days = np.ptp(at) / (86_400 * SECOND)
    model = Prophet(
        changepoint_prior_scale=settings.changepoint_prior_scale,
        seasonality_mode=settings.seasonality_mode,
        daily_seasonality=bool(days >= 2),
        weekly_seasonality=bool(days >= 14),
        yearly_seasonality=bool(days >= 730),
        uncertainty_samples=0,
    )
    if settings.country_holidays:
        model.add_country_holidays(settings.country_holidays)
    model.fit(pd.DataFrame({"ds": pd.to_datetime(at), "y": medians}), seed=1)
    step = round(settings.step_s * SECOND)
    grid = start + step * np.arange(int(settings.horizon_s // settings.step_s) + 1, dtype=np.int64)
    found = model.predict(pd.DataFrame({"ds": pd.to_datetime(np.concatenate([at, grid]))}))
    expected = np.asarray(found["yhat"], np.float64)
    # Prophet sorts what it is asked about; history comes before what lies ahead, so the order is kept.
    return model, expected[len(at) :].copy(), expected[: len(at)].copy()


def _thinned(timestamps: I64, values: F64, step: int) -> tuple[I64, F64]:
    """Median of each step of the grid, at the middle of the step."""
    cells = timestamps // step
    order = np.lexsort((values, cells))
    ordered, points = cells[order], values[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=np.iinfo(np.int64).min))
    counts = np.diff(np.append(starts, len(ordered)))
    low, high = points[starts + (counts - 1) // 2], points[starts + counts // 2]
    return ordered[starts] * step + step // 2, (low + high) / 2


def _deviation(residuals: F64) -> float:
    return _MAD_OF_GAUSSIAN * float(np.median(np.abs(residuals - np.median(residuals))))


def _drift(model: Any, start: int, step: int, n: int) -> F64:
    """Variance of Prophet's future trends at each point of the table, in the metric's unit squared."""
    rate = len(model.changepoints_t)
    size = float(np.mean(np.abs(model.params["delta"]))) + 1e-8
    begin, scale = model.start.value, model.t_scale.value
    beyond = np.maximum((start + step * np.arange(n) - begin) / scale - 1.0, 0.0)
    variance: F64 = rate * 2 * size**2 * beyond**3 / 3 * float(model.y_scale) ** 2
    return variance
