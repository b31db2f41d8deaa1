"""What is said to have changed since the last report: what is different, and nothing that is not."""

from __future__ import annotations

from typing import Any

import page_fixture as pages
import pytest
from page_feedback import judged

from titleshot.datasets.contracts.comparisons import Comparison
from titleshot.datasets.contracts.instants import DAY
from titleshot.reports.page import render_page
from titleshot.reports.since_last import First, Judged, changes


@pytest.fixture(scope="module")
def last() -> Judged:
    made = pages.comparison(days=60, incidents=90)
    return Judged(made, pages.verdict(made, "not_enough_evidence"))


def later(of: Judged, made: Comparison, answer: str = "promote") -> Judged:
    said = pages.verdict(made, answer)  # type: ignore[arg-type]
    return Judged(made, said.model_copy(update={"judged_at": of.verdict.judged_at + 7 * DAY}))


def test_the_same_comparison_judged_again_changed_nothing(last: Judged) -> None:
    found = changes(last, later(last, last.comparison))
    assert (found.criteria, found.moved, found.lost, found.turned, found.new, found.gone) == (
        (),
        (),
        (),
        0,
        0,
        0,
    )
    assert not any((found.other_challenger, found.other_champion, found.labels_changed, found.data_changed))


@pytest.mark.parametrize(("beyond", "moves"), [(-1e-9, False), (1e-9, True)])
def test_a_score_moves_when_it_leaves_the_interval_it_had(last: Judged, beyond: float, moves: bool) -> None:
    pair = last.comparison.pair("incident_recall")
    assert pair.high is not None
    now = pair.model_copy(update={"difference": pair.high + beyond})
    others = tuple(now if one is pair else one for one in last.comparison.pairs)
    found = changes(last, later(last, last.comparison.model_copy(update={"pairs": others})))
    assert [one.name for one, _ in found.moved] == (["incident_recall"] if moves else [])


@pytest.mark.parametrize("update", [{"low": None, "high": None, "reason": "too few"}, {"difference": None}])
def test_what_had_no_interval_or_has_no_value_did_not_move(last: Judged, update: dict[str, Any]) -> None:
    pair = last.comparison.pair("incident_recall")
    others = tuple(one.model_copy(update=update) if one is pair else one for one in last.comparison.pairs)
    odd = Judged(last.comparison.model_copy(update={"pairs": others}), last.verdict)
    assert changes(odd, odd).moved == ()
    assert "incident_recall" not in {one.name for one, _ in changes(last, later(last, odd.comparison)).moved}


def test_incidents_are_new_gone_turned_and_newly_lost(last: Judged) -> None:
    rows = last.comparison.incidents
    won = next(one for one in rows if one.verdict == "won")
    kept = [one for one in rows if one is not won][:-2]
    turned = won.model_copy(update={"verdict": "lost"})
    fresh = won.model_copy(update={"incident_id": "fresh", "verdict": "lost"})
    now = last.comparison.model_copy(update={"incidents": (*kept, turned, fresh)})
    found = changes(last, later(last, now))
    assert (found.new, found.gone, found.turned) == (1, 2, 1)
    assert {(one.incident.incident_id, one.before) for one in found.lost} == {
        (won.incident_id, "won"),
        ("fresh", None),
    }


def test_other_contenders_labels_data_and_policies_are_named(last: Judged) -> None:
    challenger = last.comparison.challenger
    identity = challenger.identity.model_copy(update={"labels_digest": "2f" * 32, "contender": "other"})
    now = later(
        last,
        last.comparison.model_copy(
            update={"challenger": challenger.model_copy(update={"identity": identity})}
        ),
    )
    found = changes(last, now)
    assert found.labels_changed
    assert found.other_challenger
    assert not found.data_changed
    page = render_page(now.comparison, now.verdict, since=found)
    assert "another challenger and other labels" in page
    assert " (of another challenger): " in page


def test_the_first_line_says_it_and_leads_to_the_panel(last: Judged) -> None:
    now = later(last, judged(pages.comparison(days=120, incidents=240)))
    found = changes(last, now)
    assert found.criteria
    page = render_page(now.comparison, now.verdict, pages.decision(), since=found)
    head = page[: page.index('<section class="verdict')]
    assert "was Not enough evidence, now Promote" in head
    assert '<a href="#since">Since ' in head
    assert page.index('id="since"') < page.index('id="labels"')
    assert f"{len(found.moved)} score" in head


def test_without_an_earlier_report_it_says_so_and_unasked_it_says_nothing(last: Judged) -> None:
    first = render_page(last.comparison, last.verdict, since=First(unreadable=2))
    assert "No earlier report of this decision is kept here" in first
    assert "2 folders of evidence could not be read" in first
    assert 'id="since"' not in render_page(last.comparison, last.verdict)
