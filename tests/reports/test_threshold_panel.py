"""Curves against threshold on the page: drawn, told in numbers, explained, and an oracle where it is one."""

from __future__ import annotations

import re
from math import log
from pathlib import Path

import page_fixture as pages
import pytest
from test_page_definitions import Tree, unexplained
from test_page_in_browser import BROWSER, browse, measured

from titleshot.datasets.contracts.comparisons import PairedScore
from titleshot.datasets.contracts.scores import Score
from titleshot.datasets.contracts.thresholds import (
    RULES,
    ThresholdChoice,
    ThresholdCurve,
    ThresholdExchange,
    ThresholdPoint,
    ThresholdReport,
)
from titleshot.reports.page import render_page, render_scorecard
from titleshot.reports.rendering.threshold_panel import threshold_panel

HOSTILE = '<script>alert("x")</script>\u202e' + "y" * 300
FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)


def score(name: str, unit: str, value: float | None, n_of: str = "days") -> Score:
    spread = None if value is None else 0.1 * value
    return Score(
        name=name,
        unit=unit,
        value=value,
        n=60,
        n_of=n_of,
        low=None if value is None or spread is None else value - spread,
        high=None if value is None or spread is None else min(value + spread, 1 if unit == "ratio" else 1e9),
        reason="labels are not declared complete" if value is None else None,
    )


def curve(
    name: str, subject: str, *, tuned: bool, threshold: float | None, false: bool = True
) -> ThresholdCurve:
    points = []
    for factor in FACTORS:
        recall = 0.75 - 0.2 * log(factor)
        points.append(
            ThresholdPoint(
                factor=factor,
                threshold=None if threshold is None else threshold * factor,
                found=round(100 * recall),
                of=100,
                scores=(
                    score("incident_recall", "ratio", recall),
                    score("false_pages_per_week", "per_week", 8 / factor**3 if false else None),
                    *([] if false else [score("unmatched_pages_per_week", "per_week", 9 / factor**3)]),
                    score("mean_time_to_detect_s", "s", 700 + 60 * log(factor)),
                    score("alarming_precision", "ratio", 0.2),
                    score("pages_per_shift", "per_shift", 1 / factor),
                ),
            )
        )
    exchange = ThresholdExchange(
        factor=0.8,
        threshold=None if threshold is None else threshold * 0.8,
        found=5,
        of=100,
        words="from 5 to 4: 5 more incidents found (of 100), 7.63 more false pages a week, 13 s sooner",
        differences=(
            PairedScore(
                name="incident_recall",
                unit="ratio",
                difference=0.05,
                low=0.01,
                high=0.09,
                confidence=0.95,
                n=100,
                n_of="incidents",
            ),
        ),
    )
    choices = [
        ThresholdChoice(
            rule=rule,
            chosen_on="tuning" if tuned else "oracle",
            factor=factor,
            check=exchange if tuned and factor == 0.8 else None,
            check_reason=None if tuned else "no tuning span",
        )
        for rule, factor in zip(RULES, (0.8, 1.0), strict=False)
    ]
    choices.append(
        ThresholdChoice(
            rule="soonest_at_present_false_pages",
            chosen_on="tuning" if tuned else "oracle",
            reason="no threshold tried sends as few false pages as the present one",
        )
    )
    return ThresholdCurve(
        subject=subject,  # type: ignore[arg-type]
        name=name,
        watches=(name,) if subject == "detector" else (),
        series=60,
        threshold=threshold,
        unit=None if threshold is None else "deviations",
        points=tuple(points),
        exchanges=(exchange,),
        choices=tuple(choices),
    )


def a_report(*, tuned: bool = True, detector: str = "robust_mad@1", false: bool = True) -> ThresholdReport:
    card = pages.comparison().challenger
    return ThresholdReport(
        identity=card.identity,
        drawn_on="tuning" if tuned else "scored",
        settings=card.settings,
        checked=card.settings if tuned else None,
        curves=(
            curve("one", "contender", tuned=tuned, threshold=None, false=false),
            curve(detector, "detector", tuned=tuned, threshold=5.0, false=false),
            ThresholdCurve(
                subject="detector", name="no_data@1", series=60, reason="it has no threshold to move"
            ),
        ),
        samples=1000,
        notes=("of many thresholds tried the best looks better than it is",),
    )


def page_of(*reports: ThresholdReport) -> str:
    return render_scorecard(pages.comparison().challenger, thresholds=reports)


def section(page: str) -> str:
    found = re.search(r'<section aria-labelledby="thresholds">.*?</section>', page, re.S)
    assert found is not None
    return found[0]


def test_without_curves_there_is_no_section_and_no_way_to_it() -> None:
    assert "Other thresholds</h2>" not in page_of()
    assert 'href="#thresholds"' not in page_of()
    assert 'href="#thresholds"' in page_of(a_report())


def test_the_present_and_the_chosen_threshold_are_marked_where_they_lie() -> None:
    whole, alone, _ = threshold_panel(a_report(), "").curves
    for panel in (whole, alone):
        for drawing in panel.drawings:
            at = {dot.title.partition(":")[0]: dot.x for dot in drawing.dots}
            labels = ("×1", "×0.8") if panel.whole else ("5", "4")
            assert (drawing.present, drawing.chosen) == (at[labels[0]], at[labels[1]])
    recall = whole.drawings[0]
    assert [dot.y for dot in recall.dots] == sorted(dot.y for dot in recall.dots), "recall falls to the right"
    assert len(recall.bands) == 1


def test_every_point_stands_in_the_table_with_its_interval() -> None:
    alone = threshold_panel(a_report(), "").curves[1]

    assert [row[0] for row in alone.rows] == ["2.5", "4", "5", "6.25", "10"]
    label, factor, cells, found = alone.rows[2]
    assert (label, factor, found) == ("5", "1", "75 of 100")
    assert cells[0] == ("75.0\u00a0%", "67.5 to 82.5\u00a0%")
    assert cells[1] == ("8 a week", "7.2 to 8.8 a week")


def test_a_drawing_says_its_points_in_words() -> None:
    shown = section(page_of(a_report()))

    assert 'aria-label="at ×0.5 88.9\u00a0%; at ×0.8 ' in shown
    assert "<title>5: 75.0\u00a0% (67.5 to 82.5\u00a0%)</title>" in shown


def test_on_a_tuning_span_the_check_stands_beside_the_choice_and_nothing_is_called_oracle() -> None:
    shown = section(page_of(a_report()))

    assert "Chosen on the tuning span" in shown
    assert "from 5 to 4: 5 more incidents found (of 100)" in shown
    assert "oracle" not in shown.lower()


def test_without_a_tuning_span_every_choice_is_called_oracle() -> None:
    shown = section(page_of(a_report(tuned=False)))

    assert "every threshold chosen here is an oracle" in shown
    assert "Chosen on the tuning span" not in shown
    assert shown.count('<td data-label="Oracle">') == 6
    assert "none: an oracle" in shown


def test_where_false_pages_are_not_known_pages_without_a_label_are_drawn() -> None:
    panel = threshold_panel(a_report(false=False), "").curves[0]

    assert [drawing.score for drawing in panel.drawings] == [
        "incident_recall",
        "unmatched_pages_per_week",
        "mean_time_to_detect_s",
    ]


def test_a_detector_is_told_by_its_family_and_what_it_watches() -> None:
    shown = section(page_of(a_report()))

    assert "each alert a page: <bdi>robust_mad on robust_mad@1</bdi>" in shown
    assert "threshold 5 deviations; 60 series; robust_mad@1" in shown
    assert "<bdi>no_data on every series</bdi>" in shown


def test_a_detector_without_a_curve_says_why() -> None:
    assert "No curve: it has no threshold to move." in section(page_of(a_report()))


def test_curves_of_other_labels_are_said_to_be() -> None:
    card = pages.comparison().challenger
    assert threshold_panel(a_report(), card.identity.labels_digest).stale is None
    assert "run titleshot thresholds again" in str(threshold_panel(a_report(), "0" * 64).stale)


def test_every_number_leads_to_what_it_means_and_every_link_somewhere() -> None:
    page = page_of(a_report(), a_report(tuned=False))

    assert unexplained(page) == []
    elements = Tree(page).root.elements()
    ids = {one.attributes.get("id") for one in elements}
    links = {str(one.attributes["href"]) for one in elements if "href" in one.attributes}
    links = {link.removeprefix("#") for link in links if link.startswith("#")}
    assert links <= ids
    assert {"score-threshold_curve", "score-threshold_exchange", "score-threshold_choice"} <= links


def test_names_are_data() -> None:
    page = page_of(a_report(detector=HOSTILE))

    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_a_comparison_shows_both_sides() -> None:
    made = pages.comparison()
    page = render_page(made, pages.verdict(made), thresholds=[a_report(), a_report(tuned=False)])

    assert section(page).count("<h3>The whole contender</h3>") == 2


def test_the_same_curves_give_the_same_bytes() -> None:
    assert page_of(a_report()) == page_of(a_report())


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here to look at the page with")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_browser_has_nothing_to_complain_of_and_nothing_is_too_wide(width: int, tmp_path: Path) -> None:
    page = page_of(a_report(detector=HOSTILE), a_report(tuned=False))
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    document, console = browse(file, tmp_path / "profile")
    assert console == []
    assert "Other thresholds" in document
    found = measured(page, tmp_path, width=width)
    assert found["content"] <= width
    assert found["wide"] == []
