"""What remediation would have done, on the page: said, never markup, and stale labels noticed."""

from __future__ import annotations

import page_fixture as pages
from page_what_if import MARKUP, REPORT
from test_page_definitions import unexplained

from titleshot.reports.page import render_page, render_scorecard
from titleshot.reports.rendering.what_if import what_if_panel


def test_every_number_is_explained_and_no_name_is_markup() -> None:
    made = pages.comparison(days=14, incidents=20)
    page = render_page(made, pages.verdict(made), what_ifs=[REPORT])
    assert unexplained(page) == []
    assert "What remediation would have done" in page
    assert MARKUP not in page
    assert "<b>" not in page[page.index('id="what-if"') : page.index('id="validation"')]


def test_a_share_stands_with_interval_and_n_and_a_gap_with_its_reason() -> None:
    panel = what_if_panel(REPORT, "1" * 64)
    shown, blind = panel.rules[0], panel.rules[2]
    assert [row.value for row in shown.shares][:2] == ["50.0\xa0%", "33.3\xa0%"]
    assert all(row.interval != "–" and row.n.startswith("300") for row in shown.shares)
    assert {row.reason for row in blind.shares} == {"no labels were named"}
    assert blind.callers == "unknown: no labels were named"
    assert [row.guardrail for row in shown.guardrails] == [
        "reversible", "scoped", "root cause evidence", "rate limited", "human approval",
    ]  # fmt: skip


def test_other_labels_and_none_are_noticed() -> None:
    card = pages.comparison(days=14, incidents=20).challenger
    assert "run what-if again" in render_scorecard(card, what_ifs=[REPORT])
    assert not what_if_panel(REPORT, "1" * 64).stale
    unlabelled = REPORT.model_copy(update={"labels_digest": None})
    assert what_if_panel(unlabelled, "1" * 64).no_labels
    assert "with --labels" in render_scorecard(card, what_ifs=[unlabelled])


def test_without_rules_the_page_says_nothing_of_them() -> None:
    assert 'id="what-if"' not in render_scorecard(pages.comparison(days=14, incidents=20).challenger)
