"""The head of the page: it may claim a side only where the interval does, and counts nights as people do."""

from __future__ import annotations

import page_fixture as pages
import pytest

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.instants import DAY, HOUR, parse_instant
from titleshot.datasets.contracts.scores import PageOutcome
from titleshot.datasets.errors import UsageError
from titleshot.reports.rendering.costs import cost_of_being_wrong
from titleshot.reports.rendering.headline import footing, reasons, verdict_sentence
from titleshot.reports.rendering.nights import Night, broken_for_nothing
from titleshot.reports.rendering.tones import tone

MIDNIGHT = parse_instant("2026-03-10T00:00:00Z")


def page(hour: float, outcome: str, route: str = "checkout") -> PageOutcome:
    return PageOutcome(
        page_id=f"{hour}{outcome}{route}",
        paged_at=MIDNIGHT + int(hour * HOUR),
        route=route,
        severity="high",
        services=("shop/cart",),
        outcome=outcome,  # type: ignore[arg-type]
    )


def paired(low: float | None, high: float | None, better: str | None = "up") -> PairedScore:
    return PairedScore(
        name="incident_recall",
        unit="ratio",
        better=better,  # type: ignore[arg-type]
        champion=0.5,
        challenger=0.6,
        difference=0.1,
        low=low,
        high=high,
        confidence=0.95,
        method="m",
        n=10,
        n_of="incidents",
        reason=None if low is not None else "fewer than 20 days",
    )


def test_a_night_is_broken_for_nothing_only_when_nothing_in_it_was_new() -> None:
    night = Night()
    assert broken_for_nothing([page(23, "false")], night) == 1
    assert broken_for_nothing([page(23, "false"), page(25, "detection")], night) == 0
    assert broken_for_nothing([page(12, "false")], night) == 0
    assert broken_for_nothing([page(23, "unscored")], night) == 0


def test_two_pages_of_a_route_in_one_night_break_it_once_and_two_routes_break_two() -> None:
    night = Night()
    assert broken_for_nothing([page(22, "false"), page(29.9, "duplicate")], night) == 1
    assert broken_for_nothing([page(23, "false"), page(23, "false", "payments")], night) == 2
    assert broken_for_nothing([page(23, "false"), page(47, "false")], night) == 2


def test_night_follows_the_clock_of_the_people_on_call() -> None:
    at = [page(5, "false")]  # 05:00 UTC is midnight in New York (UTC-5) … and an hour later in summer time.
    assert broken_for_nothing(at, Night(zone="America/New_York")) == 1
    assert broken_for_nothing([page(15, "false")], Night(zone="America/New_York")) == 0
    assert broken_for_nothing([page(15, "false")], Night(zone="Asia/Tokyo")) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((22, 24), "24 is not on the clock"),
        ((6, 6), "has no hours"),
        ((22, 6, "Mars/Olympus"), "not known here"),
    ],
)
def test_a_night_that_cannot_be_is_refused(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Night(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "better", "expected"),
    [
        (0.01, 0.2, "up", "better"),
        (0.01, 0.2, "down", "worse"),
        (-0.2, -0.01, "up", "worse"),
        (-0.2, -0.01, "down", "better"),
        (-0.1, 0.3, "up", "open"),
        (0.0, 0.3, "up", "open"),
        (0.0, 0.0, "up", "same"),
        (None, None, "up", "unknown"),
        (0.1, 0.2, None, "unknown"),
    ],
)
def test_a_side_is_claimed_only_when_the_interval_leaves_zero_out(
    low: float | None, high: float | None, better: str | None, expected: str
) -> None:
    assert tone(paired(low, high, better)) == expected


def test_the_number_behind_a_sentence_carries_interval_and_n_or_the_reason_for_none() -> None:
    assert footing(paired(0.01, 0.2)) == (
        "Incidents caught: +10.0 points (95\u00a0% interval +1.0 to +20.0 points; 10 incidents)."
    )
    assert "no interval: fewer than 20 days" in footing(paired(None, None))


def test_what_the_policy_failed_comes_first() -> None:
    made = pages.comparison(pages.TODAY, pages.NOISY)
    found = reasons(made, pages.verdict(made, "reject"), Night())
    assert [reason.topic for reason in found] == ["Nights", "Incidents", "Delay"]
    assert found[0].tone == "worse"
    assert "more on-call nights broken for nothing" in found[0].sentence
    assert "breaks the policy on false pages" in verdict_sentence(made, pages.verdict(made, "reject"))


def test_a_failed_criterion_on_another_score_takes_a_place_of_its_own() -> None:
    made = pages.comparison()
    verdict = pages.verdict(made, "reject")
    failed = verdict.criteria[0].model_copy(
        update={"score": "duplicates_per_week", "outcome": "fail", "reason": "duplicates per week: too many"}
    )
    verdict = verdict.model_copy(update={"criteria": (*verdict.criteria[1:], failed)})
    found = reasons(made, verdict, Night())
    assert (found[0].topic, found[0].label) == ("Repeated pages", "breaks the policy")
    assert found[0].sentence == (
        "From 17.9 a week today to 12.1 a week; the policy asks: better by more than 1 a week."
    )
    assert len(found) == 3


def test_swapping_the_two_swaps_what_is_said() -> None:
    made = pages.comparison()
    swapped = made.model_copy(update={"champion": made.challenger, "challenger": made.champion})
    saved = reasons(made, None, Night())[0].sentence
    lost = reasons(swapped, None, Night())[0].sentence
    assert "you would have slept" in saved
    assert "more on-call nights broken for nothing" in lost
    assert saved.split(" ", 1)[0] == lost.split(" ", 1)[0]


def test_the_cost_of_being_wrong_comes_from_the_end_of_the_interval_that_hurts() -> None:
    made = pages.comparison()
    pairs = tuple(
        pair.model_copy(update={"low": -0.02, "high": 0.1}) if pair.name == "incident_recall" else pair
        for pair in made.pairs
    )
    costs = dict(cost_of_being_wrong(made.model_copy(update={"pairs": pairs})))
    a_quarter = 240 / made.weeks * 13
    assert f"{0.02 * a_quarter:.1f} more incidents missed" in costs["If promoting is the mistake"]
    assert f"{0.1 * a_quarter:.0f} incidents missed" in costs["If keeping what runs today is the mistake"]


def test_without_any_interval_no_cost_is_claimed() -> None:
    ((said, why),) = cost_of_being_wrong(pages.comparison(days=14, incidents=20))
    assert said == "It cannot be said"
    assert "neither mistake can be bounded" in why


def test_days_outside_the_night_are_days_in_every_hour() -> None:
    asleep = [Night().of(MIDNIGHT + hour * HOUR) is not None for hour in range(24)]
    assert [hour for hour in range(24) if asleep[hour]] == [0, 1, 2, 3, 4, 5, 22, 23]
    assert Night(1, 4).of(MIDNIGHT + 2 * HOUR) == Night(1, 4).of(MIDNIGHT + 3 * HOUR)
    assert Night(1, 4).of(MIDNIGHT + DAY) is None
