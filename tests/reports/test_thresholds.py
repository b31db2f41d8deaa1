"""Points, exchanges and choices of threshold curves; alerts as pages are pages like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import history
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titleshot.datasets.contracts.instants import MINUTE
from titleshot.datasets.contracts.reference import Alias
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.thresholds import RULES, ThresholdCurve, ThresholdPoint
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.replay_log import ReplayLog
from titleshot.reports.terms import Terms
from titleshot.reports.thresholds.alert_pages import Alerts, alert_tally
from titleshot.reports.thresholds.choices import NO_INCIDENT, pick
from titleshot.reports.thresholds.curve import curve_of
from titleshot.reports.thresholds.exchanges import exchange_of
from titleshot.reports.thresholds.points import point_of

FEWEST, MOST, SOONEST = RULES


def point(factor: float, found: int, false: float | None, delay: float, pages: float = 1) -> ThresholdPoint:
    def score(name: str, value: float | None) -> Score:
        return Score(name=name, unit="", value=value, n=9, n_of="days", reason="few days")

    unmatched = [] if false is not None else [score("unmatched_pages_per_week", 10 * pages)]
    return ThresholdPoint(
        factor=factor,
        threshold=3 * factor,
        found=found,
        of=20,
        scores=(
            score("incident_recall", found / 20),
            score("false_pages_per_week", false),
            score("mean_time_to_detect_s", delay),
            score("pages_per_shift", pages),
            *unmatched,
        ),
    )


CURVE = [
    point(0.5, 18, 40.0, 100, pages=6),
    point(0.8, 15, 12.0, 150, pages=1.9),
    point(1.0, 14, 10.0, 200, pages=1.5),
    point(1.2, 14, 8.0, 190, pages=1.2),
    point(1.5, 14, 8.0, 240, pages=1.1),
    point(2.0, 9, 2.0, 400, pages=0.5),
]


def picked(rule: str, points: list[ThresholdPoint]) -> float | str:
    found = pick(rule, points)  # type: ignore[arg-type]
    return found if isinstance(found, str) else found.factor


def test_each_rule_picks_what_it_says() -> None:
    assert picked(FEWEST, CURVE) == 1.2, "as few false pages and as many found as 1.5, and nearer"
    assert picked(MOST, CURVE) == 0.8
    assert picked(SOONEST, CURVE) == 1.2


def test_a_rule_that_nothing_keeps_says_so() -> None:
    noisy = [point.model_copy(update={"scores": point.scores[:3]}) for point in CURVE]

    assert picked(MOST, noisy) == "every threshold tried sends more than 2 pages a shift"
    assert picked(FEWEST, noisy) == 1.2


def test_without_an_incident_nothing_is_picked() -> None:
    empty = [point.model_copy(update={"of": 0, "found": 0}) for point in CURVE]

    assert [picked(rule, empty) for rule in RULES] == [NO_INCIDENT] * 3


def test_where_labels_are_not_complete_pages_without_a_label_count_as_false() -> None:
    points = [point(0.8, 15, None, 100, pages=3), point(1.0, 14, None, 200, pages=2)]

    assert picked(FEWEST, points) == 1.0
    assert picked(SOONEST, points) == 1.0


def test_a_larger_share_of_fewer_incidents_is_not_more_found() -> None:
    never_closes = point(0.5, 5, 1.0, 100).model_copy(update={"of": 5})

    assert picked(FEWEST, [never_closes, CURVE[2]]) == 1.0


INCIDENTS = [history.incident(day, root, hours=2) for day, root in ((2, "db"), (2.02, "web"), (9, "cart"))]
SERVICES = [f"shop/{name}" for name in history.SERVICES]


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    data = history.dataset(tmp_path_factory.mktemp("history"), INCIDENTS, warm_up_s=86_400)
    return Terms.of(data, [], resamples=200)


alerts = st.lists(
    st.tuples(st.sampled_from([0, 1, 2]), st.integers(min_value=0, max_value=14 * 24 * 4)), max_size=60
)


@given(alerts)
def test_alerts_are_counted_as_the_pages_they_would_be(terms: Terms, said: list[tuple[int, int]]) -> None:
    said = sorted(set(said), key=lambda one: (one[1], one[0]))
    at = np.array([history.START + quarter * 15 * MINUTE for _, quarter in said], np.int64)
    given = Alerts(np.array([code for code, _ in said], np.int32), at - 2 * MINUTE, at)
    base = terms.contestant(None).matched
    pages = [
        history.page(0, history.SERVICES[code]).model_copy(
            # Pages of one instant are taken by their id: in the order of release, as alerts are.
            update={"page_id": f"{number:05}", "paged_at": sent, "closed_at": sent, "last_event_at": sent}
        )
        for number, ((code, _), sent) in enumerate(zip(said, at.tolist(), strict=True))
    ]

    ours = point_of(terms, alert_tally(terms, base, SERVICES, given, renamed=False), 1.0, None)
    theirs = point_of(terms, terms.paging(pages, terms.contestant(None).identity).tally, 1.0, None)

    assert ours == theirs


def test_an_alert_goes_by_the_name_its_service_had(tmp_path: Path) -> None:
    alias = Alias(alias="shop/old", service="shop/db", valid_from=history.at(0), known_from=history.at(0))
    data = history.dataset(tmp_path, [history.incident(2)], reference=[alias])
    terms = Terms.of(data, [], resamples=200)
    at = np.array([history.at(2.01)], np.int64)

    tally = alert_tally(
        terms,
        terms.contestant(None).matched,
        ["shop/old"],
        Alerts(np.zeros(1, np.int32), at, at),
        renamed=True,
    )

    assert point_of(terms, tally, 1.0, 3.0).found == 1


def paged(terms: Terms, *days: float) -> ReplayLog | object:
    pages = [history.page(day, "db", "web", "cart") for day in days]
    return terms.paging(pages, terms.contestant(None).identity).tally


def test_an_exchange_says_what_is_bought_and_paid(terms: Terms) -> None:
    present, other = paged(terms, 2.005, 5), paged(terms, 2.001, 9.01, 5, 6, 7, 8)

    found = exchange_of(terms, present, other, 2 / 3, 3.0)  # type: ignore[arg-type]

    weeks = terms.exposure.weeks.sum()
    assert (found.found, found.of, found.threshold) == (1, 3, 2.0)
    by_name = {score.name: score.difference for score in found.differences}
    assert by_name["false_pages_per_week"] == pytest.approx(3 / weeks)
    assert found.words.startswith("from 3 to 2: 1 more incident found (of 3), ")
    assert "more false pages a week" in found.words
    assert found.words.endswith(" s sooner")


def test_an_exchange_for_the_same_is_as_many_and_as_soon(terms: Terms) -> None:
    same = paged(terms, 2.005, 5)

    words = exchange_of(terms, same, same, 1.5, None).words  # type: ignore[arg-type]

    assert words == (
        "all thresholds times 1.5: as many incidents found (of 3), as many false pages a week, as soon"
    )


def test_a_curve_without_a_tuning_span_has_oracles_and_no_checks(terms: Terms) -> None:
    about = ThresholdCurve(subject="contender", name="one", series=3, threshold=3.0)
    tallies = {0.8: paged(terms, 2.005, 9.01), 1.0: paged(terms, 2.005), 1.5: paged(terms)}

    curve = curve_of(about, terms, tallies, None, no_check="no tuning span", tuned=False)  # type: ignore[arg-type]

    assert [p.threshold for p in curve.points] == pytest.approx([2.4, 3.0, 4.5])
    assert [choice.chosen_on for choice in curve.choices] == ["oracle"] * 3
    assert curve.choices[1].factor == 0.8
    assert curve.choices[1].check_reason == "no tuning span"
    assert [exchange.factor for exchange in curve.exchanges] == [0.8, 1.5]
    with pytest.raises(KeyError, match=r"no factor 7; there are 0\.8, 1, 1\.5"):
        curve.at(7)


def test_incomplete_labels_make_brackets_of_points(tmp_path: Path) -> None:
    data = history.dataset(tmp_path, INCIDENTS)
    evaluation = data.card.evaluation.model_copy(update={"labels_complete": False})
    open_ended: Dataset = replace(data, card=data.card.model_copy(update={"evaluation": evaluation}))
    terms = Terms.of(open_ended, [], resamples=200)

    found = point_of(terms, paged(terms, 2.005, 5), 1.0, None)  # type: ignore[arg-type]

    false, unmatched = found.score("false_pages_per_week"), found.score("unmatched_pages_per_week")
    assert false is not None
    assert false.value is None
    assert "not declared complete" in str(false.reason)
    assert unmatched is not None
    assert (unmatched.value or 0) > 0
