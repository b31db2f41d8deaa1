"""Labelling, candidates, detectors, stretched times and assumptions: what is in the record is on the page."""

from __future__ import annotations

import page_everything
import page_fixture as pages
import pytest
from page_feedback import DIFFERENCE, judged, queue
from test_page import Document
from test_page_candidates import FOUND

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.scores import CorrelationScores, DetectorScores
from titleshot.reports.page import render_page, render_scorecard
from titleshot.reports.rendering.assumptions import assumptions
from titleshot.reports.rendering.candidates import candidates_of_both
from titleshot.reports.rendering.detectors import detectors_of
from titleshot.reports.rendering.labelling import FIRST, labelling
from titleshot.reports.rendering.spread import MOST_ROWS, spread_of
from titleshot.reports.rendering.stretched import stretched_differences, stretched_scores
from titleshot.reports.rendering.suspicions import abstention_of, reliability_of


@pytest.fixture(scope="module")
def full() -> Comparison:
    return page_everything.everything()


@pytest.fixture(scope="module")
def page(full: Comparison) -> str:
    return render_page(full, page_everything.verdict(full), pages.decision(), pages.validation())


def test_the_queue_is_shown_in_its_order_with_what_answers_are_expected_to_buy(full: Comparison) -> None:
    found, asked = labelling(full), full.review
    assert asked is not None
    assert [row.page_id for row in found.asked] == [page.page_id for page in asked.pages]
    first = found.asked[0]
    assert (first.sent_by, first.settles, first.narrows) == ("champion", "5", "1.5 points")
    width = 100 * (DIFFERENCE.high_limit or 0) - 100 * (DIFFERENCE.low_limit or 0)
    assert f"a bracket {width:.1f} points wide" in found.buys
    assert f"narrow it by {100 * sum(page.narrows for page in asked.pages):.1f} points" in found.buys


def test_no_more_is_promised_than_there_is(full: Comparison) -> None:
    asked = queue(full)
    dear = tuple(page.model_copy(update={"narrows": 0.9}) for page in asked.pages)
    made = full.model_copy(update={"review": asked.model_copy(update={"pages": dear})})
    assert "expected to narrow it by 103.7 points" in labelling(made).buys


def test_without_feedback_it_says_what_giving_some_would_buy() -> None:
    made = judged(pages.comparison(), feedback=False)
    words = Document(render_page(made, pages.verdict(made))).words
    assert "No page was judged yet." in words
    assert "Nobody has said yet of any page whether it was useful" in words
    assert "are expected to narrow it by" in words
    assert "What is known of usefulness so far" not in words


@pytest.mark.parametrize(
    ("pages_left", "said"),
    [(None, "The record holds no queue of pages"), (0, "Every page that could be asked about is judged")],
)
def test_without_a_queue_the_page_says_why(full: Comparison, pages_left: int | None, said: str) -> None:
    asked = None if pages_left is None else queue(full, n=0)
    made = full.model_copy(update={"review": asked})
    assert labelling(made).asked == ()
    head = render_page(made, pages.verdict(made)).split("<nav")[0] + "</header></body></html>"
    assert said in Document(head).words
    assert "The first" not in Document(head).words


def test_coverage_disagreement_delay_and_age_of_answers_stand_there(page: str) -> None:
    words = Document(page).words
    for said in (
        "212 on 188 pages by 2 reviewers; 3 on pages nobody sent are not used",
        "alpha 0.637, from 48 answers on 24 pages",
        "half within 1 h 30 min, nine in ten within 1 d 2 h",
        "half are older than 45 d, the newest is 2 d old",
        "2 stories with opposite verdicts",
        "−46.6 to +57.1 points (95 %)",
    ):
        assert said.replace(" min", "\xa0min") in words or said in words.replace("\xa0", " "), said
    assert page.count(">team</small>") == 3


def test_only_the_first_pages_to_label_stand_unfolded(page: str) -> None:
    section = page[page.index('id="labels"') : page.index('id="scores"')]
    unfolded, folded = section.split("The rest of the queue", 1)
    assert unfolded.count("<tr>") == FIRST + 1
    assert f"({20 - FIRST})" in folded[:10]
    assert "titleshot feedback add" in folded
    assert "titleshot feedback queue" in folded


def test_candidates_of_both_stand_in_one_cell_and_their_difference_has_an_interval(page: str) -> None:
    panel = candidates_of_both(FOUND, FOUND)
    assert panel is not None
    assert panel.cuts.rows[0].value == "69.0\xa0% · 69.0\xa0%"
    assert panel.cuts.rows[0].beside == ("2.2\xa0% · 2.2\xa0%",)
    section = page[page.index('id="candidates"') : page.index('id="detectors"')]
    assert "+2.0 to +18.0 points" in section
    assert "Champion · challenger" in section


def test_suspicions_are_told_by_how_sure_they_are_from_end_to_end(full: Comparison, page: str) -> None:
    ((role, rows), _) = abstention_of((full.champion, full.challenger), ("champion", "challenger"))
    assert role == "champion"
    assert len(rows) == 10
    assert rows[0] == ("0\xa0%", "100\xa0%", "50.0\xa0%")
    assert rows[-1] == ("100\xa0%", "20.0\xa0%", "90.0\xa0%")
    assert page.count("How right suspicions are, by how sure they are") == 2
    assert abstention_of((pages.comparison().champion,), ("contender",)) == []
    assert reliability_of((full.champion,), ("contender",)) == [
        ("contender", [("25.0\xa0%", "20.0\xa0%", "1,400"), ("85.0\xa0%", "60.0\xa0%", "30")])
    ]
    assert page.count("Is their confidence earned") == 2


def test_candidates_of_one_side_only_are_no_comparison_and_say_why() -> None:
    opaque = CorrelationScores(reason="a page history holds no events")
    panel = candidates_of_both(opaque, FOUND)
    assert panel is not None
    assert panel.reason == "champion: a page history holds no events"
    assert panel.cuts.rows == ()
    assert candidates_of_both(None, None) is None


def test_each_side_has_its_detectors_with_what_they_watch(page: str, full: Comparison) -> None:
    panels = detectors_of((full.champion, full.challenger), ("champion", "challenger"))
    assert [(panel.role, len(panel.detectors)) for panel in panels] == [("champion", 1), ("challenger", 1)]
    section = page[page.index('id="detectors"') :]
    assert section.count("rolling_z_score@3f2a&lt;b&gt;") >= 2
    assert "Watches latency_* of tier 1; alerted on latency_p99" in section
    assert "812 alerts, 790 scored" in section
    none = full.champion.model_copy(update={"detectors": None})
    assert detectors_of((none,), ("contender",)) == []
    silent = full.champion.model_copy(
        update={"detectors": DetectorScores(reason="it sent no alert"), "by_group": {}}
    )
    assert "Not scored by detector: it sent no alert." in Document(render_scorecard(silent)).words


def test_a_difference_that_turns_with_the_times_is_marked(full: Comparison, page: str) -> None:
    table = stretched_differences(full)
    assert table is not None
    assert table.columns == ("both half", "both double")
    (recall, false) = table.rows
    assert [turned for _, _, turned in recall.cells] == [False, True]
    assert [turned for _, _, turned in false.cells] == [False, False]
    assert "1 difference turns here" in Document(page).words
    section = page[page.index('id="sensitivity"') :]
    assert section.count('<span class="status lost">turns</span>') == 1


def test_stretched_scores_of_one_contender_and_why_there_are_none(full: Comparison) -> None:
    table = stretched_scores(full.champion)
    assert table is not None
    assert table.columns == ("early half", "early double")
    assert [(row.score, row.cells[0][0]) for row in table.rows] == [
        ("incident_recall", "80.0\xa0%"),
        ("page_precision", "–"),
    ]
    why = full.model_copy(update={"sensitivity": (), "sensitivity_reason": "both times are 0"})
    words = Document(render_page(why, pages.verdict(why))).words
    assert "nothing to try. Both times are 0." in words


def test_repeats_spread_keeps_every_incident_in_few_rows(full: Comparison) -> None:
    assert spread_of((full.champion,)) == [("0", (100,)), ("2", (31,)), ("40", (1,))]
    long = full.champion.model_copy(update={"duplicates_spread": tuple((n, 2) for n in range(50))})
    rows = spread_of((long, full.challenger))
    assert len(rows) == MOST_ROWS
    assert sum(one for _, (one, _) in rows) == 100
    assert sum(other for _, (_, other) in rows) == 132


def test_what_the_verdict_adds_stands_on_the_page(page: str) -> None:
    words = Document(page).words
    for said in (
        "40 incidents scored, the policy asks for 50",
        "Judged for the group checkout <on-call>",
        "By the tier for narrow groups accepts an error of 10 % instead of 5 %",
        "Next step of the rollout page 10 % of routes",
        "p99 latency ms 250 81.5 kept",
        "memory mb 512 – not measured",
    ):
        assert said in words, said


def test_an_invalid_verdict_lists_every_fault() -> None:
    made = pages.empty()
    faults = ("other labels", "planted <faults>")
    said = pages.verdict(made, "invalid").model_copy(update={"faults": faults})
    words = Document(render_page(made, said)).words
    assert "Why it is invalid other labels planted <faults>" in words


def test_assumptions_name_every_setting_the_numbers_rest_on(full: Comparison) -> None:
    told = assumptions(
        (full.champion, full.challenger), ("champion", "challenger"), full, page_everything.verdict(full)
    )
    words = " ".join(f"{one.topic} {one.here} {one.check}" for one in told).replace("\xa0", " ")
    settings = full.challenger.settings
    for said in (
        "Fri 8 May 2026",
        "declared complete",
        "human 10 min",
        "T = 10 min",
        "warm-up of 7 d",
        f"B = {settings.resamples:,} resamples, seed {settings.seed}",
        f"{settings.blocks} of them",
        "paired day-block bootstrap",
        "2 earlier looks",
        "95 %: False pages",
        "moved by whole weeks, on average over 15 moves",
        "the queue's random third was drawn with seed 7",
        "2,000 incidents",
        "maintenance of each service",
    ):
        assert said in words, said


def test_what_was_not_scored_is_counted_by_why(full: Comparison) -> None:
    rows = full.champion.incidents
    odd = (rows[0].model_copy(update={"outcome": "carried"}), *rows[1:])
    card = full.champion.model_copy(update={"incidents": odd})
    (told,) = (one for one in assumptions((card,), ("contender",)) if one.topic.startswith("What was not"))
    assert "contender: 1 incident with a page already open" in told.here
    (none,) = (
        one for one in assumptions((full.champion,), ("contender",)) if one.topic.startswith("What was not")
    )
    assert "contender: nothing besides" in none.here


@pytest.mark.slow
def test_fifty_thousand_pages_are_a_page_of_a_few_megabytes() -> None:
    storm = pages.Habit(recall=0.9, delay_s=100, false_per_day=1_230.0, duplicates=20.0)
    made = judged(pages.comparison(pages.TODAY, storm, days=40, incidents=80))
    assert len(made.challenger.pages) > 49_000
    page = render_page(made, pages.verdict(made), pages.decision(), pages.validation())
    assert len(page.encode()) < 3_000_000
