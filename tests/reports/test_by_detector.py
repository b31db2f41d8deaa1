"""Scores by detector: alerts taken as pages, and what of the contender's own pages rests on each."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from history import dataset
from history import log as page_log
from history import page as plain_page
from hypothesis import given, settings
from hypothesis import strategies as st
from told import alert, candidate, log, minute, page_of

from titleshot.datasets.contracts.incidents import IncidentCandidate, Page
from titleshot.datasets.contracts.labels import IncidentLabel
from titleshot.datasets.contracts.reference import Ownership
from titleshot.datasets.contracts.scores import Scorecard
from titleshot.detectors.recipe import load_recipe, shipped_contenders
from titleshot.detectors.row_families import row_detector_of
from titleshot.pipelines.outcome import silent
from titleshot.pipelines.score import arguments, command
from titleshot.reports.comparison import compare_logs
from titleshot.reports.scorecard import score_log

A, B = "robust_mad@aaaaaaaa", "time_of_day@bbbbbbbb"
WEEKS = 2 / 7
MINUTES = 1 / 1440


def incident(at: float, root: str = "db", minutes: float = 30) -> IncidentLabel:
    return IncidentLabel(
        incident_id=f"INC-{at:g}",
        start=minute(at),
        end=minute(at + minutes),
        root_service=f"shop/{root}",
        affected_services=(f"shop/{root}",),
        severity="high",
        kind="spike",
        source="exact",
        known_at=minute(at + minutes),
    )


def scored(
    folder: Path,
    incidents: Sequence[IncidentLabel],
    alerts: Sequence[dict[str, Any]],
    candidates: Sequence[Sequence[IncidentCandidate]] = (),
    pages: Sequence[Page] = (),
    about: dict[str, Any] | None = None,
    **given: Any,
) -> Scorecard:
    of = dataset(folder, incidents, **{"days": 2, **given})
    return score_log(log(folder, of, alerts, candidates, pages, **(about or {})), of, resamples=200)


def value(card: Scorecard, detector: str, name: str) -> float | None:
    return {score.name: score.value for score in card.by_group["detector"][detector]}[name]


def test_a_log_that_can_be_counted_by_hand(tmp_path: Path) -> None:
    a1, a2, a3 = (alert(at, detector=A) for at in (62, 64, 700))
    b1, b2, b3 = alert(70, detector=B), alert(605, "cart", detector=B), alert(900, "web", detector=B)
    both, alone, noise = candidate("both", [a1, a2, b1]), candidate("alone", [b2]), candidate("noise", [b3])
    card = scored(
        tmp_path,
        [incident(60), incident(600, "cart"), incident(1200, "web")],
        [a1, a2, a3, b1, b2, b3],
        [both, alone, noise],
        [page_of(both, 71), page_of(alone, 605), page_of(noise, 900)],
        detect_within_s=600,
    )
    assert value(card, A, "incident_recall") == pytest.approx(1 / 3)
    assert value(card, A, "page_precision") == pytest.approx(1 / 2)
    assert value(card, A, "alarming_precision") == pytest.approx(1 / 3)  # a2 repeats, a3 is false
    assert value(card, A, "mean_time_to_detect_s") == pytest.approx((120 + 600 + 600) / 3)
    assert value(card, A, "false_pages_per_week") == pytest.approx(1 / WEEKS, rel=0.1)
    assert value(card, B, "incident_recall") == pytest.approx(2 / 3)
    assert value(card, A, "pages_contributed_ratio") == pytest.approx(1 / 3)
    assert value(card, B, "pages_contributed_ratio") == 1.0
    assert value(card, A, "pages_alone_ratio") == 0.0
    assert value(card, B, "pages_alone_ratio") == pytest.approx(2 / 3)
    assert value(card, A, "recall_lost_without_it") == 0.0
    assert value(card, B, "recall_lost_without_it") == pytest.approx(1 / 3)
    assert value(card, B, "false_pages_spared_per_week_without_it") == pytest.approx(1 / WEEKS, rel=0.1)
    assert value(card, B, "incidents_found_alone_ratio") == pytest.approx(1 / 3)
    about = card.detectors
    assert about is not None
    assert (about.watched[A].alerts, about.watched[A].metrics) == (3, ("latency_p99",))
    assert all(score.value is not None or score.reason for score in card.by_group["detector"][A])


def test_only_alerts_said_before_a_page_was_sent_are_behind_it(tmp_path: Path) -> None:
    first, later = alert(62, detector=A), alert(75, detector=B)
    story = candidate("story", [first, later])
    card = scored(tmp_path, [incident(60)], [first, later], [story], [page_of(story, 63)])
    assert value(card, A, "recall_lost_without_it") == 1.0
    assert value(card, B, "pages_contributed_ratio") == 0.0


def test_an_incident_that_another_detectors_page_hits_too_is_not_lost(tmp_path: Path) -> None:
    first, later = alert(62, detector=A), alert(75, detector=B)
    one, other = candidate("one", [first]), candidate("other", [later])
    card = scored(
        tmp_path, [incident(60)], [first, later], [one, other], [page_of(one, 62), page_of(other, 75)]
    )
    assert value(card, A, "pages_alone_ratio") == 0.5
    assert value(card, A, "recall_lost_without_it") == 0.0


def test_held_repeated_and_flushed_events_are_no_pages(tmp_path: Path) -> None:
    once = alert(62, detector=A)
    others = [alert(63, policy="held_cooldown", detector=A), alert(64, flushed=True, detector=A)]
    card = scored(tmp_path, [incident(60)], [once, once, *others])
    assert value(card, A, "alarming_precision") == 1.0
    assert {s.name: s.n for s in card.by_group["detector"][A]}["alarming_precision"] == 1


def test_another_team_is_fan_out_where_owners_are_paged_and_a_repeat_where_one_route_is(
    tmp_path: Path,
) -> None:
    owners = [
        Ownership(service=f"shop/{name}", team=team, valid_from=minute(0), known_from=minute(0))
        for name, team in (("db", "data"), ("web", "front"))
    ]
    label = incident(60).model_copy(update={"affected_services": ("shop/db", "shop/web")})
    alerts = [alert(62, detector=A), alert(63, "web", detector=A)]

    def repeats(folder: str, route: str) -> float:
        recipe = {"paging": {"route": route}, "detectors": []}
        card = scored(tmp_path / folder, [label], alerts, about={"recipe": recipe}, reference=owners)
        return value(card, A, "duplicates_per_week") or 0.0

    assert repeats("owner", "by_owner") == 0.0
    assert repeats("one", "on-call") > 0.0


def test_a_detector_that_never_spoke_is_scored_with_what_it_found(tmp_path: Path) -> None:
    recipe = load_recipe("by_signal")
    strings = {detector.name for detector in recipe.make_detectors()}
    card = scored(
        tmp_path,
        [incident(60)],
        [alert(62, detector=A)],
        about={"recipe": recipe.model_dump(mode="json")},
    )
    assert set(card.by_group["detector"]) == {A, *strings}
    assert {value(card, name, "incident_recall") for name in strings} == {0.0}
    assert {value(card, name, "page_precision") for name in strings} == {None}
    about = card.detectors
    assert about is not None
    assert ("metric_name *cpu*", "metric_name *queue*", "metric_name *memory*") in {
        about.watched[name].selectors for name in strings
    }
    assert ("everything else",) in {about.watched[name].selectors for name in strings}


@pytest.mark.parametrize("name", sorted(shipped_contenders()))
def test_every_detector_of_a_shipped_contender_is_known_by_the_string_its_events_carry(
    name: str, tmp_path: Path
) -> None:
    recipe = load_recipe(name)
    strings = {detector.name for detector in recipe.make_detectors()}
    strings |= {row_detector_of(selector.detector).name for selector in recipe.rows}
    card = scored(tmp_path, [incident(60)], [], about={"recipe": recipe.model_dump(mode="json")})
    assert set(card.by_group["detector"]) == strings


@pytest.mark.parametrize("recipe", ["a string", {"detectors": 3, "rows": ["x"]}, {"detectors": [{}, None]}])
def test_a_recipe_that_is_none_names_nobody(recipe: Any, tmp_path: Path) -> None:
    card = scored(tmp_path, [incident(60)], [alert(62, detector=A)], about={"recipe": recipe})
    assert set(card.by_group["detector"]) == {A}


def test_a_page_history_has_no_detectors_and_says_why(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(60)], days=2)
    history = page_log(tmp_path, [plain_page(62 * MINUTES)], of, opaque=True)
    card = score_log(history, of, resamples=200)
    assert "detector" not in card.by_group
    assert card.detectors is not None
    assert "page history" in (card.detectors.reason or "")
    told = _told(tmp_path, history.path)
    assert "by detector: null, an imported page history" in told


def test_the_terminal_and_a_notebook_show_it(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(60)], days=2)
    made = log(tmp_path, of, [alert(62, detector=A)])
    told = _told(tmp_path, made.path)
    assert A in told
    assert "each alert is a page" in told.replace("by detector ", "")
    assert A in score_log(made, of, resamples=200)._repr_html_()


def test_each_side_of_a_comparison_has_its_own_detectors_and_there_is_no_difference(tmp_path: Path) -> None:
    of = dataset(tmp_path, [incident(60)], days=2)
    ours, theirs = (log(tmp_path, of, [alert(62, detector=name)], name=name[:4]) for name in (A, B))
    found = compare_logs(theirs, ours, of, resamples=200)
    assert set(found.champion.by_group["detector"]) == {B}
    assert set(found.challenger.by_group["detector"]) == {A}
    assert "detector" not in found.by_group
    alone = compare_logs(None, ours, of, resamples=200)
    assert alone.champion.detectors is not None
    assert alone.champion.detectors.reason == "nothing pages yet: there is no detector"


def _told(folder: Path, made: Path) -> str:
    parser = argparse.ArgumentParser()
    arguments(parser)
    return command(parser.parse_args([str(made), "--labels", str(folder / "history")]), silent).text


MOMENTS = st.integers(0, 40)


@settings(max_examples=20, deadline=None)
@given(
    alerts=st.lists(st.tuples(MOMENTS, st.sampled_from(["db", "web"]), st.sampled_from([A, B])), max_size=12),
    cut=st.lists(st.integers(0, 3), min_size=12, max_size=12),
    paged=st.lists(st.tuples(st.integers(0, 3), MOMENTS), max_size=6, unique_by=lambda one: one[0]),
    starts=st.lists(st.sampled_from([0, 10, 25]), max_size=3, unique=True),
)
def test_what_rests_on_a_detector_is_its_definition_page_by_page(
    alerts: list[tuple[int, str, str]],
    cut: list[int],
    paged: list[tuple[int, int]],
    starts: list[int],
) -> None:
    said = list(
        {one["event_id"]: one for one in (alert(60 + at, s, detector=d) for at, s, d in alerts)}.values()
    )
    stories = [[one for one, k in zip(said, cut, strict=False) if k == story] for story in range(4)]
    candidates = {k: candidate(f"C{k}", of) for k, of in enumerate(stories) if of}
    pages = [page_of(candidates[k], 60 + at) for k, at in paged if k in candidates]
    labels = [incident(60 + at, "db" if at else "web", minutes=12) for at in starts]
    with tempfile.TemporaryDirectory() as folder:
        card = scored(Path(folder), labels, said, [*candidates.values()], pages)
    if not said:
        assert "detector" not in card.by_group
        return
    behind = {
        page.page_id: {
            one["detector"]
            for one in stories[int(page.incident_id[1:])]
            if one["emitted_at"] <= page.paged_at
        }
        for page in pages
    }
    for name in {one["detector"] for one in said}:
        alone = {page for page, of in behind.items() if of == {name}}
        counted = [page for page in card.pages if page.outcome != "carried"]
        contributed = sum(name in behind[page.page_id] for page in counted)
        assert value(card, name, "pages_contributed_ratio") == (
            pytest.approx(contributed / len(counted)) if counted else None
        )
        outcomes = [of for of in card.incidents if of.outcome in {"detected", "missed"}]
        lost = 0
        for of in outcomes:
            hits = [p.page_id for p in counted if p.incident_id == of.incident_id]
            lost += bool(hits) and all(page in alone for page in hits)
        assert value(card, name, "recall_lost_without_it") == (
            pytest.approx(lost / len(outcomes)) if outcomes else None
        )
        false = sum(page.outcome == "false" and page.page_id in alone for page in counted)
        weeks = (card.settings.span_to - card.settings.span_from) / (7 * 86_400e9)
        assert value(card, name, "false_pages_spared_per_week_without_it") == pytest.approx(false / weeks)
