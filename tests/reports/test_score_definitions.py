"""Every registered score says what it is, and there is one of each name."""

from __future__ import annotations

from collections import Counter

import pytest

from titleshot.reports.baselines import SHOWN
from titleshot.reports.by_detector.scored import SHOWN as BY_DETECTOR
from titleshot.reports.scores.registered import SCORES
from titleshot.reports.scores.score import ScoreDefinition
from titleshot.reports.stretched import COMPARED, SENSITIVE


def test_names_are_unique_and_those_shown_elsewhere_exist() -> None:
    names = Counter(definition.name for definition in SCORES)
    assert set(names.values()) == {1}
    assert {*SHOWN, *SENSITIVE, *COMPARED, *BY_DETECTOR} <= set(names)


@pytest.mark.parametrize("definition", SCORES, ids=lambda definition: definition.name)
def test_a_score_asks_a_question_gives_its_formula_and_says_when_it_misleads(
    definition: ScoreDefinition,
) -> None:
    assert "?" in definition.question
    for words in (definition.formula, definition.range, definition.misleads, definition.source):
        assert words.strip()
    if definition.kind == "proportion":
        assert definition.success is not None
        assert definition.trials is not None
    if definition.kind == "mean":
        assert definition.bound is not None
    if definition.unit == "s":
        assert definition.name.endswith("_s")
    if definition.unit == "per_week":
        assert "per_week" in definition.name
