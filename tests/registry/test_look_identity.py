"""What makes two judgings the same look at a span."""

from __future__ import annotations

from typing import Any

import pytest

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.registry.evidence import look_of
from titleshot.registry.policy import load_policy
from titleshot.registry.rehearsal import CASES, rehearsed


def scored_by(comparison: Comparison, **settings: Any) -> Comparison:
    cards = {
        side: (card := getattr(comparison, side)).model_copy(
            update={"settings": card.settings.model_copy(update=settings)}
        )
        for side in ("champion", "challenger")
    }
    return comparison.model_copy(update=cards)


@pytest.mark.parametrize(
    "settings", [{"labels_complete": False}, {"grace_s": 60.0}, {"hops": 2}, {"detect_within_s": 60.0}]
)
def test_other_scoring_of_the_same_logs_is_another_look(settings: dict[str, Any]) -> None:
    comparison = rehearsed(load_policy(), CASES[0])
    assert look_of(scored_by(comparison, **settings)) != look_of(comparison)


def test_what_a_policy_sets_is_no_other_look() -> None:
    comparison = rehearsed(load_policy(), CASES[0])
    assert look_of(scored_by(comparison, seed=1, resamples=300, confidence=0.9)) == look_of(comparison)
