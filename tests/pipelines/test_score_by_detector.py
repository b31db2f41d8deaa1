"""A detector's alerts as pages are what a contender that pages every alert would have sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.recipe import Recipe, load_recipe
from titleshot.pipelines.replay import replay
from titleshot.reports.by_detector.scored import SHOWN
from titleshot.reports.scorecard import score_log


@pytest.mark.slow
def test_alerts_as_pages_are_the_pages_of_a_contender_that_pages_every_alert(
    small_platform: Dataset, small_log: ReplayLog, tmp_path: Path
) -> None:
    plain = load_recipe("baseline").model_dump(mode="json")
    every = {
        **plain,
        "name": "every-alert",
        "correlator": {"family": "every_alert"},
        "paging": {"minimum_severity": "low", "route": "by_owner", "default_route": "on-call"},
    }
    recipe = tmp_path / "every.yaml"
    recipe.write_text(Recipe.model_validate(every).to_yaml(), encoding="utf-8")
    paged = score_log(replay(small_platform, recipe, out=tmp_path / "every"), small_platform, resamples=200)
    (scores,) = score_log(small_log, small_platform, resamples=200).by_group["detector"].values()
    found = {score.name: score for score in scores}

    assert paged.score("incident_recall").n > 20
    for name in SHOWN:
        if name in found:
            own = paged.score(name)
            assert (found[name].value, found[name].low, found[name].n) == (own.value, own.low, own.n), name
            assert found[name].chance == own.chance, name
