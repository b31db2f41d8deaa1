"""``thresholds``: every point is what a replay at that threshold would have scored; choices never peek."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.thresholds import ThresholdCurve, ThresholdPoint, ThresholdReport
from titleshot.datasets.dataset import Dataset
from titleshot.datasets.errors import IntegrityError, NotFitted, UsageError
from titleshot.datasets.json_schemas import json_schema
from titleshot.datasets.replay_log import ReplayLog
from titleshot.detectors.contender import Contender
from titleshot.detectors.recipe import Recipe
from titleshot.pipelines import threshold_curves
from titleshot.pipelines.fit import fit
from titleshot.pipelines.replay import replay
from titleshot.pipelines.threshold_alerts import scaled
from titleshot.pipelines.threshold_replays import alone, moved
from titleshot.pipelines.threshold_watches import watches_of
from titleshot.pipelines.thresholds import thresholds
from titleshot.reports.scorecard import score_log

Titleshot = Callable[..., Any]
FACTORS = (2 / 3, 1.5)
SMALL = {"factors": FACTORS, "resamples": 200}


def contender(**more: Any) -> Contender:
    """Two detectors with thresholds and policies of their own, sessions, and a cooldown on pages."""
    z_score = {"family": "rolling_z_score", "window": 36, "min_points": 12, "threshold": 3.0}
    robust = {"family": "robust_mad", "window": 144, "min_points": 30, "threshold": 4.0}
    said = {
        "name": "two-detectors",
        "lateness_s": 120,
        "detectors": [
            {
                "match": {"metric_name": "*latency*"},
                "detector": {**robust, "spread_floor_ratio": 0.05},
                "alert": {"min_length": 2, "clear_ratio": 0.8, "clear_samples": 2, "cooldown_s": 3600},
            },
            {"detector": z_score},
        ],
        "correlator": {"family": "topology_sessions"},
        "paging": {"cooldown_s": 1800},
    }
    return Contender(Recipe.model_validate(said | more))


@pytest.fixture(scope="module")
def log(small_platform: Dataset, tmp_path_factory: pytest.TempPathFactory) -> ReplayLog:
    return replay(small_platform, contender(), out=tmp_path_factory.mktemp("dense") / "log", scores=True)


@pytest.fixture(scope="module")
def report(log: ReplayLog, small_platform: Dataset) -> ThresholdReport:
    return thresholds(log, labels=small_platform, **SMALL)


def tuned(dataset: Dataset, days: float) -> Dataset:
    """The same data with a tuning span; evaluation settings are no part of its digest."""
    until = dataset.card.span_from + round(days * DAY)
    evaluation = dataset.card.evaluation.model_copy(update={"tuning_until": until})
    return replace(dataset, card=dataset.card.model_copy(update={"evaluation": evaluation}))


def values(of: Any) -> dict[str, tuple[float | None, float | None, float | None, int]]:
    return {score.name: (score.value, score.low, score.high, score.n) for score in of.scores}


def assert_scores_of(point: ThresholdPoint, log: ReplayLog, dataset: Dataset) -> None:
    card = score_log(log, dataset, resamples=200)
    expected = values(card)
    assert values(point) == {name: expected[name] for name in values(point)}
    outcomes = [incident.outcome for incident in card.incidents]
    assert point.found == outcomes.count("detected")
    assert point.of == outcomes.count("detected") + outcomes.count("missed")


def test_the_contender_s_points_are_the_scores_of_its_log_and_of_replays_at_other_thresholds(
    report: ThresholdReport, log: ReplayLog, small_platform: Dataset, tmp_path: Path
) -> None:
    whole = report.curves[0]

    assert_scores_of(whole.at(1.0), log, small_platform)
    for factor in FACTORS:
        other = replay(small_platform, moved(contender(), factor), out=tmp_path / f"{factor}")
        assert other.about["recipe"]["detectors"][1]["detector"]["threshold"] == 3.0 * factor
        assert_scores_of(whole.at(factor), other, small_platform)
    assert len({point.found for point in whole.points}) > 1


@pytest.mark.parametrize(
    "factor", [2 / 3, pytest.param(1.0, marks=pytest.mark.slow), pytest.param(1.5, marks=pytest.mark.slow)]
)
def test_a_detector_s_points_are_the_scores_of_replays_of_it_alone_at_those_thresholds(
    factor: float, report: ThresholdReport, small_platform: Dataset, tmp_path: Path
) -> None:
    for place, curve in enumerate(report.curves[1:]):
        assert curve.threshold == (4.0, 3.0)[place]
        by_itself = moved(alone(contender(), [place]), factor)
        other = replay(small_platform, by_itself, out=tmp_path / f"{place}")
        assert len(other.pages()) > 20
        assert_scores_of(curve.at(factor), other, small_platform)


def test_a_threshold_is_told_in_the_detector_s_own_unit(report: ThresholdReport) -> None:
    z_score = report.curves[2]

    assert (z_score.name.partition("@")[0], z_score.watches) == ("rolling_z_score", ("every other series",))
    assert [point.threshold for point in z_score.points] == [2.0, 3.0, 4.5]
    assert z_score.exchanges[0].words.startswith("from 3 to 2: ")
    assert report.curves[0].threshold is None
    assert report.curves[0].exchanges[0].words.startswith("all thresholds times 0.667: ")


def test_an_exchange_is_the_difference_of_two_points(report: ThresholdReport) -> None:
    for curve in report.curves[1:]:  # no alert is carried, so points share incidents
        present = curve.at(1.0)
        for exchange in curve.exchanges:
            other = curve.at(exchange.factor)
            assert exchange.found == other.found - present.found
            assert exchange.of == max(other.of, present.of)  # one cut by the end counts where it was detected
            by_name = {score.name: score for score in exchange.differences}
            false = [point.score("false_pages_per_week") for point in (present, other)]
            assert false[0] is not None
            assert false[1] is not None
            assert by_name["false_pages_per_week"].difference == pytest.approx(
                (false[1].value or 0) - (false[0].value or 0)
            )


def test_without_a_tuning_span_every_choice_is_called_an_oracle(
    report: ThresholdReport, log: ReplayLog, small_platform: Dataset, titleshot: Titleshot, tmp_path: Path
) -> None:
    assert report.drawn_on == "scored"
    assert {choice.chosen_on for curve in report.curves for choice in curve.choices} == {"oracle"}
    assert all(choice.check is None for curve in report.curves for choice in curve.choices)
    assert any("oracle" in note for note in report.notes)

    ran = titleshot(
        "thresholds", log.path, "--labels", small_platform.path, "--factors", "1.5", "--out", tmp_path / "t"
    )
    lines = [line for line in ran.err.splitlines() if "among thresholds" in line]
    assert lines
    assert all(line.strip().startswith("oracle, ") for line in lines)


@pytest.fixture(scope="module")
def with_tuning(log: ReplayLog, small_platform: Dataset) -> ThresholdReport:
    return thresholds(log, labels=tuned(small_platform, 12), **SMALL)


def test_with_a_tuning_span_curves_end_with_it_and_choices_are_checked_after_it(
    with_tuning: ThresholdReport, small_platform: Dataset
) -> None:
    until = small_platform.card.span_from + 12 * DAY

    assert with_tuning.drawn_on == "tuning"
    assert with_tuning.settings.span_to == until
    assert with_tuning.checked is not None
    assert with_tuning.checked.span_from == until - round(with_tuning.settings.warm_up_s * 1e9)
    choices = [choice for curve in with_tuning.curves for choice in curve.choices]
    assert {choice.chosen_on for choice in choices} == {"tuning"}
    checked = [choice.check for choice in choices if choice.check is not None]
    assert checked
    assert not any("oracle" in note for note in with_tuning.notes)


@pytest.mark.slow
def test_points_on_the_tuning_span_and_checks_are_scores_of_whole_replays_there(
    with_tuning: ThresholdReport, small_platform: Dataset, tmp_path: Path
) -> None:
    whole = with_tuning.curves[0]
    span = with_tuning.settings.span_from, with_tuning.settings.span_to
    logs = {
        factor: replay(small_platform, moved(contender(), factor), out=tmp_path / f"{factor}")
        for factor in (1.0, *FACTORS)
    }
    for factor, other in logs.items():
        card = score_log(other, small_platform, resamples=200, span=span)
        expected = values(card)
        assert values(whole.at(factor)) == {name: expected[name] for name in values(whole.at(factor))}
    choice = next(choice for choice in whole.choices if choice.check is not None)
    assert choice.check is not None
    assert choice.factor is not None
    cards = [score_log(logs[f], tuned(small_platform, 12), resamples=200) for f in (1.0, choice.factor)]
    false = [card.score("false_pages_per_week").value or 0 for card in cards]
    by_name = {score.name: score.difference for score in choice.check.differences}
    assert by_name["false_pages_per_week"] == pytest.approx(false[1] - false[0])


def test_what_happened_after_the_tuning_span_changes_no_point_and_no_choice(
    with_tuning: ThresholdReport, log: ReplayLog, small_platform: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = small_platform.card.span_from + 12 * DAY
    known = Dataset.labels

    def without_later(self: Dataset, as_of: int | None = None) -> Any:
        labels = known(self, as_of)
        return replace(labels, incidents=[label for label in labels.incidents if label.start < until])

    monkeypatch.setattr(Dataset, "labels", without_later)
    blind = thresholds(log, labels=tuned(small_platform, 12), **SMALL)

    for seen, unseen in zip(with_tuning.curves, blind.curves, strict=True):
        assert seen.points == unseen.points
        assert [choice.factor for choice in seen.choices] == [choice.factor for choice in unseen.choices]


@pytest.mark.slow
def test_a_detector_that_shares_its_series_is_replayed_alone(small_platform: Dataset, tmp_path: Path) -> None:
    both = contender().recipe.model_dump(mode="json")
    both["detectors"][0]["also"] = True
    sharing = Contender(Recipe.model_validate(both))
    dense = replay(small_platform, sharing, out=tmp_path / "log", scores=True)
    assert [watch.apart for watch in watches_of(sharing.recipe, small_platform.series())] == [False, False]

    told = thresholds(dense, labels=small_platform, factors=[1.5], resamples=200)
    other = replay(small_platform, moved(alone(sharing, [1]), 1.5), out=tmp_path / "alone")

    assert_scores_of(told.curves[2].at(1.5), other, small_platform)
    only = thresholds(dense, labels=small_platform, factors=[1.5], resamples=200, detectors_only=True)
    assert all("another detector watches the same series" in str(curve.reason) for curve in only.curves)


@pytest.mark.slow
def test_a_detector_without_a_threshold_stays_as_it_is_and_says_so(
    small_platform: Dataset, tmp_path: Path
) -> None:
    mixed = contender().recipe.model_dump(mode="json")
    mixed["detectors"].insert(0, {"detector": {"family": "no_data"}, "also": True})
    dense = replay(small_platform, Contender(Recipe.model_validate(mixed)), out=tmp_path / "log", scores=True)

    told = thresholds(dense, labels=small_platform, factors=[1.5], resamples=200)

    assert told.curves[1].reason == "it has no threshold to move"
    assert any("no_data@" in note and "stays as it is" in note for note in told.notes)
    assert len(told.curves[0].points) == 2


def test_what_ties_with_a_threshold_is_strange_and_nothing_else_moves() -> None:
    u = np.array([0.1, 0.7999, 1.0, 3.3, np.nan])

    assert scaled(u, 1.0) is u
    for factor in np.linspace(0.4, 4, 37).tolist():
        graded = np.array([factor, factor * 0.999999]) / (1 + np.array([factor, factor * 0.999999]))
        ties = scaled(graded / (1 - graded), factor)
        assert ties[0] == 1
        assert ties[1] < 1


def test_a_log_whose_pages_are_not_those_of_its_contender_is_refused(
    log: ReplayLog, small_platform: Dataset, copy_of: Callable[..., Path]
) -> None:
    changed = copy_of(log.path, "log")
    about = json.loads((changed / "log.json").read_text())
    about["recipe"]["paging"]["cooldown_s"] = 86_400
    (changed / "log.json").write_text(json.dumps(about))

    with pytest.raises(IntegrityError, match="are not the same; it was made by other code"):
        thresholds(changed, labels=small_platform, **SMALL)


@pytest.mark.parametrize(
    ("column", "row", "says"),
    [
        ("series", 5, "row 6 is not of the sample of series"),
        ("timestamp", 0, "row 1 is not of the sample"),
        ("anomaly_score", None, "alerts at the present thresholds"),
    ],
)
def test_dense_scores_of_another_replay_are_refused(
    column: str, row: int | None, says: str, log: ReplayLog, small_platform: Dataset, copy_of: Any
) -> None:
    changed = copy_of(log.path, "log")
    table = pq.read_table(changed / "scores.parquet")
    cells = table[column].to_pylist()
    if row is None:
        cells = [None if cell is None else cell / 2 for cell in cells]
    else:
        cells[row] = cells[row + 100]
    where = table.schema.get_field_index(column)
    table = table.set_column(where, column, pa.array(cells, table.schema.field(where).type))
    pq.write_table(table, changed / "scores.parquet")

    with pytest.raises(IntegrityError, match=says):
        thresholds(changed, labels=small_platform, detectors_only=True, **SMALL)


def test_a_log_without_dense_scores_says_how_to_get_them(
    small_log: ReplayLog, small_platform: Dataset
) -> None:
    with pytest.raises(UsageError, match=r"no dense scores.*replay again with --scores"):
        thresholds(small_log, labels=small_platform)


def test_a_page_history_has_no_threshold(log: ReplayLog, small_platform: Dataset, copy_of: Any) -> None:
    history = copy_of(log.path, "history")
    about = json.loads((history / "log.json").read_text())
    del about["recipe"]
    (history / "log.json").write_text(json.dumps({**about, "opaque": True}))

    with pytest.raises(UsageError, match="imported page history: it has no detector"):
        thresholds(history, labels=small_platform)


def test_a_tuning_span_the_log_does_not_cover_is_refused(small_platform: Dataset, tmp_path: Path) -> None:
    late = small_platform.card.span_from + 14 * DAY
    part = replay(small_platform, contender(), out=tmp_path / "log", scores=True, from_=late)

    with pytest.raises(UsageError, match="covers nothing of the tuning span"):
        thresholds(part, labels=tuned(small_platform, 12), **SMALL)
    assert thresholds(part, labels=small_platform, detectors_only=True, **SMALL).samples > 1000


def test_a_fitted_contender_must_be_named_and_be_the_one_that_was_replayed(
    log: ReplayLog, small_platform: Dataset, copy_of: Any
) -> None:
    with pytest.raises(UsageError, match="is not the one that made"):
        thresholds(log, labels=small_platform, contender="module", **SMALL)
    fitted = copy_of(log.path, "fitted")
    about = json.loads((fitted / "log.json").read_text())
    about["recipe"]["detectors"][0]["detector"] = {"family": "seasonal_baseline"}
    (fitted / "log.json").write_text(json.dumps(about))
    with pytest.raises(NotFitted, match="name the fitted folder with --contender"):
        thresholds(fitted, labels=small_platform, **SMALL)


@pytest.mark.parametrize("factors", [[0.001], [1000.0], [1 + n / 100 for n in range(60)]])
def test_a_factor_beyond_reason_is_refused(
    factors: list[float], log: ReplayLog, small_platform: Dataset
) -> None:
    with pytest.raises(UsageError, match="factor"):
        thresholds(log, labels=small_platform, factors=factors)


def test_without_labelled_incidents_pages_are_counted_and_nothing_is_chosen(
    log: ReplayLog, small_platform: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Dataset.labels
    monkeypatch.setattr(Dataset, "labels", lambda self, as_of=None: replace(known(self, as_of), incidents=[]))
    told = thresholds(log, labels=small_platform, **SMALL)

    for curve in told.curves:
        for point in curve.points:
            recall, pages = point.score("incident_recall"), point.score("pages_per_week")
            assert recall is not None
            assert (recall.value, point.of) == (None, 0)
            assert pages is not None
            assert (pages.value or 0) > 0
        assert all("no labelled incident" in str(choice.reason) for choice in curve.choices)


def test_the_report_lies_in_the_log_keeps_its_schema_and_is_the_document_printed(
    log: ReplayLog, small_platform: Dataset, titleshot: Titleshot, copy_of: Any
) -> None:
    place = copy_of(log.path, "log")
    words = ("thresholds", place, "--labels", small_platform.path, "--factors", "1.5", "--detectors-only")

    ran = titleshot(*words, "--json")

    assert ran.code == 0, ran.err
    written = (place / "thresholds.json").read_bytes()
    jsonschema.validate(json.loads(written), json_schema(ThresholdReport))
    assert ThresholdReport.from_json(written) == ThresholdReport.model_validate(ran.document)
    titleshot(*words)
    assert (place / "thresholds.json").read_bytes() == written, "the same log gives the same bytes"


def test_a_contender_that_pages_nobody_has_no_curve(small_platform: Dataset, tmp_path: Path) -> None:
    silent = contender(correlator=None)
    dense = replay(small_platform, silent, out=tmp_path / "log", scores=True)

    curve: ThresholdCurve = thresholds(dense, labels=small_platform, **SMALL).curves[0]

    assert curve.points == ()
    assert curve.reason == "it says events and nothing more: it pages nobody"


def test_replays_stop_where_the_tuning_span_does(
    log: ReplayLog, small_platform: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []
    pages_at = threshold_curves.pages_at

    def noting(*given: Any, **more: Any) -> Any:
        asked.append(more["to"])
        return pages_at(*given, **more)

    monkeypatch.setattr(threshold_curves, "pages_at", noting)
    thresholds(log, labels=tuned(small_platform, 12), **SMALL)

    until = small_platform.card.span_from + 12 * DAY
    assert asked[:3] == [until] * 3
    assert set(asked[3:]) <= {None}


def test_the_page_of_a_log_shows_the_curves_that_lie_in_it(
    log: ReplayLog, small_platform: Dataset, titleshot: Titleshot, copy_of: Any, tmp_path: Path
) -> None:
    place, page = copy_of(log.path, "log"), tmp_path / "page.html"
    words = ("report", place, "--labels", small_platform.path, "--out", page)
    assert titleshot(*words).code == 0
    assert 'id="thresholds"' not in page.read_text()

    thresholds(place, labels=small_platform, out=place / "thresholds.json", detectors_only=True, **SMALL)

    assert titleshot(*words).code == 0
    assert 'id="thresholds"' in page.read_text()
    assert titleshot(*words, "--thresholds", place / "thresholds.json").code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "make it with titleshot thresholds LOG"),
        ("{", "other.json: record: Invalid JSON"),
        ('{"schema_version": "9.0"}', "this code reads 1.x; upgrade titleshot"),
    ],
)
def test_curves_that_cannot_be_read_are_refused(
    text: str | None,
    says: str,
    log: ReplayLog,
    small_platform: Dataset,
    titleshot: Titleshot,
    tmp_path: Path,
) -> None:
    if text is not None:
        (tmp_path / "other.json").write_text(text)
    words = ["report", log.path, "--labels", small_platform.path, "--out", tmp_path / "page.html"]

    ran = titleshot(*words, "--thresholds", tmp_path / "other.json")

    assert (ran.code, says in ran.err) == (2, True), ran.err
    assert not (tmp_path / "page.html").exists()


def test_curves_of_another_contender_are_refused(
    report: ThresholdReport,
    small_log: ReplayLog,
    small_platform: Dataset,
    titleshot: Titleshot,
    tmp_path: Path,
) -> None:
    (tmp_path / "other.json").write_text(report.to_json())
    words = ["report", small_log.path, "--labels", small_platform.path, "--out", tmp_path / "page.html"]

    ran = titleshot(*words, "--thresholds", tmp_path / "other.json")

    assert ran.code == 2
    assert "curves of two-detectors on" in ran.err
    assert "which this page is not about" in ran.err


def test_at_the_present_threshold_a_detector_scores_as_on_its_scorecard(
    report: ThresholdReport, log: ReplayLog, small_platform: Dataset
) -> None:
    by_detector = score_log(log, small_platform, resamples=200).by_group["detector"]

    for curve in report.curves[1:]:
        on_card = {score.name: (score.value, score.n) for score in by_detector[curve.name]}
        ours = {score.name: (score.value, score.n) for score in curve.at(1.0).scores}
        shared = on_card.keys() & ours.keys()
        assert {"incident_recall", "alarming_precision", "false_pages_per_week"} <= shared
        assert {name: ours[name] for name in shared} == {name: on_card[name] for name in shared}


def test_a_tuning_span_that_nobody_labelled_chooses_nothing(
    log: ReplayLog, small_platform: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = small_platform.card.span_from + 12 * DAY
    known = Dataset.labels

    def without_earlier(self: Dataset, as_of: int | None = None) -> Any:
        labels = known(self, as_of)
        return replace(labels, incidents=[label for label in labels.incidents if label.start >= until])

    monkeypatch.setattr(Dataset, "labels", without_earlier)
    told = thresholds(log, labels=tuned(small_platform, 12), detectors_only=True, **SMALL)

    assert told.drawn_on == "scored"
    assert {choice.chosen_on for curve in told.curves for choice in curve.choices} == {"oracle"}
    assert any("holds no labelled incident, so curves are drawn on the scored span" in n for n in told.notes)


@pytest.mark.slow
def test_a_fitted_contender_is_replayed_with_its_own_arrays(
    small_platform: Dataset, titleshot: Titleshot, tmp_path: Path
) -> None:
    seasonal = {"family": "seasonal_baseline", "period": "day", "threshold": 6.0, "spread_floor_ratio": 0.05}
    recipe = contender(detectors=[{"detector": seasonal}]).recipe
    folder, cutoff = tmp_path / "fitted", small_platform.card.span_from + 5 * DAY
    fitted = fit(small_platform, Contender(recipe), out=folder, cutoff=cutoff)
    dense = replay(small_platform, fitted, out=tmp_path / "log", scores=True)
    words = ("thresholds", dense.path, "--labels", small_platform.path, "--factors", "1.5")

    ran = titleshot(*words, "--contender", folder, "--resamples", "200", "--json")

    assert ran.code == 0, ran.err
    whole = ThresholdReport.model_validate(ran.document).curves[0]
    other = replay(small_platform, moved(fitted, 1.5), out=tmp_path / "other")
    assert_scores_of(whole.at(1.0), dense, small_platform)
    assert_scores_of(whole.at(1.5), other, small_platform)
    assert titleshot(*words).code == 2
