"""What a scorecard says of small histories that can be counted by hand, and of the edges of the legal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from history import MINUTES, at, dataset, incident, log, page

from titleshot.datasets.contracts.incidents import Page
from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Maintenance, Ownership
from titleshot.datasets.contracts.scores import Score, Scorecard
from titleshot.datasets.errors import InvalidDataset, UsageError
from titleshot.reports.scorecard import score_log


def scored(
    folder: Path, pages: Sequence[Page], incidents: Sequence[IncidentLabel], **given: Any
) -> Scorecard:
    of = dataset(folder, incidents, **given)
    return score_log(log(folder, pages, of), of, resamples=200)


def value(card: Scorecard, name: str) -> float | None:
    return card.score(name).value


def test_a_history_that_can_be_counted_by_hand(tmp_path: Path) -> None:
    card = scored(
        tmp_path,
        [
            page(1 + 2 * MINUTES),
            page(1 + 4 * MINUTES),  # again
            page(1 + 5 * MINUTES, route="storefront"),  # another team
            page(3 + 10 * MINUTES),
            page(20, "web"),  # nothing happened
            page(21, "web"),
        ],
        [incident(1), incident(3), incident(5), incident(7)],
        days=28,
        detect_within_s=600,
    )
    assert value(card, "incident_recall") == 2 / 4
    assert value(card, "page_precision") == 2 / 4
    assert value(card, "alarming_precision") == 2 / 6
    assert value(card, "detected_in_time_ratio") == 2 / 4
    assert value(card, "mean_time_to_detect_s") == (120 + 600 + 600 + 600) / 4
    assert value(card, "time_to_detect_p50_s") == 600
    weeks = (card.settings.span_to - card.settings.span_from) / DAY / 7
    assert value(card, "false_pages_per_week") == pytest.approx(2 / weeks)
    assert value(card, "duplicates_per_week") == pytest.approx(1 / weeks)
    assert value(card, "fan_out_per_week") == pytest.approx(1 / weeks)
    assert value(card, "pages_per_week") == pytest.approx(6 / weeks)
    assert value(card, "pages_per_shift") == pytest.approx(6 / weeks / 14)
    assert value(card, "shifts_over_budget_ratio") == pytest.approx(1 / 56)
    assert value(card, "duplicates_per_incident") == 1 / 2
    assert value(card, "false_pages_per_service_day") == pytest.approx(2 / (3 * 7 * weeks))
    assert dict(card.delay_curve)[600.0] == 0.5
    assert dict(card.delay_curve)[300.0] == 0.25


def test_every_number_has_an_n_and_every_null_a_reason(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1)], [incident(1)], days=3)

    def all_scores(card: Scorecard) -> list[Score]:
        grouped = [score for group in card.by_group.values() for scores in group.values() for score in scores]
        return [*card.scores, *grouped, *(score for scores in card.baselines.values() for score in scores)]

    for score in all_scores(card):
        assert score.n >= 0
        assert score.n_of
        if score.value is None or score.low is None or score.high is None:
            assert score.reason, score.name


# SCORING 7: known faults of other implementations.


def test_a_contender_that_never_fires_has_no_time_to_detect_and_no_precision(tmp_path: Path) -> None:
    card = scored(tmp_path, [], [incident(1), incident(2)])
    assert value(card, "incident_recall") == 0.0
    for name in ("time_to_detect_p50_s", "page_precision", "alarming_precision", "reset_time_s"):
        assert value(card, name) is None
        assert card.score(name).reason
    # The paired mean counts a miss as T: never 0.
    assert value(card, "mean_time_to_detect_s") == card.settings.detect_within_s


def test_a_missed_incident_does_not_improve_the_time_to_detect(tmp_path: Path) -> None:
    incidents = [incident(1), incident(2), incident(3)]
    slow = page(1 + 9 * MINUTES)
    quick = [page(2 + 1 * MINUTES), page(3 + 1 * MINUTES)]
    with_slow = scored(tmp_path / "a", [slow, *quick], incidents)
    without = scored(tmp_path / "b", quick, incidents)
    for name in ("time_to_detect_p90_s", "mean_time_to_detect_s"):
        before, after = value(with_slow, name), value(without, name)
        assert before is not None
        assert after is None or after > before


def test_a_repeated_page_raises_no_score(tmp_path: Path) -> None:
    incidents = [incident(1), incident(2)]
    once = scored(tmp_path / "a", [page(1 + MINUTES), page(9)], incidents)
    repeated = [page(1 + (k + 1) * MINUTES) for k in range(5)]
    often = scored(tmp_path / "b", [*repeated, page(9)], incidents)
    for name in ("incident_recall", "page_precision", "detected_in_time_ratio"):
        assert value(often, name) == value(once, name)
    first, second = value(once, "alarming_precision"), value(often, "alarming_precision")
    assert first is not None
    assert second is not None
    assert second < first


def test_many_pages_on_one_incident_are_one_detection_and_one_false_page_is_one(tmp_path: Path) -> None:
    card = scored(tmp_path, [*(page(1 + k * MINUTES) for k in range(1, 11)), page(5)], [incident(1)])
    assert value(card, "page_precision") == 1 / 2


def test_an_incident_at_the_end_of_the_span_keeps_its_last_moment(tmp_path: Path) -> None:
    last = incident(29.9, hours=2)
    late = at(30) - 3_600_000_000_000
    card = scored(tmp_path, [page(29.95)], [last], days=30)
    assert card.settings.span_to > late
    assert value(card, "incident_recall") == 1.0


def test_an_incident_cut_by_the_end_is_censored_and_says_nothing_against_the_contender(
    tmp_path: Path,
) -> None:
    card = scored(tmp_path, [page(1 + MINUTES)], [incident(1), incident(29.9, hours=24)], days=30)
    assert [one.outcome for one in card.incidents] == ["detected", "censored"]
    assert value(card, "incident_recall") == 1.0
    assert card.score("incident_recall").n == 1
    assert value(card, "censored_incidents") == 1


def test_scores_hold_no_state_between_datasets(tmp_path: Path) -> None:
    first = scored(tmp_path / "a", [page(1 + MINUTES)], [incident(1)])
    scored(tmp_path / "b", [page(k + 0.5) for k in range(20)], [incident(k) for k in range(20)])
    again = scored(tmp_path / "c", [page(1 + MINUTES)], [incident(1)])
    assert [s for s in again.scores if s.name != "x"] == list(first.scores)


def test_no_pages_and_no_incidents_are_legal(tmp_path: Path) -> None:
    card = scored(tmp_path, [], [])
    assert value(card, "incident_recall") is None
    assert card.score("incident_recall").reason == "no labelled incident in scored time"
    assert value(card, "false_pages_per_week") == 0.0
    assert card.chance is not None
    assert card.chance.reason
    assert Scorecard.from_json(card.to_json()) == card


def test_one_day_is_legal_and_keeps_the_interval_of_recall_only(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(0.5 + MINUTES)], [incident(0.5)], days=1)
    recall = card.score("incident_recall")
    assert recall.value == 1.0
    assert recall.method == "Wilson score interval"
    assert recall.low == pytest.approx(0.2065, abs=1e-4)
    assert card.score("alarming_precision").low is None
    assert "needs 20" in (card.score("alarming_precision").reason or "")


def test_zero_false_pages_in_a_month_are_not_a_rate_of_zero_for_ever(tmp_path: Path) -> None:
    rate = scored(tmp_path, [page(1 + MINUTES)], [incident(1)]).score("false_pages_per_week")
    assert (rate.value, rate.low) == (0.0, 0.0)
    assert rate.high == pytest.approx(3.689 / (30 / 7), rel=1e-2)


def test_labels_that_are_not_complete_make_precision_a_bracket(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1 + MINUTES), page(9), page(10)], [incident(1)], labels_complete=False)
    for name in ("page_precision", "alarming_precision", "false_pages_per_week"):
        assert value(card, name) is None
        assert "complete" in (card.score(name).reason or "")
    assert (value(card, "page_precision_low"), value(card, "page_precision_high")) == (1 / 3, 1.0)
    assert (value(card, "alarming_precision_low"), value(card, "alarming_precision_high")) == (1 / 3, 1.0)
    assert {one.outcome for one in card.pages} == {"detection", "unmatched"}


def test_no_interval_leaves_the_range_of_its_score(tmp_path: Path) -> None:
    hits = [page(day + MINUTES) for day in range(1, 29)]
    card = scored(tmp_path, hits, [incident(day) for day in range(1, 29)], days=30)
    assert card.score("naming_precision").value == 1.0
    for score in card.scores:
        if score.unit == "ratio" and score.low is not None and score.high is not None:
            assert 0 <= score.low <= score.high <= 1, score.name


def test_a_page_on_a_service_nobody_knows_is_false_and_told(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(9, "elsewhere")], [incident(1)])
    assert [one.outcome for one in card.pages] == ["false"]
    assert "1 pages name no service that the dataset has series of" in card.notes


def test_rates_are_per_on_call_week_and_the_worst_team_is_told(tmp_path: Path) -> None:
    owners = [
        Ownership(service=f"shop/{service}", team=team, valid_from=0, known_from=0)
        for service, team in (("db", "data"), ("cart", "storefront"), ("web", "storefront"))
    ]
    card = scored(tmp_path, [page(9, "db"), page(10, "db"), page(11, "cart")], [], days=28, reference=owners)
    weeks = (card.settings.span_to - card.settings.span_from) / DAY / 7
    assert value(card, "false_pages_per_week") == pytest.approx(3 / (2 * weeks))
    assert value(card, "false_pages_per_week_worst_team") == pytest.approx(2 / weeks)
    by_team = {team: scores[0].value for team, scores in card.by_group["team"].items()}
    assert set(by_team) == {"data", "storefront"}
    rates = {
        team: next(score.value for score in scores if score.name == "false_pages_per_week")
        for team, scores in card.by_group["team"].items()
    }
    assert rates == {"data": pytest.approx(2 / weeks), "storefront": pytest.approx(1 / weeks)}


def test_recall_by_severity_and_kind(tmp_path: Path) -> None:
    card = scored(
        tmp_path,
        [page(1 + MINUTES)],
        [incident(1, severity="critical", kind="step"), incident(2, severity="low", kind="leak")],
    )
    recall = {name: scores[0].value for name, scores in card.by_group["severity"].items()}
    assert recall == {"critical": 1.0, "low": 0.0}
    assert {name: scores[0].value for name, scores in card.by_group["kind"].items()} == {
        "step": 1.0,
        "leak": 0.0,
    }


def test_maintenance_warm_up_and_what_nobody_cares_about_are_not_scored(tmp_path: Path) -> None:
    window = Maintenance(service="shop/db", valid_from=at(10), valid_to=at(11), known_from=0)
    given = {
        "reference": [window],
        "warm_up_s": 86_400.0,
        "dont_care": [{"from": at(20), "to": at(21), "services": ["shop/web"]}],
    }
    pages = [page(0.5), page(10.5), page(10.6, "cart"), page(20.5, "web"), page(25)]
    card = scored(tmp_path, pages, [incident(10.5), incident(26)], **given)
    assert [one.outcome for one in card.pages] == ["unscored", "unscored", "false", "unscored", "false"]
    assert [one.outcome for one in card.incidents] == ["unscored", "missed"]


def test_what_is_scored_lies_after_the_tuning_span(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(5), page(15)], [incident(16)], tuning_until=at(10), warm_up_s=86_400.0)
    assert card.settings.span_from == at(9)
    assert [one.outcome for one in card.pages] == ["unscored", "false"]


def test_labels_as_of_a_moment_and_the_span_that_ends_there(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(1), incident(2, known_day=12), incident(15)])
    card = score_log(log(tmp_path, [], of), of, as_of=at(10), resamples=200)
    assert [one.start for one in card.incidents] == [at(1)]
    assert card.identity.labels_as_of == at(10)
    assert card.settings.span_to == at(10)
    again = score_log(
        log(tmp_path, [], of), of, as_of=card.identity.labels_as_of, resamples=200,
        span=(card.settings.span_from, card.settings.span_to),
    )  # fmt: skip
    assert again.scores == card.scores


def test_a_log_of_other_data_is_refused_unless_it_is_opaque(tmp_path: Path) -> None:
    of, other = dataset(tmp_path, [incident(1)]), dataset(tmp_path, [], name="other", value=2.0)
    with pytest.raises(InvalidDataset, match="replayed from other"):
        score_log(log(tmp_path, [], other), of)
    nameless = log(tmp_path, [], of, "nameless", dataset=None)
    with pytest.raises(InvalidDataset, match="no dataset it would name"):
        score_log(nameless, of)
    history = log(tmp_path, [page(1 + MINUTES)], of, "history-of-pages", dataset=None, opaque=True)
    assert value(score_log(history, of, resamples=200), "incident_recall") == 1.0


def test_the_identity_names_data_labels_contender_and_code(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(1)])
    identity = score_log(log(tmp_path, [], of), of, resamples=200).identity
    assert (identity.contender, identity.dataset_digest) == ("contender", of.card.digest)
    assert identity.labels_digest == of.labels().digest
    assert identity.lock_digest is None or len(identity.lock_digest) == 64


def test_seeds_repeat_and_a_span_without_scored_time_is_refused(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(k) for k in range(1, 20)])
    contender = log(tmp_path, [page(k + MINUTES) for k in range(1, 30)], of)
    assert score_log(contender, of, seed=3) == score_log(contender, of, seed=3)
    with pytest.raises(UsageError, match="nothing to score"):
        score_log(contender, of, span=(at(5), at(5)))
    with pytest.raises(UsageError, match="detect_within_s must be above 0"):
        score_log(contender, of, detect_within_s=0)


def test_services_are_counted_on_the_page_that_detects_and_others_cannot_hide_it(
    tmp_path: Path,
) -> None:
    all_named = page(1 + MINUTES, "db", "cart", "web")
    card = scored(tmp_path, [all_named, *(page(k + 0.5, "web") for k in range(2, 20))], [incident(1)])
    assert value(card, "services_per_page") == 3


def test_chance_is_low_for_a_contender_that_is_right_and_high_for_one_that_always_pages(
    tmp_path: Path,
) -> None:
    incidents = [incident(k + 0.3) for k in range(30)]
    right = scored(tmp_path / "a", [page(k + 0.3 + MINUTES) for k in range(30)], incidents)
    assert right.chance is not None
    assert right.chance.method == "within_weekday"
    recall = right.score("incident_recall")
    assert recall.value == 1.0
    # Every day at the same time: within the weekday a shifted label meets another incident's page.
    assert recall.chance == 1.0
    scattered = [incident(k + 0.3 + (k * 37 % 60) / 100) for k in range(30)]
    pages = [page(k + 0.3 + (k * 37 % 60) / 100 + MINUTES) for k in range(30)]
    apart = scored(tmp_path / "b", pages, scattered).score("incident_recall")
    assert apart.chance is not None
    assert apart.chance_high is not None
    assert apart.chance <= apart.chance_high < 0.3


def test_a_short_span_is_shifted_round_and_marked(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1 + MINUTES)], [incident(1), incident(3)], days=14)
    assert card.chance is not None
    assert card.chance.method == "circular"
    assert 0 < card.chance.shifts <= 100


def test_services_scored_at_different_times_are_shifted_and_drawn_within_their_own(tmp_path: Path) -> None:
    apart = [
        {"from": at(20), "to": at(60), "services": ["shop/db"]},
        {"from": at(0), "to": at(40), "services": ["shop/cart"]},
    ]
    pages = [*(page(k + 0.5) for k in range(20)), *(page(k + 0.5, "cart") for k in range(40, 60))]
    labels = [
        *(incident(k + 0.49) for k in range(0, 20, 2)),
        *(incident(k + 0.49, "cart") for k in range(40, 60)),
    ]
    card = scored(tmp_path, pages, labels, days=60, dont_care=apart)
    assert value(card, "incident_recall") == 1.0
    assert card.chance is not None
    assert card.chance.method == "circular"
    random = {score.name: score.value for score in card.baselines["random"]}
    assert random["pages_per_week"] == pytest.approx(value(card, "pages_per_week"))


def test_a_long_span_is_shifted_by_whole_weeks(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1 + MINUTES)], [incident(1), incident(3)], days=70)
    assert card.chance is not None
    assert (card.chance.method, card.chance.shifts) == ("whole_weeks", 8)


def test_never_always_and_random_stand_beside(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(k + 0.5) for k in range(20)], [incident(k, hours=2) for k in range(20)])
    never, always, at_random = (
        {score.name: score.value for score in card.baselines[name]} for name in ("never", "always", "random")
    )
    assert (never["incident_recall"], never["page_precision"]) == (0.0, None)
    assert always["incident_recall"] == 1.0
    assert always["pages_per_week"] == pytest.approx(3 * 24 * 7, rel=0.01)
    assert at_random["pages_per_week"] == pytest.approx(value(card, "pages_per_week"))
    assert at_random["incident_recall"] is not None
    assert at_random["incident_recall"] < 0.5


def test_early_and_grace_times_are_halved_and_doubled_beside(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1 - 8 * MINUTES)], [incident(1, source="human")])
    assert value(card, "incident_recall") == 1.0
    assert [(s.of, s.factor, s.scores["incident_recall"]) for s in card.sensitivity] == [
        ("early_s", 0.5, 0.0),
        ("early_s", 2.0, 1.0),
    ]
    assert value(card, "early_detections") == 1


def test_early_and_grace_times_are_stretched_apart_and_together(tmp_path: Path) -> None:
    early, late = page(1 - 15 * MINUTES), page(3 + 75 * MINUTES)
    card = scored(
        tmp_path, [early, late], [incident(1, source="human"), incident(3, source="human")], grace_s=600
    )
    found = {(one.of, one.factor): one.scores["incident_recall"] for one in card.sensitivity}
    assert value(card, "incident_recall") == 0.0
    assert found == {
        ("both", 0.5): 0.0,
        ("both", 2.0): 1.0,
        ("early_s", 0.5): 0.0,
        ("early_s", 2.0): 0.5,
        ("grace_s", 0.5): 0.0,
        ("grace_s", 2.0): 0.5,
    }
    assert card.sensitivity_reason is None


def test_where_both_times_are_zero_there_is_no_table_of_equal_rows(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1)], [incident(1)])
    assert card.sensitivity == ()
    assert "early_s is 0" in (card.sensitivity_reason or "")


def test_repeats_are_spread_over_incidents_as_their_mean_says(tmp_path: Path) -> None:
    train = [page(3 + k * MINUTES) for k in range(1, 7)]
    card = scored(tmp_path, [page(1), *train], [incident(1), incident(3), incident(5)])
    assert card.duplicates_spread == ((0, 1), (5, 1))
    assert value(card, "duplicates_per_incident") == 5 / 2


def test_brackets_are_told_by_team_too(tmp_path: Path) -> None:
    owners = [
        Ownership(service=f"shop/{name}", team=name, valid_from=at(0), known_from=at(0))
        for name in ("db", "web")
    ]
    card = scored(
        tmp_path,
        [page(1), page(9, "web"), page(11)],
        [incident(1)],
        reference=owners,
        labels_complete=False,
    )
    by_team = {
        team: {score.name: score.value for score in scores} for team, scores in card.by_group["team"].items()
    }
    assert (by_team["db"]["page_precision_low"], by_team["db"]["page_precision_high"]) == (0.5, 1.0)
    assert by_team["web"]["page_precision_low"] == 0.0
    assert by_team["db"]["alarming_precision_low"] == 0.5
    assert by_team["db"]["page_precision"] is None


def test_precision_is_told_by_the_service_a_page_is_counted_under(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1), page(1 + MINUTES), page(9), page(11, "web")], [incident(1)])
    found = {
        name: {score.name: score.value for score in scores}
        for name, scores in card.by_group["service"].items()
    }
    assert found["shop/db"]["page_precision"] == 1 / 2
    assert found["shop/db"]["alarming_precision"] == 1 / 3
    assert found["shop/web"]["page_precision"] == 0.0


def test_shifts_over_budget_are_those_of_the_team_that_was_woken(tmp_path: Path) -> None:
    owners = [
        Ownership(service=f"shop/{name}", team=name, valid_from=at(0), known_from=at(0))
        for name in ("db", "web")
    ]
    storm = [page(9 + k * MINUTES) for k in range(3)]
    card = scored(tmp_path, [*storm, page(11, "web")], [incident(1)], reference=owners, days=28)
    found = {team: {score.name: score for score in scores} for team, scores in card.by_group["team"].items()}
    # Hourly samples: the last hour of the last shift is not in the span, the shift is.
    assert found["db"]["shifts_over_budget_ratio"].value == 1 / 56
    assert (found["web"]["shifts_over_budget_ratio"].value, found["web"]["shifts_over_budget_ratio"].n) == (
        0,
        56,
    )
    assert card.score("shifts_over_budget_ratio").value == 1 / 168


def test_incidents_of_services_nobody_owns_are_counted_for_nobody_s_rotation(tmp_path: Path) -> None:
    card = scored(tmp_path, [page(1)], [incident(1), incident(3)])
    ((team, scores),) = card.by_group["team"].items()
    assert team == "(no owner)"
    assert {score.name: score.value for score in scores}["incident_recall"] == 0.5


def test_a_scorecard_shows_itself_in_a_notebook(tmp_path: Path) -> None:
    shown = scored(tmp_path, [page(1 + MINUTES)], [incident(1)])._repr_html_()
    assert shown.startswith("<table>")
    assert "incident_recall" in shown
