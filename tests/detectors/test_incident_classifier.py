"""The packed trees against scikit-learn's own, their calibration, and when nothing may be learnt."""

import numpy as np
import pytest

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.features.feature_rows import PRESENT, FeatureRows
from titleshot.detectors.features.service_health_columns import NAMES
from titleshot.detectors.fitting.boosted_arrays import boosted_trees
from titleshot.detectors.incident_classifier import IncidentClassifier, IncidentClassifierParams
from titleshot.detectors.row_detector import History

USED = ("burn_rate_5m", "latency_change", "queue_change")
AT = [NAMES.index(name) for name in USED]
PARAMS = IncidentClassifierParams(columns=USED, min_incidents=20)
LONG = 10


def rows_of(given, start=0):
    values = np.full((len(given), len(NAMES)), np.nan)
    values[:, AT] = given
    at = start + 5 * MINUTE * np.arange(len(given))
    return FeatureRows(at, np.zeros(len(given), np.int32), values, np.full(values.shape, PRESENT, np.int8))


def stretch(rng, n=12_000, every=150):
    """Rows of which each 150th starts an incident of ten: errors and latency rise, the queue does not."""
    given = rng.normal(size=(n, 3))
    incident = np.full(n, -1, np.int32)
    for number, start in enumerate(range(60, n - LONG, every)):
        incident[start : start + LONG] = number
        given[start : start + LONG, 0] += rng.normal(2.0, 0.7)
        given[start : start + LONG, 1] += rng.normal(1.5, 0.7)
    given[rng.random(given.shape) < 0.02] = np.nan
    return given, incident


def history(given, incident, judged=None, trusted=None):
    n = len(given)
    return History(
        rows_of(given),
        ("shop/cart",),
        incident >= 0,
        incident,
        np.zeros(n, np.int8) if judged is None else judged,
        np.ones(n, bool) if trusted is None else trusted,
        {"sources": {"human": 79}},
    )


@pytest.fixture(scope="module")
def fitted():
    detector = IncidentClassifier(PARAMS)
    arrays = detector.fit(history(*stretch(np.random.default_rng(2))))
    detector.use(arrays)
    return detector, arrays


def test_margins_are_those_of_scikit_learn_bit_for_bit():
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(1)
    given, incident = stretch(rng, 4000)
    faulty, weights = incident >= 0, np.ones(len(given))
    settings = {"depth": 3, "learning_rate": 0.1, "seed": 0}
    arrays = boosted_trees(given, faulty, weights, trees=30, **settings)
    theirs = HistGradientBoostingClassifier(
        max_iter=30, max_depth=3, learning_rate=0.1, early_stopping=False, random_state=0
    ).fit(given, faulty, sample_weight=weights)
    detector = IncidentClassifier(PARAMS)
    detector._use({**arrays, "platt": np.array([1.0, 0.0])})
    asked, _ = stretch(rng, 3000)
    assert detector.margin(asked).tobytes() == theirs.decision_function(asked).tobytes()


def test_probabilities_hold_on_rows_to_come(fitted):
    rng = np.random.default_rng(9)
    detector, arrays = fitted
    given, incident = stretch(rng, 30_000)
    chance, faulty = detector.probability(given), incident >= 0
    for low, high in ((0.02, 0.2), (0.2, 0.6), (0.6, 1.0)):
        among = (chance >= low) & (chance < high)
        assert abs(chance[among].mean() - faulty[among].mean()) < 0.12
    report = IncidentClassifier.label_report(arrays)
    assert report["sources"] == {"human": 79}
    assert report["calibration_error"] < 0.05
    assert report["brier"] < 0.07
    assert report["calibrated_on"] == pytest.approx(0.3 * report["incidents"], abs=1)


def test_the_score_of_an_event_is_the_probability_and_the_driver_is_what_rose(fitted):
    detector, _ = fitted
    asked = np.array([[4.0, 0.0, 0.0], [0.0, 4.0, 3.0], [0.0, 0.0, 5.0]])
    scored = detector.score(rows_of(asked))
    u = scored.strangeness
    assert (u / (1 + u)).tolist() == pytest.approx(detector.probability(asked).tolist())
    assert [NAMES[i] for i in scored.driver[:2]] == ["burn_rate_5m", "latency_change"]
    assert u[2] < u[:2].min()


def test_a_missing_feature_goes_where_the_tree_sends_it(fitted):
    detector, _ = fitted
    scored = detector.score(rows_of(np.array([[np.nan, 4.0, 0.0], [0.0, 4.0, 0.0]])))
    assert np.isfinite(scored.strangeness).all()
    assert scored.shares[0, 0] == 0


def test_a_feature_that_the_history_never_had_is_no_reason_to_fail():
    given, incident = stretch(np.random.default_rng(2))
    params = PARAMS.model_copy(update={"columns": (*USED, "recent_deploy")})
    with_it = IncidentClassifier(params).fit(history(given, incident))
    without = IncidentClassifier(PARAMS).fit(history(given, incident))
    assert with_it["column"].tobytes() == without["column"].tobytes()
    assert with_it["value"].tobytes() == without["value"].tobytes()


def test_too_few_labels_are_refused_with_the_way_out():
    rng = np.random.default_rng(5)
    given, incident = stretch(rng)
    few = np.where(incident < 12, incident, -1)
    with pytest.raises(UsageError, match=r"12 labelled incidents.*min_incidents.*feedback queue"):
        IncidentClassifier(PARAMS).fit(history(given, few))
    nowhere = np.zeros(len(given), bool)
    with pytest.raises(UsageError, match="0 labelled incidents"):
        IncidentClassifier(PARAMS).fit(history(given, incident, trusted=nowhere))


def test_rows_whose_labels_may_still_come_teach_nothing():
    rng = np.random.default_rng(6)
    given, incident = stretch(rng)
    trusted = np.arange(len(given)) < 9000
    spoiled = given.copy()
    spoiled[~trusted] += 30
    one = IncidentClassifier(PARAMS).fit(history(given, incident, trusted=trusted))
    other = IncidentClassifier(PARAMS).fit(history(spoiled, incident, trusted=trusted))
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_a_responder_s_noisy_makes_rows_healthy_and_weighs_more():
    rng = np.random.default_rng(7)
    given, incident = stretch(rng)
    high = (incident < 0) & (np.arange(len(given)) % 40 == 0)
    given[high, 2] = 6.0
    judged = np.where(high & (np.arange(len(given)) % 80 == 0), 1, 0).astype(np.int8)
    plain, told = IncidentClassifier(PARAMS), IncidentClassifier(PARAMS)
    plain.use(plain.fit(history(given, incident)))
    told.use(told.fit(history(given, incident, judged=judged)))
    asked = np.array([[0.0, 0.0, 6.0]])
    assert told.probability(asked)[0] > 2 * plain.probability(asked)[0]


def test_cut_short_arrays_are_refused(fitted):
    _, arrays = fitted
    detector = IncidentClassifier(PARAMS)
    with pytest.raises(MalformedInput, match="fit again"):
        detector.use({**arrays, "value": arrays["value"][:-1]})
