"""Every family over feature rows: a row alone is scored as among others, and what is kept stays small."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, MINUTE
from titleshot.detectors.features.feature_rows import FeatureRows
from titleshot.detectors.features.service_health_columns import NAMES
from titleshot.detectors.row_detector import History
from titleshot.detectors.row_families import ROW_FAMILIES

STEP = 15 * MINUTE


def learnt(family):
    """One fitted on rows of which some are of labelled incidents."""
    n, rng = 9_000, np.random.default_rng(0)
    values, incident = rng.normal(size=(n, len(NAMES))), np.full(n, -1, np.int32)
    for number, start in enumerate(range(60, n - 10, 100)):
        incident[start : start + 10] = number
        values[start : start + 10] += 1.0
    rows = FeatureRows(
        5 * MINUTE * np.arange(n), np.zeros(n, np.int32), values, np.zeros(values.shape, np.int8)
    )
    none, all_in = np.zeros(n, np.int8), np.ones(n, np.bool_)
    detector = family()
    detector.use(detector.fit(History(rows, ("shop/cart",), incident >= 0, incident, none, all_in, {})))
    return detector


@pytest.mark.parametrize("name", ROW_FAMILIES)
def test_a_month_of_feature_rows_leaves_as_much_as_a_day(name):
    detector = learnt(ROW_FAMILIES[name])

    def rows(first, last):
        for at in range(first * DAY, last * DAY, STEP):
            values = np.random.default_rng(at // STEP).normal(size=(1, len(NAMES)))
            missing = np.zeros(values.shape, np.int8)
            detector.score(FeatureRows(np.array([at]), np.zeros(1, np.int32), values, missing))
        return len(pickle.dumps(vars(detector)))

    after_a_day, after_a_month = rows(400, 401), rows(401, 430)
    # The same numbers, larger, may be written longer.
    assert abs(after_a_month - after_a_day) < 200


@pytest.mark.parametrize("name", ROW_FAMILIES)
def test_a_row_alone_is_scored_as_it_is_among_others(name):
    detector = learnt(ROW_FAMILIES[name])
    values = np.random.default_rng(3).normal(size=(40, len(NAMES)))
    values[::3] += 2.0
    values[np.random.default_rng(4).random(values.shape) < 0.45] = np.nan
    rows = FeatureRows(
        np.full(40, 400 * DAY), np.zeros(40, np.int32), values, np.zeros(values.shape, np.int8)
    )
    together = detector.score(rows)
    assert 0 < np.isfinite(together.strangeness).sum() < 40, "some are scored and some lack too much"
    for place in range(40):
        alone = detector.score(rows.take(np.array([place])))
        for ours, theirs in zip(alone, together, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[place])
