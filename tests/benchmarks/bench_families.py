"""Every family in batch and one row at a time, against what people use instead.

Batch: the last rows of 20 series at five minutes, all windows full. One at a time: single calls on random
ones of 10,000 series in state (4 for families that are fitted), each with 64 points behind it. References
of the same run: pandas' rolling median and ``rolling.apply`` of the MAD, a Gaussian scorer over a rolling
window (river's own; where the extra ``bench`` is not installed a leaner one in plain Python, and the result
says which), scikit-learn's call for one row of a forest.

One row is ``one``: what the engine's ``answer`` costs with a block of one stands beside it.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from titleshot.datasets.contracts.instants import DAY, MINUTE
from titleshot.datasets.contracts.record import SeriesKey
from titleshot.pipelines.bench import Clock, Floor, Result, cost_of
from titleshot.pipelines.outcome import Progress

FEW, FITTED, MANY, BEHIND = 20, 4, 10_000, 64
POINTS, MEASURED = 9_000, 600
CALLS, TURNS = 300, 7
MAD_WINDOW, MAD_POINTS = 2_000, 12_000
_STEP = 5 * MINUTE
_ROLLING = ("rolling_z_score", "robust_mad")


def bench(scratch: Path, progress: Progress) -> Result:
    """Time each in a process of its own."""

    def timed(place: int, what: str, function: str) -> Any:
        progress(f"families: {what}", place, 5)
        return cost_of(__file__, function).said

    mad = timed(0, "MAD", "mad_at_2000")
    plain = timed(1, "Gaussian scorer", "gaussian")
    forest = timed(2, "forest", "forests")
    single = timed(3, "one at a time", "one_at_a_time")
    one = single["one"] | forest["one"]
    batch = timed(4, "batch", "in_batch") | forest["batch"]
    families = {
        name: {"batch_us": round(batch[name], 3), "one_us": round(one[name], 2)} for name in sorted(batch)
    }
    return Result(
        ours=mad["ours"],
        reference=mad["apply"],
        unit="CPU µs per sample",
        reference_name=f"pandas rolling.apply of the MAD, window {MAD_WINDOW:,}",
        floors=(
            Floor("MAD: times pandas rolling.apply", mad["apply"] / mad["ours"], least=100),
            Floor("MAD: cost against pandas' rolling median alone", mad["ours"] / mad["median"], most=3),
            Floor(
                "forest, one row: times scikit-learn", forest["theirs"] / one["isolation_forest"], least=100
            ),
            Floor("forest, one row, µs", one["isolation_forest"], most=40),
            *(
                Floor(f"{name}, one row: times {plain['name']}", plain["us"] / one[name], least=5)
                for name in _ROLLING
            ),
        ),
        more={
            "one_row_reference": plain["name"],
            "one_row_reference_us": round(plain["us"], 3),
            "times_one_row_reference": {name: round(plain["us"] / one[name], 2) for name in _ROLLING},
            "scikit_learn_one_row_us": round(forest["theirs"], 1),
            "pandas_median_us": round(mad["median"], 3),
            "block_of_one_us": {name: round(us, 2) for name, us in sorted(single["block"].items())},
            "families": families,
        },
    )


def mad_at_2000(clock: Clock) -> dict[str, float]:
    """µs per sample of ours, of pandas' rolling median, and of ``rolling.apply`` of the MAD."""
    import pandas as pd

    from titleshot.detectors.families import make_detector

    values = np.random.default_rng(0).normal(size=MAD_POINTS)
    codes, times = np.zeros(MAD_POINTS, np.int32), np.arange(MAD_POINTS) * _STEP
    frame = pd.Series(values)
    some = pd.Series(values[: MAD_WINDOW + 400])

    def ours() -> None:
        detector = make_detector("robust_mad", {"window": MAD_WINDOW})
        detector.grow(1)
        detector.fold(codes, times, values)

    def spread(points: Any) -> float:
        return float(np.median(np.abs(points - np.median(points))))

    ours()
    with clock:
        return {
            "ours": _middle(ours) / MAD_POINTS,
            "median": _middle(lambda: frame.rolling(MAD_WINDOW, min_periods=10).median()) / MAD_POINTS,
            "apply": _middle(lambda: some.rolling(MAD_WINDOW).apply(spread, raw=True), turns=3) / 401,
        }


def gaussian(clock: Clock) -> dict[str, Any]:
    """µs of one score and one update of a Gaussian scorer, 10,000 series in state."""
    name = "a Gaussian scorer in plain Python"
    made: Callable[[], Any] = PlainGaussian
    if importlib.util.find_spec("river"):
        theirs = importlib.import_module("river.anomaly")
        name, made = "river's GaussianScorer", lambda: theirs.GaussianScorer(window_size=20, grace_period=5)
    rng = np.random.default_rng(0)
    scorers = [made() for _ in range(MANY)]
    for _ in range(BEHIND):
        for scorer, value in zip(scorers, rng.normal(size=MANY).tolist(), strict=True):
            scorer.learn_one(None, value)
    asked = [scorers[i] for i in rng.integers(0, MANY, CALLS)]
    values = rng.normal(size=CALLS).tolist()

    def turn() -> None:
        for scorer, value in zip(asked, values, strict=True):
            scorer.score_one(None, value)
            scorer.learn_one(None, value)

    with clock:
        return {"name": name, "us": _middle(turn) / CALLS}


class PlainGaussian:
    """2 |CDF - 1/2| of a Gaussian with the mean and deviation of the last 20 values."""

    def __init__(self, window: int = 20, least: int = 5) -> None:
        self.values: deque[float] = deque(maxlen=window)
        self.least, self.mean, self.squares = least, 0.0, 0.0

    def score_one(self, _x: object, value: float) -> float:
        """In [0, 1]; 0 until there are enough."""
        n = len(self.values)
        if n < self.least or self.squares <= 0:
            return 0.0
        deviation = math.sqrt(self.squares / (n - 1))
        return abs(math.erf((value - self.mean) / (deviation * math.sqrt(2))))

    def learn_one(self, _x: object, value: float) -> None:
        """Take a value in and the oldest out, by Welford's update and its inverse."""
        if len(self.values) == self.values.maxlen:
            oldest, left = self.values[0], len(self.values) - 1
            before = self.mean
            self.mean -= (oldest - before) / left
            self.squares -= (oldest - before) * (oldest - self.mean)
        else:
            left = len(self.values)
        self.values.append(value)
        before = self.mean
        self.mean += (value - before) / (left + 1)
        self.squares += (value - before) * (value - self.mean)


def in_batch(clock: Clock) -> dict[str, float]:
    """µs per row of blocks of 20 series, by family; windows full."""
    costs = {}
    for name, detector in _detectors(FEW):
        blocks = [_rows(detector.series, start, start + MEASURED) for start in range(0, POINTS, MEASURED)]
        spent = []
        for block in blocks:
            began = time.process_time()
            detector.answer(*block)
            spent.append(time.process_time() - began)
        # A stored forecast ends after four weeks; windows are full only then.
        counted = spent[1:5] if detector.needs_fit else spent[-4:]
        costs[name] = float(median(counted)) / (detector.series * MEASURED) * 1e6
    with clock:
        return costs


def one_at_a_time(clock: Clock) -> dict[str, dict[str, float]]:
    """µs of one row by itself and of a block of one, by family."""
    costs: dict[str, dict[str, float]] = {"one": {}, "block": {}}
    for name, detector in _detectors(MANY):
        series = detector.series
        detector.answer(*_rows(series, 0, BEHIND))
        rng = np.random.default_rng(1)
        spent: dict[str, list[float]] = {"one": [], "block": []}
        # The first turn of each compiles and does not count.
        for turn in range(2 * TURNS + 2):
            codes = rng.permutation(series)[:CALLS].tolist()
            row = _rows(1, BEHIND + turn, BEHIND + turn + 1, ticks=False)
            how, call, given = (
                "block",
                detector.answer,
                [(np.array([code], np.int32), *row[1:]) for code in codes],
            )
            if turn % 2:
                moment, value = int(row[1][0]), float(row[2][0])
                how, call, given = "one", detector.one, [(code, moment, value) for code in codes]
            began = time.process_time()
            for asked in given:
                call(*asked)
            spent[how].append((time.process_time() - began) / len(given))
        for how, turns in spent.items():
            costs[how][name] = float(median(turns[1:])) * 1e6
    with clock:
        return costs


def forests(clock: Clock) -> dict[str, Any]:
    """µs per feature row of the families over rows, and of scikit-learn's own forest for one row."""
    from sklearn.ensemble import IsolationForest

    from titleshot.detectors.features.feature_rows import FeatureRows
    from titleshot.detectors.features.service_health_columns import NAMES
    from titleshot.detectors.row_detector import History
    from titleshot.detectors.row_families import ROW_FAMILIES

    rng = np.random.default_rng(0)
    n = 12_000
    values = np.abs(rng.normal(size=(n, len(NAMES))))
    incident = np.full(n, -1, np.int32)
    for number, start in enumerate(range(60, n - 10, 150)):
        incident[start : start + 10] = number
        values[start : start + 10] += 2.0
    missing = np.zeros(values.shape, np.int8)
    rows = FeatureRows(np.arange(n) * _STEP, np.zeros(n, np.int32), values, missing)
    judged, trusted = np.zeros(n, np.int8), np.ones(n, np.bool_)
    past = History(rows, ("shop/cart",), incident >= 0, incident, judged, trusted, {"sources": {"human": 79}})
    many = FeatureRows(np.full(n, 400 * DAY), np.zeros(n, np.int32), values, missing)
    singles = [many.take(np.array([i])) for i in range(CALLS)]
    costs: dict[str, Any] = {"one": {}, "batch": {}}
    for name, family in ROW_FAMILIES.items():
        detector = family()
        detector.use(detector.fit(past))
        costs["batch"][name] = _middle(lambda detector=detector: detector.score(many), turns=3) / n

        def turn(detector: Any = detector) -> None:
            for row in singles:
                detector.score(row)

        costs["one"][name] = _middle(turn) / CALLS
    given = values[:, :9]
    theirs = IsolationForest(n_estimators=100, max_samples=256, random_state=0).fit(given)
    with clock:
        costs["theirs"] = _middle(lambda: [theirs.score_samples(given[i : i + 1]) for i in range(20)]) / 20
    return costs


def _detectors(series: int) -> list[tuple[str, Any]]:
    """Every family over single series with its defaults; fitted ones on four weeks of a few series."""
    from titleshot.detectors.families import FAMILIES
    from titleshot.detectors.law_streams import history

    made = []
    for name, family in FAMILIES.items():
        detector = family()
        n = FITTED if detector.needs_fit else series
        detector.grow(n)
        if detector.needs_fit:
            keys = [SeriesKey("bench", f"service-{i:02d}", "latency") for i in range(n)]
            detector.use(detector.fit(keys, *history(keys, weeks=4)), keys)
        made.append((name, detector))
    return made


def _rows(series: int, start: int, stop: int, *, ticks: bool = True) -> tuple[Any, Any, Any, Any]:
    """Codes, timestamps, values and ticks of noise around a daily cycle."""
    from titleshot.detectors.answers import Ticks
    from titleshot.detectors.law_streams import START

    moments = START + np.arange(start, stop) * _STEP
    n = stop - start
    cycle = 10 + 2 * np.sin(2 * np.pi * np.arange(start, stop) / 288)
    values = cycle[:, None] + np.random.default_rng(start).normal(size=(n, series))
    heard = Ticks.none()
    if ticks:
        heard = Ticks((np.arange(n) + 1) * series, moments, _STEP)
    codes = np.tile(np.arange(series, dtype=np.int32), n)
    return codes, np.repeat(moments, series), values.ravel(), heard


def _middle(turn: Callable[[], Any], turns: int = TURNS) -> float:
    """Median CPU µs of a turn, after one that does not count."""
    turn()
    return float(median([_spent(turn) for _ in range(turns)])) * 1e6


def _spent(turn: Callable[[], Any]) -> float:
    began = time.process_time()
    turn()
    return time.process_time() - began
