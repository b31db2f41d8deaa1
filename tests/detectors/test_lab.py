"""Classes of one's own, of scikit-learn, and of river's and PyOD's manner, as lab detectors."""

import numpy as np
import pytest

from titleshot.datasets.contracts.decision import Decision
from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.errors import MalformedInput, UsageError
from titleshot.detectors.contender import Contender
from titleshot.detectors.families import FAMILIES, make_detector
from titleshot.detectors.recipe import load_recipe
from titleshot.pipelines.check import NEEDED, check
from titleshot.pipelines.replay import replay
from titleshot.registry.home import Home
from titleshot.registry.registration import register

OWN = '''
class Largest:
    """How far a value lies above the largest of the last dozen."""

    def __init__(self, n=12):
        self.n, self.past = n, []

    def score(self, value, timestamp):
        top = max(self.past, default=value)
        self.past = [*self.past[-(self.n - 1):], value]
        return value - top
'''
RIVER = """
class GaussianLike:
    def __init__(self):
        self.n, self.mean = 0, 0.0

    def score_one(self, x):
        return abs(x["value"] - self.mean) + abs(x["change"])

    def learn_one(self, x):
        self.n += 1
        self.mean += (x["value"] - self.mean) / self.n
"""
PYOD = """
import numpy as np


class FarFromMedian:
    def fit(self, X):
        self.middle = np.median(X, axis=0)
        self.decision_scores_ = self.decision_function(X)
        return self

    def decision_function(self, X):
        return np.abs(X - self.middle).max(axis=1)
"""
PEEKS = """
class Shared:
    seen = []

    def score(self, value, timestamp):
        Shared.seen.append(value)
        return value - sum(Shared.seen) / len(Shared.seen)
"""


@pytest.fixture
def own(tmp_path):
    def write(source, name):
        path = tmp_path / "mine.py"
        path.write_text(source)
        return f"{path}:{name}"

    return write


def spike(detector, n=400, at=350):
    rng = np.random.default_rng(1)
    values = rng.normal(10, 1, n)
    values[at] += 15
    detector.grow(1)
    return detector.fold(np.zeros(n, np.int32), MINUTE * np.arange(n), values)


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("sklearn.ensemble:IsolationForest", {"random_state": 0, "n_estimators": 20}),
        ("sklearn.neighbors:LocalOutlierFactor", {"novelty": True}),
        ("sklearn.covariance:EllipticEnvelope", {"random_state": 0}),
    ],
)
def test_an_estimator_of_scikit_learn_finds_a_spike(target, settings):
    detector = make_detector("lab", {"target": target, "settings": settings, "refit_every": 200})
    scored = spike(detector)
    assert scored.strangeness[350] > 1
    assert np.nanmean(scored.strangeness >= 1) < 0.05
    assert np.isnan(scored.strangeness[:50]).all()


@pytest.mark.parametrize(
    ("source", "name"), [(OWN, "Largest"), (RIVER, "GaussianLike"), (PYOD, "FarFromMedian")]
)
def test_one_s_own_river_s_and_pyod_s_manner_find_a_spike(own, source, name):
    scored = spike(make_detector("lab", {"target": own(source, name)}))
    assert np.nanargmax(scored.strangeness) in (350, 351), "there and back are both a change"
    assert scored.strangeness[350] > 1
    assert scored.lower[350] <= scored.expected[350] <= scored.upper[350]
    assert scored.sample_count[350] == 288


def test_each_series_has_an_object_of_its_own(own):
    target = own(RIVER, "GaussianLike")
    rng = np.random.default_rng(2)
    values = rng.normal(size=600)
    codes = np.arange(600, dtype=np.int32) % 2
    values[codes == 1] += 500
    both, alone = make_detector("lab", {"target": target}), make_detector("lab", {"target": target})
    both.grow(2)
    alone.grow(1)
    together = both.fold(codes, MINUTE * np.arange(600), values)
    first = codes == 0
    apart = alone.fold(codes[first], MINUTE * np.arange(600)[first], values[first])
    assert together.strangeness[first].tobytes() == apart.strangeness.tobytes()


def test_a_lab_contender_is_replayed_and_never_registered(own, small_platform, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "name: mine\ndetectors:\n"
        "  - match: {metric_name: 'latency*'}\n"
        f"    detector: {{family: lab, target: '{own(OWN, 'Largest')}', threshold: 8}}\n"
        "correlator: {family: every_alert}\n"
    )
    log = replay(small_platform, recipe, out=tmp_path / "log")
    assert log.table("events").num_rows > 0
    decision = Decision.model_validate(
        {
            "name": "mine",
            "decision": "Page the owner of checkout when it is slow.",
            "services": ["commerce/checkout-api"],
            "success_score": "incident_recall",
            "human_workflow": "They look at the latency panel.",
            "detect_within_s": 600,
            "owners": {"data": "a", "model": "a", "runtime": "a", "feedback": "a"},
        }
    )
    with pytest.raises(UsageError, match=r"lab detectors.*titleshot check"):
        register(Contender.load(recipe), decision, home=Home(tmp_path / "home"), actor="me")


def test_edited_code_is_another_contender(own, tmp_path):
    recipe = tmp_path / "mine.yaml"
    target = own(OWN, "Largest")
    recipe.write_text(f"name: mine\ndetectors:\n  - detector: {{family: lab, target: '{target}'}}\n")
    first = load_recipe(recipe)
    pinned = tmp_path / "pinned.yaml"
    pinned.write_text(first.to_yaml())
    assert load_recipe(pinned).digest == first.digest
    own(OWN.replace("value - top", "top - value"), "Largest")
    assert load_recipe(recipe).digest != first.digest
    with pytest.raises(MalformedInput, match="not the code this recipe was written with"):
        load_recipe(pinned)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nowhere.py:Largest", "cannot be imported"),
        ("collections:OrderedDict", "has neither score"),
        ("math:pi", "name a class"),
        ("no_colon", "target"),
        ("sklearn.ensemble:IsolationForst", "IsolationForst"),
    ],
)
def test_what_cannot_be_asked_says_why(target, says):
    with pytest.raises((MalformedInput, UsageError), match=says):
        make_detector("lab", {"target": target})


def test_check_says_which_law_breaks_with_the_stream_and_what_is_needed(own):
    outcome = check(target=own(PEEKS, "Shared"), seeds=1)
    broken = {law["number"]: law for law in outcome.document["laws"] if law["outcome"] == "broken"}
    assert outcome.exit_code == 1
    assert {3, 4} <= set(broken)
    assert broken[3]["stream"]
    assert broken[3]["needed"] == NEEDED[3]
    assert "arrays" in broken[4]["needed"]
    assert "smallest stream that shows it" in outcome.text


def test_lab_is_no_servable_family():
    assert "lab" not in FAMILIES


class Supervised:
    """As river's GaussianScorer: asked about a value given its features."""

    def __init__(self):
        self.seen = []

    def score_one(self, x, y):
        assert x["value"] == y
        return abs(y - sum(self.seen) / len(self.seen)) if self.seen else 0.0

    def learn_one(self, x, y):
        assert x["value"] == y
        self.seen.append(y)


def test_river_s_supervised_scorers_are_asked_about_the_value():
    detector = make_detector("lab", {"target": f"{__file__}:Supervised"})
    detector.grow(1)
    values = np.concatenate([np.random.default_rng(2).normal(size=200), [40.0]])
    scored = detector.fold(np.zeros(201, np.int32), MINUTE * np.arange(201), values)
    assert scored.strangeness[-1] > 3


def test_an_estimator_that_scores_only_what_it_was_fitted_on_is_refused_with_the_way_out():
    with pytest.raises(
        UsageError, match=r"LocalOutlierFactor cannot be asked .*decision_function.*give under settings"
    ):
        make_detector("lab", {"target": "sklearn.neighbors:LocalOutlierFactor"})
    make_detector("lab", {"target": "sklearn.neighbors:LocalOutlierFactor", "settings": {"novelty": True}})
