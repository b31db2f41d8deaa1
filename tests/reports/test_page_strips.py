"""Strips: better lies at the right whichever way a score runs, and the limit lies where the judge has it."""

from __future__ import annotations

import page_fixture as pages
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.verdicts import CriterionOutcome
from titleshot.reports.rendering.axes import around, steps
from titleshot.reports.rendering.criteria import criterion_rows
from titleshot.reports.rendering.delays import delay_curve
from titleshot.reports.rendering.noise import per_route, per_service
from titleshot.reports.rendering.strips import limit_of, paired_row, paired_rows, score_rows

numbers = st.floats(-1e6, 1e6, allow_nan=False)


def paired(difference: float, low: float, high: float, better: str) -> PairedScore:
    return PairedScore(
        name="false_pages_per_week",
        unit="per_week",
        better=better,  # type: ignore[arg-type]
        champion=5.0,
        challenger=5.0 + difference,
        difference=difference,
        low=low,
        high=high,
        confidence=0.9,
        method="m",
        n=17,
        n_of="on-call weeks",
    )


def criterion(kind: str, margin: float) -> CriterionOutcome:
    return CriterionOutcome(
        score="false_pages_per_week",
        kind=kind,  # type: ignore[arg-type]
        margin=margin,
        confidence=0.9,
        critical=False,
        outcome="pass",
        value=-2.0,
        low=-3.0,
        high=-1.0,
        n=17,
        reason="r",
    )


@given(st.tuples(numbers, numbers, numbers).map(sorted), st.sampled_from(["up", "down"]))
def test_what_is_better_lies_to_the_right_of_what_is_worse(ends: list[float], better: str) -> None:
    low, difference, high = ends
    strip = paired_row(paired(difference, low, high, better)).strip
    assert strip is not None
    assert strip.zero is not None
    assert strip.low is not None
    assert strip.high is not None
    assert 0 <= strip.low <= strip.dot <= strip.high <= 100
    good = difference if better == "up" else -difference
    if abs(good) > 1e-3 * max(1.0, *map(abs, ends)):
        assert (strip.dot > strip.zero) == (good > 0)


@pytest.mark.parametrize(
    ("kind", "better", "expected"),
    [
        ("non_inferiority", "up", -2.0),
        ("non_inferiority", "down", 2.0),
        ("superiority", "up", 2.0),
        ("superiority", "down", -2.0),
        ("ceiling", "down", None),
    ],
)
def test_a_margin_lies_on_the_side_it_speaks_of(kind: str, better: str, expected: float | None) -> None:
    assert limit_of(criterion(kind, 2.0), better) == expected
    assert limit_of(criterion(kind, -2.0), better) == expected


@pytest.mark.parametrize("answer", ["promote", "reject"])
def test_an_interval_that_passes_lies_right_of_its_limit_and_one_that_fails_left_of_it(answer: str) -> None:
    made = pages.comparison(pages.TODAY, pages.BETTER if answer == "promote" else pages.NOISY)
    rows = criterion_rows(made, pages.verdict(made, answer))  # type: ignore[arg-type]
    assert {row.outcome for row in rows} >= {"pass" if answer == "promote" else "fail"}
    for row in rows:
        assert row.strip is not None
        assert row.strip.limit is not None
        assert row.strip.low is not None
        assert row.strip.high is not None
        if row.outcome == "pass":
            assert row.strip.low > row.strip.limit
        elif row.outcome == "fail":
            assert row.strip.high < row.strip.limit


def test_a_policy_is_said_as_a_request() -> None:
    made = pages.comparison()
    asked = {row.title: row.asked for row in criterion_rows(made, pages.verdict(made))}
    assert asked == {
        "False pages": "better by more than 1 a week",
        "Incidents caught": "not worse by 5.0 points or more",
        "Time until paged": "not worse by 1\u00a0min or more",
        "Pages per shift": "at most 8",
    }


def test_an_undefined_difference_has_a_reason_and_no_strip() -> None:
    rows = {row.score: row for row in paired_rows(pages.first(), None)}
    row = rows["page_precision"]
    assert row.strip is None
    assert (row.champion, row.difference, row.reason) == ("–", "–", "not defined for one side")
    assert not row.drawn


def test_rows_follow_the_policy_then_the_main_scores() -> None:
    made = pages.comparison()
    order = [row.score for row in paired_rows(made, pages.verdict(made))]
    assert order[:3] == ["false_pages_per_week", "incident_recall", "mean_time_to_detect_s"]
    assert set(order) == set(pages.UNITS)


def test_a_score_without_value_is_a_row_with_its_reason() -> None:
    row = score_rows(pages.empty().challenger.scores)[0]
    assert (row.value, row.strip, row.reason) == ("–", None, "no incident and no page")


def test_noise_adds_up_to_the_false_and_repeated_pages() -> None:
    made = pages.comparison()
    cards = (made.champion, made.challenger)
    for table in (per_service(cards), per_route(cards)):
        for lane, card in enumerate(cards):
            for field, outcome in (("false", "false"), ("repeated", "duplicate")):
                shown = sum(getattr(row, field)[lane] for row in table.rows)
                assert shown == sum(page.outcome == outcome for page in card.pages)
        for row in table.rows:
            assert all(a + b <= 100.1 for a, b in zip(row.false_width, row.repeated_width, strict=True))


def test_the_delay_curve_stops_where_it_no_longer_matters() -> None:
    made = pages.comparison()
    curve = delay_curve((made.champion, made.challenger), ("champion", "challenger"))
    assert curve is not None
    assert curve.across[-1] == (100.0, "1\u00a0h")
    assert curve.limit == 16.67
    shares = [point[1] for point in made.challenger.delay_curve]
    assert curve.rows[-1][1][1] == f"{100 * shares[-1]:.1f}\u00a0%"
    assert delay_curve((pages.empty().champion,), ("contender",)) is None


@given(numbers, st.floats(1e-6, 1e6))
def test_ticks_are_few_and_within(low: float, length: float) -> None:
    ticks = steps(low, low + length)
    assert len(ticks) <= 8
    slack = 1e-6 * max(length, abs(low))
    assert all(low - slack <= tick <= low + length + slack for tick in ticks)


@given(st.lists(numbers, max_size=5))
def test_an_axis_holds_zero_and_every_value(values: list[float]) -> None:
    axis = around(values)
    assert all(axis.low < value < axis.high for value in [*values, 0.0])
