"""The packed forest against scikit-learn's own, its calibration, and what it says of rows it cannot judge."""

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import DAY, MINUTE
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.features.drift import DriftWatch, index, reference
from titleshot.detectors.features.feature_rows import NO_METRIC, PRESENT, FeatureRows
from titleshot.detectors.features.service_health_columns import NAMES
from titleshot.detectors.isolation_forest import IsolationForest, IsolationForestParams
from titleshot.detectors.row_detector import HAS_DRIFTED, NOT_FITTED, SCORED, TOO_MUCH_MISSING, History

USED = ("burn_rate_5m", "latency_change", "queue_change")
AT = [NAMES.index(name) for name in USED]
PARAMS = IsolationForestParams(columns=USED, false_alarm_ratio=0.005)


def rows_of(given, start=0, step=5 * MINUTE):
    """Feature rows of one service with these numbers in the columns used."""
    values = np.full((len(given), len(NAMES)), np.nan)
    values[:, AT] = given
    missing = np.where(np.isnan(values), NO_METRIC, PRESENT).astype(np.int8)
    return FeatureRows(start + step * np.arange(len(given)), np.zeros(len(given), np.int32), values, missing)


def healthy(rng, n):
    load = rng.normal(size=n)
    return np.column_stack([rng.gamma(2.0, 0.5, n), 0.3 * load + rng.normal(0, 0.1, n), load])


def fitted(rng, params=PARAMS, faulty=None, n=12_000):
    given = healthy(rng, n)
    faulty = np.zeros(n, bool) if faulty is None else faulty
    detector = IsolationForest(params)
    arrays = detector.fit(history(given, faulty))
    detector.use(arrays)
    return detector, arrays, given


def history(given, faulty):
    n = len(given)
    none = np.zeros(n, np.int8)
    return History(rows_of(given), ("shop/cart",), faulty, none - np.int32(1), none, np.ones(n, bool), {})


def one_tick(given):
    return rows_of(given, start=400 * DAY, step=0)


def test_path_scores_are_those_of_scikit_learn():
    from sklearn.ensemble import IsolationForest as Theirs

    rng = np.random.default_rng(1)
    detector, _, given = fitted(rng)
    even = (rows_of(given).timestamps // DAY) % 2 == 0
    theirs = Theirs(n_estimators=100, max_samples=256, random_state=0).fit(given[even])
    asked = np.concatenate([healthy(rng, 300), 5 * rng.normal(size=(300, 3))])
    assert np.max(np.abs(detector.path_score(asked) + theirs.score_samples(asked))) < 1e-14


def test_healthy_rows_never_seen_are_strange_about_as_often_as_asked():
    rng = np.random.default_rng(2)
    detector, _, _ = fitted(rng, n=30_000)
    scored = detector.score(one_tick(healthy(rng, 40_000)))
    assert 0.0025 < np.mean(scored.strangeness >= 1) < 0.01


def test_an_unusual_combination_is_strange_and_names_what_drove_it():
    rng = np.random.default_rng(3)
    detector, _, _ = fitted(rng)
    scored = detector.score(one_tick(np.array([[0.9, 4.0, -4.0], [30.0, 0.0, 0.0], [0.9, 0.0, 0.0]])))
    assert scored.strangeness[0] > 0.8
    assert scored.strangeness[2] == 0
    assert scored.driver[0] in AT[1:]
    assert scored.driver[1] == AT[0]
    assert scored.shares[0, 0] < scored.shares[0, 1:].min(), "two columns had a part in it, one had none"
    assert scored.shares[:2].sum(axis=1) == pytest.approx(1)
    assert (scored.lower[:2] <= scored.expected[:2]).all()
    assert (scored.expected[:2] <= scored.upper[:2]).all()


def test_labelled_incidents_teach_nothing():
    n = 12_000
    faulty = np.zeros(n, bool)
    faulty[5000:6000] = True
    rng = np.random.default_rng(4)
    given = healthy(rng, n)
    spoiled = given.copy()
    spoiled[faulty] += 50
    one, other = IsolationForest(PARAMS), IsolationForest(PARAMS)
    first = one.fit(history(given, faulty))
    second = other.fit(history(spoiled, faulty))
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_what_is_missing_is_taken_as_usual_or_the_row_is_not_scored():
    rng = np.random.default_rng(5)
    detector, _, _ = fitted(rng)
    asked = np.array([[np.nan, 4.0, -4.0], [np.nan, np.nan, 40.0], [np.nan] * 3])
    scored = detector.score(one_tick(asked))
    assert scored.why.tolist() == [SCORED, TOO_MUCH_MISSING, TOO_MUCH_MISSING]
    assert scored.strangeness[0] > 0.8
    assert np.isnan(scored.strangeness[1:]).all()
    assert scored.driver[0] in AT[1:]
    assert scored.driver[1:].tolist() == [-1, -1]
    assert scored.shares[0, 0] == 0
    assert detector.report()["rows"] == {"scored": 1, "too many features missing": 2}


def test_arrays_of_other_columns_or_another_version_are_refused():
    detector, arrays, _ = fitted(np.random.default_rng(6))
    other = IsolationForest(IsolationForestParams(columns=("burn_rate_5m", "latency_change")))
    with pytest.raises(MalformedInput, match="queue_change"):
        other.use(arrays)
    older = arrays["about"].tobytes().replace(b'"1.0"', b'"0.9"')
    with pytest.raises(MalformedInput, match=r"0\.9"):
        detector.use({**arrays, "about": np.frombuffer(older, np.uint8)})
    with pytest.raises(MalformedInput, match="fit again"):
        detector.use({name: array for name, array in arrays.items() if name != "roots"})
    with pytest.raises(MalformedInput, match="fit again"):
        detector.use({**arrays, "left": arrays["left"][:-1]})


def test_before_it_is_fitted_nothing_is_said():
    detector = IsolationForest(PARAMS)
    assert detector.score(one_tick(np.zeros((2, 3)))).why.tolist() == [NOT_FITTED] * 2


def test_too_short_a_history_is_refused_with_the_way_out():
    with pytest.raises(UsageError, match="min_rows"):
        fitted(np.random.default_rng(7), n=500)


def test_an_unknown_feature_names_the_nearest():
    with pytest.raises(ValueError, match="latency_change"):
        IsolationForestParams(columns=("latency_chnge",))


@pytest.mark.parametrize("refuse", [False, True])
def test_drifted_features_are_counted_or_refused(refuse):
    rng = np.random.default_rng(8)
    detector, _, _ = fitted(rng, PARAMS.model_copy(update={"refuse_drifted": refuse}))
    shifted = healthy(rng, 288) + np.array([0.0, 3.0, 0.0])
    detector.score(rows_of(shifted, start=500 * DAY, step=0))
    scored = detector.score(rows_of(healthy(rng, 5), start=501 * DAY, step=0))
    assert set(scored.why.tolist()) == {HAS_DRIFTED if refuse else SCORED}
    drifted = detector.report()["drifted"]
    assert list(drifted) == ["latency_change"]
    assert drifted["latency_change"]["days"] == 1
    assert drifted["latency_change"]["index"] > 0.25
    calm = detector.score(rows_of(healthy(rng, 288), start=501 * DAY, step=0))
    assert len(calm.why) == 288
    after = detector.score(rows_of(healthy(rng, 5), start=502 * DAY, step=0))
    assert set(after.why.tolist()) == {SCORED}


def test_a_feature_that_goes_missing_has_drifted():
    rng = np.random.default_rng(9)
    watch = DriftWatch(["latency_change"])
    watch.use(reference(rng.normal(size=(5000, 1))))
    watch.see(0, np.full((200, 1), np.nan))
    watch.see(DAY, np.zeros((1, 1)))
    assert watch.drifted.tolist() == [True]


def test_stability_is_that_of_its_definition():
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.5, 0.3, 0.2])
    assert index(q, p) == pytest.approx(sum((a - b) * np.log(a / b) for a, b in zip(p, q, strict=True)))
    assert index(p, p) == 0


def test_rows_by_themselves_or_together_are_scored_alike_and_state_continues():
    rng = np.random.default_rng(10)
    detector, arrays, _ = fitted(rng)
    other = IsolationForest(PARAMS)
    other.use(arrays)
    asked = healthy(rng, 50)
    together = detector.score(one_tick(asked))
    apart = [other.score(one_tick(asked[i : i + 1])) for i in range(50)]
    assert np.concatenate([one.strangeness for one in apart]).tobytes() == together.strangeness.tobytes()
    copied = IsolationForest(PARAMS)
    copied.use(arrays)
    copied.load(other.state())
    assert copied.report() == detector.report()
    assert all(copied.state()[k].tobytes() == v.tobytes() for k, v in detector.state().items())
