"""What is said to be missing is what decides: simulated evidence of the size that was named."""

from __future__ import annotations

import numpy as np
import pytest
from one_criterion import policy_of

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.registry.criteria import outcome_of
from titleshot.registry.policy import Criterion
from titleshot.registry.reading import needed
from titleshot.registry.rehearsal import Case, rehearsed
from titleshot.reports.proportions import PairedCounts, tango, z_of

POWER, TRIALS, SEED = 0.8, 4000, 20260412


def test_as_many_normal_observations_as_named_decide_four_times_in_five() -> None:
    """True difference as seen, 25 weeks of evidence that straddle the bound."""
    n, spread, difference, bound, confidence = 25, 3.0, -0.2, -1.0, 0.95
    reach = z_of(confidence) * spread / np.sqrt(n)
    total = needed(n, reach, difference - bound, confidence)
    random = np.random.default_rng(SEED)
    means = random.normal(difference, spread / np.sqrt(total), TRIALS)
    passed = means - z_of(confidence) * spread / np.sqrt(total) > bound
    assert passed.mean() == pytest.approx(POWER, abs=0.03)
    assert total > n


@pytest.mark.parametrize(("difference", "margin", "side"), [(0.0, 0.05, 1), (-0.09, 0.05, -1)])
def test_as_many_incidents_as_named_decide_recall_four_times_in_five(
    difference: float, margin: float, side: int
) -> None:
    """Paired proportions read by Tango's interval, as the comparison does, 12 % of incidents discordant."""
    n, confidence = 100, 0.90
    only_one = (0.12 + difference) / 2
    only_other = only_one - difference
    low, high = tango(PairedCounts(only_one * n, only_other * n, n), confidence)
    assert low < -margin < high, "it must be undecided before"
    reach = difference - low if side > 0 else high - difference
    total = needed(n, reach, abs(difference + margin), confidence)
    random = np.random.default_rng(SEED)
    counts = random.multinomial(total, [only_one, only_other, 1 - only_one - only_other], TRIALS // 10)
    limits = np.array([tango(PairedCounts(b, c, total), confidence) for b, c, _ in counts.tolist()])
    decided = limits[:, 0] > -margin if side > 0 else limits[:, 1] < -margin
    assert decided.mean() == pytest.approx(POWER, abs=0.08)


def with_difference(criterion: Criterion, value: float, reach: float) -> Comparison:
    policy = policy_of(criterion)
    made = rehearsed(policy, Case("plain", {}))
    pair = made.pair(criterion.score).model_copy(
        update={"difference": value, "low": value - reach, "high": value + reach}
    )
    return made.model_copy(update={"pairs": (pair,)})


def test_a_weekly_score_says_how_many_weeks_and_counts_incidents_by_their_rate() -> None:
    criterion = Criterion(score="false_pages_per_week", kind="non_inferiority", margin=1.0)
    made = with_difference(criterion, 0.5, 0.75)
    outcome, incidents = outcome_of(criterion, made)
    total = needed(17, 0.75, 0.5, outcome.confidence)
    assert f"about {total - 17} weeks more ({total} in all)" in (outcome.missing or "")
    assert incidents == pytest.approx(total / 17 * made.incidents_scored, abs=1)
    assert f"about {round((total / 17 - 1) * made.weeks)} weeks at this rate" in (outcome.missing or "")


def test_twice_as_far_from_the_margin_takes_a_quarter_as_much() -> None:
    assert needed(100, 0.10, 0.02, 0.9) / needed(100, 0.10, 0.04, 0.9) == pytest.approx(4, rel=0.01)
    assert needed(100, 0.01, 0.05, 0.9) == 101  # what is decided but for luck needs one more at least
