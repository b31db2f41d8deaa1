"""The contenders that come with titleshot: they load, say what they are, and forget."""

import pytest

from titleshot.datasets.contracts.record import SeriesKey
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe, load_recipe, shipped_contenders


@pytest.fixture(params=["module", "baseline", "general", "by_signal", "watchful"])
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return load_recipe(request.param)


def test_these_are_shipped() -> None:
    assert {"module", "baseline", "general", "by_signal", "labelled"} <= set(shipped_contenders())


def test_what_learns_from_labels_says_that_it_must_be_fitted() -> None:
    recipe = load_recipe("labelled")
    assert "Must be fitted" in recipe.description
    assert Contender(recipe).needs_fit


def test_each_says_what_it_is_and_needs_no_fit(recipe: Recipe) -> None:
    assert len(recipe.description) > 100
    assert not Contender(recipe).needs_fit


def test_each_forgets_so_that_it_can_be_warmed_up_from_a_journal(recipe: Recipe) -> None:
    memory = Contender(recipe).memory_s
    assert memory is not None
    # general: half a year of novelty, a level behind a value, and the alarms behind both. by_signal: tails.
    assert memory < {"general": 480, "by_signal": 31}.get(recipe.name, 15) * 86_400


@pytest.mark.parametrize(
    ("metric", "direction", "threshold"),
    [
        ("error_ratio", "high", 5),
        ("http_requests_failed_total", "high", 5),
        ("latency_p99", "high", 4),
        ("http_request_duration_seconds", "high", 4),
        ("requests_per_second", "low", 6),
        ("queue_depth", "high", 8),
        ("cpu_ratio", "high", 8),
        ("value", "both", 6),
    ],
)
def test_by_signal_reads_a_signal_by_its_name(metric: str, direction: str, threshold: float) -> None:
    recipe = load_recipe("by_signal")
    detector = recipe.make_detector(recipe.route(SeriesKey("shop", "cart", metric)))
    assert (detector.params.direction, detector.params.threshold) == (direction, threshold)  # type: ignore[attr-defined]


def test_linked_is_general_with_another_correlator() -> None:
    general, linked = (load_recipe(name).model_dump() for name in ("general", "linked"))
    differ = {field for field in general if general[field] != linked[field]}
    assert differ == {"name", "description", "correlator"}
