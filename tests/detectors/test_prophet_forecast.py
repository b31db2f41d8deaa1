"""Prophet's forecast as a table: what it holds, what it leaves unsaid, and that serving never asks for it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, MINUTE, SECOND, parse_instant
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.datasets.errors import MalformedInput
from titleshot.detectors.families import make_detector
from titleshot.detectors.fitting.prophet_tables import Settings, _drift, _modelled, _thinned, forecast_table
from titleshot.detectors.prophet_forecast import ProphetForecast, ProphetForecastParams
from titleshot.pipelines.fit import fit
from titleshot.pipelines.replay import replay

END = parse_instant("2026-02-02T00:00:00Z")
CART, AUTH, NEW = (SeriesKey("shop", service, "latency_ms") for service in ("cart", "auth", "new"))
STEP = 5 * MINUTE


def usual(timestamps):
    return 100 + 20 * np.sin(2 * np.pi * (timestamps % DAY) / DAY) + 0.5 * (timestamps - END) / DAY


def month(rng, days=28):
    timestamps = np.arange(END - days * DAY, END, STEP)
    return timestamps, usual(timestamps) + rng.normal(0, 2, len(timestamps))


def fitted(detector, rng, keys=(CART,)):
    timestamps, values = month(rng)
    codes = np.zeros(len(timestamps), np.int32)
    arrays = detector.fit(keys, codes, timestamps, values)
    detector.grow(len(keys))
    detector.use(arrays, keys)
    return arrays


def ahead(days):
    return np.arange(END, END + round(days * DAY), STEP)


def test_the_forecast_follows_day_and_trend_and_a_fault_stands_out():
    rng = np.random.default_rng(1)
    detector = ProphetForecast()
    fitted(detector, rng)
    timestamps = ahead(7)
    values = usual(timestamps) + rng.normal(0, 2, len(timestamps))
    values[700:712] += 15
    scored = detector.fold(np.zeros(len(timestamps), np.int32), timestamps, values)
    assert np.mean(np.abs(scored.expected - usual(timestamps))) < 1.5
    assert (scored.strangeness[700:712] >= 1).all()
    assert np.mean(np.delete(scored.strangeness, np.s_[700:712]) >= 1) < 0.01
    assert (scored.lower <= scored.expected).all()
    assert (scored.expected <= scored.upper).all()
    assert set(scored.sample_count.tolist()) == {28 * 96}


def test_rows_between_the_grid_are_interpolated_and_strangeness_is_by_the_band():
    rng = np.random.default_rng(2)
    detector = ProphetForecast(ProphetForecastParams(threshold=4.0, step_s=3600, min_points=10))
    arrays = fitted(detector, rng)
    start, expected, spread = arrays["start"][0], arrays["expected"][0], arrays["spread"][0]
    at = np.array([start, start + 90 * MINUTE, start + 120 * MINUTE])
    values = np.array([0.0, 50.0, 500.0])
    scored = detector.fold(np.zeros(3, np.int32), at, values)
    wanted = [expected[0], (expected[1] + expected[2]) / 2, expected[2]]
    assert scored.expected.tolist() == pytest.approx(wanted, rel=1e-12)
    band = np.array([spread[0], (spread[1] + spread[2]) / 2, spread[2]]) * 4.0
    assert scored.strangeness.tolist() == pytest.approx((np.abs(values - wanted) / band).tolist())


def test_rows_outside_the_table_and_unknown_series_are_unscored_and_counted():
    detector = ProphetForecast(ProphetForecastParams(horizon_s=86_400))
    fitted(detector, np.random.default_rng(3), keys=(CART, NEW))
    day = 86_400 * SECOND
    at = np.array([END - STEP, END, END + day, END + day + STEP, END])
    scored = detector.fold(np.array([0, 0, 0, 0, 1], np.int32), at, np.full(5, 100.0))
    assert np.isnan(scored.strangeness).tolist() == [True, False, False, True, True]
    assert detector.state()["beyond"].tolist() == [2, 0]
    assert detector.state()["unfitted"].tolist() == [0, 1]


def test_a_broken_hour_in_the_history_neither_bends_nor_widens_the_forecast():
    rng = np.random.default_rng(4)
    timestamps, values = month(rng)
    spoiled = values.copy()
    spoiled[5000:5012] += 4000
    settings = Settings(900, 86_400, 0.05, "additive", None, 10)
    clean = forecast_table(timestamps, values, END, settings)
    found = forecast_table(timestamps, spoiled, END, settings)
    assert np.max(np.abs(found.expected - clean.expected)) < 0.5
    assert np.max(found.spread) < 2.5


def test_maintenance_is_left_out_by_the_mask():
    timestamps, values = month(np.random.default_rng(5))
    keep = timestamps >= END - 20 * DAY
    spoiled = np.where(keep, values, 1e6)
    detector = ProphetForecast(ProphetForecastParams(horizon_s=86_400))
    codes = np.zeros(len(timestamps), np.int32)
    masked = detector.fit([CART], codes, timestamps, spoiled, keep)
    alone = detector.fit([CART], codes[keep], timestamps[keep], values[keep])
    assert all(masked[name].tobytes() == alone[name].tobytes() for name in masked)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # Prophet's own use of pandas
def test_the_spread_of_trends_to_come_is_that_of_prophet_s_own_draws():
    rng = np.random.default_rng(6)
    timestamps = np.arange(END - 28 * DAY, END, 30 * MINUTE)
    slopes = np.where(timestamps < END - 14 * DAY, 1.0, -2.0)
    values = np.cumsum(slopes) / 48 + rng.normal(0, 0.2, len(timestamps))
    settings = Settings(3600, 14 * 86_400, 0.5, "additive", None, 10)
    at, medians = _thinned(timestamps, values, 3600 * SECOND)
    model, table, _ = _modelled(at, medians, END, settings)
    ours = np.sqrt(_drift(model, END, 3600 * SECOND, len(table)))

    import pandas as pd

    model.uncertainty_samples = 4000
    grid = pd.DataFrame({"ds": pd.to_datetime(END + 3600 * SECOND * np.arange(len(table)))})
    np.random.seed(6)  # Prophet draws from the global generator
    drawn = model.sample_posterior_predictive(model.setup_dataframe(grid), vectorized=True)
    theirs = np.std(np.asarray(drawn["trend"]), axis=1)
    assert ours[-1] == pytest.approx(theirs[-1], rel=0.1)
    assert ours[100] == pytest.approx(theirs[100], rel=0.15)
    assert ours[0] < ours[100] < ours[-1]


def test_arrays_of_another_grid_are_refused():
    rng = np.random.default_rng(7)
    arrays = fitted(ProphetForecast(ProphetForecastParams(horizon_s=86_400)), rng)
    other = ProphetForecast()
    with pytest.raises(MalformedInput, match="fit again"):
        other.use(arrays, [CART])
    with pytest.raises(MalformedInput, match="fit again"):
        other.use({"keys": arrays["keys"]}, [CART])


def test_too_little_history_is_no_model():
    detector = ProphetForecast()
    timestamps = END - STEP * np.arange(5)[::-1]
    arrays = detector.fit([CART, AUTH], np.zeros(5, np.int32), timestamps, np.ones(5))
    assert arrays["expected"].shape == (0, detector.params.steps)


def test_scoring_imports_no_prophet():
    code = (
        "import sys, numpy as np; from titleshot.detectors.families import make_detector; "
        "d = make_detector('prophet_forecast'); d.grow(1); d.use({}, []); "
        "d.fold(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0)); "
        "sys.exit(any(m in sys.modules for m in ('prophet', 'pandas', 'cmdstanpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_grid_longer_than_the_horizon_is_refused():
    with pytest.raises(MalformedInput, match="horizon_s"):
        make_detector("prophet_forecast", {"horizon_s": 3600, "step_s": 7200})


def test_what_lies_beyond_the_forecast_is_counted_in_the_log(small_platform, tmp_path):
    recipe = tmp_path / "forecast.yaml"
    recipe.write_text(
        "name: forecast\ndetectors:\n  - match: {metric_name: 'latency*', service: '*api'}\n"
        "    detector: {family: prophet_forecast, horizon_s: 86400, step_s: 1800}\n"
    )
    start = small_platform.card.span_from
    fitted = fit(small_platform, recipe, out=tmp_path / "fitted", cutoff=start + 14 * DAY)
    counts = []
    for workers in (1, 2):
        log = replay(small_platform, fitted, out=tmp_path / f"log{workers}", workers=workers)
        counts.append(json.loads((log.path / "log.json").read_text())["counts"])
    assert counts[0] == counts[1]
    assert 0 < counts[0]["unscored_beyond_the_forecast"] < counts[0]["unscored"]
