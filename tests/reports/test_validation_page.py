"""The page of ``validate``: it says what blocks first, escapes names from telemetry, and loads nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from titleshot.datasets.contracts.instants import DAY
from titleshot.datasets.contracts.validation import (
    MetricRange,
    Period,
    RuleResult,
    Threshold,
    ValidationReport,
)
from titleshot.datasets.dataset_card import DatasetCard, TableEntry
from titleshot.reports.rendering.day_strips import MOST_COLUMNS, day_strips
from titleshot.reports.validation_page import render_validation

START = 20_000 * DAY
HOSTILE = '<script>alert("x")</script>'
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def card(**changes: object) -> DatasetCard:
    given = {
        "name": "shop",
        "source": "prometheus http://metrics:9090",
        "created_at": START + 61 * DAY,
        "cadence_s": 300.0,
        "span_from": START,
        "span_to": START + 60 * DAY,
        "rows": 1_000_000,
        "series": 60,
        "digest": "5d" * 32,
        "tables": {"samples": TableEntry(rows=1_000_000, digest="ab" * 32)},
    }
    return DatasetCard.model_validate({**given, **changes})


def report(days: int = 60, **changes: object) -> ValidationReport:
    broken = {"severity": "warning", "passed": False, "detail": "is wrong; mend it"}
    given = {
        "passed": False,
        "dataset_digest": "5d" * 32,
        "labels_digest": "1f" * 32,
        "validated_at": START + 62 * DAY,
        "rules": (
            RuleResult(rule="gaps", table="profile", rows=113, examples=("a", "b", "c", "d"), **broken),
            RuleResult(rule="repeated", table="profile", severity="warning", passed=True),
            RuleResult(
                rule="label_twice", table="labels", rows=1, examples=(f"inc-1 {HOSTILE}",), **broken
            ),
            RuleResult(
                rule="unchanged",
                table="dataset",
                severity="error",
                passed=False,
                rows=1,
                detail="tables differ; restore them",
            ),
        ),
        "thresholds": (
            Threshold(rule="gaps", severity="warning", max_value=9, own=True),
            Threshold(rule="cadence", severity="warning", min_value=0.5, max_value=2),
        ),
        "ranges": (
            MetricRange(metric="*_ratio", low=0, high=1),
            MetricRange(metric=HOSTILE, low=0, own=True),
        ),
        "periods": tuple(
            Period(start=START + at * DAY, samples=0 if at == 7 else 288 * 60, series=0 if at == 7 else 60,
                   gaps=3 * (at == 8))
            for at in range(days)
        ),
        "quarantined": {"samples": {HOSTILE: 12, "bad_value": 400}},
        "decisions": (("times without zone: read as", "Europe/Berlin"), (f"files of {HOSTILE}", HOSTILE)),
    }  # fmt: skip
    return ValidationReport.model_validate({**given, **changes})


def test_what_blocks_is_said_first_and_every_rule_has_its_way_out() -> None:
    page = render_validation(report(), card())
    assert "No: 1 rule blocks" in page
    assert (
        page.index("What blocks") < page.index("<code>unchanged</code>") < page.index("Warnings on profile")
    )
    assert "Way out: restore them" in page
    assert "and 110 more" in page


def test_a_report_that_passed_says_so() -> None:
    passed = report(
        passed=True, rules=(RuleResult(rule="gaps", table="profile", severity="error", passed=True),)
    )
    page = render_validation(passed, card())
    assert "Yes: it may be replayed" in page
    assert "Every rule holds." in page
    assert "What blocks" not in page


def test_names_from_telemetry_are_data_and_nothing_is_loaded() -> None:
    page = render_validation(report(), card(name=f"shop {HOSTILE}", source=HOSTILE))
    assert HOSTILE not in page
    assert page.count("<script>") == 1
    assert "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:,)", page)
    assert "default-src &#39;none&#39;" in page


def test_thresholds_of_the_dataset_are_marked() -> None:
    page = render_validation(report(), card())
    rows = {
        row.split("</code>")[0]: row for row in re.findall(r"<tr><th scope=\"row\"><code>(.*?)</tr>", page)
    }
    assert "at most 9" in rows["gaps"]
    assert "dataset.yaml" in rows["gaps"]
    assert "0.5 to 2" in rows["cadence"]
    assert "as shipped" in rows["cadence"]


def test_a_report_of_an_older_version_or_of_other_data_says_so() -> None:
    old = report(periods=(), thresholds=(), ranges=(), quarantined={}, decisions=())
    page = render_validation(old, card(digest="77" * 32))
    assert "The report knows no days" in page
    assert "an older version wrote it" in page
    assert "speaks of other data" in page


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render_validation(report(), card()) == render_validation(report(), card())


def test_strips_keep_every_count_and_a_day_without_samples_is_a_hole() -> None:
    drawn = day_strips(report())
    assert drawn is not None
    assert [strip.name for strip in drawn.strips] == ["Samples", "Series", "Gaps"]
    samples = drawn.strips[0]
    assert len(samples.columns) == 59
    assert samples.total == "1,019,520"
    assert drawn.strips[1].total == "60"
    assert [column.title for column in drawn.strips[2].columns] == ["Sat 12 Oct 2024: 3 gaps"]
    assert drawn.clean == ("not finite", "out of range", "repeated", "out of order")


def test_many_days_share_columns() -> None:
    drawn = day_strips(report(days=1_000))
    assert drawn is not None
    assert drawn.each == "6 days"
    assert len(drawn.strips[0].columns) <= MOST_COLUMNS
    assert drawn.strips[0].total == f"{999 * 288 * 60:,}"


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here to look at the page with")
def test_nothing_is_wider_than_a_phone(tmp_path: Path) -> None:
    assert BROWSER is not None
    text = render_validation(report(), card(name="shop-" + "x" * 300))
    measure = (
        "for (const box of document.querySelectorAll('details')) box.open = true;"
        "document.title = document.documentElement.scrollWidth + ' of ' + innerWidth;"
        "parent.postMessage(document.title, '*');"
    )
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    (tmp_path / "page.html").write_text(
        policy.sub("", text) + f"<script>{measure}</script>", encoding="utf-8"
    )
    frame = (
        '<!DOCTYPE html><pre id="m"></pre><iframe src="page.html" width="360" height="900" style="border:0">'
        "</iframe><script>addEventListener('message', (e) => {"
        "document.getElementById('m').textContent = e.data; });</script>"
    )
    (tmp_path / "frame.html").write_text(frame, encoding="utf-8")
    done = subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=3000",
            "--dump-dom",
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = re.search(r'<pre id="m">(\d+) of (\d+)</pre>', done.stdout)
    assert found is not None
    assert int(found[1]) <= int(found[2]) == 360
