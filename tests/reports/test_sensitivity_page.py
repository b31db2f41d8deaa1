"""The page of planted faults: whole, safe, and readable on a phone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_page_in_browser import BROWSER, browse, measured

from titleshot.datasets.contracts.planted import PlantedMarker
from titleshot.datasets.contracts.sensitivity import ContenderSensitivity, FaultOutcome, SensitivityReport
from titleshot.reports.sensitivity import METHOD, NOTE, curves_of
from titleshot.reports.sensitivity_page import render_sensitivity

HOSTILE = '<script>alert("x")</script>\u202e' + "y" * 300


def outcomes(services: list[str], metrics: list[str], better: int) -> list[FaultOutcome]:
    made = []
    for number in range(6 * len(services) * len(metrics)):
        size = (2.0, 8.0, 32.0)[number % 3]
        kind = ("step", "no_data")[number // 3 % 2]
        found = kind == "step" and size * better > 8
        made.append(
            FaultOutcome(
                planted_id=f"planted-{number}",
                service=services[number // 6 % len(services)],
                metric_name=metrics[number // 6 // len(services)],
                kind=kind,
                size=size,
                unit="spread" if kind == "step" else "sample",
                start=number,
                end=number + 1,
                outcome="found" if found else "missed",
                delay_s=60.0 * number if found else None,
            )
        )
    return made


def a_report(
    services: list[str] | None = None,
    metrics: list[str] | None = None,
    contenders: tuple[str, ...] = ("one", "two"),
) -> SensitivityReport:
    made = []
    for number, name in enumerate(contenders, 1):
        of = outcomes(services or ["shop/cart", "shop/web"], metrics or ["latency", "errors"], number)
        made.append(
            ContenderSensitivity(
                contender=name,
                recipe_digest=f"{number}" * 64,
                artifact_digest=f"{number}" * 64,
                pages=20,
                pages_without=10,
                curves=tuple(curves_of(of, 0.95)),
                outcomes=tuple(of),
            )
        )
    marker = PlantedMarker(
        from_name="shop", from_digest="a" * 64, seed=7, plan_digest="b" * 64, margin_s=3600, spacing_s=86_400
    )
    return SensitivityReport(
        dataset="shop-planted-7",
        dataset_digest="c" * 64,
        planted=marker,
        faults=len(of),
        span_from=0,
        span_to=10**15,
        grace_s=900,
        confidence=0.95,
        method=METHOD,
        contenders=tuple(made),
        notes=(NOTE,),
    )


class Tags(HTMLParser):
    """Every element with its attributes, and whether what is opened is closed."""

    VOID = frozenset({"meta", "link", "line", "path", "rect", "use", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_says_what_it_is_and_that_it_is_no_evidence():
    page = render_sensitivity(a_report())
    assert "What one and two would notice in shop" in page
    assert "synthetic, no evidence for any promotion" in page
    assert "decide nothing" in page


def test_it_is_whole_and_asks_nothing_of_the_network():
    page = render_sensitivity(a_report())
    tags = Tags(page)
    assert tags.open == []
    assert not [value for _, attrs in tags.found for value in attrs.values() if value and "//" in value]
    assert [tag for tag, attrs in tags.found if "src" in attrs or tag == "iframe"] == []
    ids = [attrs["id"] for _, attrs in tags.found if "id" in attrs]
    links = [attrs["href"] for tag, attrs in tags.found if tag == "a"]
    assert all(link is not None and link.removeprefix("#") in ids for link in links)


def test_names_are_data():
    page = render_sensitivity(a_report([f"shop/{HOSTILE}"], [HOSTILE], (HOSTILE, "two")))
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert page.count("<script>") == 1


def test_every_share_stands_beside_its_n_in_words_for_who_cannot_see():
    page = render_sensitivity(a_report())
    assert "one found size 2: 0 of 4, size 8: 0 of 4, size 32: 4 of 4; two found size 2: 0 of 4" in page
    assert "one, size 32: 4 of 4 found, 0 masked" in page


def test_the_same_report_gives_the_same_bytes():
    assert render_sensitivity(a_report()) == render_sensitivity(a_report())


def test_contenders_of_one_name_are_told_apart_by_their_digest():
    page = render_sensitivity(a_report(contenders=("same", "same")))
    assert "same 1111111" in page
    assert "same 2222222" in page


def test_many_services_and_metrics_do_not_make_it_endless():
    services = [f"shop/service-{number}" for number in range(60)]
    page = render_sensitivity(a_report(services, [f"metric_{number}" for number in range(20)]))
    assert "8 more metrics: in the record (--json)." in page
    assert "24 more services: in the record (--json)." in page
    assert "more curves: in the record (--json)." in page
    assert len(page) < 2_000_000


def test_only_silence_planted_is_a_page_too():
    report = a_report()
    silent = [
        one.model_copy(
            update={"curves": tuple(curves_of([o for o in one.outcomes if o.unit == "sample"], 0.95))}
        )
        for one in report.contenders
    ]
    page = render_sensitivity(report.model_copy(update={"contenders": tuple(silent)}))
    assert "No kind that is sized in spreads was planted." in page


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here to look at the page with")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_browser_has_nothing_to_complain_of_and_nothing_is_too_wide(width: int, tmp_path: Path) -> None:
    page = render_sensitivity(
        a_report([f"shop/{HOSTILE}", "shop/web"], [HOSTILE, "latency"], (HOSTILE, "two"))
    )
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    document, console = browse(file, tmp_path / "profile")
    assert console == []
    assert "How big a fault must be" in document
    found = measured(re.sub(r"<details", "<details open", page), tmp_path, width=width)
    assert found["content"] <= width
    assert found["wide"] == []
